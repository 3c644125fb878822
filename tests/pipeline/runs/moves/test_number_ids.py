"""Ids in columns of numbers."""

import math

import pyarrow as pa

from pipeline.runs.moves.ids import id_texts


def test_a_whole_number_is_the_same_beside_a_fraction_or_alone() -> None:
    large = 12_345_678_901.0

    assert id_texts(pa.array([large])).to_pylist() == ["12345678901"]
    assert id_texts(pa.array([large, 0.5])).to_pylist() == ["12345678901", "0.5"]
    assert id_texts(pa.array([12_345_678_901])).to_pylist() == ["12345678901"]


def test_what_is_no_number_is_no_id() -> None:
    column = pa.array([1.0, math.nan, None, math.inf], from_pandas=False)

    assert id_texts(column).to_pylist() == ["1", "", "", ""]


def test_numbers_beyond_64_bits_stay_apart() -> None:
    assert len(set(id_texts(pa.array([1e19, 2e19, 1e30])).to_pylist())) == 3
