"""Makes a release: checks, images with their digests and bills of materials, templates, a tag.

python3 -m infra.release --registry registry.example/team
python3 -m infra.release                            # nothing is pushed: a rehearsal, without a tag

What it writes lies in dist/release-VERSION: `release.json` with version, commit and both digests,
`sbom-serve.cdx.json` and `sbom-train.cdx.json`, for each stage the CloudFormation template with
these digests in it, `cloudformation.json`, the one for accounts without Node, and `SHA256SUMS` of
all. `make deploy` takes the digests; those of an older release roll back.
"""

import argparse
import hashlib
import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.image import ROOT, Images

PARTS = {"serve": "customer-clusters", "train": "customer-clusters-train"}
"""Part → what its image is called."""
STAGES = ("dev", "prod")
SUMS = "SHA256SUMS"
Run = Callable[[Sequence[str]], None]


class NotReleased(SystemExit):
    """Raised when a tree cannot be released as it is; says what to do."""


@dataclass(frozen=True, slots=True)
class Release:
    """One version of the tree that lies in a folder."""

    root: Path
    version: str

    @classmethod
    def of(cls, root: Path) -> "Release":
        """The release that a tree would be."""
        text = (root / "pyproject.toml").read_text(encoding="utf-8")
        return cls(root, tomllib.loads(text)["project"]["version"])

    @property
    def tag(self) -> str:
        """What git calls it."""
        return f"v{self.version}"

    @property
    def folder(self) -> Path:
        """Where its files lie."""
        return self.root / "dist" / f"release-{self.version}"

    def refuse(self) -> None:
        """Refuse a tree that differs from its commit, was released before, or has no changes told.

        Raises:
            NotReleased: It is such a tree.
        """
        if self._git("status", "--porcelain"):
            raise NotReleased("the tree differs from its commit; commit or undo that first")
        if self._git("tag", "--list", self.tag):
            where = "pyproject.toml and pipeline/release.py"
            raise NotReleased(f"{self.tag} is released already; give {where} the next version")
        changes = (self.root / "CHANGELOG.md").read_text(encoding="utf-8")
        if not re.search(rf"^## \[{re.escape(self.version)}\] - \d{{4}}-\d\d-\d\d$", changes, re.M):
            heading = f"## [{self.version}] - YYYY-MM-DD"
            raise NotReleased(
                f"CHANGELOG.md has no heading {heading!r}; give it what is unreleased"
            )

    def facts(self, images: dict[str, str]) -> dict[str, Any]:
        """What release.json says."""
        revision = self._git("rev-parse", "HEAD")
        return {"version": self.version, "revision": revision, "images": images}

    def mark(self) -> None:
        """Tag the commit."""
        self._git("tag", "--annotate", self.tag, "--message", f"Release {self.version}")

    def _git(self, *command: str) -> str:
        ran = subprocess.run(
            ["git", *command], cwd=self.root, capture_output=True, text=True, check=True
        )
        return ran.stdout.strip()


def make(release: Release, images: Images, registry: str | None, run: Run) -> Path:
    """Check a tree, build and push its images, write what belongs to them, and tag it.

    Args:
        release: What is released.
        images: What builds.
        registry: Where images go; None: they stay here, and no tag is set.
        run: What runs a command, and fails where it fails.

    Returns:
        The folder.
    """
    release.refuse()
    for verb in ("check", "test"):
        run(["make", verb])
    release.folder.mkdir(parents=True, exist_ok=True)
    digests = {}
    for part, name in PARTS.items():
        tag = f"{name}:{release.version}"
        digest = images.build(tag, part, f"{registry}/{tag}" if registry else None)
        digests[part] = f"{registry}/{name}@{digest}" if registry else digest
        bill = images.bill_of_materials(tag)
        (release.folder / f"sbom-{part}.cdx.json").write_text(bill, encoding="utf-8")
    facts = json.dumps(release.facts(digests), indent=2) + "\n"
    (release.folder / "release.json").write_text(facts, encoding="utf-8")
    if registry:
        for stage in STAGES:
            told = [f"image={digests['serve']}", f"trainImage={digests['train']}"]
            told += [f"release={release.version}"]
            options = [word for parameter in told for word in ("--param", parameter)]
            package = str(release.folder / stage)
            run(["npx", "osls", "package", "--stage", stage, "--package", package, *options])
        plain = ["--out", str(release.folder / "cloudformation.json"), "--release", release.version]
        plain += ["--image", digests["serve"], "--train-image", digests["train"]]
        run([sys.executable, "-m", "infra.cloudformation", *plain])
    (release.folder / SUMS).write_text(sums(release.folder), encoding="utf-8")
    if registry:
        release.mark()
    return release.folder


def sums(folder: Path) -> str:
    """What `sha256sum --check` reads in a folder: a line for each file below it."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != SUMS)
    return "".join(
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(folder).as_posix()}\n"
        for path in files
    )


def main(given: Sequence[str] | None = None) -> None:
    """Make the release of this tree."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--registry", help="where the images go; without it nothing is pushed")
    parser.add_argument("--base", help="the base image, instead of the Dockerfile's")
    chosen = parser.parse_args(given)
    release = Release.of(ROOT)

    def run(command: Sequence[str]) -> None:
        subprocess.run(command, cwd=ROOT, check=True)

    folder = make(release, Images.here(chosen.base), chosen.registry, run)
    print(f"{folder}: {release.tag}{'' if chosen.registry else ', not pushed and not tagged'}")
    if chosen.registry:
        print(f"now: git push origin {release.tag}")


if __name__ == "__main__":
    main()
