"""The same id is the same customer in a text, a table and a workbook."""

import numpy as np
import pyarrow as pa
import pytest

from pipeline.runs.outcomes.ids import id_hashes, id_texts

LARGE = 719_455_083


@pytest.mark.parametrize(
    "column",
    [
        pa.array([str(LARGE), "7", None]),
        pa.array([f" {LARGE} ", "7", ""]),
        pa.array([LARGE, 7, None]),
        pa.array([float(LARGE), 7.0, None]),
        pa.array([float(LARGE), 7.0, float("nan")]),
        pa.array([str(LARGE).encode(), b"7", None]),
        pa.array([str(LARGE), "7", None]).dictionary_encode(),
        pa.array([str(LARGE), "7", None], pa.string_view()),
        pa.array([str(LARGE), "7", None], pa.large_string())[0:3],
    ],
)
def test_an_id_is_its_text_whatever_the_type(column: pa.Array) -> None:
    expected = id_hashes(pa.array([str(LARGE), "7", None]))
    hashes = id_hashes(column)
    assert hashes.exact.tolist() == expected.exact.tolist()
    assert hashes.loose.tolist() == expected.loose.tolist()
    assert hashes.exact[2] == 0 and (hashes.exact[:2] != 0).all()


def test_leading_zeros_make_another_id_that_is_alike() -> None:
    exact, loose = id_hashes(pa.array(["001", "1", "1.0", "01.00", "000", "0", "A001", "A1"]))
    assert len({*exact.tolist()}) == 8
    assert len({*loose[:4].tolist()}) == 1
    assert loose[4] == loose[5] != loose[0]
    assert loose[6] != loose[7]


def test_an_apostrophe_before_what_a_spreadsheet_would_run_is_no_part_of_an_id() -> None:
    ids, safe = id_hashes(pa.array(["-17", "+a", "'b"])), id_hashes(pa.array(["'-17", "'+a", "'b"]))
    assert ids.exact.tolist() == safe.exact.tolist()


def test_a_part_of_a_column_is_hashed_as_the_part_that_it_is() -> None:
    column = pa.array(["x", None, "y", "z"])
    assert id_hashes(column[2:]).exact.tolist() == id_hashes(pa.array(["y", "z"])).exact.tolist()


def test_numbers_with_fractions_and_no_values_stay_what_they_are() -> None:
    assert id_texts(pa.array([1.5, 2.0])).to_pylist() == ["1.5", "2"]
    assert id_texts(pa.nulls(2)).to_pylist() == [None, None]
    assert id_hashes(pa.array(np.zeros(0, np.int64))).exact.tolist() == []
