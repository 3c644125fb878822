"""Builds the image with Docker where its engine answers, otherwise with buildah.

python3 -m infra.image --tag customer-clusters
python3 -m infra.image --tag customer-clusters --push registry.example/customer-clusters:1
python3 -m infra.image --tag customer-clusters-otel --part otel
python3 -m infra.image --tag customer-clusters-train --part train
python3 -m infra.image --tag customer-clusters-spark --part spark --base EMR_SERVERLESS_SPARK

What is pushed is a Docker manifest (schema 2, no index): Lambda and Heroku both take that form,
and it alone. Only the standard library is used; a host needs Python and one of the two builders.
"""

import argparse
import ast
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).parents[1]
PLATFORM = "linux/amd64"
EPOCH = 315_532_800
"""1980: the date of every file, so that a layer is the same for every commit that left it alone."""
PARTS = ("serve", "otel", "train", "spark")
"""What an image may be for; what that depends on is in requirements/, in a file of that name."""
SIZES = "/usr/share/customer-clusters/sizes.txt"
BILL = "/usr/share/customer-clusters/sbom.cdx.json"
_INDEX = re.compile(
    r"^(?:global|install|:env:)\.(index-url|extra-index-url|trusted-host|proxy|timeout)=('.*')$",
    re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class Build:
    """What goes into a build: the same on every builder."""

    tag: str
    base: str | None
    labels: Mapping[str, str]
    """By name; not as build arguments, for buildah's cache takes a label of other ones for this."""
    secrets: Mapping[str, Path]
    part: str = "serve"
    platform: str = PLATFORM

    @property
    def options(self) -> list[str]:
        """The options that every builder takes."""
        options = ["--tag", self.tag]
        if self.part == "spark":
            options += ["--file", "Dockerfile.spark"]
        else:
            options += ["--file", "Dockerfile", "--build-arg", f"PART={self.part}"]
        if self.base:
            options += ["--build-arg", f"BASE_IMAGE={self.base}"]
        for name, value in self.labels.items():
            options += ["--label", f"org.opencontainers.image.{name}={value}"]
        for name, path in self.secrets.items():
            options += ["--secret", f"id={name},src={path}"]
        return options


def docker(build: Build, push: str | None, digest: Path | None = None) -> list[list[str]]:
    """Docker's commands; the second build pushes, and finds everything in the cache."""
    command = ["docker", "buildx", "build", "--platform", build.platform, "--provenance=false",
               "--sbom=false", "--build-arg", f"SOURCE_DATE_EPOCH={EPOCH}"]  # fmt: skip
    commands = [[*command, *build.options, "--load", "."]]
    if push is not None:
        form = "type=image,push=true,oci-mediatypes=false"
        told = ["--metadata-file", str(digest)] if digest else []
        commands += [[*command, *replace(build, tag=push).options, *told, "--output", form, "."]]
    return commands


def buildah(build: Build, push: str | None, digest: Path | None = None) -> list[list[str]]:
    """Buildah's commands; `--format docker` keeps the health check, which OCI has no room for."""
    command = ["buildah", "bud", "--platform", build.platform, "--format", "docker", "--layers",
               "--isolation", "chroot", "--network", "host", "--timestamp", str(EPOCH)]  # fmt: skip
    commands = [[*command, *build.options, "."]]
    if push is not None:
        target = push if push.startswith("dir:") else f"docker://{push}"
        told = ["--digestfile", str(digest)] if digest else []
        commands += [["buildah", "push", *told, "--format", "v2s2", build.tag, target]]
    return commands


def labels(root: Path) -> dict[str, str]:
    """Version, revision and date of a commit: two builds of it are labelled the same."""
    revision, seconds = _git(root, "log", "-1", "--format=%H %ct").split() or ("unknown", "0")
    changed = "-changed" if _git(root, "status", "--porcelain") else ""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return {
        "version": project["version"],
        "revision": revision + changed,
        "created": datetime.fromtimestamp(int(seconds), UTC).isoformat().replace("+00:00", "Z"),
    }


@contextmanager
def secrets(environment: Mapping[str, str]) -> Iterator[dict[str, Path]]:
    """This machine's package index and certificates as files, for the length of a build."""
    listed = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=False
    ).stdout
    paths = {}
    with tempfile.TemporaryDirectory() as folder:
        if index := pip_conf(listed):
            paths["pip"] = Path(folder) / "pip.conf"
            paths["pip"].touch(0o600)
            paths["pip"].write_text(index, encoding="utf-8")
        bundles = environment.get("PIP_CERT"), environment.get("SSL_CERT_FILE")
        for bundle in (*bundles, "/etc/ssl/certs/ca-certificates.crt"):
            if bundle and Path(bundle).is_file():
                paths["ca"] = Path(bundle)
                break
        yield paths


def pip_conf(listed: str) -> str:
    """A pip.conf with the package index of `pip config list`, without paths of this machine."""
    values = {}
    for name, quoted in _INDEX.findall(listed):  # the environment comes last and wins
        words = [word for word in str(ast.literal_eval(quoted)).split() if "file:" not in word]
        if words:
            values[name] = " ".join(words)
    lines = [f"{name} = {value}\n" for name, value in values.items()]
    return "".join(["[global]\n", *lines]) if lines else ""


def builder(name: str | None) -> str:
    """The builder that was asked for, or the one that is installed."""
    if name:
        return name
    if shutil.which("docker"):
        info = subprocess.run(["docker", "info"], capture_output=True, check=False)
        if info.returncode == 0:
            return "docker"
    if shutil.which("buildah"):
        return "buildah"
    raise SystemExit("an image needs Docker's engine, or buildah")


def facts(name: str, tag: str) -> Iterator[str]:
    """Identity and size of what was built, with the packages that make it large."""
    if name == "docker":
        form = "{{.Id}}  {{.Size}} bytes"
        yield _output("docker", "image", "inspect", "--format", form, tag).strip()
    else:
        form = "{{.ID}}  {{.Size}}"
        yield _output("buildah", "images", "--no-trunc", "--format", form, tag).strip()
    yield _inside(name, tag, SIZES)


def _inside(name: str, tag: str, path: str) -> str:
    """The text of a file in an image."""
    if name == "docker":
        return _output("docker", "run", "--rm", "--entrypoint", "cat", tag, path)
    container = _output("buildah", "from", "--pull-never", tag).strip()
    try:
        return (Path(_output("buildah", "mount", container).strip()) / path[1:]).read_text()
    finally:
        _output("buildah", "rm", container)


@dataclass(frozen=True, slots=True)
class Images:
    """Builds images for a release, with one builder over one base."""

    builder: str
    base: str | None = None

    @classmethod
    def here(cls, base: str | None = None) -> "Images":
        """With the builder of this machine."""
        return cls(builder(None), base)

    def build(self, tag: str, part: str, push: str | None) -> str:
        """Build an image and push it; its digest, and where nothing is pushed its identity."""
        with secrets(os.environ) as paths, tempfile.TemporaryDirectory() as folder:
            build = Build(tag, self.base, labels(ROOT), paths, part)
            told = Path(folder) / "digest"
            commands = docker if self.builder == "docker" else buildah
            for command in commands(build, push, told):
                subprocess.run(command, cwd=ROOT, check=True)
            if push is None:
                return next(facts(self.builder, tag)).split()[0]
            text = told.read_text(encoding="utf-8")
            if self.builder == "docker":
                return str(json.loads(text)["containerimage.digest"])
            return text.strip()

    def bill_of_materials(self, tag: str) -> str:
        """What is inside an image, as it says itself."""
        return _inside(self.builder, tag, BILL)


def main(given: Sequence[str] | None = None) -> None:
    """Build the image that the arguments name, and print what it is."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--tag", default="customer-clusters")
    parser.add_argument("--part", choices=PARTS, default="serve")
    parser.add_argument("--base", help="the base image, instead of the Dockerfile's")
    parser.add_argument(
        "--push", metavar="IMAGE", help="where to; dir:FOLDER writes it to a folder"
    )
    parser.add_argument("--platform", default=PLATFORM, help="such as linux/arm64")
    parser.add_argument("--builder", choices=["docker", "buildah"])
    chosen = parser.parse_args(given)
    if chosen.part == "spark" and not chosen.base:
        parser.error("--part spark needs --base: EMR Serverless' image of serverless.yml's release")
    name = builder(chosen.builder)
    with secrets(os.environ) as paths:
        build = Build(chosen.tag, chosen.base, labels(ROOT), paths, chosen.part, chosen.platform)
        for command in (docker if name == "docker" else buildah)(build, chosen.push):
            subprocess.run(command, cwd=ROOT, check=True)
    print(*facts(name, chosen.tag), sep="\n")


def _git(root: Path, *command: str) -> str:
    ran = subprocess.run(["git", *command], cwd=root, capture_output=True, text=True, check=False)
    return ran.stdout


def _output(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


if __name__ == "__main__":
    main()
