"""Lists of customers from the results page: its form, its address, and what that refuses."""

import asyncio
import csv
import io
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet
import pytest
from openpyxl import load_workbook
from starlette.testclient import TestClient
from starlette.types import Message

from functions.api import create_app
from functions.http.content import made_files
from functions.http.problems import ProblemError
from functions.live_model import load
from functions.settings import Settings
from functions.uploads import audiences
from functions.uploads.results import Results
from functions.web.audience import audience_form
from model_store import BUNDLED, Temporary, open_store
from tests.support.uploading import CUSTOMERS, HEADER, kept, post
from tests.support.web import BROWSER, Fixed, Page, page_of, without_churn

PROGRAM = {"accept": "application/json"}
pytestmark = pytest.mark.usefixtures("temporary")


def address_of(page: Page) -> str:
    return page.one("form", method="get").attributes["action"]


@pytest.fixture
def listing(champion: TestClient) -> str:
    """The address of lists of the invented customers."""
    return address_of(post(champion, CUSTOMERS, "customers.csv"))


def rows(text: str, delimiter: str = ",") -> list[dict[str, str]]:
    body = io.StringIO(text.removeprefix("\ufeff"), newline="")
    return list(csv.DictReader(body, delimiter=delimiter, strict=True))


def test_the_form_stands_below_whom_to_turn_to(champion: TestClient) -> None:
    page = post(champion, CUSTOMERS, "customers.csv")
    assert page.by_id("audience").text == "A list for a campaign"
    assert page.one("form", method="get").attributes["aria-labelledby"] == "audience"
    start = page.html.index('<form class="card form" method="get"')
    page = Page(page.html[start : page.html.index("</form>", start) + len("</form>")])
    labelled = {label.attributes["for"] for label in page.all("label") if "for" in label.attributes}
    fields = {e.attributes["id"]: e.attributes["name"] for e in page.all("input", "select")
              if "id" in e.attributes}  # fmt: skip
    assert labelled == {*fields}
    assert {*fields.values()} == {"cluster", "top", "format", "by", "control", "min_margin"}
    boxes = [box.attributes["name"] for box in page.all("input", type="checkbox")]
    assert boxes == ["exclude_outliers", "include_churned"]
    chosen = [option.text for option in page.all("option") if "selected" in option.attributes]
    assert chosen == ["All groups"]  # whose customers have a risk of their own
    first = [e.attributes["value"] for e in page.all("option")][-4:]
    assert first == ["risk", "margin", "churn_rate", "distance"]


def test_the_form_as_it_stands_lists_the_group_as_the_page_does(champion: TestClient) -> None:
    page = post(champion, CUSTOMERS, "customers.csv")
    sent = {"cluster": "", "top": "", "format": "csv", "by": "risk", "control": "",
            "min_margin": ""}  # fmt: skip
    plain = {"accept-encoding": "identity"}  # packed piece by piece its length is not known before
    answer = champion.get(address_of(page), params=sent, headers=plain)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/csv")
    assert answer.headers["content-length"] == str(len(answer.content))
    assert answer.headers["cache-control"] == "no-store"
    named = f"customers-{datetime.now(UTC):%Y-%m-%d}-audience.csv"
    assert f'attachment; filename="{named}"' in answer.headers["content-disposition"]
    found = rows(answer.text)
    assert {row["Attrition_Flag"] for row in found} == {"Existing Customer"}
    assert len({row["cluster"] for row in found}) == 5
    risks = [float(row["risk"]) for row in found if row["outlier"] == "false"]
    assert risks == sorted(risks, reverse=True) and found[-1]["outlier"] == "true"
    shown = [e.text for e in page.all("th", scope="row")][:10]
    assert [row["CLIENTNUM"] for row in found[:10]] == shown


def test_an_address_asks_for_what_the_command_does(champion: TestClient, listing: str) -> None:
    asked = "?cluster=4&cluster=5&top=20&by=distance&min_margin=0.2&control=30%25&columns=CLIENTNUM"
    answer = champion.get(listing + asked, headers=PROGRAM)
    found = rows(answer.text)
    assert [int(row["rank"]) for row in found] == [*range(1, 21)]
    assert [*found[0]] == [
        "rank", "control", "CLIENTNUM", "run", "model_version", "input", "date",
    ]  # fmt: skip
    assert {row["control"] for row in found} == {"true", "false"}
    assert {row["input"] for row in found} == {"customers.csv"}
    assert "-audience-group-4-5.csv" in answer.headers["content-disposition"]


def test_those_who_churned_stay_where_that_is_asked_for(champion: TestClient, listing: str) -> None:
    found = rows(champion.get(f"{listing}?cluster=5&include_churned=true").text)
    assert len(found) == 130
    everybody = champion.get(f"{listing}?include_churned=true")
    assert len(rows(everybody.text)) == 995
    assert "-audience.csv" in everybody.headers["content-disposition"]
    usual = rows(champion.get(f"{listing}?include_churned=true&exclude_outliers=true").text)
    assert {row["outlier"] for row in usual} == {"false"}


def test_the_settings_draw_the_control_group(
    browser_over: Callable[..., TestClient],
) -> None:
    def drawn(**settings: str) -> set[str]:
        browser = browser_over(**settings)
        address = address_of(post(browser, CUSTOMERS, "customers.csv"))
        found = rows(browser.get(f"{address}?control=0.3").text)
        return {row["CLIENTNUM"] for row in found if row["control"] == "true"}

    assert drawn() == drawn(control_key="customer-clusters")
    assert drawn() != drawn(control_key="another")


def test_lists_are_workbooks_and_parquet_too(champion: TestClient, listing: str) -> None:
    book = champion.get(f"{listing}?cluster=5&top=3&format=xlsx")
    assert book.headers["content-type"].endswith("spreadsheetml.sheet")
    sheets = load_workbook(io.BytesIO(book.content), read_only=True)
    assert sheets.sheetnames == ["Audience", "About"]
    assert len([*sheets["Audience"].iter_rows()]) == 4
    table = champion.get(f"{listing}?cluster=5&top=3&format=parquet")
    read = pyarrow.parquet.read_table(io.BytesIO(table.content))
    assert read.column("rank").to_pylist() == [1, 2, 3]


@pytest.mark.parametrize(
    ("query", "field", "detail"),
    [
        ("cluster=9", "cluster", "cluster: expected one of the groups 1, 2, 3, 4, 5, found '9'"),
        ("cluster=05", "cluster", "cluster: expected one of the groups 1, 2, 3, 4, 5, found '05'"),
        ("top=0", "top", "top: expected a whole number from 1 to 100,000, found '0'"),
        ("top=100001", "top", "top: expected a whole number from 1 to 100,000, found '100001'"),
        ("top=many", "top", "top: expected a whole number from 1 to 100,000, found 'many'"),
        ("by=age", "by", "by: expected one of risk, churn_rate, margin, distance, found 'age'"),
        ("min_margin=2", "min_margin", "min_margin: expected a margin from 0 to 1, found '2.0'"),
        ("min_margin=nan", "min_margin", "min_margin: expected a margin from 0 to 1"),
        ("min_margin=x", "min_margin", "min_margin: expected a margin from 0 to 1, found 'x'"),
        ("control=10", "control", "control: expected a share such as 10% or 0.1, found '10'"),
        ("include_churned=on", "include_churned", "include_churned: expected true or false"),
        ("format=pdf", "format", "format: expected one of csv, parquet, xlsx, found 'pdf'"),
        ("top=1&top=2", "top", "top: expected one value, found '1 and 2'"),
        ("tpo=5", None, "there is no parameter 'tpo'; there are cluster, top, by, min_margin"),
        ("columns=Nope", None, "customers.csv: has no column 'Nope'; there are "),
        ("cluster=5&min_margin=1", None, "customers.csv: leaves nobody to list: of 995 customers"),
    ],
)
def test_a_wrong_parameter_is_named(
    champion: TestClient, listing: str, temporary: Path, query: str, field: str | None, detail: str
) -> None:
    answer = champion.get(f"{listing}?{query}", headers=PROGRAM)
    assert answer.status_code == 422
    document = answer.json()
    assert document["code"] == "invalid_list"
    assert document["detail"].startswith(detail)
    assert [error["field"] for error in document.get("errors", [])] == ([field] if field else [])
    assert str(temporary) not in answer.text
    page = page_of(champion, f"{listing}?{query}", 422)
    assert page.one("h1").text == "This list cannot be made"
    assert detail[1:] in page.text
    back = page.one("a", **{"class": "button"})
    assert (back.text, back.attributes["href"]) == (
        "Back to the results", listing.removesuffix("/audience"),
    )  # fmt: skip


def test_without_ids_no_control_group_is_drawn(champion: TestClient) -> None:
    address = address_of(post(champion, HEADER + b"0,1900,38\n0,1612,47\n", "bare.csv"))
    answer = champion.get(f"{address}?control=10%25", headers=PROGRAM)
    assert answer.status_code == 422
    assert answer.json()["detail"] == (
        "bare.csv: has no id column, by which a control group is drawn; leave out control"
    )


def test_a_file_without_label_offers_no_choice_of_who_churned(champion: TestClient) -> None:
    page = post(champion, HEADER + b"0,1900,38\n0,1612,47\n", "bare.csv")
    assert "include_churned" not in page.html
    assert "already are left out" not in page.text
    assert len(rows(champion.get(address_of(page)).text)) == 2


def test_a_model_that_knows_no_churn_lists_customers_too() -> None:
    loaded = without_churn(load(open_store(BUNDLED), "champion"))
    app = create_app(Fixed(loaded), Settings(), log=lambda line: None)
    with TestClient(app, headers=BROWSER) as browser:
        address = address_of(post(browser, CUSTOMERS))
        assert browser.get(address).status_code == 200


def test_a_risk_of_their_own_is_the_first_order() -> None:
    columns = {"cluster": "cluster", "margin": "margin", "risk": "risk"}
    manifest = {"columns": columns, "input": {"kind": "parquet"}}
    form = audience_form(manifest, None)  # type: ignore[arg-type]
    assert [role for role, _ in form.orders] == ["risk", "margin"]


def test_an_encoding_that_the_file_does_not_show_is_asked_for(champion: TestClient) -> None:
    city = b"\xc4\xd6\xdc"
    content = b"City," + HEADER + b"%b,0,1900,38\n%b,0,1612,47\n" % (city, city)
    page = post(champion, content, "a.csv")
    assert "required" in page.by_id("audience-encoding").attributes
    assert "audience-encoding" not in post(champion, CUSTOMERS).html
    address = address_of(page)
    refused = champion.get(address, headers=PROGRAM)
    assert refused.status_code == 422
    assert refused.json()["detail"].endswith("say which with encoding")
    found = rows(champion.get(f"{address}?encoding=cp1252").text)
    assert {row["City"] for row in found} == {"ÄÖÜ"}
    wrong = champion.get(f"{address}?encoding=nope", headers=PROGRAM)
    assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (422, "encoding")


def test_a_list_of_results_that_are_gone_says_so(champion: TestClient, listing: str) -> None:
    unknown = champion.get(f"/files/{'A' * 32}/audience", headers=PROGRAM)
    assert (unknown.status_code, unknown.json()["code"]) == (404, "results_gone")
    page = page_of(champion, f"/files/{'A' * 32}/audience?cluster=5", 404)
    assert page.one("h1").text == "These results are gone"


def test_nothing_of_a_list_stays_on_disk(
    champion: TestClient, listing: str, temporary: Path
) -> None:
    before = sorted(path for path in temporary.rglob("*"))
    assert champion.get(f"{listing}?cluster=5").status_code == 200
    assert champion.get(f"{listing}?columns=Nope").status_code == 422
    assert sorted(path for path in temporary.rglob("*")) == before
    assert len(kept(temporary)) == 1


def test_a_disk_that_takes_no_list_is_told_without_our_path(
    champion: TestClient, listing: str, temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise Temporary("write", str(temporary / "list"), "No space left on device")

    monkeypatch.setattr(audiences, "write_audience", full)
    answer = champion.get(listing, headers=PROGRAM)
    assert answer.status_code == 503
    expected = "could not write in the folder for lists: No space left on device; try again"
    assert answer.json()["detail"] == expected


def test_one_list_is_written_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(made_files, "WAIT_SECONDS", 0.01)

    async def two_at_once() -> None:
        lists = audiences.AudienceLists(Results(), "key")
        async with lists.made.turn(), lists.made.turn():
            raise AssertionError

    with pytest.raises(ProblemError) as caught:
        asyncio.run(two_at_once())
    assert (caught.value.status, caught.value.code) == (503, "busy")


@pytest.mark.parametrize("query", ["audience", "audience?format=xlsx", "group-5.csv"])
def test_a_list_that_takes_too_long_is_given_up(
    champion: TestClient, listing: str, monkeypatch: pytest.MonkeyPatch, query: str
) -> None:
    monkeypatch.setattr(audiences, "LIST_SECONDS", -1.0)
    answer = champion.get(f"{listing.removesuffix('audience')}{query}", headers=PROGRAM)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_list")
    assert "customers.csv: is not listed within" in answer.json()["detail"]


@pytest.mark.parametrize("name", ["audience?cluster=5&top=100000", "group-5.csv"])
def test_a_list_of_too_many_bytes_is_given_up(
    champion: TestClient, temporary: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(audiences, "LIST_BYTES", 5_000_000)
    rows = 200_000
    names = ("Total_Revolving_Bal", "Total_Trans_Amt", "Total_Trans_Ct")
    columns = {each: [value] * rows for each, value in zip(names, (0, 1900, 38), strict=True)}
    note = pa.DictionaryArray.from_arrays([0] * rows, ["x" * 100])
    file = io.BytesIO()
    pyarrow.parquet.write_table(pa.table({**columns, "Note": note}), file)
    assert file.tell() < 100_000
    listing = address_of(post(champion, file.getvalue(), "a.parquet"))
    answer = champion.get(f"{listing.removesuffix('audience')}{name}", headers=PROGRAM)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_list")
    assert "a.parquet: makes a list of more than 5,000,000 bytes" in answer.json()["detail"]
    assert [path.name[0] for path in kept(temporary)] != ["."]


@pytest.mark.parametrize("name", ["audience", "group-5.csv"])
def test_no_more_is_written_while_much_waits_to_be_sent(
    champion: TestClient, listing: str, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    address = f"{listing.removesuffix('audience')}{name}"
    assert champion.get(address).status_code == 200
    monkeypatch.setattr(made_files, "SENT_BYTES", -1)
    answer = champion.get(address, headers=PROGRAM)
    assert (answer.status_code, answer.json()["code"]) == (503, "busy")
    monkeypatch.setattr(made_files, "SENT_BYTES", 0)  # nothing waits: what was sent is forgotten
    assert champion.get(address).status_code == 200


def test_a_list_that_has_waited_for_its_turn_looks_at_what_is_sent_by_then(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(made_files, "SENT_BYTES", 0)

    async def wait_while_one_is_written() -> None:
        lists = audiences.AudienceLists(Results(), "key")
        async with lists.made.turn():
            waiting = asyncio.create_task(lists.made.turn().__aenter__())
            await asyncio.sleep(0)
            monkeypatch.setattr(made_files, "SENT_BYTES", -1)
        await waiting

    with pytest.raises(ProblemError) as caught:
        asyncio.run(wait_while_one_is_written())
    assert (caught.value.status, caught.value.code) == (503, "busy")


@pytest.mark.parametrize("name", ["audience", "group-5.csv"])
def test_a_list_is_closed_when_its_client_goes_away(
    champion: TestClient, listing: str, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    opened: list[BinaryIO] = []

    answer = made_files.MadeFiles.answer

    def watched(made: made_files.MadeFiles, file: BinaryIO, *of: Any) -> Any:
        opened.append(file)
        return answer(made, file, *of)

    monkeypatch.setattr(made_files.MadeFiles, "answer", watched)
    path = f"{listing.removesuffix('audience')}{name}"
    scope = {"type": "http", "method": "GET", "path": path, "query_string": b"", "headers": []}

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def send(_: Message) -> None:
        await asyncio.sleep(60)

    async def ask() -> None:
        await champion.app(scope, receive, send)

    asyncio.run(ask())
    assert [file.closed for file in opened] == [True]


def test_a_key_opens_the_same_door_to_programs(client_for: Callable[..., TestClient]) -> None:
    client = client_for(api_keys=("a" * 64,))
    assert client.get(f"/files/{'A' * 32}/audience").status_code == 401
