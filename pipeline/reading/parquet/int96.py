"""Timestamps as INT96, which Spark, Hive and Impala write into Parquet.

They know no unit. Arrow reads them as nanoseconds, where those that do not fit overflow in silence:
9999-12-31, which stands for "for ever" in many exports, becomes 1816.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.parquet

from pipeline.errors import WrongFile
from pipeline.reading.arrow_numpy import values_of

_ROWS = 32_768
_LARGEST = 2**63 - 1


def unit_of(source: Path | BinaryIO, path: Path, row_groups: Sequence[int] | None = None) -> str:
    """The unit in which all such timestamps of a file stay what they are.

    Args:
        source: The file.
        path: Its path, for errors.
        row_groups: Those that are looked at; by default all.

    Returns:
        ns, or us where nanoseconds do not fit. A file whose rows cannot be read has ns; who reads
        them says what is wrong.

    Raises:
        WrongFile: 64 bits do not hold them in either unit.
    """
    names = _columns(source)
    if not names:
        return "ns"
    try:
        most = max(
            (_largest(batch) for batch in _batches(source, "s", names, row_groups)), default=0
        )
        if most < _LARGEST // 10**9:
            return "ns"
        if most < _LARGEST // 10**6 and not _finer(source, names, row_groups):
            return "us"
    except MemoryError:
        raise
    except (pa.ArrowException, OSError):
        return "ns"
    raise WrongFile(
        path,
        f"has timestamps that 64 bits cannot hold ({', '.join(names[:12])}, stored as INT96); "
        "write them with another type",
    )


def _columns(source: Path | BinaryIO) -> list[str]:
    with pa.parquet.ParquetFile(source, pre_buffer=False) as table:
        leaves = map(table.schema.column, range(len(table.schema)))
        return list({leaf.path: None for leaf in leaves if leaf.physical_type == "INT96"})


def _batches(
    source: Path | BinaryIO, unit: str, names: Sequence[str], row_groups: Sequence[int] | None
) -> Iterator[pa.RecordBatch]:
    table = pa.parquet.ParquetFile(source, pre_buffer=False, coerce_int96_timestamp_unit=unit)
    with table:
        yield from table.iter_batches(_ROWS, columns=names, row_groups=row_groups)


def _largest(batch: pa.RecordBatch) -> int:
    """The largest absolute number of any timestamp."""
    return max((int(np.abs(leaf).max(initial=0)) for leaf in _numbers(batch)), default=0)


def _finer(source: Path | BinaryIO, names: Sequence[str], row_groups: Sequence[int] | None) -> bool:
    """Whether microseconds would lose a digit. What overflows does so alike on both sides."""
    coarse, fine = (_batches(source, unit, names, row_groups) for unit in ("us", "ns"))
    return any(
        bool(np.any(mine * 1000 != theirs))
        for one, other in zip(coarse, fine, strict=True)
        for mine, theirs in zip(_numbers(one), _numbers(other), strict=True)
    )


def _numbers(batch: pa.RecordBatch) -> Iterator[Any]:
    for column in batch.columns:
        for leaf in _leaves(column):
            yield values_of(leaf.cast(pa.int64()))


def _leaves(column: pa.Array) -> Iterator[pa.Array]:
    """The timestamps in a column, which may be nested."""
    kind = column.type
    if pa.types.is_timestamp(kind):
        yield column
    elif pa.types.is_map(kind):
        yield from _leaves(column.keys)
        yield from _leaves(column.items)
    elif pa.types.is_struct(kind):
        for part in column.flatten():
            yield from _leaves(part)
    elif pa.types.is_nested(kind):
        yield from _leaves(column.flatten())
