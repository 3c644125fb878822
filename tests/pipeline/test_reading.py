from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import pipeline.reading
from pipeline.errors import WrongFile
from pipeline.reading import open_customers

Write = Callable[..., Path]


def rows_of(path: Path) -> tuple[list[tuple[int, dict[str, object]]], list[tuple[int, str]]]:
    good: list[tuple[int, dict[str, object]]] = []
    broken: list[tuple[int, str]] = []
    for block in open_customers(path).blocks():
        good += zip(block.rows.tolist(), block.batch.to_pylist(), strict=True)
        broken += [(row.row, row.code) for row in block.broken]
    return good, broken


def test_cells_stay_the_text_they_are(write: Write) -> None:
    path = write('\ufeffid,note\n007," a ""b""\nc "\n1e5,NA\n')
    assert rows_of(path)[0] == [
        (1, {"id": "007", "note": ' a "b"\nc '}),
        (2, {"id": "1e5", "note": "NA"}),
    ]


def test_rows_that_the_format_breaks_are_kept_with_their_numbers(write: Write) -> None:
    path = write(b"a,b\n1,2\n3\n4,5\n6,\xff\n7,8,9\n10,11\n")
    good, broken = rows_of(path)
    assert [row for row, _ in good] == [1, 3, 6]
    assert broken == [
        (2, "wrong_number_of_fields"),
        (4, "bad_encoding"),
        (5, "wrong_number_of_fields"),
    ]


def test_broken_rows_alone_are_still_counted(write: Write) -> None:
    assert rows_of(write("a,b\n1\n2\n"))[1] == [
        (1, "wrong_number_of_fields"),
        (2, "wrong_number_of_fields"),
    ]


@given(broken=st.sets(st.integers(1, 3_000), max_size=40))
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_row_numbers_hold_across_blocks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: set[int]
) -> None:
    monkeypatch.setattr(pipeline.reading, "BLOCK_BYTES", 4_096)
    lines = [f"{n}" if n in broken else f"{n},{'x' * (n % 50)}" for n in range(1, 3_001)]
    path = tmp_path / "customers.csv"
    path.write_text("n,text\n" + "\n".join(lines))
    good, found = rows_of(path)
    assert [row for row, _ in found] == sorted(broken)
    assert all(str(row) == cells["n"] for row, cells in good)
    assert len(good) + len(found) == 3_000


def test_parquet_is_known_by_content(tmp_path: Path) -> None:
    path = tmp_path / "customers.csv"
    table = pa.table({"id": ["007", None], "limit": pa.array([1, None], pa.int16())})
    pq.write_table(table, path)
    assert open_customers(path).format == "parquet"
    assert rows_of(path)[0] == [(1, {"id": "007", "limit": 1}), (2, {"id": None, "limit": None})]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"\n \r\n", "is empty"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "neither UTF-8 text nor Parquet"),
        (b"PAR1 but not really", "not readable as a table"),
        (b"\xff\xfe\xff,b\n1,2\n", "header is not UTF-8"),
    ],
)
def test_what_is_no_table_is_refused(write: Write, content: bytes, message: str) -> None:
    with pytest.raises(WrongFile, match=message):
        open_customers(write(content))


def test_a_file_that_is_not_there_or_a_folder_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none.csv"):
        with pytest.raises(WrongFile, match="cannot be read"):
            open_customers(path)


def test_a_missing_column_names_what_was_found_and_what_is_close(write: Write) -> None:
    file = open_customers(write("Credit Limit,b\n1,2\n"))
    with pytest.raises(WrongFile, match=r"no column Credit_Limit; .*did you mean 'Credit Limit'"):
        file.column("Credit_Limit")


def test_a_column_that_is_there_twice_is_refused(write: Write) -> None:
    file = open_customers(write("a,a,b\n1,2,3\n"))
    assert file.column("b") == 2
    with pytest.raises(WrongFile, match="2 times"):
        file.column("a")


def test_a_row_longer_than_a_block_is_refused(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline.reading, "BLOCK_BYTES", 1_024)
    path = write('a,b\n1,2\n3,"' + "x\n" * 5_000 + '"\n')
    with pytest.raises(WrongFile, match="is not"):
        rows_of(path)
