"""Ids as text, and hashes of them: the same customer in a text, a table and a workbook.

A number is the text of its digits, for a column of numbers has no other. Two different ids have the
same 64-bit hash once in 40,000 joins of 20 million with 20 million.
"""

from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipeline.reading.arrow_columns import as_text, is_text, without_dictionary, without_view
from pipeline.reading.arrow_numpy import column_of, missing_in, values_of
from pipeline.scoring.summary.repeated_ids import Hashes, hashes_of
from pipeline.scoring.writing.outputs import FORMULA

_HARMLESS = f"^'({FORMULA.removeprefix('^')})"
_LARGEST = 2.0**53
"""Beyond it not every whole number is a floating-point number."""


class IdHashes(NamedTuple):
    """Hashes of a column of ids; 0 where there is none."""

    exact: Hashes
    """Of the id as text."""
    loose: Hashes
    """Of the id without leading zeros and `.0`: equal where other programs changed its type."""


def id_hashes(column: pa.Array) -> IdHashes:
    """Hash a column of ids, without the apostrophe that keeps a spreadsheet from running one.

    Args:
        column: Text, bytes or numbers.
    """
    texts = pc.utf8_trim_whitespace(id_texts(column))
    texts = pc.replace_substring_regex(texts, _HARMLESS, r"\1")
    exact = hashes_of(texts)
    bare = pc.replace_substring_regex(texts, r"\.0+$", "")
    bare = pc.replace_substring_regex(bare, r"^0+([0-9])", r"\1")
    loose = hashes_of(bare)
    missing = missing_in(texts)
    exact[missing] = 0
    loose[missing] = 0
    return IdHashes(exact, loose)


def id_texts(column: pa.Array) -> pa.Array:
    """The ids of a column as text, whatever its type; null where there is none."""
    column = as_text(without_view(without_dictionary(column)))
    if is_text(column):
        return column.cast(pa.large_string())
    if pa.types.is_floating(column.type):
        column = _whole(column)
    elif pa.types.is_null(column.type):
        return pa.nulls(len(column), pa.large_string())
    return column.cast(pa.large_string())


def _whole(column: pa.Array) -> pa.Array:
    """A column of numbers that are all whole, as whole numbers: pandas keeps ids so beside gaps."""
    values: NDArray[np.float64] = values_of(column).astype(float)
    missing = np.isnan(values)
    known = values[~missing]
    if not (np.floor(known) == known).all() or (np.abs(known) > _LARGEST).any():
        return column
    return column_of(np.where(missing, 0, values).astype(np.int64), missing)
