"""Workbooks as people keep them: the right sheet, the right rows, and no value that is none."""

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from pipeline.reading.options import ReadingOptions
from tests.support.exports import FEATURES, HEADER, ROWS, assert_right, right, score


@pytest.fixture
def book(tmp_path: Path) -> Any:
    """A workbook with the customers in its one sheet."""
    made = openpyxl.Workbook()
    made.active.title = "Customers"
    fill(made.active)
    return made


def fill(sheet: Any, rows: list[list[Any]] | None = None) -> None:
    sheet.append(HEADER)
    for row in typed() if rows is None else rows:
        sheet.append(row)


def typed() -> list[list[Any]]:
    """The customers with numbers for numbers."""
    return [
        [cell if i in (0, 1, 7) else float(cell) if i in (2, 5) else int(cell)
         for i, cell in enumerate(row)]
        for row in ROWS
    ]  # fmt: skip


def saved(book: Any, tmp_path: Path) -> Path:
    path = tmp_path / "customers.xlsx"
    book.save(path)
    return path


def changed(path: Path, change: Callable[[str, bytes], bytes]) -> Path:
    """The same archive with its files changed."""
    with zipfile.ZipFile(path) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, change(name, content))
    return path


@pytest.mark.parametrize("state", ["hidden", "veryHidden"])
def test_a_hidden_sheet_is_read_when_it_is_named_only(
    book: Any, tmp_path: Path, state: str
) -> None:
    codes = book.create_sheet("Codes", 0)
    fill(codes, [["1", "x", 1, 1, 1, 1, 1, "x"]])
    codes.sheet_state = state
    book.active = 1
    path = saved(book, tmp_path)
    seen = score(path)
    assert_right(seen)
    assert (seen.manifest["input"]["sheet"], seen.manifest["input"]["other_sheets"]) == (
        "Customers", ["Codes"],
    )  # fmt: skip
    assert score(path, reading=ReadingOptions(sheet="Codes")).manifest["rows_in"] == 1


def test_the_sheet_that_has_the_columns_is_read(book: Any, tmp_path: Path) -> None:
    cover = book.create_sheet("Cover", 0)
    cover["B2"] = "Customers of November"
    cover["B3"] = "CLIENTNUM"
    assert_right(score(saved(book, tmp_path)))


def test_several_sheets_with_the_columns_are_refused(book: Any, tmp_path: Path) -> None:
    fill(book.create_sheet("More"))
    seen = score(saved(book, tmp_path))
    assert "several sheets have the columns: 'Customers', 'More'; name one" in seen.refused


def test_without_the_columns_the_sheets_are_named(book: Any, tmp_path: Path) -> None:
    book["Customers"]["E1"] = "Other"
    book.create_sheet("Empty")
    assert "no column Total_Trans_Amt" in score(saved(book, tmp_path)).refused


def test_a_table_may_begin_anywhere_below_titles(tmp_path: Path) -> None:
    made = openpyxl.Workbook()
    sheet = made.active
    sheet["C1"] = "Customers of November"
    sheet.merge_cells("C1:F1")
    for down, row in enumerate([HEADER, *typed()]):
        for across, cell in enumerate(row):
            sheet.cell(5 + down, 3 + across, cell)
    sheet.cell(7 + len(ROWS), 3, "made by hand")
    seen = score(saved(made, tmp_path), max_rejected_share=1.0)
    assert seen.manifest["input"]["header_row"] == 5
    assert right().items() <= seen.clusters.items()
    assert [(r["line"], r["code"]) for r in seen.rejects] == [("13", "missing")]


def test_errors_and_formulas_without_result_are_told_by_their_own_words(
    book: Any, tmp_path: Path
) -> None:
    sheet = book["Customers"]
    sheet["D2"], sheet["E3"], sheet["B4"] = "=1+1", "#DIV/0!", "=A4"
    seen = score(saved(book, tmp_path))
    assert [(r["id"], r["code"]) for r in seen.rejects] == [
        ("81001", "error_cell"),
        ("81002", "error_cell"),
    ]
    assert "formula" in seen.rejects[0]["reason"] and "#DIV/0!" in seen.rejects[1]["reason"]
    assert b"81003,#NOT-COMPUTED!" in seen.written  # and not an empty cell or a 0


def test_zeros_that_a_program_wrote_for_results_are_none(book: Any, tmp_path: Path) -> None:
    book["Customers"]["D2"] = "=1+1"
    path = changed(
        saved(book, tmp_path),
        lambda name, content: content.replace(b"<f>1+1</f><v></v>", b"<f>1+1</f><v>0</v>")
        .replace(b"<f>1+1</f><v />", b"<f>1+1</f><v>0</v>"),
    )  # fmt: skip
    assert [r["code"] for r in score(path).rejects] == ["error_cell"]
    computed = changed(path, lambda n, c: c.replace(b'fullCalcOnLoad="1"', b""))
    assert score(computed, max_rejected_share=0.4).rejects == []


@pytest.mark.parametrize(
    "first_id", [4000123412340000, 123456789012345678, 999999999999999, 12345678901234567000]
)
def test_long_ids_come_out_in_digits(book: Any, tmp_path: Path, first_id: int) -> None:
    for row in range(2, 2 + len(ROWS)):
        book["Customers"].cell(row, 1).value = first_id + (row - 2) * 10**6
    seen = score(saved(book, tmp_path))
    assert len(seen.clusters) == len(ROWS)
    assert all(known.isdigit() and abs(int(known) - first_id) < 10**7 for known in seen.clusters)


def test_digits_that_a_double_does_not_hold_come_out_as_they_stand(
    book: Any, tmp_path: Path
) -> None:
    digits = "12345678901234567891"
    book["Customers"]["A2"] = 81001
    value = f"<v>{digits}</v>".encode()
    path = changed(
        saved(book, tmp_path), lambda name, content: content.replace(b"<v>81001</v>", value)
    )
    assert digits in score(path).clusters


def test_cells_with_line_ends_of_any_kind_keep_their_row(book: Any, tmp_path: Path) -> None:
    for row, text in enumerate(["a_x000D_b", "a\nb", 'a"b', "a,b", "\ta", "a_x000D_\nb"], 2):
        book["Customers"].cell(row, 2).value = text
    assert_right(score(saved(book, tmp_path)))


def test_rows_without_content_are_no_customers(book: Any, tmp_path: Path) -> None:
    sheet = book["Customers"]
    for row in range(20, 400):
        sheet.cell(row, 2).value = "  "
    seen = score(saved(book, tmp_path))
    assert_right(seen)
    assert seen.manifest["input"]["empty_rows"] >= 380


def test_text_that_may_be_two_numbers_is_refused_and_typed_numbers_are_not(
    book: Any, tmp_path: Path
) -> None:
    sheet = book["Customers"]
    sheet["E2"] = 1.125
    assert len(score(saved(book, tmp_path)).clusters) == len(ROWS)
    sheet["E2"] = "1.900"
    seen = score(saved(book, tmp_path))
    assert "'1.900'" in seen.refused and "--decimal" in seen.refused


@pytest.mark.parametrize("reference", [b"XFE1", b"A1048577", b"ZZZZ9"])
def test_a_cell_outside_of_any_sheet_is_refused(
    book: Any, tmp_path: Path, reference: bytes
) -> None:
    row = b'<row r="9"><c r="' + reference + b'"><v>1</v></c></row></sheetData>'
    path = changed(
        saved(book, tmp_path), lambda name, content: content.replace(b"</sheetData>", row)
    )
    assert "outside of any sheet" in score(path).refused


@pytest.mark.parametrize("reference", ["XFD1048576", "CV1048576", "XFD40000"])
def test_a_cell_far_away_is_told_and_costs_nothing(
    book: Any, tmp_path: Path, reference: str
) -> None:
    book["Customers"][reference] = "x"
    assert "lies far from the others" in score(saved(book, tmp_path)).refused


def test_what_a_careless_key_leaves_in_the_last_row_is_no_matter(book: Any, tmp_path: Path) -> None:
    book["Customers"]["A1048576"] = " "
    assert_right(score(saved(book, tmp_path)))


def test_a_workbook_with_a_password_is_called_that(tmp_path: Path) -> None:
    path = tmp_path / "customers.xlsx"
    entry = "EncryptedPackage".encode("utf-16-le")
    path.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(1000) + entry + bytes(3000))
    assert "password" in score(path).refused


def test_names_with_backslashes_and_other_zip_files(book: Any, tmp_path: Path) -> None:
    path = saved(book, tmp_path)
    with zipfile.ZipFile(path) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name.replace("/", "\\")), content)
    seen = score(path)
    assert seen.refused == "" or "workbook" in seen.refused


assert all(isinstance(typed()[0][place], int) for place in FEATURES)
