"""Distances as text, for many rows at once."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipeline.reading.arrow_numpy import column_of, text_column

_TABLE_END = 10
"""Texts of smaller numbers come from a table; in a standardised space hardly any are larger."""


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
