"""The input of a run in parts: one file, or a data set of many with the same columns."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from model_store.storage.scratch import unfinished
from pipeline.errors import WrongFile, refuse_unreadable
from pipeline.hashing import block_count, identity_of_blocks
from pipeline.model.cluster_model import ClusterModel
from pipeline.model.numbers import NumberFormat
from pipeline.reading.customer_file import CustomerFile
from pipeline.reading.delimited.records import LONGEST_RECORD
from pipeline.reading.listing import Tell, files_below
from pipeline.scoring.engine import open_for
from pipeline.scoring.inputs import check_name
from pipeline.scoring.parts.shared import LocalSource, Source
from pipeline.scoring.parts.splitting import CannotSplit, Part, first_line, plan
from pipeline.scoring.spec import Options

_PACKED = (b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"PK")
_LOOKING = 8


@dataclass(frozen=True, slots=True)
class Data:
    """The input of a run: where its bytes are, and what the manifest says of it."""

    sources: Sequence[Source]
    name: str
    address: str
    told: str | None = None
    """Its identity; None when it follows from its bytes."""
    files: Sequence[str] = ()
    """Of a data set: what each of its files is called below its address."""

    @property
    def identity(self) -> str:
        """Read here, if need be; WrongFile when that cannot be done."""
        return self.identity_by({})

    def identity_by(self, digests: Mapping[tuple[int, int], str]) -> str:
        """`identity` where the digests of some blocks are known, by the file and the block."""
        if self.told is not None:
            return self.told
        known: list[dict[int, str]] = [{} for _ in self.sources]
        for (file, block), digest in digests.items():
            known[file][block] = digest
        each = [_identity(there, its) for there, its in zip(self.sources, known, strict=True)]
        return identity_of(dict(zip(self.files, each, strict=True))) if self.files else each[0]

    @property
    def bytes(self) -> int:
        return sum(source.size for source in self.sources)

    def refuse_changed(self) -> None:
        """Temporary when what was read may be of two files: one was written to meanwhile."""
        for source in self.sources:
            source.refuse_changed()


@dataclass(frozen=True, slots=True)
class InspectedFile:
    """What is known of a file before its rows are read."""

    file: CustomerFile
    parts: Sequence[Part]
    first_line: int
    """Behind the header of a text."""


def local_data(path: Path, name: str | None = None) -> Data:
    """A file that every worker sees; WrongFile when it is not there, or its name is no text."""
    name = path.name if name is None else name
    check_name(name)
    return Data([LocalSource.of(path)], name, str(path))


def local_data_set(folder: Path, tell: Tell = lambda note: None) -> Data:
    """The files of a folder and those below it, as one input; WrongFile when there are none."""
    files = files_below(folder, tell)
    called = folder.resolve().name or "files"  # what is above all folders has no name
    names = [file.name for file in files]
    for name in (called, *names):
        check_name(name)
    sources = [LocalSource.of(file.path) for file in files]
    return Data(sources, called, str(folder), files=names)


def identity_of(files: Mapping[str, str]) -> str:
    """What tells a data set from all others, by the identities of its files."""
    return f"sha256:{sha256(json.dumps(files, sort_keys=True).encode()).hexdigest()}"


def look_at(
    data: Data, model: ClusterModel, options: Options, part_bytes: int
) -> list[InspectedFile]:
    """Look at every file and cut it into parts, which are numbered through all files.

    The blocks of a file are shared out among its parts when its identity follows from them.
    CannotSplit when a file has no parts; WrongFile when one has other columns than the first.
    """

    def look(source: Source) -> InspectedFile:
        with _opened(source, model, options) as (file, sample):
            parts = plan(file, sample, source.size, part_bytes)
            return InspectedFile(file, parts, first_line(file))

    with ThreadPoolExecutor(_LOOKING) as pool:
        found = list(pool.map(look, data.sources))
    for other in found[1:]:
        _refuse_unlike(found[0].file, other.file)
    numbers = _same_numbers([looked.file for looked in found])
    found = [replace(it, file=replace(it.file, numbers=numbers)) for it in found]
    numbered, count = [], 0
    for place, looked in enumerate(found):
        parts = [replace(part, index=part.index + count, file=place) for part in looked.parts]
        if data.told is None:
            parts = _with_blocks(parts, data.sources[place].size)
        numbered.append(replace(looked, parts=parts))
        count += len(parts)
    return numbered


def _with_blocks(parts: Sequence[Part], size: int) -> list[Part]:
    blocks, count = block_count(size), len(parts)
    return [
        replace(part, blocks=(blocks * place // count, blocks * (place + 1) // count))
        for place, part in enumerate(parts)
    ]


def _identity(source: Source, digests: Mapping[int, str]) -> str:
    with refuse_unreadable(source.address):
        return identity_of_blocks(source.open, source.size, digests)


def _refuse_unlike(first: CustomerFile, other: CustomerFile) -> None:
    same: dict[str, Callable[[CustomerFile], Any]] = {
        "format": lambda file: file.format,
        "columns": lambda file: ", ".join(file.header),
        "types": lambda file: ", ".join(map(str, file.schema.types)),
        "delimiter": lambda file: file.facts.get("delimiter"),
    }
    for what, of in same.items():
        if of(first) != of(other):
            raise WrongFile(
                other.path,
                f"differs from {first.path} in its {what}: found {_short(of(other))}, "
                f"expected {_short(of(first))}",
            )


def _same_numbers(files: Sequence[CustomerFile]) -> NumberFormat:
    """How numbers are written in all of these; WrongFile where that differs."""
    shown = next((file for file in files if file.numbers.decimal), files[0])
    for file in files:
        if file.numbers.decimal not in ("", shown.numbers.decimal):
            raise WrongFile(
                file.path,
                f"differs from {shown.path} in its decimal mark: found {file.numbers.decimal!r}, "
                f"expected {shown.numbers.decimal!r}",
            )
    return shown.numbers


def _short(fact: Any) -> str:
    return repr(fact) if len(str(fact)) < 200 else repr(f"{str(fact)[:200]}…")


@contextmanager
def _opened(
    source: Source, model: ClusterModel, options: Options
) -> Iterator[tuple[CustomerFile, Path]]:
    """The file by a part of it: the beginning of a text, the end of Parquet."""
    if isinstance(source, LocalSource):
        if source.size and _is_packed(source):
            raise CannotSplit(source.address, "is packed")
        with open_for(model, source.path, options) as file:
            yield file, source.path
        return
    with unfinished() as folder:
        sample = folder / "sample"
        sample.write_bytes(_sample(source))
        try:
            with open_for(model, sample, options) as file:
                yield replace(file, path=Path(source.address)), sample
        except WrongFile as error:
            raise error.about(source.address) from error


def _is_packed(source: Source) -> bool:
    with refuse_unreadable(source.address), source.open() as stream:
        return stream.read(4).startswith(_PACKED)


def _sample(source: Source) -> bytes:
    """As much of a file as its columns are told from."""
    with source.open() as stream:
        start = stream.read(4)
        if start.startswith(_PACKED):
            raise CannotSplit(source.address, "is packed")
        if start != b"PAR1":
            return start + stream.read(LONGEST_RECORD + (64 << 10) - 4)
        stream.seek(source.size - 8)
        footer = int.from_bytes(stream.read(4), "little") + 8
        stream.seek(max(4, source.size - footer))
        return start + stream.read(footer)
