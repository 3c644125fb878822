"""Who moved since an earlier file: the form on the results page, its answer, what it refuses."""

import csv
import hashlib
import io
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from starlette.testclient import TestClient

import functions.uploads.local_uploads
from functions.api import create_app
from functions.http.content import made_files
from functions.live_model import load
from functions.settings import Settings
from functions.uploads import moves
from functions.web.run import attachment
from model_store import BUNDLED, open_store
from pipeline.errors import WrongFile
from tests.support.uploading import CUSTOMERS, kept, post, told, words
from tests.support.web import BROWSER, Fixed, Page, without_churn
from tests.support.web_moves import EARLIER, LATER, MOVED, table, without_column

PROGRAM = {"accept": "application/json"}
BrowserOver = Callable[..., TestClient]
pytestmark = pytest.mark.usefixtures("temporary")


@pytest.fixture
def newer(champion: TestClient) -> str:
    """The address of the form on the results of the newer file."""
    return form_of(post(champion, LATER, "feb.csv"))


def form_of(page: Page) -> str:
    return page.one("form", enctype="multipart/form-data").attributes["action"]


def send(
    browser: TestClient, address: str, content: bytes, name: str = "jan.csv", status: int = 200,
    **choices: str,
) -> Page:  # fmt: skip
    answer = browser.post(address, files={"file": (name, content)}, data=choices)
    assert answer.status_code == status, answer.text
    return Page(answer.text)


def refused(browser: TestClient, address: str, content: bytes, status: int = 422) -> str:
    """What the page says, which is that of the newer file's results."""
    page = send(browser, address, content, status=status)
    assert page.one("h1").text == "feb.csv"
    assert form_of(page) == address
    said = told(page)
    assert said.startswith("The earlier file was not compared ")
    return said.removeprefix("The earlier file was not compared ")


def test_the_form_stands_behind_the_groups(champion: TestClient) -> None:
    page = post(champion, LATER, "feb.csv")
    headings = [element.text for element in page.all("h2")]
    at = headings.index("Every group")
    assert headings[at + 1 : at + 3] == ["Compare with an earlier file", "What was read"]
    form = page.one("form", enctype="multipart/form-data").attributes
    assert (form["method"], form["aria-labelledby"]) == ("post", "compare")
    assert page.by_id("moves-file").attributes["name"] == "file"
    labelled = {label.attributes["for"] for label in page.all("label") if "for" in label.attributes}
    assert {"moves-file", "moves-decimal", "moves-map", "moves-sheet"} <= labelled
    assert "up to 20 MB" in page.text and "found again by CLIENTNUM" in page.text


def test_an_earlier_file_is_answered_by_who_moved(champion: TestClient, newer: str) -> None:
    sent = champion.post(newer, files={"file": ("jan.csv", EARLIER)}, follow_redirects=False)
    assert (sent.status_code, sent.content) == (303, b"")
    address = sent.headers["location"]
    answer = champion.get(address)
    (policy,) = answer.headers.get_list("content-security-policy")
    assert policy.startswith("default-src 'none'; style-src 'unsafe-inline';")
    assert answer.headers["cache-control"] == "no-store"
    page = Page(answer.text)
    assert page.one("h1").text == "Who changed the groupjan.csv → feb.csv"
    assert page.by_id("first").text.startswith(f"{MOVED} of 40 customers changed their group: 50.0")
    assert "More moved towards risk than away from it: 20 towards, 0 away" in words(page)
    assert "Came 3 in feb.csv only Went 5 in jan.csv only" in words(page)
    assert "Page and list disappear 15 minutes after they were made" in page.text
    assert "What moved them" in page.text and "Transactions (100%)" in page.text
    assert champion.get(address).text == answer.text
    back = page.one("a", href=f"../{newer.split('/')[2]}")
    assert back.text == "Back to the results of feb.csv"


def test_the_list_names_those_who_moved(champion: TestClient, newer: str) -> None:
    answer = champion.post(newer, files={"file": ("jan.csv", EARLIER)})
    assert Page(answer.text).one("a", href="movers.csv").text == "The list of those who moved"
    listed = champion.get(str(answer.url.join("movers.csv")))
    assert listed.headers["content-type"] == "text/csv; charset=utf-8"
    name = f"feb-{datetime.now(UTC):%Y-%m-%d}-movers.csv"
    assert listed.headers["content-disposition"] == attachment(name)
    found = [*csv.DictReader(io.StringIO(listed.text))]
    assert len(found) == MOVED
    assert {(row["change"], row["direction"], row["feature"]) for row in found} == {
        ("moved", "towards risk", "Total_Trans_Ct")
    }
    assert {row["new_cluster"] for row in found} == {"5"}


def test_programs_follow_the_same_way(champion: TestClient, newer: str) -> None:
    files = {"file": ("jan.csv", EARLIER)}
    sent = champion.post(newer, files=files, headers=PROGRAM, follow_redirects=False)
    address = sent.headers["location"].replace("moves.html", "movers.csv")
    assert len([*csv.DictReader(io.StringIO(champion.get(address).text))]) == MOVED
    problem = champion.post(newer, files={"file": ("feb.csv", LATER)}, headers=PROGRAM)
    assert (problem.status_code, problem.json()["code"]) == (422, "invalid_file")


def test_only_page_and_list_are_kept_of_it(
    champion: TestClient, newer: str, temporary: Path
) -> None:
    send(champion, newer, EARLIER)
    run = newer.split("/")[2]
    (made,) = [folder for folder in kept(temporary) if folder.name != run]
    assert made.stat().st_mode & 0o777 == 0o700
    assert {path.name for path in made.iterdir()} == {"moves.html", "movers.csv", "about.json"}
    for name in ("", "/about.json", "/manifest.json", "/summary"):
        assert champion.get(f"/files/{made.name}{name}").status_code == 404
    assert champion.get(f"/files/{run}/moves.html").status_code == 404
    assert [*temporary.iterdir()] == [made.parent]


def test_the_page_ends_with_its_time(
    champion: TestClient, newer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = champion.post(newer, files={"file": ("jan.csv", EARLIER)})
    monkeypatch.setattr("functions.uploads.results.time.time", lambda: 1e11)
    for name in ("moves.html", "movers.csv"):
        gone = champion.get(str(answer.url.join(name)))
        assert gone.status_code == 404
        assert Page(gone.text).one("h1").text == "These results are gone"
    assert champion.post(newer, files={"file": ("jan.csv", EARLIER)}).status_code == 404


def test_the_model_of_the_results_scores_the_earlier_file(browser_over: BrowserOver) -> None:
    address = form_of(post(browser_over("original"), CUSTOMERS, "feb.csv"))
    earlier = b"".join(CUSTOMERS.splitlines(keepends=True)[:500])
    page = send(browser_over("champion"), address, earlier)
    assert "one model assigned both" in page.text
    assert f"model {open_store(BUNDLED).resolve('original')}" in words(page)


def test_a_page_that_is_reloaded_leads_to_the_results(champion: TestClient, newer: str) -> None:
    answer = champion.get(newer, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, newer.removesuffix("/moves"))


def test_the_same_file_twice_is_told(champion: TestClient, newer: str) -> None:
    assert refused(champion, newer, LATER) == (
        "jan.csv (the earlier file): is the same file as the one on this page; choose an earlier "
        "one"
    )


def test_an_earlier_file_without_ids_is_told(champion: TestClient, newer: str) -> None:
    assert refused(champion, newer, without_column(EARLIER, "CLIENTNUM")) == (
        "jan.csv (the earlier file): has no id column 'CLIENTNUM', by which customers could be "
        "found again; name it under “Columns by other names” below (its name=CLIENTNUM), or add it"
    )


def test_an_earlier_file_may_call_its_ids_otherwise(champion: TestClient, newer: str) -> None:
    other = EARLIER.replace(b"CLIENTNUM", b"Who", 1)
    page = send(champion, newer, other, map="Who=CLIENTNUM")
    assert page.by_id("first").text.startswith("20 of 40")


def test_a_newer_file_without_ids_is_told(champion: TestClient) -> None:
    address = form_of(post(champion, without_column(LATER, "CLIENTNUM"), "feb.csv"))
    assert refused(champion, address, EARLIER) == (
        "feb.csv (the newer file): has no id column 'CLIENTNUM', by which customers could be found "
        "again; score it again with that column"
    )


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"\x00\x01\x02", "jan.csv: is neither text nor Parquet nor Excel"),
        (b"a,b\n1,2\n", "jan.csv: no column Total_Revolving_Bal"),
        (EARLIER.splitlines()[0] + b"\n", "jan.csv: "),
        (b"", "jan.csv: is empty"),
        (CUSTOMERS.replace(b"Total_Trans_Ct", b"Trx", 1), "“Columns by other names” below"),
    ],
)
def test_a_file_that_cannot_be_read_is_told(
    champion: TestClient, newer: str, temporary: Path, content: bytes, reason: str
) -> None:
    assert reason in refused(champion, newer, content)
    assert [folder.name for folder in kept(temporary)] == [newer.split("/")[2]]


def test_an_error_leads_to_its_field_and_keeps_what_was_said(
    champion: TestClient, newer: str
) -> None:
    other = EARLIER.replace(b"Total_Trans_Ct", b"Trx", 1)
    page = send(champion, newer, other, status=422, encoding="utf-8")
    assert page.one("title").text.startswith("Error: ")
    leads = [link.attributes["href"] for link in page.all("a")]
    assert [each for each in leads if "#moves" in each] == ["#moves-map"]
    assert page.by_id("moves-map").attributes["aria-invalid"] == "true"
    assert page.by_id("moves-encoding").attributes["value"] == "utf-8"


def test_the_form_begins_as_the_newer_file_was_read(champion: TestClient) -> None:
    other = LATER.replace(b"Total_Trans_Ct", b"Trx", 1)
    choices = {"map": "Trx=Total_Trans_Ct", "encoding": "utf-8", "header_row": "1"}
    answer = champion.post("/files", files={"file": ("feb.csv", other)}, data=choices)
    page = Page(answer.text)
    assert page.by_id("moves-map").text.strip() == "Trx=Total_Trans_Ct"
    assert page.by_id("moves-encoding").attributes["value"] == "utf-8"
    assert page.by_id("moves-header_row").attributes["value"] == ""  # which is of one file


def test_ids_that_differ_by_zeros_name_the_command(champion: TestClient) -> None:
    address = form_of(post(champion, table("00{:03d}"), "feb.csv"))
    page = send(champion, address, table("{:d}"))
    assert "No customer is in both files" in page.text
    assert "the command customer-clusters moves with --ids number takes them for" in page.text


def test_too_large_a_file_is_told(browser_over: BrowserOver) -> None:
    browser = browser_over(max_upload_bytes=len(LATER))
    address = form_of(post(browser, LATER, "feb.csv"))
    assert "larger than the" in refused(browser, address, LATER + LATER, 413)


@pytest.mark.parametrize(
    ("limit", "value", "reason"),
    [
        ("BOTH_SECONDS", -1.0, "is not compared within -1 seconds; use the command"),
        ("RUN_BYTES", 10, "makes a list of more than 10 bytes"),
        ("LIST_BYTES", 10, "or takes as much room; use the command customer-clusters moves"),
    ],
)
def test_a_comparison_is_bounded(
    champion: TestClient, newer: str, temporary: Path, monkeypatch: pytest.MonkeyPatch,
    limit: str, value: float, reason: str,
) -> None:  # fmt: skip
    monkeypatch.setattr(moves, limit, value)
    assert reason in refused(champion, newer, EARLIER)
    assert [folder.name for folder in kept(temporary)] == [newer.split("/")[2]]


def test_scoring_the_earlier_file_is_bounded(
    champion: TestClient, newer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(functions.uploads.local_uploads, "SCORE_SECONDS", -1.0)
    assert "jan.csv: is not scored within" in refused(champion, newer, EARLIER, 413)


def test_a_busy_server_says_so(
    champion: TestClient, newer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(made_files, "SENT_BYTES", -1)
    answer = champion.post(newer, files={"file": ("jan.csv", EARLIER)})
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert "Other lists are being sent; try again soon" in told(Page(answer.text))


def test_trouble_with_the_disk_names_no_path(
    champion: TestClient, newer: str, temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device", str(temporary))

    monkeypatch.setattr(moves, "compare_runs", full)
    said = refused(champion, newer, EARLIER, 503)
    assert "No space left on device" in said and str(temporary) not in said


def test_no_error_shows_a_path(
    champion: TestClient, newer: str, temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def damaged(old: object, new: object, *_: object, **__: object) -> None:
        raise WrongFile(new.address, "is damaged")  # type: ignore[attr-defined]

    monkeypatch.setattr(moves, "compare_runs", damaged)
    assert refused(champion, newer, EARLIER) == "feb.csv (the newer file): is damaged"


def test_the_form_needs_a_key_where_keys_are_set(browser_over: BrowserOver) -> None:
    keys = (hashlib.sha256(b"secret").hexdigest(),)
    browser = browser_over(api_keys=keys)
    browser.headers["x-api-key"] = "secret"
    address = form_of(post(browser, LATER, "feb.csv"))
    answer = browser.post(address, files={"file": ("jan.csv", EARLIER)})
    page, listed = str(answer.url), str(answer.url.join("movers.csv"))
    del browser.headers["x-api-key"]
    assert browser.post(address, files={"file": ("jan.csv", EARLIER)}).status_code == 401
    assert [browser.get(each).status_code for each in (page, listed)] == [401, 401]


def test_a_form_of_another_site_is_refused(champion: TestClient, newer: str) -> None:
    other = {"origin": "https://elsewhere.example"}
    answer = champion.post(newer, files={"file": ("jan.csv", EARLIER)}, headers=other)
    assert answer.status_code == 403


def test_moves_work_behind_a_prefix(browser_over: BrowserOver) -> None:
    browser = browser_over(root_path="/prod")
    address = form_of(post(browser, LATER, "feb.csv"))
    assert address.startswith("/prod/files/")
    sent = browser.post(
        address.removeprefix("/prod"), files={"file": ("jan.csv", EARLIER)}, follow_redirects=False
    )
    assert sent.headers["location"].startswith("/prod/files/")


def test_without_churn_there_is_no_direction() -> None:
    model = Fixed(without_churn(load(open_store(BUNDLED), "champion")))
    app = create_app(model, Settings(), log=lambda line: None)
    with TestClient(app, headers=BROWSER) as browser:
        page = send(browser, form_of(post(browser, LATER, "feb.csv")), EARLIER)
    assert page.by_id("first").text.startswith("20 of 40")
    assert "Whether more moved towards risk cannot be told" in page.text


def test_a_contract_without_an_id_has_no_form() -> None:
    loaded = load(open_store(BUNDLED), "champion")
    contract = replace(loaded.model.contract, id_column=None)
    model = Fixed(replace(loaded, model=replace(loaded.model, contract=contract)))
    app = create_app(model, Settings(), log=lambda line: None)
    with TestClient(app, headers=BROWSER) as browser:
        sent = browser.post("/files", files={"file": ("feb.csv", LATER)})
        assert "Compare with an earlier file" not in sent.text
        files = {"file": ("jan.csv", EARLIER)}
        answer = browser.post(f"{sent.url.path}/moves", files=files, headers=PROGRAM)
    assert answer.status_code == 422
    assert "has no id column, by which customers could be found again" in answer.json()["detail"]
