"""Cutting text into records: quotes are placed 64 bytes at a time, so borders matter."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.reading.delimited.records import split

FIELDS = st.one_of(
    st.text(st.sampled_from('ab,"\n'), max_size=8),
    st.integers(50, 140).map(lambda size: "x" * size),  # moves what follows over the borders
)


@given(st.lists(st.lists(FIELDS, min_size=2, max_size=2), min_size=1, max_size=12), st.booleans())
def test_well_quoted_text_is_cut_where_the_csv_module_cuts_it(
    rows: list[list[str]], every: bool
) -> None:
    out = io.StringIO(newline="")
    if every:
        csv.writer(out, lineterminator="\n", quoting=csv.QUOTE_ALL).writerows(rows)
    else:
        csv.writer(out, lineterminator="\n").writerows(rows)
    records = split(out.getvalue().encode(), b",", final=True)
    starts = [0, *(int(end) + 1 for end in records.ends)][: len(records.ends)]
    texts = [records.data[a:b].decode() for a, b in zip(starts, records.ends.tolist(), strict=True)]
    assert not records.broken
    filled = [row for row in rows if "".join(row)]  # a line of commas is no row
    assert [next(csv.reader(io.StringIO(text, newline=""))) for text in texts] == filled
    assert records.blank_count == len(rows) - len(filled)


@pytest.mark.parametrize("before", [*range(58, 68), *range(122, 132)])
@pytest.mark.parametrize("astray", ['"a"b', '"a'])
def test_a_quote_astray_is_found_at_any_place(before: int, astray: str) -> None:
    text = f"{'x' * before},1\n{astray},2\ny,3\n"
    records = split(text.encode(), b",", final=True)
    assert [row.code for row in records.broken] == ["broken_quotes"]
    assert records.row_count == 3 and len(records.ends) == 2


@pytest.mark.parametrize("size", range(120, 140))
def test_a_text_that_ends_in_a_quoted_field_waits_for_the_rest(size: int) -> None:
    text = f'1,2\n{"x" * (size - 8)},"yz"'
    records = split(text.encode(), b",", final=False)
    assert (records.consumed, records.row_count, records.broken) == (4, 1, ())


def test_a_quote_inside_an_unquoted_field_is_text() -> None:
    records = split(b'5" pipe,1\ny,2\n', b",", final=True)
    assert (records.broken, len(records.ends)) == ((), 2)
