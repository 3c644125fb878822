"""Files on a page that do not show how they are written: the form says it."""

import io
from pathlib import Path

import pytest
from openpyxl import Workbook, load_workbook
from starlette.testclient import TestClient

from functions.http.problems import ProblemError
from functions.live_model import LiveModel
from functions.settings import READING_VARIABLES
from functions.web.files import FIELDS, LABELS, files_view
from pipeline.reading.options import OPTIONS, ReadingOptions, WrongOption
from tests.support.uploading import downloads, kept, told
from tests.support.web import Page, page_of

pytestmark = pytest.mark.usefixtures("temporary")
HEADER = "Total_Revolving_Bal;Total_Trans_Amt;Total_Trans_Ct\n"
AMBIGUOUS = HEADER + "0;4,604;38\n" * 8
"""Thousands to some, a small number to others."""


def send(
    browser: TestClient, status: int, content: str | bytes = AMBIGUOUS, **choices: str
) -> Page:
    sent = content.encode() if isinstance(content, str) else content
    answer = browser.post("/files", files={"file": ("a.csv", sent)}, data=choices)
    assert answer.status_code == status, answer.text
    return Page(answer.text)


def chosen(page: Page) -> dict[str, str]:
    """What the form would send besides the file."""
    found, name = {}, ""
    for element in page.elements:
        attributes = element.attributes
        if element.tag == "select":
            name = attributes["name"]
        elif element.tag == "option" and (name not in found or "selected" in attributes):
            found[name] = attributes["value"]
        elif element.tag == "input" and attributes["name"] in OPTIONS:
            found[attributes["name"]] = attributes["value"]
        elif element.tag == "textarea":
            found[attributes["name"]] = element.text
    return found


def amount(browser: TestClient, page: Page) -> float:
    """The mean of what was spent."""
    summary = browser.get(downloads(page)["summary.json"]).json()
    each = [cluster for cluster in summary["clusters"] if cluster["customers"]]
    (mean,) = {cluster["means"]["Total_Trans_Amt"] for cluster in each}
    return float(mean)


def test_the_form_has_a_closed_field_for_every_option(champion: TestClient) -> None:
    page = page_of(champion, "/files")
    assert "open" not in page.one("details").attributes
    assert chosen(page) == {"format": "", "safe_csv": "false", **dict.fromkeys(OPTIONS, "")}
    for field in FIELDS:
        assert page.one("label", **{"for": field.name}).text == field.label
        for value, _ in field.values:
            ReadingOptions.from_texts({field.name: value})  # which can be meant


@pytest.mark.parametrize(
    ("choices", "mean"), [({"decimal": ","}, 4.604), ({"thousands": ","}, 4604.0)]
)
def test_a_file_that_can_be_read_in_two_ways_is_refused_until_the_form_says_which(
    champion: TestClient, temporary: Path, choices: dict[str, str], mean: float
) -> None:
    page = send(champion, 422, safe_csv="true", encoding="utf-8")
    assert "4604 or 4.604" in told(page)
    assert "found '4,604'" in told(page)
    assert "with “Decimal mark” below" in told(page)
    assert "--" not in told(page)
    (link,) = (e for e in page.all("a") if e.text.startswith("a.csv: row 1"))
    assert link.attributes["href"] == "#decimal"
    assert "open" in page.one("details").attributes
    assert kept(temporary) == []
    again = chosen(page)
    assert again == {
        **dict.fromkeys(OPTIONS, ""), "format": "", "safe_csv": "true", "encoding": "utf-8",
    }  # fmt: skip
    assert amount(champion, send(champion, 200, **{**again, **choices})) == mean


@pytest.mark.parametrize(
    ("content", "choices"),
    [
        (AMBIGUOUS.replace(";", "|"), {"delimiter": "pipe", "thousands": ","}),
        (AMBIGUOUS.replace(";", "\t"), {"delimiter": "tab", "decimal": "."}),
        (AMBIGUOUS.encode("utf-16-le"), {"encoding": "utf-16-le", "decimal": "."}),
        ("A title\n" + AMBIGUOUS, {"header_row": "2", "decimal": "."}),
    ],
)
def test_every_field_counts(
    champion: TestClient, content: str | bytes, choices: dict[str, str]
) -> None:
    assert amount(champion, send(champion, 200, content, **choices)) == 4604


def test_a_sheet_is_chosen_by_its_name(champion: TestClient) -> None:
    book, sent = Workbook(), io.BytesIO()
    for name, value in (("May", 1000), ("Übersicht Juni", 2000)):
        sheet = book.create_sheet(name)
        for row in (HEADER.strip().split(";"), *[[0, value, 38]] * 5):
            sheet.append(row)
    book.save(sent)
    page = send(champion, 200, sent.getvalue(), sheet="Übersicht Juni")
    assert amount(champion, page) == 2000
    wrong = send(champion, 422, sent.getvalue(), sheet="<June>")
    assert "no sheet '<June>'" in told(wrong)
    assert chosen(wrong)["sheet"] == "<June>"


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("decimal", "x", "“Decimal mark” below: expected '.' or ','"),
        ("thousands", "x", "“Between thousands” below: expected one of"),
        ("delimiter", "::", "“Between columns of a text file” below: expected one ASCII"),
        ("encoding", "klingon", "“Encoding of a text file” below: expected an encoding"),
        ("encoding", "\ud7ff" * 60, "“Encoding of a text file” below: expected an encoding"),
        ("header_row", "0", "“Row with the names of the columns” below: expected 1 or more"),
        ("header_row", "1.5", "“Row with the names of the columns” below: expected a whole"),
        ("header_row", "9" * 150, "a.csv: has no header in line 999"),
        ("sheet", "x" * 201, "Field 'sheet': expected at most 200 bytes"),
    ],
)
def test_what_cannot_be_meant_is_told_above_the_form(
    champion: TestClient, temporary: Path, name: str, value: str, reason: str
) -> None:
    page = send(champion, 422, **{name: value})
    assert told(page).startswith(f"The file was not scored {reason}")
    assert kept(temporary) == []
    if len(value) < 200:
        assert "open" in page.one("details").attributes
        assert name not in ("encoding", "header_row") or chosen(page)[name] == value


def test_a_program_is_told_the_option(client: TestClient) -> None:
    answer = client.post("/files", files={"file": ("a.csv", b"a")}, data={"decimal": "x"})
    found = answer.json()
    assert (answer.status_code, found["code"]) == (422, "invalid_form")
    assert found["detail"] == "--decimal: expected '.' or ',', found 'x'"


@pytest.mark.parametrize("name", OPTIONS)
def test_every_option_that_an_error_names_has_a_name_on_the_page(
    live_model: LiveModel, name: str
) -> None:
    loaded = live_model.current()
    for names in (LABELS, READING_VARIABLES):
        view = files_view(loaded, 1, names, ProblemError(422, str(WrongOption(name, "a", "b"))))
        assert view["error"] == f"{names[name]}: expected a, found 'b'"
        assert view["decides"] == name
    quoted = f"x--{name}.csv: row 1: '--{name}' is no number"
    view = files_view(
        loaded, 1, LABELS, ProblemError(422, quoted, code="invalid_file", of_file=True)
    )
    assert (view["error"], view["decides"]) == (quoted, "")


def test_rows_come_back_as_a_workbook_when_the_form_says_so(champion: TestClient) -> None:
    page = send(champion, 200, AMBIGUOUS.replace("4,604", "4604"), format="xlsx")
    book = load_workbook(io.BytesIO(champion.get(downloads(page)["assigned.xlsx"]).content))
    assert book.sheetnames == ["Groups", "Customers", "Rejects"]
    refused = send(champion, 422, format="ods")
    assert "Field 'format': expected csv, parquet, xlsx or nothing" in told(refused)
