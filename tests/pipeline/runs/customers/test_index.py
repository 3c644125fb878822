"""The index of a run: every customer is found by one read, and nobody else is."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.runs.committed import CommittedRun
from pipeline.runs.customers import indexing
from pipeline.runs.customers.index import RECORD, Found, IndexKey, find, id_text
from pipeline.runs.customers.indexing import write_index

KEY = IndexKey("a secret")
FEATURES = "Credit_Limit,Contacts_Count_12_mon,Total_Revolving_Bal,Avg_Utilization_Ratio"
HEAD = f"CLIENTNUM,Attrition_Flag,{FEATURES}\n"


def index_of(ids: list[str]) -> bytes:
    """An index of a customer a row, whose cluster is the row's number."""
    records = [(KEY.digest(each), row) for row, each in enumerate(ids, start=1)]
    records.sort(key=lambda record: record[0])
    return b"".join(RECORD.pack(digest, row, 0, 2, float("nan")) for digest, row in records)


def reading(content: bytes, reads: list[int]) -> Callable[[int, int], bytes]:
    def read(start: int, length: int) -> bytes:
        reads.append(length)
        return content[start : start + length]

    return read


@given(st.lists(st.text(min_size=1, max_size=8), max_size=300, unique=True))
def test_every_customer_is_found_and_nobody_else(ids: list[str]) -> None:
    content = index_of(ids)
    for row, each in enumerate(ids, start=1):
        assert find(reading(content, []), len(ids), KEY.digest(each)) == [
            Found(row, outlier=False, churned=None, risk=None)
        ]
    assert find(reading(content, []), len(ids), KEY.digest("somebody else")) == []


def test_one_read_of_a_small_part_finds_one_of_many() -> None:
    ids = [f"{number:07d}" for number in range(50_000)]
    content, reads = index_of(ids), list[int]()
    for each in ids[::500]:
        assert len(find(reading(content, reads), len(ids), KEY.digest(each))) == 1
    assert len(reads) == 100
    assert max(reads) < len(content) / 30


@pytest.mark.parametrize("others", [0, 5_000])
def test_an_id_of_very_many_rows_has_all_of_them(others: int) -> None:
    ids = ["one"] * 4_000 + [str(number) for number in range(others)]
    found = find(reading(index_of(ids), []), len(ids), KEY.digest("one"))
    assert [each.cluster for each in found] == list(range(1, 4_001))


def test_a_damaged_index_is_no_answer() -> None:
    content = index_of(["a", "b", "c"])
    with pytest.raises(ValueError, match="damaged"):
        find(reading(content[:-1], []), 3, KEY.digest("a"))


def test_an_id_is_one_text_however_its_column_is_typed() -> None:
    assert id_text(7) == id_text(7.0) == id_text("7 ") == "7"
    assert id_text("007") == "007"
    assert id_text(None) is None
    assert id_text("  ") is None


def looked_up(run: CommittedRun, customer: str, key: IndexKey = KEY) -> list[Found]:
    def read(start: int, length: int) -> bytes:
        return run.files.read_range(key.file, start, length)

    return find(read, run.manifest["rows_assigned"], key.digest(customer))


def test_the_index_says_what_the_rows_of_the_run_say(
    make_run: Callable[..., CommittedRun], monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [
        "007,Attrited Customer,1900,3,0,0",
        ",Existing Customer,1900,3,0,0",
        "42,Existing Customer,30000,2,2400,0.05",
        "7,,1900,3,0,0",
        "42,Attrited Customer,1900,3,0,0",
        *(f"c{number},Existing Customer,{1500 + number},3,0,0" for number in range(300)),
    ]
    run = make_run(HEAD + "\n".join(rows) + "\n")
    assert write_index(run, KEY) == len(rows) - 1
    whole = run.files.read(KEY.file)
    assert len(whole) == len(rows) * RECORD.size
    [zeros], [without], [first, second] = (looked_up(run, each) for each in ("007", "7", "42"))
    assert zeros.churned is True
    assert without.churned is None
    assert (first.churned, second.churned) == (False, True)
    assert first.cluster != second.cluster == zeros.cluster == without.cluster
    assert looked_up(run, "") == []
    assert b"007" not in whole
    monkeypatch.setattr(indexing, "_IN_MEMORY", 20 * RECORD.size)
    write_index(run, KEY)
    assert run.files.read(KEY.file) == whole


@pytest.mark.parametrize("written", ["csv", "parquet", "xlsx"])
def test_an_index_is_made_of_every_format(
    make_run: Callable[..., CommittedRun], written: str
) -> None:
    run = make_run(HEAD + "007,Attrited Customer,1900,3,0,0\n", format=written)
    assert write_index(run, KEY) == 1
    assert [each.churned for each in looked_up(run, "007")] == [True]


def test_a_run_without_ids_or_customers_says_so(
    make_run: Callable[..., CommittedRun], tmp_path: Path
) -> None:
    run = make_run(f"{FEATURES}\n1900,3,0,0\n")
    with pytest.raises(Exception, match="has no id column") as told:
        write_index(run, KEY)
    assert "\n" not in str(told.value)
    assert not run.files.exists(KEY.file)
