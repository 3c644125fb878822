"""The manifest: what an artifact's files are, and the facts their maker states about them.

Add a key freely: readers keep keys that they do not know. Raise FORMAT only when an older reader
would go wrong with a new artifact; it will then refuse it and ask for an upgrade. Whoever raises it
says below what changed, and puts an artifact of the format before among the data of the tests:
every format that was ever published must load for ever, and answer as it did.

1  The first.
2  model.json may state a second limit for outliers (`outlier_residual`). A reader of format 1 would
   not know of it, and call a customer typical that is none.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Self

from model_store.errors import MALFORMED, WrongArtifact
from model_store.version import Version

FORMAT = 2
_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*(\.[A-Za-z0-9]+)+")
_OWN_KEYS = ("format", "version", "created", "files")


class FileRecord(NamedTuple):
    """Size in bytes and sha256 of one file, as it was when it was published."""

    sha256: str
    size: int

    @classmethod
    def of(cls, content: bytes) -> Self:
        """The record of some content."""
        return cls(hashlib.sha256(content).hexdigest(), len(content))


@dataclass(frozen=True, slots=True)
class Manifest:
    """One artifact's identity, files and facts (metrics, training data, library versions)."""

    version: Version
    files: Mapping[str, FileRecord]
    facts: Mapping[str, Any] = field(default_factory=dict)
    format: int = FORMAT

    def to_dict(self) -> dict[str, Any]:
        """The manifest as JSON can hold it; facts stand beside its own keys."""
        return {
            "format": self.format,
            "version": str(self.version),
            "created": self.version.published.isoformat(),
            "files": {
                name: {"sha256": record.sha256, "bytes": record.size}
                for name, record in sorted(self.files.items())
            },
            **self.facts,
        }

    def to_json(self) -> bytes:
        """The content of manifest.json."""
        return (json.dumps(self.to_dict(), indent=2, allow_nan=False) + "\n").encode()

    @classmethod
    def from_json(cls, content: bytes, artifact: str) -> Self:
        """Read a manifest.

        Args:
            content: What `to_json` made.
            artifact: The version that it must belong to.

        Raises:
            WrongArtifact: It is damaged, belongs to another version, or has a newer format.
        """
        try:
            document = json.loads(content)
            written_format = int(document["format"])
        except MALFORMED as error:
            raise _damaged(artifact, "manifest.json is not a manifest") from error
        if written_format > FORMAT:
            raise WrongArtifact(
                artifact,
                f"it has format {written_format} and this release reads up to format {FORMAT}",
                "install a newer release of customer-clusters, or use an older version",
            )
        try:
            files = {
                _checked_name(name): FileRecord(str(record["sha256"]), int(record["bytes"]))
                for name, record in document["files"].items()
            }
            version = Version.from_string(document["version"])
        except MALFORMED as error:
            raise _damaged(artifact, f"manifest.json is incomplete ({error})") from error
        if str(version) != artifact:
            raise _damaged(artifact, f"manifest.json belongs to version {version}")
        facts = {key: value for key, value in document.items() if key not in _OWN_KEYS}
        return cls(version, files, facts, written_format)


def content_digest(files: Mapping[str, FileRecord]) -> str:
    """The sha256 over the names and digests of all files, in the order of their names."""
    lines = "".join(f"{record.sha256}  {name}\n" for name, record in sorted(files.items()))
    return hashlib.sha256(lines.encode()).hexdigest()


def _checked_name(name: str) -> str:
    if not _FILE_NAME.fullmatch(name):
        raise ValueError(f"{name!r} is not a plain file name")
    return name


def _damaged(artifact: str, problem: str) -> WrongArtifact:
    return WrongArtifact(artifact, problem, "publish it again or use another version")
