"""Arrow columns from numpy arrays and from texts, and back, by their buffers.

pyarrow's own conversions (`pa.array`, `pa.scalar`, `to_numpy`, Python values as arguments of
`pyarrow.compute`) import pandas wherever it is installed, which takes longer than a small file.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray


def column_of(values: NDArray[Any], missing: NDArray[np.bool_] | None = None) -> pa.Array:
    """An Arrow column of numbers or flags, which shares the memory of numbers.

    Args:
        values: One dimension, of whole numbers, floating point or bool.
        missing: Where the column has null.
    """
    kind, count = pa.from_numpy_dtype(values.dtype), len(values)
    valid = None if missing is None else _bits(~missing)
    data = (
        _bits(values) if pa.types.is_boolean(kind) else pa.py_buffer(np.ascontiguousarray(values))
    )
    return pa.Array.from_buffers(kind, count, [valid, data])


def text_column(texts: Iterable[str | None], *, large: bool = False) -> pa.Array:
    """An Arrow column of texts; None is null.

    Args:
        texts: The cells.
        large: As `large_string`, which may have more than 2 GiB.

    Raises:
        OverflowError: They have more.
    """
    cells = list(texts)
    valid = _bits(np.array([cell is not None for cell in cells])) if None in cells else None
    shown: list[str] = [cell or "" for cell in cells]
    text = "".join(shown)
    encoded = text.encode()
    parts: Iterable[str | bytes] = shown if text.isascii() else map(str.encode, shown)
    offsets = np.zeros(len(cells) + 1, np.int64)
    np.cumsum(np.fromiter(map(len, parts), np.int64, len(cells)), out=offsets[1:])
    if not large and offsets[-1] > np.iinfo(np.int32).max:
        raise OverflowError(f"{len(cells):,} texts have more than 2 GiB")
    kind, ends = (pa.large_string(), offsets) if large else (pa.string(), offsets.astype(np.int32))
    buffers = [valid, pa.py_buffer(ends), pa.py_buffer(encoded)]
    return pa.Array.from_buffers(kind, len(cells), buffers)


def null_of(kind: pa.DataType) -> pa.Scalar:
    """The null of a type."""
    return pa.nulls(1, kind)[0]


def values_of(column: pa.Array) -> NDArray[Any]:
    """A column's values as an array of its own: NaN, zero, false or None where it has null."""
    kind = column.type
    if pa.types.is_boolean(kind):
        flags = _flags(column.buffers()[1], column)
        return flags & ~missing_in(column) if column.null_count else flags
    if not pa.types.is_primitive(kind):
        coded = column.dictionary_encode()
        codes, words = values_of(coded.indices), [*coded.dictionary.to_pylist(), None]
        if column.null_count:
            codes[missing_in(column)] = len(words) - 1
        cells: NDArray[Any] = np.array(words, object)[codes]
        return cells
    values: NDArray[Any] = _numbers(column).copy()
    if column.null_count:
        values[missing_in(column)] = np.nan if pa.types.is_floating(kind) else 0
    return values


def missing_in(column: pa.Array) -> NDArray[np.bool_]:
    """Where a column has null."""
    nulls = column.is_null()
    return _flags(nulls.buffers()[1], nulls)


def _numbers(column: pa.Array) -> NDArray[Any]:
    kind = np.dtype(column.type.to_pandas_dtype())
    whole = np.frombuffer(column.buffers()[1], kind) if len(column) else np.zeros(0, kind)
    return whole[column.offset : column.offset + len(column)]


def _flags(bits: pa.Buffer, column: pa.Array) -> NDArray[np.bool_]:
    """A bit for each cell of a column."""
    end = column.offset + len(column)
    if not end:
        return np.zeros(0, bool)
    spread = np.unpackbits(np.frombuffer(bits, np.uint8), count=end, bitorder="little")
    return spread[column.offset :].view(bool)


def _bits(flags: NDArray[np.bool_]) -> pa.Buffer:
    return pa.py_buffer(np.packbits(flags, bitorder="little"))
