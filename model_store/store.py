"""Versions and aliases of artifacts.

versions/<version>/manifest.json   written last: a version without it does not exist
versions/<version>/<files>
aliases/<name>.json                {"version": ...}: the only thing that ever changes
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from model_store.errors import NotFound, WrongArtifact
from model_store.manifest import FileRecord, Manifest, content_digest
from model_store.version import Version

CHAMPION = "champion"
CANDIDATE = "candidate"
_ALIAS = re.compile(r"[a-z][a-z0-9-]{0,39}")


class Files(Protocol):
    """The storage under a store; `folder.FolderFiles` is one."""

    def read(self, name: str) -> bytes: ...
    def list(self, folder: str) -> list[str]: ...
    def create(self, name: str, content: bytes) -> None: ...
    def replace(self, name: str, content: bytes) -> None: ...


@dataclass(frozen=True, slots=True)
class Artifact:
    """One published version; its files are read on demand and checked against the manifest."""

    manifest: Manifest
    storage: Files

    @property
    def version(self) -> str:
        return str(self.manifest.version)

    def read(self, name: str) -> bytes:
        """A file's bytes; WrongArtifact unless they are the ones that were published."""
        record = self.manifest.files.get(name)
        if record is None:
            raise NotFound(f"file {name}", f"artifact {self.version}", tuple(self.manifest.files))
        try:
            content = self.storage.read(f"versions/{self.version}/{name}")
        except NotFound as error:
            raise self._damaged(f"{name} is missing") from error
        if FileRecord.of(content) != record:
            raise self._damaged(f"{name} is not the file that was published (sha256 differs)")
        return content

    def verify(self) -> None:
        """Read every file; WrongArtifact when one is missing or differs."""
        for name in self.manifest.files:
            self.read(name)

    def _damaged(self, problem: str) -> WrongArtifact:
        return WrongArtifact(self.version, problem, "publish it again or use another version")


class Store:
    """Artifacts in some storage, found by version or alias."""

    def __init__(self, files: Files) -> None:
        self._files = files

    def __str__(self) -> str:
        return str(self._files)

    def publish(
        self, contents: Mapping[str, bytes], facts: Mapping[str, Any], now: datetime | None = None
    ) -> Artifact:
        """Store files as a new version, the manifest last.

        Publishing the very same files again gives back the version that has them.
        """
        records = {name: FileRecord.of(content) for name, content in contents.items()}
        version = Version.of(content_digest(records), now or datetime.now(UTC))
        for known in reversed(self.versions()):
            if known.content == version.content:
                artifact = self.open(str(known))
                if artifact.manifest.files == records:
                    return artifact
        manifest = Manifest(version, records, facts)
        Manifest.from_json(manifest.to_json(), str(version))  # refuse what could not be read back
        for name, content in contents.items():
            self._files.create(f"versions/{version}/{name}", content)
        self._files.create(f"versions/{version}/manifest.json", manifest.to_json())
        return Artifact(manifest, self._files)

    def versions(self) -> list[Version]:
        """All published versions, oldest first."""
        found = []
        for name in self._files.list("versions"):
            try:
                version = Version.from_string(name)
            except ValueError:
                continue
            if "manifest.json" in self._files.list(f"versions/{name}"):
                found.append(version)
        return sorted(found)

    def aliases(self) -> dict[str, str]:
        """Alias name → version id."""
        names = [name.removesuffix(".json") for name in self._files.list("aliases")]
        return {name: self._aliased(name) for name in names if _ALIAS.fullmatch(name)}

    def point(self, alias: str, version: str) -> None:
        """Make an alias name a published version."""
        self.check_alias(alias)
        artifact = self.open(version)
        content = json.dumps({"version": artifact.version}, indent=2) + "\n"
        self._files.replace(f"aliases/{alias}.json", content.encode())

    def check_alias(self, alias: str) -> None:
        """NotFound when a text cannot be the name of an alias."""
        if not _ALIAS.fullmatch(alias):
            raise NotFound(f"alias {alias!r} (lower-case letters, digits and '-')", str(self))

    def resolve(self, reference: str) -> str:
        """The version id that an alias or a version id means; NotFound when it means none."""
        aliases = self.aliases()
        if reference in aliases:
            return aliases[reference]
        known = tuple(str(version) for version in self.versions())
        if reference not in known:
            raise NotFound(f"model {reference!r}", f"store {self}", (*aliases, *known))
        return reference

    def open(self, reference: str) -> Artifact:
        """The artifact that an alias or a version id means."""
        version = self.resolve(reference)
        try:
            content = self._files.read(f"versions/{version}/manifest.json")
        except NotFound as error:
            problem = f"it is not there, though {reference!r} means it"
            raise WrongArtifact(version, problem, "point the alias at another version") from error
        return Artifact(Manifest.from_json(content, version), self._files)

    def _aliased(self, name: str) -> str:
        content = self._files.read(f"aliases/{name}.json")
        try:
            return str(Version.from_string(json.loads(content)["version"]))
        except (ValueError, KeyError, TypeError) as error:
            raise WrongArtifact(
                f"alias {name!r}", f"aliases/{name}.json is damaged", "point it at a version again"
            ) from error
