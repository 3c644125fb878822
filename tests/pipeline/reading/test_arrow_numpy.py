"""Columns from numpy and back are those that pyarrow's own conversions give."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.reading.arrow_numpy import column_of, missing_in, text_column, values_of

NUMBERS = {np.int8: 7, np.int32: -3, np.int64: 1 << 60, np.float64: 0.1, np.bool_: True}


@given(st.lists(st.none() | st.text(alphabet=st.characters(codec="utf-8"))))
def test_texts_are_those_of_pyarrow(texts: list[str | None]) -> None:
    column = text_column(texts)
    column.validate(full=True)
    assert column.equals(pa.array(texts, pa.string()))
    assert values_of(column).tolist() == texts


@pytest.mark.parametrize("kind", NUMBERS, ids=str)
@given(st.lists(st.booleans()), st.integers(0, 9))
def test_numbers_are_those_of_pyarrow(kind: Any, missing: list[bool], first: int) -> None:
    values, gone = np.array([NUMBERS[kind]] * len(missing), kind), np.array(missing, bool)
    column = column_of(values, gone)
    column.validate(full=True)
    assert column.equals(pa.array(values, mask=gone))
    cut = column.slice(min(first, len(column)))
    assert missing_in(cut).tolist() == cut.is_null().to_pylist()
    filled = np.nan if kind is np.float64 else 0
    expected = [filled if cell is None else cell for cell in cut.to_pylist()]
    np.testing.assert_array_equal(values_of(cut), expected)


def test_a_column_shares_the_memory_of_numbers_and_its_values_do_not() -> None:
    numbers = np.arange(5)
    column = column_of(numbers)
    values_of(column)[0] = 9
    assert column[0].as_py() == 0
    numbers[0] = 7
    assert column[0].as_py() == 7


def test_every_other_number_of_an_array_is_a_column() -> None:
    assert column_of(np.arange(10)[::2]).to_pylist() == [0, 2, 4, 6, 8]
