"""The object that is to be scored: which one it is, and its bytes in a local file."""

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from model_store import CustomerClustersError, Denied, NotFound, S3Address, WrongArtifact
from model_store.storage.s3_errors import translate_errors
from pipeline.errors import WrongFile
from pipeline.reading.listing import Entry, Tell, inputs_among

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_CHUNK = 8 << 20
_LONGEST_NAME = 600
"""Bytes of a name, so that a key with the run's id and the file's fits in the 1,024 of S3."""
_UNSAFE = re.compile(r"[\x00-\x1f\x7f\\]")


class Skipped(CustomerClustersError):
    """Raised when there is nothing to score: the object is empty, or was replaced, which another
    event tells."""

    code = "empty"


class Unscorable(CustomerClustersError):
    """Raised when an input can never be scored; trying again would end the same.

    `problem` says the same as `reason` without the address of the input, where that is possible.
    """

    def __init__(
        self, code: str, reason: str, identity: str | None = None, problem: str | None = None
    ) -> None:
        self.code, self.reason, self.identity, self.problem = code, reason, identity, problem
        super().__init__(reason)

    @classmethod
    def because(cls, error: WrongFile | WrongArtifact, identity: str | None = None) -> Self:
        """The end of a run whose input, or whose model, cannot be used."""
        problem = error.problem if isinstance(error, WrongFile) else None
        return cls(error.code, str(error), identity, problem)


@dataclass(frozen=True, slots=True)
class Source:
    """An object in S3, and what an event or a listing knows of it."""

    bucket: str
    key: str
    name: str
    """What the results are named after: the key below the input's prefix."""
    version: str | None = None
    etag: str | None = None
    size: int | None = None

    @property
    def address(self) -> str:
        return f"{S3Address.SCHEME}{self.bucket}/{self.key}"

    @property
    def identity(self) -> str | None:
        """As far as it is known without reading the object."""
        if self.version is None and (self.etag is None or self.size is None):
            return None
        return _identity(self.address, self.version, self.etag, self.size)


@dataclass(frozen=True, slots=True)
class Found:
    """An object that is being read."""

    source: Source
    identity: str
    size: int
    chunks: Iterable[bytes]
    etag: str
    version: str | None

    def save(self, path: Path, most_bytes: float, beat: Callable[[], None]) -> None:
        """Write the object to a local file; `beat` is called after every chunk."""
        if self.size > most_bytes:
            problem = f"has {self.size:,} bytes; at most {most_bytes:,} may be"
            reason = f"{self.source.address} {problem}"
            raise Unscorable("too_large", reason, self.identity, problem)
        with path.open("wb") as file, translate_errors("read", self.source.key, self.source.bucket):
            for chunk in self.chunks:
                file.write(chunk)
                beat()


@contextmanager
def found(client: "S3Client", source: Source) -> Iterator[Found]:
    """Open an object: one answer of S3 says which one it is, and holds its bytes.

    Unscorable when it is gone or may not be read, Skipped when it is empty or a newer one.
    """
    version: dict[str, Any] = {"VersionId": source.version} if source.version else {}
    try:
        with translate_errors("read", source.key, f"{S3Address.SCHEME}{source.bucket}"):
            answer = client.get_object(Bucket=source.bucket, Key=source.key, **version)
    except NotFound as error:
        reason = f"{source.address} is gone"
        raise Unscorable("gone", reason, source.identity, "is gone") from error
    except Denied as error:
        raise Unscorable("access_denied", str(error), source.identity) from error
    with closing(answer["Body"]) as body:
        etag = answer["ETag"].strip('"')
        if not source.version and source.etag not in (None, etag):
            raise Skipped("it was replaced since the event was sent")
        size = answer["ContentLength"]
        if not size:
            raise Skipped("it is empty")
        kept = _kept_version(answer)
        identity = _identity(source.address, kept, etag, size)
        yield Found(source, identity, size, body.iter_chunks(_CHUNK), etag, kept)


def listed(client: "S3Client", address: S3Address, tell: Tell = lambda note: None) -> list[Source]:
    """The objects that an address means: one, or the inputs below it when it ends in `/`.

    WrongFile when there are none below it, or a table of others.
    """
    if address.key and not address.key.endswith("/"):
        return [Source(address.bucket, address.key, safe_name(address.key.rpartition("/")[2]))]
    sizes: dict[str, int] = {}
    with translate_errors("list", address.key, f"{S3Address.SCHEME}{address.bucket}"):
        pages = client.get_paginator("list_objects_v2")
        for page in pages.paginate(Bucket=address.bucket, Prefix=address.key):
            for entry in page.get("Contents", []):
                sizes[entry["Key"].removeprefix(address.key)] = entry["Size"]
    entries = (Entry(name, size) for name, size in sizes.items())
    names = inputs_among(str(address), entries, tell)
    return [
        Source(address.bucket, f"{address.key}{name}", safe_name(name), size=sizes[name])
        for name in names
    ]


def safe_name(key: str) -> str:
    """A key as the name of a folder of results, wherever these may be copied to.

    Two keys may get one name: the run's id keeps their results apart.
    """
    parts = [_UNSAFE.sub("_", part) for part in key.split("/") if part]
    name = "/".join(part if part.strip(".") else part.replace(".", "_") for part in parts)
    encoded = name.encode()
    if len(encoded) <= _LONGEST_NAME:
        return name
    start = encoded[:_LONGEST_NAME].decode(errors="ignore").rstrip("/")
    return f"{start}-{sha256(encoded).hexdigest()[:12]}"


def _kept_version(answer: Any) -> str | None:
    version: str | None = answer.get("VersionId")
    return None if version == "null" else version


def _identity(address: str, version: str | None, etag: str | None, size: int | None) -> str:
    return f"{address}?versionId={version}" if version else f"{address}?etag={etag}&size={size}"
