"""Files on a page: the form, the results, what is refused, and who gets at what is kept."""

import gzip
import json
import os
import re
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree

import pytest
from starlette.testclient import TestClient

from functions.api import create_app
from functions.live_model import LiveModel, load
from functions.settings import Settings
from functions.web.run import attachment, download_name
from model_store import BUNDLED, open_store
from pipeline.pages.colours import group_colour
from tests.functions.conftest import Lines
from tests.support.uploading import CUSTOMERS, HEADER, downloads, kept, post, told, words
from tests.support.web import BROWSER, Fixed, Page, page_of, without_churn

SENTENCE = (
    "45 customers in the group of which 65% cancelled are still here, and 60 of other groups have "
    "a risk of 50% or more: start with them."
)
BrowserOver = Callable[..., TestClient]
pytestmark = pytest.mark.usefixtures("temporary")


def test_the_form_says_what_it_takes(champion: TestClient) -> None:
    page = page_of(champion, "/files")
    sent = page.one("form").attributes
    assert (sent["method"], sent["enctype"]) == ("post", "multipart/form-data")
    assert page.one("label", **{"for": "file"}).text == "File of customers"
    assert "CSV, Parquet, Excel or OpenDocument" in page.text
    assert "up to 20 MB" in page.text
    assert "Total_Trans_Ct Transactions" in page.text
    assert page.one("a", **{"aria-current": "page"}).text == "Files"


def test_a_file_is_scored_and_its_results_are_downloaded(
    champion: TestClient, temporary: Path
) -> None:
    page = post(champion, CUSTOMERS, "customers.csv")
    assert page.one("h1").text == "customers.csv"
    assert "Customers in the file 1,001 rows Assigned to a group 995" in words(page)
    assert "5 Little revolving balance, rare card use · CSV 130 13.1% 10.8% 85 87 65.4%" in words(
        page
    )
    assert "Nothing unusual" in page.text
    assert "An impossible value Transactions 1 401" in words(page)
    assert "disappear 15 minutes after the file was scored" in page.text
    found = downloads(page)
    assert list(found) == [
        "assigned.csv", "rejected.csv", "report.html", "clusters.csv", "summary.json",
        "manifest.json",
    ]  # fmt: skip
    assigned = champion.get(found["assigned.csv"])
    assert assigned.text.count("\n") == 996
    named = f"customers-{datetime.now(UTC):%Y-%m-%d}-assigned.csv"
    assert f'attachment; filename="{named}"' in assigned.headers["content-disposition"]
    assert assigned.headers["cache-control"] == "no-store"
    assert champion.get(found["manifest.json"]).json()["rows_in"] == 1001
    (run,) = kept(temporary)
    assert run.stat().st_mode & 0o777 == 0o700
    names = sorted(path.name for path in run.iterdir())
    assert names == sorted([*found, "calls.json"])  # and not the file itself


def test_results_have_an_address_that_can_be_opened_again(
    champion: TestClient, browser_over: BrowserOver
) -> None:
    sent = champion.post("/files", files={"file": ("a.csv", CUSTOMERS)}, follow_redirects=False)
    assert (sent.status_code, sent.content) == (303, b"")
    address = sent.headers["location"]
    assert re.fullmatch(r"/files/[A-Za-z0-9_-]{32}", address)
    first = page_of(champion, address)
    assert page_of(champion, address).html == first.html
    other = browser_over("original")  # another process, which has another model
    assert page_of(other, address).html == first.html


def test_results_that_are_gone_say_what_to_do(champion: TestClient, temporary: Path) -> None:
    found = downloads(post(champion, CUSTOMERS))
    (run,) = kept(temporary)
    os.utime(run, (time.time() - 901,) * 2)
    for address in (f"/files/{run.name}", f"/files/{run.name}/summary", found["assigned.csv"]):
        page = page_of(champion, address, 404)
        assert page.one("h1").text == "These results are gone"
        assert "Score the file again" in page.text
        assert page.one("a", **{"class": "button"}).attributes["href"] == "/files"


def test_the_settings_say_how_long_results_are_kept(
    browser_over: BrowserOver, temporary: Path
) -> None:
    browser = browser_over(keep_minutes=60)
    page = post(browser, CUSTOMERS)
    assert "disappear 60 minutes after the file was scored" in page.text
    (run,) = kept(temporary)
    os.utime(run, (time.time() - 3_500,) * 2)
    assert browser.get(f"/files/{run.name}").status_code == 200
    os.utime(run, (time.time() - 3_700,) * 2)
    assert browser.get(f"/files/{run.name}").status_code == 404


def test_the_page_answers_before_it_explains(champion: TestClient) -> None:
    page = post(champion, CUSTOMERS, "customers.csv")
    assert [element.text for element in page.all("h2")] == [
        SENTENCE,
        "Whom to turn to first",
        "Every group",
        "Compare with an earlier file",
        "What was read",
        "All files",
    ]
    read = words(page)
    assert "The first 10 of all groups who have not cancelled yet: the highest risk first" in read
    chart = [each.text.split()[0] for each in page.all("li") if " cancelled (" in each.text]
    assert chart == ["5", "4", "3", "2", "1"]
    assert "85 of 130 cancelled (65.4%)" in read


def test_a_notice_stands_first_when_there_is_one(champion: TestClient) -> None:
    header, *rows = CUSTOMERS.splitlines()
    page = post(champion, b"\n".join([header, *rows[20:40]]))
    assert page.all("h2")[0].text == "Know this first"


def test_the_rows_of_a_group_can_be_kept(champion: TestClient) -> None:
    page = post(champion, CUSTOMERS, "Kunden März.csv")
    address = page.one("a", **{"aria-label": "Group 5 as CSV"}).attributes["href"]
    answer = champion.get(address)
    assert answer.headers["content-type"].startswith("text/csv")
    named = f"Kunden-M_rz-{datetime.now(UTC):%Y-%m-%d}-group-5.csv"
    assert f'filename="{named}"' in answer.headers["content-disposition"]
    assert "UTF-8''Kunden-M%C3%A4rz" in answer.headers["content-disposition"]
    assert answer.text.count("\n") == 131


def test_the_chart_is_a_drawing_to_keep(champion: TestClient) -> None:
    page = post(champion, CUSTOMERS, "<b>&.csv")
    (address,) = (a for a in page.addresses if a.endswith("/chart.svg"))
    answer = champion.get(address)
    assert answer.headers["content-type"] == "image/svg+xml"
    assert "attachment" in answer.headers["content-disposition"]
    drawing = ElementTree.fromstring(answer.content)
    texts = [element.text for element in drawing.iter("{http://www.w3.org/2000/svg}text")]
    assert SENTENCE.startswith(str(texts[0])) and SENTENCE in " ".join(filter(None, texts))
    assert "85 of 130 cancelled (65.4%)" in texts
    assert group_colour(5) in answer.text


def test_the_summary_is_dated(champion: TestClient) -> None:
    page = post(champion, CUSTOMERS)
    (address,) = (a for a in page.addresses if a.endswith("/summary"))
    today = datetime.now(UTC)
    assert f"{today.day} {today:%B %Y}" in page_of(champion, address).text


@pytest.mark.parametrize(
    ("file", "stem"),
    [
        ("March 2026.csv.gz", "March-2026"),
        ("../../etc/passwd", "etc-passwd"),
        ('a"b\r\nx: y.xlsx', "a-b-x-y"),
        (".csv", "customers"),
        ("x" * 200, "x" * 60),
        ("клиенты.parquet", "клиенты"),
    ],
)
def test_a_download_is_named_after_the_file_and_the_day(file: str, stem: str) -> None:
    name = download_name(file, datetime(2026, 3, 9, tzinfo=UTC), "assigned.csv")
    assert name == f"{stem}-2026-03-09-assigned.csv"
    assert attachment(name).isascii()
    assert attachment(name).count('"') == 2


def test_the_report_is_shown_with_its_own_style(champion: TestClient) -> None:
    answer = champion.get(downloads(post(champion, CUSTOMERS))["report.html"])
    assert "content-disposition" not in answer.headers
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    (policy,) = answer.headers.get_list("content-security-policy")
    assert policy.startswith("default-src 'none'; style-src 'unsafe-inline';")


def test_a_packed_file_without_rejects(champion: TestClient) -> None:
    page = post(champion, gzip.compress(HEADER + b"0,1900,38\n"), "one.csv.gz")
    assert "every row could be scored" in page.text
    assert "Too few customers to compare" in page.text
    assert "Packed with gzip" in words(page)
    assert "rejected.csv" not in downloads(page)


def test_a_model_that_knows_no_churn_promises_none() -> None:
    loaded = without_churn(load(open_store(BUNDLED), "champion"))
    app = create_app(Fixed(loaded), Settings(), log=lambda line: None)
    with TestClient(app, headers=BROWSER) as browser:
        read = words(post(browser, CUSTOMERS))
    assert "5 Little revolving balance, rare card use · CSV 130 13.1% 10.8% 85 65.4%" in read
    assert "Expected to leave" not in read
    assert "Churn rate in training" not in read


def test_a_feature_with_a_stand_in_may_be_empty(
    browser_over: BrowserOver, gym_models: Path
) -> None:
    browser = browser_over("champion", gym_models)
    assert "may be empty" in page_of(browser, "/files").text
    assert "1 row" in post(browser, b"visits,fee,plan\n,20,basic\n").text


def test_pages_work_behind_a_stage(browser_over: BrowserOver) -> None:
    browser = browser_over(root_path="/prod")
    action = Page(browser.get("/prod/files").text).one("form").attributes["action"]
    answer = browser.post(action, files={"file": ("a.csv", CUSTOMERS)})
    found = downloads(Page(answer.text))
    assert browser.get(found["assigned.csv"]).status_code == 200
    assert found["assigned.csv"].startswith("/prod/files/")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"a,b\n1,2\n", "a.csv: no column Total_Revolving_Bal"),
        (HEADER, "a.csv: has a header but no customers"),
        (HEADER + b"x,y,z\n", "a.csv: 1 of 1 rows cannot be scored"),
        (b"", "a.csv: "),
        (b"PAR1 and no more", "a.csv: "),
        (gzip.compress(CUSTOMERS)[:-2000], "a.csv: "),
    ],
)
def test_a_refused_file_is_told_above_the_form(
    champion: TestClient, temporary: Path, content: bytes, reason: str
) -> None:
    page = post(champion, content, status=422)
    assert told(page).startswith(f"The file was not scored {reason}")
    assert str(temporary) not in page.html
    assert page.by_id("file").attributes["aria-invalid"] == "true"
    assert page.one("title").text.startswith("Error: ")
    assert kept(temporary) == []


def test_a_program_gets_a_problem_document(client: TestClient) -> None:
    answer = client.post("/files", files={"file": ("a.csv", b"a\n1\n")})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_file")


def test_files_are_taken_only_where_the_settings_say_so(browser_over: BrowserOver) -> None:
    browser = browser_over(max_upload_bytes=0)
    page = page_of(browser, "/files")
    assert "Files are not taken here" in page.text
    assert page.all("form") == []
    assert "Files are not taken here" in post(browser, CUSTOMERS, status=403).text


@pytest.mark.parametrize(
    "address",
    [
        "{id}/input", "{id}/..%2f..%2fsecret", "{id}/%2e%2e", "{id}/assigned.csv%00", "../secret",
        "..%2f{id}/assigned.csv", ".%2f{id}/assigned.csv", "%2e/secret", "{id}/calls.json",
        "A" * 32 + "/assigned.csv", "{id}/ASSIGNED.CSV", "..%2fsecret/manifest.json",
        "A" * 32, "A" * 32 + "/summary", "A" * 32 + "/chart.svg", "A" * 32 + "/group-5.csv",
        "{id}/group-6.csv", "{id}/group-05.csv", "{id}/group-.csv", "..%2fsecret",
    ],
)  # fmt: skip
def test_nothing_but_the_files_of_a_run_is_given_out(
    champion: TestClient, temporary: Path, address: str
) -> None:
    found = downloads(post(champion, CUSTOMERS))
    (run,) = kept(temporary)
    (temporary / "secret").write_text("secret")
    (run / "input").write_text("secret")
    (run.parent / "secret").write_text("secret")
    answer = champion.get("/files/" + address.format(id=run.name))
    assert answer.status_code in (404, 405)
    assert "secret" not in answer.text.replace(address, "")
    assert champion.get(found["assigned.csv"]).status_code == 200


def test_no_value_and_no_id_is_logged(live_model: LiveModel, lines: Lines) -> None:
    with TestClient(create_app(live_model, Settings(), lines.append), headers=BROWSER) as browser:
        page = post(browser, HEADER + b"0,19876,38\n", "private.csv")
        browser.get(downloads(page)["assigned.csv"])
        post(browser, HEADER + b"oh,19876,38\n", "private.csv", 422)
    kept, file = "/files/{id}", "/files/{id}/{name}"
    assert [line["route"] for line in lines] == ["/files", kept, file, "/files"]
    text = json.dumps(lines)
    assert "19876" not in text
    assert "private" not in text
    assert not re.search(r"[A-Za-z0-9_-]{32}", text.replace(live_model.current().version, ""))


def test_keys_guard_files_like_everything_else(client_for: Callable[..., TestClient]) -> None:
    client = client_for(api_keys=("a" * 64,))
    for answer in (client.get("/files"), client.post("/files"), client.get("/files/a/b")):
        assert answer.status_code == 401
