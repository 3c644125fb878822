"""Distances as text: six decimals, whatever stands beside them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.scoring.sinks.decimals import Decimals

POINT = Decimals(".")


def written(values: list[float], decimals: Decimals = POINT) -> list[str]:
    heads, tails = decimals.parts(np.array(values, float))
    return [a + b for a, b in zip(heads.to_pylist(), tails.to_pylist(), strict=True)]


@given(st.lists(st.floats(0, 1e14), max_size=20))
def test_a_text_is_the_number_with_six_decimals(values: list[float]) -> None:
    for text, value in zip(written(values), values, strict=True):
        assert len(text.partition(".")[2]) == 6
        assert abs(float(text) - value) <= 0.5e-6 + 1e-12 + 1e-15 * value


@given(st.lists(st.floats(0, 20), min_size=2, max_size=20))
def test_a_text_does_not_depend_on_its_neighbours(values: list[float]) -> None:
    assert written(values) == [written([value])[0] for value in values]


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0.000000"), (9.9999999, "10.000000"), (10.0, "10.000000"), (1e20, "1e+20")],
)
def test_borders_of_the_table(value: float, text: str) -> None:
    assert written([value]) == [text]


def test_the_decimal_mark_is_that_of_the_file() -> None:
    assert written([0.25, 12.5], Decimals(",")) == ["0,250000", "12,500000"]
