"""Starts and stops what compose.yml describes, with Docker or with Podman.

python3 -m infra.compose up
python3 -m infra.compose down
python3 -m infra.compose down --delete-data

Only the standard library is used.
"""

import argparse
import os
import secrets
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from infra import image

ROOT = Path(__file__).parents[2]
VARIABLE = "STORAGE_SECRET"
"""Holds the key of the S3 server."""
ENGINES = (("docker", "compose"), ("podman", "compose"), ("podman-compose",))
"""What runs a compose file, the first that is there."""
READY = {
    "API and pages": ("http://localhost:8000/", "health/ready"),
    "bucket (S3)": ("http://localhost:8333/", "healthz"),
    "Prometheus": ("http://localhost:9090/", "-/ready"),
}
"""What → its address, and what answers there once it is ready."""
LONGEST_SECONDS = 180.0


class NotStarted(Exception):
    """Raised with a line for people when nothing can be started."""


def main(given: Sequence[str] | None = None) -> None:
    """Do what the arguments say; what went wrong is one line and exit code 2."""
    parser = argparse.ArgumentParser(prog="infra.compose", description="Start or stop compose.yml")
    parser.add_argument("verb", choices=["up", "down"])
    parser.add_argument("--delete-data", action="store_true", help="the buckets and figures too")
    chosen = parser.parse_args(given)
    try:
        compose = engine()
        if chosen.verb == "up":
            up(compose, ROOT, os.environ)
        else:
            down(compose, ROOT, os.environ, delete_data=chosen.delete_data)
    except NotStarted as error:
        sys.exit(f"Error: {error}")
    except subprocess.CalledProcessError as error:
        sys.exit(f"Error: {' '.join(map(str, error.cmd))} ended with {error.returncode}")


def engine(which: Callable[[str], str | None] = shutil.which) -> tuple[str, ...]:
    """What runs a compose file here; NotStarted where nothing does."""
    for command in ENGINES:
        if which(command[0]) and _works(*command, "version"):
            return command
    names = ", ".join(" ".join(command) for command in ENGINES)
    raise NotStarted(f"nothing here runs compose.yml; install one of {names}")


def up(compose: Sequence[str], root: Path, environment: Mapping[str, str]) -> None:
    """Build the image if there is none, start everything, and say where it answers."""
    write_secret(root / ".env", environment)
    name = environment.get("IMAGE") or _written(root / ".env").get("IMAGE") or "customer-clusters"
    if not _works(compose[0].removesuffix("-compose"), "image", "inspect", name):
        print(f"there is no image {name} yet: it is built")
        image.main(["--tag", name])
    subprocess.run([*compose, "up", "--detach"], cwd=root, check=True)
    for what, (address, _) in wait_until_ready().items():
        print(f"{what:<14} {address}")
    print("drop a file    http://localhost:8000/files")


def down(
    compose: Sequence[str], root: Path, environment: Mapping[str, str], *, delete_data: bool
) -> None:
    """Stop everything; what was stored stays, unless it is to be deleted."""
    write_secret(root / ".env", environment)  # without it the file cannot be read
    volumes = ["--volumes"] if delete_data else []
    subprocess.run([*compose, "down", *volumes], cwd=root, check=True)


def write_secret(path: Path, environment: Mapping[str, str]) -> None:
    """Invent the key of the S3 server, once, for this machine alone."""
    if environment.get(VARIABLE) or _written(path).get(VARIABLE):
        return
    text = path.read_text() if path.exists() else ""
    new = f"{text.rstrip()}\n{VARIABLE}={secrets.token_hex(32)}\n".lstrip()
    path.touch(mode=0o600)
    path.write_text(new)
    print(f"wrote a new {VARIABLE} into {path.name}")


def wait_until_ready(
    seconds: float = LONGEST_SECONDS, ready: Mapping[str, tuple[str, str]] = READY
) -> Mapping[str, tuple[str, str]]:
    """Wait until everything answers; NotStarted names what does not in time."""
    deadline = time.monotonic() + seconds
    left = dict(ready)
    while left:
        left = {what: (at, name) for what, (at, name) in left.items() if not _answers(at + name)}
        if left and time.monotonic() > deadline:
            raise NotStarted(f"{', '.join(left)}: no answer within {seconds:g} s; see its log")
        time.sleep(0.5 if left else 0)
    return ready


def _written(path: Path) -> dict[str, str]:
    """The variables of a file with one a line."""
    lines = path.read_text().splitlines() if path.exists() else []
    pairs = (line.partition("=") for line in lines if not line.startswith("#"))
    return {name.strip(): value.strip() for name, _, value in pairs}


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=3):
            return True
    except (urllib.error.URLError, OSError):
        return False


def _works(*command: str) -> bool:
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


if __name__ == "__main__":
    main()
