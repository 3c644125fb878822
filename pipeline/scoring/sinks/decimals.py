"""Distances and shares as text, for many rows at once."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipeline.reading.arrow_numpy import column_of, text_column

_TABLE_END = 10
"""Texts of smaller numbers come from a table; in a standardised space hardly any are larger."""

_SHARE_DECIMALS = 5
_SHARES = 10**_SHARE_DECIMALS
_BLOCK = 8_192
"""Rows at a time: what is reckoned with stays near the processor."""


class Decimals:
    """Numbers from 0 as text with six decimals, a fifth of the work of their shortest exact text.

    Six, because further ones may differ between machines: their libraries round powers differently.
    """

    def __init__(self, mark: str) -> None:
        """Make the tables; `mark` is the decimal mark."""
        self._mark = mark
        thousandths = [f"{thousandth:03d}" for thousandth in range(1000)]
        heads = [f"{whole}{mark}{end}" for whole in range(_TABLE_END) for end in thousandths]
        self._heads = text_column([*heads, f"{_TABLE_END}{mark}000"])
        self._tails = text_column(thousandths)

    def parts(self, values: NDArray[np.float64]) -> tuple[pa.StringArray, pa.StringArray]:
        """The beginning and the end of each number's text: one array after the other."""
        small = values < _TABLE_END
        millionths = np.rint(np.where(small, values, 0) * 1e6).astype(np.int64)
        head, tail = np.divmod(millionths, 1000)
        heads, tails = self._heads.take(column_of(head)), self._tails.take(column_of(tail))
        if not small.all():
            large = column_of(~small)
            texts = text_column(map(self._text, values[~small].tolist()))
            heads = pc.replace_with_mask(heads, large, texts)
            tails = pc.replace_with_mask(tails, large, text_column([""])[0])
        return heads, tails

    def _text(self, value: float) -> str:
        text = f"{value:.6f}" if value < 1e15 else repr(value)
        return text.replace(".", self._mark)


class Shares:
    """Numbers from 0 to 1 as cells with five decimals, all of the same width."""

    def __init__(self, before: str, mark: str, after: str) -> None:
        """Make a table of all cells there can be.

        Args:
            before: What stands before the number in its cell, the delimiter first; ASCII.
            mark: The decimal mark.
            after: What stands behind it.
        """
        digits: list[NDArray[np.int32]] = []
        numbers = np.arange(_SHARES + 1, dtype=np.int32)
        for _ in range(_SHARE_DECIMALS + 1):
            tenth = numbers // 10
            digits.insert(0, 48 + numbers - 10 * tenth)
            numbers = tenth
        columns = [*before.encode(), digits[0], *mark.encode(), *digits[1:], *after.encode()]
        cells = np.empty((_SHARES + 1, len(columns)), np.uint8)
        for index, column in enumerate(columns):
            cells[:, index] = column
        self._table = cells.view(f"S{len(columns)}")[:, 0]

    def cells(self, columns: Sequence[NDArray[np.float64]]) -> pa.StringArray:
        """The cells of some columns side by side, a text for each row."""
        rows = len(columns[0])
        width = self._table.dtype.itemsize * len(columns)
        text = pa.allocate_buffer(rows * width)  # Arrow keeps its memory, and NumPy gives it back
        ends = pa.allocate_buffer((rows + 1) * 4)
        np.frombuffer(ends, np.int32)[:] = np.arange(rows + 1, dtype=np.int32) * np.int32(width)
        cells = np.frombuffer(text, self._table.dtype).reshape(rows, len(columns))
        for start in range(0, rows, _BLOCK):
            some = slice(start, start + _BLOCK)
            for index, values in enumerate(columns):
                numbers = np.rint(values[some] * _SHARES).astype(np.int32)
                cells[some, index] = self._table.take(numbers)
        return pa.StringArray.from_buffers(rows, ends, text)
