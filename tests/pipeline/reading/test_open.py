import csv
import gzip
from collections.abc import Callable
from errno import EIO, ENOSPC
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.errors import WrongFile, refuse_unreadable
from pipeline.model.contract import Contract, Feature
from pipeline.reading.open import open_customers
from pipeline.reading.options import AUTODETECT, ReadingOptions

Write = Callable[..., Path]


def contract_of(*names: str) -> Contract:
    """A contract of numbers."""
    return Contract("any", "Any", tuple(Feature(name, "number", name) for name in names))


def rows_of(
    path: Path, options: ReadingOptions = AUTODETECT
) -> tuple[list[tuple[int, dict[str, object]]], list[tuple[int, str]]]:
    good: list[tuple[int, dict[str, object]]] = []
    broken: list[tuple[int, str]] = []
    with open_customers(path, None, options) as file:
        for block in file.blocks():
            cells = zip(*(column.to_pylist() for column in block.columns), strict=True)
            named = [dict(zip(file.schema.names, row, strict=True)) for row in cells]
            good += zip(block.rows.tolist(), named, strict=True)
            broken += [(row.row, row.code) for row in block.broken]
    return good, broken


def test_cells_stay_the_text_they_are(write: Write) -> None:
    path = write('\ufeffid,note\n007," a ""b""\nc "\n1e5,NA\n')
    assert rows_of(path)[0] == [
        (1, {"id": "007", "note": ' a "b"\nc '}),
        (2, {"id": "1e5", "note": "NA"}),
    ]


def test_rows_that_the_format_breaks_are_kept_with_their_numbers(write: Write) -> None:
    path = write(b"a,b\n1,\xc3\xa9\n3\n4,5\n6,\xff\n7,8,9\n10,11\n")
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
    monkeypatch.setattr("pipeline.reading.delimited.streams.CHUNK", 4_096)
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
    with open_customers(path) as file:
        assert file.format == "parquet"
    assert rows_of(path)[0] == [(1, {"id": "007", "limit": 1}), (2, {"id": None, "limit": None})]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"\n \r\n", "is empty"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "is a picture; export"),
        (b"PAR1 but not really", "not readable as Parquet"),
    ],
)
def test_what_is_no_table_is_refused(write: Write, content: bytes, message: str) -> None:
    with pytest.raises(WrongFile, match=message):
        rows_of(write(content))


def test_a_file_that_is_not_there_or_a_folder_is_refused(tmp_path: Path) -> None:
    for path, problem in ((tmp_path, "is a folder"), (tmp_path / "none.csv", "cannot be read")):
        with pytest.raises(WrongFile, match=problem):
            rows_of(path)


def test_a_missing_column_names_what_was_found_and_what_is_close(write: Write) -> None:
    with (
        open_customers(write("Credit Limit,b\n1,2\n")) as file,
        pytest.raises(WrongFile, match=r"no column Credit_Limit; .*did you mean 'Credit Limit'"),
    ):
        file.column("Credit_Limit")


def test_a_column_that_is_there_twice_is_refused(write: Write) -> None:
    with open_customers(write("a,a,b\n1,2,3\n")) as file:
        assert file.column("b") == 2
        with pytest.raises(WrongFile, match="2 times"):
            file.column("a")


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "none": bytes,
    "gzip": gzip.compress,
    "zstd": lambda data: bytes(pa.compress(data, codec="zstd", asbytes=True)),
}


@pytest.mark.parametrize("packing", PACKERS)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "cp1252"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("ending", [True, False], ids=["newline", "no newline"])
def test_any_dialect_reads_alike(
    write: Write, packing: str, encoding: str, newline: str, delimiter: str, ending: bool
) -> None:
    rows = [["id", "naïve"], ["007", "Müller"], ["", 'a "b"'], ["x", f"{delimiter}é"]]
    lines = [delimiter.join(f'"{c}"'.replace('"b"', '""b""') for c in row) for row in rows]
    text = newline.join(lines) + (newline if ending else "")
    path = write(PACKERS[packing](text.encode(encoding)), "customers.dat")
    options = ReadingOptions(encoding="cp1252") if encoding == "cp1252" else AUTODETECT
    good, broken = rows_of(path, options)
    assert broken == []
    assert [list(cells.values()) for _, cells in good] == rows[1:]
    assert [list(cells) for _, cells in good] == [rows[0]] * 3
    with open_customers(path, None, options) as file:
        assert (file.facts["delimiter"], file.facts["packing"]) == (delimiter, packing)


CELLS = st.text(st.sampled_from('ab,;"\n\r é\t'), max_size=6)


@given(
    rows=st.lists(st.lists(CELLS, min_size=3, max_size=3), min_size=1, max_size=30),
    quoting=st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]),
    newline=st.sampled_from(["\n", "\r\n"]),
    chunk=st.sampled_from([7, 64, 1 << 20]),
)
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_the_csv_module_writes_is_read_as_it_was(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    rows: list[list[str]],
    quoting: Any,
    newline: str,
    chunk: int,
) -> None:
    monkeypatch.setattr("pipeline.reading.delimited.streams.CHUNK", chunk)
    if quoting == csv.QUOTE_MINIMAL:  # the module leaves a carriage return without quotes
        rows = [[cell.replace("\r", "") for cell in row] for row in rows]
    path = tmp_path / "customers.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, quoting=quoting, lineterminator=newline).writerows(
            [["a", "b", "c"], *rows]
        )
    good, broken = rows_of(path)
    assert broken == []
    filled = [row for row in rows if any(c.strip(" \t") for c in row)]  # commas are no row
    assert [list(cells.values()) for _, cells in good] == filled


@given(
    text=st.lists(
        st.sampled_from(['"', ",", "\n", "a", "é", "\r", "\r\n", '""', '","']), max_size=60
    ),
    chunk=st.sampled_from([5, 33, 1 << 20]),
)
@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_text_is_lost_however_its_quotes_stand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: list[str], chunk: int
) -> None:
    monkeypatch.setattr("pipeline.reading.delimited.streams.CHUNK", chunk)
    path = tmp_path / "customers.csv"
    path.write_bytes(("x,y,z\n1,2,3\n" + "".join(text)).encode())
    with open_customers(path) as file:
        blocks = list(file.blocks())
    kept = [line for block in blocks if block.text for line in block.text.to_pylist()]
    broken = [row.text for block in blocks for row in block.broken]
    seen = ("".join(kept) + "".join(broken)).replace("1,2,3", "", 1)
    left_out = '\r\n,"'  # lines of commas are no rows, and a cell with a return gets quotes
    assert sorted(c for c in seen if c not in left_out) == sorted(
        c for c in "".join(text) if c not in left_out
    )
    numbers = sorted(
        [r for block in blocks for r in block.rows.tolist()]
        + [row.row for block in blocks for row in block.broken]
    )
    assert numbers == list(range(1, len(numbers) + 1))


def test_a_line_with_stray_quotes_costs_itself_only(write: Write) -> None:
    path = write('a,b\n1,"open\n2,"x"y\n3,5" wide\n4,"fine"\n5,"never closed\n6,7\n')
    good, broken = rows_of(path)
    assert broken == [(1, "broken_quotes"), (2, "broken_quotes"), (5, "broken_quotes")]
    assert [(row, cells["b"]) for row, cells in good] == [(3, '5" wide'), (4, "fine"), (6, "7")]


def test_lines_and_rows_are_counted_apart(write: Write) -> None:
    path = write('\n\na,b\n1,"two\nlines"\n\n2\n3,4\n')
    with open_customers(path) as file:
        (block,) = file.blocks()
    assert block.lines is not None
    assert (block.rows.tolist(), block.lines.tolist()) == ([1, 3], [4, 8])
    assert [(row.row, row.line) for row in block.broken] == [(2, 7)]


@pytest.mark.parametrize(
    ("text", "delimiter", "decimal"),
    [
        ("a;b\n1,5;2\n", ";", ","),
        ("a;b\n1.5;2\n", ";", "."),
        ("a\tb\n1,5\t2,25\n", "\t", ","),
        ("a,b\n1.5,2\n", ",", "."),
        ("sep=;\na;b\n1;2\n", ";", ""),
        ("a|b;c\n1|2\n", "|", ""),
    ],
)
def test_delimiter_and_decimal_mark_are_found(
    write: Write, text: str, delimiter: str, decimal: str
) -> None:
    with open_customers(write(text), contract_of("a", "b")) as file:
        assert (file.facts["delimiter"], file.numbers.decimal) == (delimiter, decimal)
        assert file.schema.names[0] == "a"
        assert sum(block.row_count for block in file.blocks()) == 1


def test_an_index_column_without_a_name_is_no_feature(write: Write) -> None:
    path = write("a b\n1 2 3\n2 5 6\n".replace(" ", ","))
    assert rows_of(path)[0] == [
        (1, {"": "1", "a": "2", "b": "3"}),
        (2, {"": "2", "a": "5", "b": "6"}),
    ]


def test_names_match_without_stray_spaces_and_case_and_it_is_said(write: Write) -> None:
    path = write(" credit_limit ,Other\n1,2\n")
    with open_customers(path, contract_of("Credit_Limit")) as file:
        assert file.column("Credit_Limit") == 0
        assert file.facts["matched"] == {" credit_limit ": "Credit_Limit"}
        assert file.header == (" credit_limit ", "Other")
    with (
        open_customers(write("limit,LIMIT\n1,2\n"), contract_of("Limit")) as file,
        pytest.raises(WrongFile, match="'limit' and 'LIMIT' are both Limit; say which"),
    ):
        file.column("Limit")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (gzip.compress(b"a,b\n" * 1000)[:-20], "cannot be unpacked as gzip"),
        (b"\x28\xb5\x2f\xfd" + b"x" * 50, "cannot be unpacked as zstd"),
        (b"\x1f\x8b not gzip", "cannot be unpacked as gzip"),
        (b"a,b\n" + b"x" * 4_000_000, "more than 1,048,576 bytes"),
        (b"x" * 4_000_000, "no line that ends within 1 MiB"),
        (b",".join([b"c"] * 5_001) + b"\n1\n", "5,001 columns"),
        ("a,b\n1,2\n".encode("utf-16")[:-1], "in the middle of a character"),
    ],
    ids=["cut", "zstd", "gzip", "line", "header", "columns", "utf-16"],
)
def test_a_damaged_or_boundless_file_is_refused(write: Write, content: bytes, message: str) -> None:
    with pytest.raises(WrongFile, match=message):
        rows_of(write(content))


def test_text_that_is_not_in_the_encoding_that_was_stated_is_refused(write: Write) -> None:
    path = write("a,b\né,2\n")
    with pytest.raises(WrongFile, match=r"is no text in utf-16.* say another with --encoding"):
        rows_of(path, ReadingOptions(encoding="utf-16"))


def test_a_bomb_is_refused(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.reading.delimited.compression._BOMB_FROM", 1 << 20)
    bomb = pa.compress(b"a,b\n" + b"1,2\n" * 10_000_000, codec="zstd", asbytes=True)
    with pytest.raises(WrongFile, match="1,100 times its size"):
        rows_of(write(bomb))


def test_a_full_disk_is_no_fault_of_the_file_that_is_read() -> None:
    """A workbook is written out as text while it is opened, which may find no space."""
    with pytest.raises(OSError, match="No space left"), refuse_unreadable("a.xlsx"):
        raise OSError(ENOSPC, "No space left on device")
    with pytest.raises(WrongFile, match="cannot be read"), refuse_unreadable("a.xlsx"):
        raise OSError(EIO, "Input/output error")
