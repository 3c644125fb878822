"""What is known of the files of an input before their rows are read, and how they are cut."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from model_store.storage.scratch import unfinished
from pipeline.errors import WrongFile, refuse_unreadable
from pipeline.hashing import block_count
from pipeline.model.cluster_model import ClusterModel
from pipeline.model.numbers import NumberFormat
from pipeline.reading.customer_file import CustomerFile
from pipeline.reading.delimited.records import LONGEST_RECORD
from pipeline.scoring.engine import open_for
from pipeline.scoring.parts.locations import LocalSource, Source
from pipeline.scoring.parts.part_plan import CannotSplit, Part, first_line, plan
from pipeline.scoring.parts.shared_input import SharedInput
from pipeline.scoring.spec import Options

_PACKED = (b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"PK")
_OPENED_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class InspectedFile:
    """What is known of a file before its rows are read."""

    file: CustomerFile
    address: str
    """What people call it."""
    parts: Sequence[Part]
    first_line: int
    """Behind the header of a text."""


def inspect(
    shared: SharedInput, model: ClusterModel, options: Options, part_bytes: int
) -> list[InspectedFile]:
    """Look at every file and cut it into parts, which are numbered through all files.

    The blocks of a file are shared out among its parts when its identity follows from them.
    CannotSplit when a file has no parts; WrongFile when the first lacks a column of the model, or
    another one has other columns.
    """

    def inspected(source: Source) -> InspectedFile:
        with _open(source, model, options) as (file, sample):
            parts = plan(file, sample, source.size, part_bytes)
            return InspectedFile(file, source.address, parts, first_line(file))

    with ThreadPoolExecutor(_OPENED_AT_ONCE) as pool:
        files = list(pool.map(inspected, shared.sources))
    for other in files[1:]:
        _refuse_unlike(files[0], other)
    first = files[0]
    try:
        first.file.indexes(feature.name for feature in model.contract.features)
    except WrongFile as error:
        raise error.about(first.address) from error
    numbers = _same_numbers(files)
    files = [replace(it, file=replace(it.file, numbers=numbers)) for it in files]
    numbered, count = [], 0
    for position, inspected_file in enumerate(files):
        parts = [
            replace(part, index=part.index + count, file=position) for part in inspected_file.parts
        ]
        if shared.known_identity is None:
            parts = _with_blocks(parts, shared.sources[position].size)
        numbered.append(replace(inspected_file, parts=parts))
        count += len(parts)
    return numbered


def _with_blocks(parts: Sequence[Part], size: int) -> list[Part]:
    blocks, count = block_count(size), len(parts)
    return [
        replace(part, blocks=(blocks * position // count, blocks * (position + 1) // count))
        for position, part in enumerate(parts)
    ]


def _refuse_unlike(first: InspectedFile, other: InspectedFile) -> None:
    same: dict[str, Callable[[CustomerFile], Any]] = {
        "format": lambda file: file.format,
        "columns": lambda file: ", ".join(file.header),
        "types": lambda file: ", ".join(map(str, file.schema.types)),
        "delimiter": lambda file: file.facts.get("delimiter"),
    }
    for what, of in same.items():
        expected, found = of(first.file), of(other.file)
        if expected != found:
            raise WrongFile(
                other.address,
                f"differs from {first.address} in its {what}: found {_short(found)}, "
                f"expected {_short(expected)}",
            )


def _same_numbers(files: Sequence[InspectedFile]) -> NumberFormat:
    """How numbers are written in all of these; WrongFile where that differs."""
    first = next((each for each in files if each.file.numbers.decimal), files[0])
    expected = first.file.numbers.decimal
    for each in files:
        found = each.file.numbers.decimal
        if found not in ("", expected):
            raise WrongFile(
                each.address,
                f"differs from {first.address} in its decimal mark: found {found!r}, "
                f"expected {expected!r}",
            )
    return first.file.numbers


def _short(fact: Any) -> str:
    return repr(fact) if len(str(fact)) < 200 else repr(f"{str(fact)[:200]}…")


@contextmanager
def _open(
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
