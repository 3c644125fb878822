"""A file with other names of columns: it waits, a form asks which are meant, and it is scored."""

import io
import json
import os
import re
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from openpyxl import Workbook
from starlette.testclient import TestClient

from functions.uploads.results import KEPT_SECONDS
from tests.support.uploading import CUSTOMERS, downloads, kept, post, told, words
from tests.support.web import Page

BrowserOver = Callable[..., TestClient]
pytestmark = pytest.mark.usefixtures("temporary")
OTHERS = {
    "Total_Revolving_Bal": "Saldo",
    "Total_Trans_Amt": "TotalTransAmt ($)",
    "Total_Trans_Ct": "Total Trans Count",
}
RENAMED = CUSTOMERS
for _name, _other in OTHERS.items():
    RENAMED = RENAMED.replace(_name.encode(), _other.encode(), 1)


def selected(page: Page) -> dict[str, str]:
    """The columns that the form asks for, each with what is proposed."""
    found, name = {}, ""
    for element in page.elements:
        if element.tag == "select":
            name = element.attributes["name"]
            found[name] = ""
        elif element.tag == "option" and "selected" in element.attributes:
            found[name] = element.attributes.get("value", element.text)
    return found


def send(
    browser: TestClient, page: Page, fields: Mapping[str, str] | None = None, status: int = 200
) -> Page:
    """Send the form of a file that waits."""
    sent = {**selected(page), **(fields or {})}
    answer = browser.post(page.one("form").attributes["action"], data=sent)
    assert answer.status_code == status, answer.text
    return Page(answer.text)


def test_a_file_waits_until_its_columns_are_matched(champion: TestClient, temporary: Path) -> None:
    page = post(champion, RENAMED, "März.csv", status=422)
    assert page.one("h1").text == "Which columns are meant?"
    assert selected(page) == {
        "map.Total_Revolving_Bal": "",
        "map.Total_Trans_Amt": "TotalTransAmt ($)",
        "map.Total_Trans_Ct": "Total Trans Count",
    }
    assert "kept here for 15 minutes" in page.text
    (waiting,) = kept(temporary)
    assert waiting.stat().st_mode & 0o777 == 0o700
    name = waiting.name
    for path in (f"/files/{name}/input", f"/files/{name}/upload.json", f"/files/{name}/match"):
        assert champion.get(path).status_code == 404
    results = send(champion, page, {"map.Total_Revolving_Bal": "Saldo"})
    assert results.one("h1").text == "März.csv"
    assert "Assigned to a group 995" in words(results)
    assert "“Saldo” was read as Total_Revolving_Bal" in results.text
    taught = (
        """models map champion "Saldo=Total_Revolving_Bal" 'TotalTransAmt ($)=Total_Trans_Amt' """
    )
    assert taught in results.text
    assigned = champion.get(downloads(results)["assigned.csv"]).text
    assert assigned.startswith(RENAMED.decode().partition("\r\n")[0].partition("\n")[0])
    (run,) = kept(temporary)  # and the file is gone
    assert "input" not in {path.name for path in run.iterdir()}
    again = champion.post(page.one("form").attributes["action"], data=selected(page))
    assert again.status_code == 404


def test_what_was_chosen_is_proposed_for_the_next_file_of_these_names(
    champion: TestClient,
) -> None:
    page = post(champion, RENAMED, status=422)
    send(champion, page, {"map.Total_Revolving_Bal": "Saldo"})
    again = post(champion, RENAMED, "b.csv", status=422)
    assert selected(again)["map.Total_Revolving_Bal"] == "Saldo"
    assert "what was chosen for the last file" in again.text
    other = post(champion, RENAMED.replace(b"Saldo", b"Bestand"), "c.csv", status=422)
    assert selected(other)["map.Total_Revolving_Bal"] == ""


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"map.Total_Revolving_Bal": "TotalTransAmt ($)"}, "is to be both"),
        ({"map.Total_Revolving_Bal": "elsewhere"}, "no column 'elsewhere' in the file"),
        ({"map.Total_Revolving_Bal": "Saldo", "map.Fee": "Saldo"}, "no column Fee is read here"),
        ({"map.Total_Revolving_Bal": "Saldo", "header_row": "0"}, "expected 1 or more"),
    ],
)
def test_what_cannot_be_meant_is_told_and_the_file_still_waits(
    champion: TestClient, temporary: Path, fields: dict[str, str], reason: str
) -> None:
    page = post(champion, RENAMED, status=422)
    refused = send(champion, page, fields, 422)
    assert reason in told(refused)
    assert str(temporary) not in refused.html
    assert "Assigned to a group 995" in words(
        send(champion, refused, {"map.Total_Revolving_Bal": "Saldo"})
    )


def test_a_column_that_is_not_chosen_is_asked_for_again(champion: TestClient) -> None:
    refused = send(champion, post(champion, RENAMED, status=422), status=422)
    assert "No column is chosen yet for Total_Revolving_Bal" in told(refused)
    assert selected(refused) == {"map.Total_Revolving_Bal": ""}
    assert "995" in send(champion, refused, {"map.Total_Revolving_Bal": "Saldo"}).text


def test_whoever_sends_the_form_at_the_same_time_finds_the_file_whole(
    champion: TestClient, temporary: Path
) -> None:
    page = post(champion, RENAMED, status=422)
    (waiting,) = kept(temporary)
    with (waiting / "upload.json").open(encoding="utf-8") as reading:
        send(champion, page, status=422)
        assert json.load(reading)["texts"] == {}
    assert {path.name for path in waiting.iterdir()} == {"input", "upload.json"}


def test_what_the_rows_come_back_as_is_not_forgotten(champion: TestClient) -> None:
    sent = champion.post("/files", files={"file": ("a.csv", RENAMED)}, data={"format": "parquet"})
    results = send(champion, Page(sent.text), {"map.Total_Revolving_Bal": "Saldo"})
    assert "assigned.parquet" in downloads(results)


def test_the_id_may_be_matched_too(champion: TestClient) -> None:
    content = RENAMED.replace(b"CLIENTNUM", b"Client Num", 1)
    page = post(champion, content, status=422)
    assert selected(page)["map.CLIENTNUM"] == "Client Num"
    fields = {"map.Total_Revolving_Bal": "Saldo"}
    assert "“Client Num” was read as CLIENTNUM" in send(champion, page, fields).text
    without = post(champion, content, status=422)
    results = send(champion, without, {**fields, "map.CLIENTNUM": ""})
    assert "was read as CLIENTNUM" not in results.text


def book(*sheets: list[list[object]]) -> bytes:
    made, content = Workbook(), io.BytesIO()
    made.remove(made.active)
    for number, rows in enumerate(sheets, 1):
        sheet = made.create_sheet(f"Part {number}")
        for row in rows:
            sheet.append(row)
    made.save(content)
    return content.getvalue()


NAMES: list[object] = ["Total_Revolving_Bal", "Total_Trans_Amt", "Total_Trans_Ct"]
ROWS: list[list[object]] = [[0, 1900, 38], [1500, 4600, 80]]


def test_a_sheet_is_chosen_among_those_that_have_the_columns(champion: TestClient) -> None:
    content = book([NAMES, *ROWS], [NAMES, *ROWS, *ROWS])
    page = post(champion, content, "book.xlsx", status=422)
    assert page.one("h1").text == "Which sheet is meant?"
    assert "several sheets have the columns: 'Part 1', 'Part 2'" in page.text
    assert selected(page) == {"sheet": "Part 1"}
    assert "Customers in the file 4 rows" in words(send(champion, page, {"sheet": "Part 2"}))


def test_another_sheet_and_row_can_be_read(champion: TestClient) -> None:
    others: list[object] = ["Saldo", "Umsatz", "Anzahl"]
    content = book([["Saldo", "x", "y"], *ROWS], [["Title"], ["from", "to"], others, *ROWS])
    page = post(champion, content, "book.xlsx", status=422)
    if selected(page)["sheet"] == "Part 1":
        page = send(champion, page, {"again": "1", "sheet": "Part 2", "header_row": "3"}, 422)
    else:
        page = send(champion, page, {"again": "1", "header_row": "3"}, 422)
    assert selected(page)["sheet"] == "Part 2"
    assert page.by_id("header_row").attributes["value"] == "3"
    fields = dict(zip([f"map.{name}" for name in NAMES], map(str, others), strict=True))
    assert "Customers in the file 2 rows" in words(send(champion, page, fields))


def test_a_file_waits_for_a_while_only(champion: TestClient, temporary: Path) -> None:
    page = post(champion, RENAMED, status=422)
    (waiting,) = kept(temporary)
    long_ago = time.time() - KEPT_SECONDS - 1
    os.utime(waiting, (long_ago, long_ago))
    answer = champion.post(page.one("form").attributes["action"], data=selected(page))
    assert answer.status_code == 404
    post(champion, CUSTOMERS)
    assert waiting not in kept(temporary)


@pytest.mark.parametrize("name", ["x", "a" * 32, "..%2f..%2fetc"])
def test_nothing_else_is_ever_looked_for(champion: TestClient, name: str) -> None:
    assert champion.post(f"/files/{name}/match", data={"sheet": "x"}).status_code == 404


def test_a_program_gets_the_refusal_and_nothing_is_kept(
    client: TestClient, temporary: Path
) -> None:
    answer = client.post("/files", files={"file": ("a.csv", RENAMED)})
    assert answer.status_code == 422
    assert '--map "Total Trans Count=Total_Trans_Ct"' in answer.json()["detail"]
    assert kept(temporary) == []


def test_columns_are_named_in_the_form_of_the_file_as_well(champion: TestClient) -> None:
    said = "\r\n".join(f"{other}={name}" for name, other in OTHERS.items())
    answer = champion.post("/files", files={"file": ("a.csv", RENAMED)}, data={"map": said})
    assert answer.status_code == 200, answer.text
    assert "Assigned to a group 995" in words(Page(answer.text))


def test_pages_of_matching_work_behind_a_stage(browser_over: BrowserOver) -> None:
    browser = browser_over(root_path="/prod")
    answer = browser.post("/prod/files", files={"file": ("a.csv", RENAMED)})
    page = Page(answer.text)
    action = page.one("form").attributes["action"]
    assert re.fullmatch(r"/prod/files/[\w-]{32}/match", action)
    fields = selected(page) | {"map.Total_Revolving_Bal": "Saldo"}
    assert "995" in browser.post(action, data=fields).text
