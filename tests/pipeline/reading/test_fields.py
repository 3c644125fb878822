"""Cells of a record, whatever has quotes."""

import csv

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.reading.delimited.fields import fields_of

CELLS = st.lists(st.text(alphabet='ab ,;"', max_size=5), min_size=1, max_size=6)


@given(CELLS, st.sampled_from(",;"), st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]))
def test_cells_are_read_as_they_were_written(
    cells: list[str], delimiter: str, quoting: int
) -> None:
    lines: list[str] = []

    class Lines:
        def write(self, line: str) -> None:
            lines.append(line)

    csv.writer(Lines(), delimiter=delimiter, quoting=quoting, lineterminator="").writerow(cells)  # type: ignore[arg-type]
    assert fields_of(lines[0], delimiter) == cells


@pytest.mark.parametrize(
    ("record", "cells"),
    [
        ('"a","b,c",d', ["a", "b,c", "d"]),
        ('"",""', ["", ""]),
        ('a"b,c', ['a"b', "c"]),
        ('a""b,"c"', ['a""b', "c"]),
        ('"a,b', None),
        ('"a"b,c', None),
        ('"a" ,b', None),
        ('",",","', [",", ","]),
        ('a,","', ["a", ","]),
    ],
)
def test_quotes_around_a_whole_cell_are_taken_off_and_others_are_the_cells_own(
    record: str, cells: list[str] | None
) -> None:
    assert fields_of(record, ",") == cells
