"""A release: what stops it, and what it leaves."""

import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from infra.image import Images, buildah, docker
from infra.release import NotReleased, Release, make
from tests.infra.test_building import BUILD, follows

CHANGES = "# Changelog\n\n## [Unreleased]\n\n## [1.2.0] - 2026-11-27\n\n- Something\n"


@dataclass(frozen=True)
class Builder(Images):
    """In place of a builder."""

    builder: str = "none"
    built: list[tuple[str, str, str | None]] = field(default_factory=list)

    def build(self, tag: str, part: str, push: str | None) -> str:
        self.built.append((tag, part, push))
        return f"sha256:{part}"

    def bill_of_materials(self, tag: str) -> str:
        return json.dumps({"of": tag})


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A small tree that may be released."""
    (tmp_path / "pyproject.toml").write_text('[project]\nversion = "1.2.0"\n')
    (tmp_path / "CHANGELOG.md").write_text(CHANGES)
    (tmp_path / ".gitignore").write_text("dist/\n")
    git(tmp_path, "init", "--quiet")
    commit(tmp_path)
    return tmp_path


def git(tree: Path, *command: str) -> str:
    who = ("-c", "user.name=a", "-c", "user.email=a@example.com")
    return subprocess.check_output(["git", *who, *command], cwd=tree, text=True).strip()


def commit(tree: Path) -> None:
    git(tree, "config", "user.name", "a")
    git(tree, "config", "user.email", "a@example.com")
    git(tree, "add", "--all")
    git(tree, "commit", "--quiet", "--message", "x")


def released(tree: Path, registry: str | None, builder: Builder) -> list[list[str]]:
    ran: list[list[str]] = []

    def run(command: Sequence[str]) -> None:
        ran.append(list(command))
        if "infra.cloudformation" in command:
            Path(command[command.index("--out") + 1]).write_text("{}")

    make(Release.of(tree), builder, registry, run)
    return ran


def test_a_release_leaves_digests_bills_templates_and_a_tag(tree: Path) -> None:
    builder = Builder()
    ran = released(tree, "registry.example/team", builder)
    assert [command[:2] for command in ran[:2]] == [["make", "check"], ["make", "test"]]
    assert [command[4] for command in ran[2:4]] == ["dev", "prod"]
    serve = "registry.example/team/customer-clusters@sha256:serve"
    assert all(f"image={serve}" in command for command in ran[2:4])
    assert follows(ran[4], "--image", serve) and follows(ran[4], "--release", "1.2.0")
    assert builder.built[0] == (
        "customer-clusters:1.2.0", "serve", "registry.example/team/customer-clusters:1.2.0"
    )  # fmt: skip
    folder = tree / "dist/release-1.2.0"
    told = json.loads((folder / "release.json").read_text())
    assert (told["version"], told["images"]["serve"]) == ("1.2.0", serve)
    assert told["revision"] == git(tree, "rev-parse", "HEAD") == git(tree, "rev-parse", "v1.2.0^{}")
    assert json.loads((folder / "sbom-train.cdx.json").read_text()) == {
        "of": "customer-clusters-train:1.2.0"
    }
    checked = subprocess.check_output(["sha256sum", "--check", "SHA256SUMS"], cwd=folder, text=True)
    assert {line.partition(":")[0] for line in checked.splitlines()} == {
        "cloudformation.json", "release.json", "sbom-serve.cdx.json", "sbom-train.cdx.json"
    }  # fmt: skip


def test_without_a_registry_it_is_a_rehearsal(tree: Path) -> None:
    builder = Builder()
    assert len(released(tree, None, builder)) == 2
    assert {push for _, _, push in builder.built} == {None}
    assert not git(tree, "tag", "--list")


def test_what_may_not_be_released_is_told_before_anything_runs(tree: Path) -> None:
    builder = Builder()
    (tree / "more.txt").write_text("x")
    with pytest.raises(NotReleased, match="differs from its commit"):
        released(tree, "r", builder)
    (tree / "CHANGELOG.md").write_text("## [Unreleased]\n- Something\n")
    commit(tree)
    with pytest.raises(NotReleased, match=r"no heading '## \[1.2.0\] - YYYY-MM-DD'"):
        released(tree, "r", builder)
    (tree / "CHANGELOG.md").write_text(CHANGES)
    commit(tree)
    git(tree, "tag", "v1.2.0")
    with pytest.raises(NotReleased, match=r"v1.2.0 is released already"):
        released(tree, "r", builder)
    assert not builder.built


def test_builders_say_the_digest_of_what_they_push(tmp_path: Path) -> None:
    told = tmp_path / "digest"
    assert follows(buildah(BUILD, "registry.example/a:1", told)[-1], "--digestfile", str(told))
    assert follows(docker(BUILD, "registry.example/a:1", told)[-1], "--metadata-file", str(told))
