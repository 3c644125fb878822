"""Ids as text, whatever their column is, and what makes them alike or puts them into parts."""

from typing import Literal, get_args

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipeline.reading.arrow_columns import as_text, is_text
from pipeline.reading.arrow_numpy import column_of, text_column, values_of

IdMatching = Literal["text", "number"]
"""Whether 001 and 1 are two customers, or one."""
ID_MATCHINGS: tuple[IdMatching, ...] = get_args(IdMatching)
_LONGEST = 64
"""Bytes of an id, from its end, that decide about its part."""
_WHOLE = 2.0**63
"""From here on a number fits into no whole one of 64 bits."""


def id_texts(column: pa.Array) -> pa.Array:
    """The ids of a column as text without spaces around; empty where there is none.

    A whole number is the same whether its column knows fractions or not.
    """
    column = as_text(column)
    if pa.types.is_floating(column.type):
        texts = _number_texts(column)
    else:
        texts = column if is_text(column) else column.cast(pa.string())
    texts = pc.if_else(texts.is_null(), _text("", texts.type), texts)
    return pc.utf8_trim_whitespace(texts).cast(pa.string())


def loosened(ids: pa.Array) -> pa.Array:
    """Ids without what a column of numbers loses or adds: zeros before them, .0 behind."""
    if pc.any(pc.match_substring(ids, ".0")).as_py():
        ids = pc.replace_substring_regex(ids, r"\.0+$", "")
    bare = pc.utf8_ltrim(ids, characters="0")
    nothing = pc.and_(pc.equal(bare, _text("", bare.type)), pc.not_equal(ids, bare))
    return pc.if_else(nothing, _text("0", bare.type), bare)


def hashes_of(ids: pa.Array) -> NDArray[np.uint32]:
    """A number for each id, the same for the same text; in the order of bytes from the end."""
    _, ends, data = ids.buffers()
    if not len(ids) or data is None:
        return np.zeros(len(ids), np.uint32)
    offsets = np.frombuffer(ends, np.int32)[ids.offset : ids.offset + len(ids) + 1]
    letters, starts = np.frombuffer(data, np.uint8), offsets[:-1]
    hashes, at = np.zeros(len(ids), np.uint32), offsets[1:] - 1
    for _ in range(min(_LONGEST, int((offsets[1:] - starts).max()))):
        inside = at >= starts
        letter = np.where(inside, letters[np.maximum(at, 0)], 0)
        hashes = (hashes ^ letter.astype(np.uint32)) * np.uint32(16_777_619)
        at = at - 1
    hashes ^= hashes >> np.uint32(15)
    return hashes * np.uint32(0x2C1B3C6D)


def _number_texts(column: pa.Array) -> pa.Array:
    """Numbers that may have fractions: a whole one has none, and what is no number is no id."""
    column = pc.if_else(pc.is_finite(column), column, None)
    numbers = np.nan_to_num(values_of(column))
    whole = (np.floor(numbers) == numbers) & (np.abs(numbers) < _WHOLE)
    texts = pc.cast(column, pa.int64(), safe=False).cast(pa.string())
    return texts if whole.all() else pc.if_else(column_of(whole), texts, column.cast(pa.string()))


def _text(text: str, kind: pa.DataType) -> pa.Scalar:
    return text_column([text])[0].cast(kind)
