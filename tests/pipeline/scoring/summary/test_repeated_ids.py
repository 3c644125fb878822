"""Ids that stand more than once are found by their hashes, in blocks, on disk or in parts."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.scoring.summary.repeated_ids import EXAMPLES, RepeatedIds, hashes_of, id_block

IDS = st.lists(
    st.one_of(
        st.none(),
        st.text(st.sampled_from("01aé"), max_size=3),
        st.integers(0, 5).map(lambda n: "x" * 20 + str(n)),
    ),
    max_size=60,
)


def summary_of(ids: Sequence[str | None], cut: int, *, packed: bool = False) -> object:
    with RepeatedIds() as found:
        for start in range(0, len(ids), cut):
            column = pa.array(ids[start : start + cut], pa.string())
            if not packed:
                found.add(id_block(column, np.arange(start + 1, start + 1 + len(column))))
                continue
            with RepeatedIds() as part:
                part.add(id_block(column, np.arange(len(column))))
                found.add_encoded(part.encode(), start + 1)
        return found.summary()


@given(ids=IDS, cut=st.integers(1, 60), at_once=st.sampled_from([1, 7, 1000]), packed=st.booleans())
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_same_ids_are_found_however_they_are_cut(
    monkeypatch: pytest.MonkeyPatch,
    ids: list[str | None],
    cut: int,
    at_once: int,
    packed: bool,
) -> None:
    monkeypatch.setattr("pipeline.scoring.summary.repeated_ids._SORTED_AT_ONCE", at_once)
    counts = Counter(known for known in ids if known)
    again = {known for known, count in counts.items() if count > 1}
    found = summary_of(ids, cut, packed=packed)
    if not counts:
        assert found is None
        return
    assert isinstance(found, dict)
    assert (found["ids"], found["rows"]) == (len(again), sum(counts[known] for known in again))
    rows = {each: [n for n, known in enumerate(ids, 1) if known == each] for each in again}
    first = sorted(rows.values(), key=lambda each: each[1])[:EXAMPLES]
    assert found["first_rows"] == [each[:EXAMPLES] for each in first]


def test_a_hash_follows_from_the_text_alone() -> None:
    texts = ["", "a", "ab", "12345678", "123456789", "x" * 40, "é", None]
    plain = hashes_of(pa.array(texts))
    assert (hashes_of(pa.array(["zzz", *texts]).slice(1)) == plain).all()
    assert (hashes_of(pa.array(texts, pa.large_string())) == plain).all()
    assert (hashes_of(pa.array(texts).dictionary_encode()) == plain).all()
    assert (plain == 0).tolist() == [not text for text in texts]
    assert len(set(plain.tolist())) == len(texts) - 1


def test_whole_numbers_are_ids_as_well() -> None:
    found = hashes_of(pa.array([7, None, 7, 8, 2**64 - 1], pa.uint64()))
    assert found[0] == found[2] != found[3] and found[1] == 0 and found[4] != 0


def test_rows_of_totals_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    found = summary_of(["1", "Total", "GESAMT", "summe", "Totally", "2"], 2)
    assert isinstance(found, dict)
    assert (found["total_rows"], found["first_total_rows"]) == (3, [2, 3, 4])
    monkeypatch.setattr("pipeline.scoring.summary.repeated_ids.MOST_ROWS", 3)
    assert summary_of(["1", "1", "2", "2"], 2) == {"compared": False}
