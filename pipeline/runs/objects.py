"""Objects in S3: as inputs of runs, and as places where workers of one run read and write."""

import io
import os
import re
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from model_store import Conflict, CustomerClustersError, Denied, NotFound, S3Address, Temporary
from model_store.storage.s3 import S3Storage, connect
from model_store.storage.s3_errors import translate_errors
from model_store.storage.scratch import unfinished
from pipeline.errors import Gone, TooLarge, Unreadable
from pipeline.reading.input_files import Entry, Tell, inputs_among
from pipeline.runs.inputs import DataSetInput
from pipeline.runs.store import Checkpoint
from pipeline.scoring.inputs import InputFile
from pipeline.scoring.parts.shared_input import SharedInput, identity_of

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

UNLIMITED = float("inf")
_CHUNK = 8 << 20
_LISTED_AT_ONCE = 8
_LONGEST_NAME = 600
"""Bytes of a name, so that a key with the run's id and the file's fits in the 1,024 of S3."""
_ARCHIVED = "InvalidObjectState"
_UNSAFE = re.compile(r"[\x00-\x1f\x7f\\]")


class Skipped(CustomerClustersError):
    """Raised when there is nothing to score."""

    code = "skipped"

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class EmptyObject(Skipped):
    """Raised when an object has no bytes."""

    code = "empty"


class ReplacedObject(Skipped):
    """Raised when an object is another than the one that was meant: another event tells of it."""

    code = "replaced"


@dataclass(frozen=True, slots=True)
class ObjectRef:
    """What an event, a listing or a person names: an object, and what is known of it."""

    bucket: str
    key: str
    version: str | None = None
    etag: str | None = None
    size: int | None = None
    sequencer: str | None = None
    """Grows from event to event of one key; told in the log."""

    @property
    def address(self) -> str:
        """As people write it."""
        return f"{S3Address.SCHEME}{self.bucket}/{self.key}"

    @property
    def identity(self) -> str | None:
        """What tells the object from all others, as far as it is known without reading it."""
        if self.version is None and (self.etag is None or self.size is None):
            return None
        return _identity(self.address, self.version, self.etag, self.size)


@dataclass(frozen=True, slots=True)
class ObjectInput:
    """An object that is being read: a `RunInput`."""

    ref: ObjectRef
    """With version, etag and size as S3 says they are."""
    name: str
    chunks: Iterable[bytes]
    most_bytes: float = UNLIMITED

    @property
    def address(self) -> str:
        """As people write it."""
        return self.ref.address

    @property
    def identity(self) -> str:
        """What tells the object from all others."""
        assert self.ref.identity is not None
        return self.ref.identity

    @contextmanager
    def on_disk(self, checkpoint: Checkpoint) -> Iterator[InputFile]:
        """The object in a file of this machine.

        Raises:
            TooLarge: It is larger than may be read here.
            Temporary: S3 stopped sending it.
        """
        with unfinished() as folder:
            path = folder / "input"
            self.save(path, checkpoint)
            yield InputFile(path, self.name, self.identity)

    def save(self, path: Path, checkpoint: Checkpoint = lambda: None) -> None:
        """Write the object to a file of this machine; errors as of `on_disk`."""
        size = self.ref.size or 0
        if size > self.most_bytes:
            raise TooLarge(self.address, f"has {size:,} bytes; at most {self.most_bytes:,} may be")
        with path.open("wb") as file, translate_errors("read", self.ref.key, self.ref.bucket):
            for chunk in self.chunks:
                file.write(chunk)
                checkpoint()

    def shared(self) -> SharedInput:
        """The object as workers read it: this one, and none that takes its place."""
        return SharedInput([S3Source(self.ref)], self.name, self.address, self.identity)


@contextmanager
def open_object(
    client: "S3Client", ref: ObjectRef, name: str, most_bytes: float = UNLIMITED
) -> Iterator[ObjectInput]:
    """Open an object: one answer of S3 says which one it is, and holds its bytes.

    Args:
        client: A client of S3.
        ref: The object; with a version, that one, and with an etag only while it has that.
        name: What the results are named after.
        most_bytes: A larger object is refused when it is read whole.

    Raises:
        Gone: It is not there any more.
        Unreadable: It is archived.
        Denied: A right, a key or a region is missing: of whoever reads, not of the object.
        EmptyObject: It has no bytes.
        ReplacedObject: It is a newer one.
        Temporary: S3 does not answer.
    """
    version: dict[str, Any] = {"VersionId": ref.version} if ref.version else {}
    try:
        with translate_errors("read", ref.key, f"{S3Address.SCHEME}{ref.bucket}"):
            answer = client.get_object(Bucket=ref.bucket, Key=ref.key, **version)
    except NotFound as error:
        raise Gone(ref.address, "is gone") from error
    except Denied as error:
        if error.reason != _ARCHIVED:
            raise
        raise Unreadable(ref.address, "is archived; restore it, then drop it again") from error
    with closing(answer["Body"]) as body:
        etag, size = answer["ETag"].strip('"'), answer["ContentLength"]
        if not ref.version and ref.etag not in (None, etag):
            raise ReplacedObject("it was replaced since the event was sent")
        if not size:
            raise EmptyObject("it is empty")
        kept = answer.get("VersionId")
        opened = ObjectRef(ref.bucket, ref.key, None if kept == "null" else kept, etag, size)
        yield ObjectInput(opened, name, body.iter_chunks(_CHUNK), most_bytes)


def list_objects(
    client: "S3Client", address: S3Address, tell: Tell = lambda note: None
) -> list[tuple[ObjectRef, str]]:
    """The objects that an address means, and what the results of each are named after.

    Args:
        client: A client of S3.
        address: One object, or with `/` at its end the inputs below it.
        tell: Called with a sentence about what was left out.

    Raises:
        WrongFile: There is none below it, or they belong to a table.
    """
    if address.key and not address.key.endswith("/"):
        name = safe_name(address.key.rpartition("/")[2])
        return [(ObjectRef(address.bucket, address.key), name)]
    sizes: dict[str, int] = {}
    with translate_errors("list", address.key, f"{S3Address.SCHEME}{address.bucket}"):
        pages = client.get_paginator("list_objects_v2")
        for page in pages.paginate(Bucket=address.bucket, Prefix=address.key):
            for entry in page.get("Contents", []):
                sizes[entry["Key"].removeprefix(address.key)] = entry["Size"]
    entries = (Entry(name, size) for name, size in sizes.items())
    return [
        (ObjectRef(address.bucket, f"{address.key}{name}", size=sizes[name]), safe_name(name))
        for name in inputs_among(str(address), entries, tell)
    ]


def find_objects(
    address: S3Address, tell: Tell = lambda note: None
) -> list[tuple[str, Callable[[], AbstractContextManager[ObjectInput]]]]:
    """As `list_objects`: what each one's results are named after, and what opens it."""
    files = S3Storage.at(S3Address(address.bucket))  # whose client lives as long as the openers

    def opener(ref: ObjectRef, name: str) -> Callable[[], AbstractContextManager[ObjectInput]]:
        return lambda: open_object(files.client, ref, name)

    return [(name, opener(ref, name)) for ref, name in list_objects(files.client, address, tell)]


def find_object_set(address: S3Address, tell: Tell = lambda note: None) -> DataSetInput:
    """The objects below a prefix as they are now, as one input; WrongFile when there are none."""
    below = S3Address(address.bucket, address.folder)
    files = S3Storage.at(S3Address(address.bucket))
    objects = sorted(list_objects(files.client, below, tell), key=lambda each: each[1])

    def opened(each: tuple[ObjectRef, str]) -> ObjectRef:
        with open_object(files.client, *each) as source:
            return source.ref

    with ThreadPoolExecutor(_LISTED_AT_ONCE) as pool:
        refs = list(pool.map(opened, objects))
    name = safe_name(address.folder.rstrip("/").rpartition("/")[2] or address.bucket)
    identity = identity_of({ref.address: ref.identity or "" for ref in refs})
    sources = [S3Source(ref) for ref in refs]
    names = [name for _, name in objects]
    return DataSetInput(SharedInput(sources, name, str(below), identity, names))


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


def _identity(address: str, version: str | None, etag: str | None, size: int | None) -> str:
    return f"{address}?versionId={version}" if version else f"{address}?etag={etag}&size={size}"


@dataclass(frozen=True, slots=True)
class S3Source:
    """One version of an object, for many readers: when another takes its place, reading fails."""

    ref: ObjectRef
    """With etag and size."""

    @property
    def address(self) -> str:
        """As people write it."""
        return self.ref.address

    @property
    def size(self) -> int:
        """Bytes."""
        return self.ref.size or 0

    def open(self) -> BinaryIO:
        """The object as a file that can be sought in."""
        return io.BufferedReader(_Ranges(self), _CHUNK)

    def refuse_changed(self) -> None:
        """S3 looks after that: it is asked for this very version each time."""

    def read_range(self, start: int, size: int) -> bytes:
        """Some bytes; Temporary when S3 does not answer, Conflict when the object is another."""
        version: dict[str, Any] = {"VersionId": self.ref.version} if self.ref.version else {}
        asked = f"bytes={start}-{min(start + size, self.size) - 1}"
        with translate_errors("read", self.ref.key, f"{S3Address.SCHEME}{self.ref.bucket}"):
            answer = _client().get_object(
                Bucket=self.ref.bucket,
                Key=self.ref.key,
                Range=asked,
                IfMatch=f'"{self.ref.etag}"',
                **version,
            )
            with closing(answer["Body"]) as body:
                return body.read()


@dataclass(frozen=True, slots=True)
class S3Target:
    """A prefix in S3 where many workers write."""

    address: S3Address

    @contextmanager
    def staged(self, name: str) -> Iterator[Path]:
        """A path to write; uploaded when all went well. An empty file gets no object."""
        with unfinished() as folder:
            path = folder / "part"
            yield path
            if path.exists() and path.stat().st_size:
                self.files.upload(path, name)

    def read(self, name: str) -> bytes:
        """A file's bytes; NotFound when there is none."""
        return self.files.read(name)

    def names(self, folder: str) -> list[str]:
        """What lies directly in a folder of this one."""
        return self.files.names(folder)

    def delete(self, name: str) -> None:
        """Remove a file, if it is there."""
        self.files.delete(name)

    def size(self, name: str) -> int | None:
        """Bytes of a file; None when it is not there."""
        return self.files.size(name)

    @property
    def files(self) -> S3Storage:
        """All that lies there."""
        return S3Storage(_client(), self.address)


class _Ranges(io.RawIOBase):
    """An object as a file."""

    def __init__(self, source: S3Source) -> None:
        self._source, self._at = source, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._source.size}[whence]
        self._at = max(0, start + offset)
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: Any) -> int:
        if self._at >= self._source.size or not len(buffer):
            return 0
        try:
            content = self._source.read_range(self._at, len(buffer))
        except Conflict as error:
            reason = "it was replaced while it was read"
            raise Temporary("read", self._source.address, reason) from error
        buffer[: len(content)] = content
        self._at += len(content)
        return len(content)


@cache
def _client() -> "S3Client":
    """One a process: sources and targets travel between processes, and connections cannot."""
    return connect()
