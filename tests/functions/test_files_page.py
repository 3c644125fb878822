"""Files on a page: what is taken, what is refused and how that is told, what is kept and where."""

import asyncio
import gzip
import json
import re
import time
from collections.abc import Callable, Iterator
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from starlette.requests import Request
from starlette.testclient import TestClient
from starlette.types import Message

import examples
import functions.file_pages
from functions.api import create_app
from functions.file_pages import FilePages, Slots
from functions.problems import Refused
from functions.serving import Serving
from functions.settings import Settings
from functions.uploads import AROUND, save_upload, shown_name
from tests.functions.conftest import Lines
from tests.functions.web import BROWSER, Page, page_of

CUSTOMERS = (Path(examples.__file__).parent / "customers.csv").read_bytes()
HEADER = b"Total_Revolving_Bal,Total_Trans_Amt,Total_Trans_Ct\n"
BOUNDARY = "x" * 20
FORM = {"content-type": f"multipart/form-data; boundary={BOUNDARY}"}
BrowserOver = Callable[..., TestClient]


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for temporary files of the test's own."""
    place = tmp_path / "temporary"
    place.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(place))
    return place


def kept(temporary: Path) -> list[Path]:
    """The runs that are kept, and whatever else lies about."""
    return [path for root in temporary.iterdir() for path in root.iterdir()]


def post(browser: TestClient, content: bytes, name: str = "a.csv", status: int = 200) -> Page:
    answer = browser.post("/files", files={"file": (name, content)})
    assert answer.status_code == status, answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    return Page(answer.text)


def part(disposition: bytes, content: bytes = b"1") -> bytes:
    head = b"Content-Disposition: form-data; " + disposition
    return b"--" + BOUNDARY.encode() + b"\r\n" + head + b"\r\n\r\n" + content + b"\r\n"


def form(*parts: bytes) -> bytes:
    return b"".join(parts) + b"--" + BOUNDARY.encode() + b"--\r\n"


def words(page: Page) -> str:
    """What is read, with a blank between the cells of tables as well."""
    return " ".join(unescape(re.sub("<[^>]*>", " ", page.html)).split())


def told(page: Page) -> str:
    return " ".join(page.one("div", role="alert").text.split())


def downloads(page: Page) -> dict[str, str]:
    return {
        address.rpartition("/")[2]: address for address in page.addresses if "/files/" in address
    }


def test_the_form_says_what_it_takes(champion: TestClient) -> None:
    page = page_of(champion, "/files")
    sent = page.one("form").attributes
    assert (sent["method"], sent["enctype"]) == ("post", "multipart/form-data")
    assert page.one("label", **{"for": "file"}).text == "File of customers"
    assert "CSV, Parquet or Excel" in page.text and "up to 20 MB" in page.text
    assert "Total_Trans_Ct Transactions" in page.text
    assert page.one("a", **{"aria-current": "page"}).text == "Files"


def test_a_file_is_scored_and_its_results_are_downloaded(
    champion: TestClient, temporary: Path
) -> None:
    page = post(champion, CUSTOMERS, "customers.csv")
    assert page.one("h1").text == "customers.csv"
    assert "Customers in the file 1,001 rows Assigned to a group 995" in words(page)
    assert "5 · Little revolving balance, rare card use 130 13.1% 10.8% 91 91 70.0%" in words(page)
    assert "Nothing unusual" in page.text
    assert "An impossible value Transactions 1 401" in words(page)
    assert "disappear after 15 minutes" in page.text
    found = downloads(page)
    assert list(found) == [
        "assigned.csv", "rejected.csv", "report.html", "clusters.csv", "summary.json",
        "manifest.json",
    ]  # fmt: skip
    assigned = champion.get(found["assigned.csv"])
    assert assigned.text.count("\n") == 996
    assert assigned.headers["content-disposition"] == 'attachment; filename="assigned.csv"'
    assert assigned.headers["cache-control"] == "no-store"
    assert champion.get(found["manifest.json"]).json()["rows_in"] == 1001
    (run,) = kept(temporary)
    assert run.stat().st_mode & 0o777 == 0o700
    assert sorted(path.name for path in run.iterdir()) == sorted(found)  # and not the file itself


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


def test_a_model_without_churn_and_with_a_stand_in(
    browser_over: BrowserOver, gym_models: Path
) -> None:
    browser = browser_over("champion", gym_models)
    assert "may be empty" in page_of(browser, "/files").text
    assert "1 rows" in post(browser, b"visits,fee,plan\n3,20,basic\n").text


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


@pytest.mark.parametrize(
    ("body", "headers", "status", "reason"),
    [
        (b"{}", {"content-type": "application/json"}, 415, "Expected a form with a file"),
        (b"a", {"content-type": "multipart/form-data"}, 415, "Expected a form with a file"),
        (b"a", {"content-type": "multipart/form-data; boundary=" + "x" * 300}, 400, "The form"),
        (b"anything", FORM, 400, "The form cannot be read"),
        (b"", FORM, 400, "The form cannot be read"),
        (part(b'name="file"; filename="a"'), FORM, 400, "The form cannot be read"),
        (form(), FORM, 400, "Expected one file"),
        (form(part(b'name="file"; filename=""')), FORM, 422, "Choose a file first"),
        (form(part(b'name="file"')), FORM, 400, "Expected one file"),
        (form(part(b'name="other"; filename="a"')), FORM, 400, "Expected one file"),
        (form(part(b'name="file"; filename="a"') * 2), FORM, 400, "Expected one file"),
        (form(part(b"a" * 10_000)), FORM, 400, "The form cannot be read"),
    ],
)
def test_anything_but_a_form_with_one_file_is_refused(
    champion: TestClient, temporary: Path, body: bytes, headers: dict[str, str], status: int,
    reason: str,
) -> None:  # fmt: skip
    answer = champion.post("/files", content=body, headers=headers)
    assert answer.status_code == status
    assert told(Page(answer.text)).startswith(f"The file was not scored {reason}")
    assert kept(temporary) == []


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("size", [1_001, 1_001 + AROUND, 100_000])
def test_a_file_that_is_too_large_is_refused(
    browser_over: BrowserOver, temporary: Path, chunked: bool, size: int
) -> None:
    browser = browser_over(max_upload_bytes=1_000)
    assert "up to 1 kB" in page_of(browser, "/files").text
    body = form(part(b'name="file"; filename="a.csv"', b"1" * size))
    pieces = (body[start : start + 500] for start in range(0, len(body), 500))
    answer = browser.post("/files", content=pieces if chunked else body, headers=FORM)
    assert answer.status_code == 413
    assert "The file is larger than the 1,000 bytes" in told(Page(answer.text))
    assert kept(temporary) == []


def test_a_file_may_be_as_large_as_said(browser_over: BrowserOver) -> None:
    content = HEADER + b"0,1900,38\n"
    browser = browser_over(max_upload_bytes=len(content))
    body = form(part(b'name="file"; filename="a.csv"', content))
    pieces = (body[at : at + 1] for at in range(len(body)))
    assert browser.post("/files", content=pieces, headers=FORM).status_code == 200


def test_files_are_taken_only_where_the_settings_say_so(browser_over: BrowserOver) -> None:
    browser = browser_over(max_upload_bytes=0)
    page = page_of(browser, "/files")
    assert "Files are not taken here" in page.text
    assert page.all("form") == []
    assert "Files are not taken here" in post(browser, CUSTOMERS, status=403).text


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        (b"customers.csv", "customers.csv"),
        (b"../../x", "x"),
        (b"..", "file"),
        (b"C:\\Users\\me\\x.csv", "x.csv"),
        (b"<script>alert(1)<\\/script>", "script>"),
        (b"a\x00b\x1b[2Jc\r\nd", "ab[2Jcd"),
        ("Ж\u202e\u200b.csv".encode(), "Ж.csv"),
        (b"\xff\xfe.csv", "\ufffd\ufffd.csv"),
        (b"x" * 500, "x" * 100),
    ],
)
def test_a_name_becomes_harmless_text(sent: bytes, shown: str) -> None:
    assert shown_name(sent) == shown


@pytest.mark.parametrize(
    "name", [b"../../x", b"<script>", b'a\\"b', b"it's", b"\xff.csv", "Ж.csv".encode(), b"%2e%2e"]
)
def test_a_hostile_name_does_no_harm(champion: TestClient, temporary: Path, name: bytes) -> None:
    body = form(part(b'name="file"; filename="' + name + b'"', CUSTOMERS))
    answer = champion.post("/files", content=body, headers=FORM)
    assert answer.status_code == 200
    assert "<script" not in answer.text
    found = downloads(Page(answer.text))
    assert len(found) == 6
    report = champion.get(found["report.html"])
    assert "<script" not in report.text
    assert len(kept(temporary)) == 1
    assert [path.name for path in temporary.iterdir()] == [kept(temporary)[0].parent.name]


@pytest.mark.parametrize(
    "address",
    [
        "{id}/input", "{id}/..%2f..%2fsecret", "{id}/%2e%2e", "{id}/assigned.csv%00", "../secret",
        "..%2f{id}/assigned.csv", ".%2f{id}/assigned.csv", "{id}/", "{id}", "%2e/secret",
        "A" * 32 + "/assigned.csv", "{id}/ASSIGNED.CSV", "{id}/.", "..%2fsecret/manifest.json",
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


def test_no_value_and_no_id_is_logged(serving: Serving, lines: Lines) -> None:
    with TestClient(create_app(serving, Settings(), lines.append), headers=BROWSER) as browser:
        page = post(browser, HEADER + b"0,19876,38\n", "private.csv")
        browser.get(downloads(page)["assigned.csv"])
        post(browser, HEADER + b"oh,19876,38\n", "private.csv", 422)
    assert [line["route"] for line in lines] == ["/files", "/files/{id}/{name}", "/files"]
    text = json.dumps(lines)
    assert "19876" not in text and "private" not in text
    assert not re.search(r"[A-Za-z0-9_-]{32}", text.replace(serving.current().version, ""))


def test_keys_guard_files_like_everything_else(client_for: Callable[..., TestClient]) -> None:
    client = client_for(api_keys=("a" * 64,))
    for answer in (client.get("/files"), client.post("/files"), client.get("/files/a/b")):
        assert answer.status_code == 401


@pytest.fixture
def upload() -> Iterator[Callable[..., Any]]:
    def save(path: Path, receive: Any, seconds: float = 5) -> str:
        scope = {"type": "http", "headers": [(b"content-type", FORM["content-type"].encode())]}
        return asyncio.run(save_upload(Request(scope, receive), path, 1_000, seconds))

    yield save


def test_a_file_that_never_arrives_is_given_up(upload: Callable[..., Any], tmp_path: Path) -> None:
    async def receive() -> Message:
        await asyncio.sleep(60)
        raise AssertionError("it waited")

    with pytest.raises(Refused, match=r"did not arrive within 0\.01 seconds") as caught:
        upload(tmp_path / "a", receive, 0.01)
    assert caught.value.status == 408


def test_a_client_that_leaves_is_no_error_of_ours(
    upload: Callable[..., Any], tmp_path: Path
) -> None:
    async def receive() -> Message:
        return {"type": "http.disconnect"}

    with pytest.raises(Refused, match="went away") as caught:
        upload(tmp_path / "a", receive)
    assert caught.value.status == 400


@pytest.mark.parametrize(
    ("limit", "value", "reason"),
    [("SCORE_SECONDS", -1.0, "is not scored within"), ("RUN_BYTES", 10, "has results of more")],
)
def test_scoring_is_bounded(
    champion: TestClient, temporary: Path, monkeypatch: pytest.MonkeyPatch, limit: str,
    value: float, reason: str,
) -> None:  # fmt: skip
    monkeypatch.setattr(functions.file_pages, limit, value)
    assert reason in told(post(champion, gzip.compress(CUSTOMERS), status=422))
    assert kept(temporary) == []


def test_too_many_at_once_are_told_to_come_back(serving: Serving) -> None:
    pages = FilePages(serving, Settings())
    for slots, name in ((pages.scoring, "scored"), (pages.receiving, "received")):
        with slots.taken():
            busy, slots.free = slots.free, 0
            with pytest.raises(Refused, match="try again soon") as caught, slots.taken():
                raise AssertionError(name)
            assert (caught.value.status, caught.value.headers) == (503, {"Retry-After": "5"})
            slots.free = busy
    assert (pages.scoring.free, pages.receiving.free) == (2, 8)


def test_a_busy_server_says_so_on_the_page(
    champion: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: Slots) -> None:
        raise Refused(503, "busy now", code="busy", headers={"Retry-After": "5"})

    monkeypatch.setattr(Slots, "refuse_if_full", full)
    answer = champion.post("/files", files={"file": ("a.csv", CUSTOMERS)})
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert "Busy now" in told(Page(answer.text))


def test_the_event_loop_stays_free_while_a_file_is_scored(
    serving: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FilePages, "_score", lambda *_: time.sleep(0.5))
    app = create_app(serving, Settings(), log=lambda line: None)
    body = form(part(b'name="file"; filename="a.csv"'))

    async def ask(method: str, path: str) -> float:
        started = time.monotonic()
        headers = [(b"content-type", FORM["content-type"].encode())]
        scope = {"type": "http", "method": method, "path": path, "query_string": b"",
                 "headers": headers}  # fmt: skip

        async def receive() -> Message:
            return {"type": "http.request", "body": body}

        async def send(message: Message) -> None:
            pass

        await app(scope, receive, send)
        return time.monotonic() - started

    async def both() -> tuple[float, float]:
        scoring = asyncio.create_task(ask("POST", "/files"))
        await asyncio.sleep(0.2)
        return await ask("GET", "/health/live"), await scoring

    look_up, whole = asyncio.run(both())
    assert look_up < 0.2 <= 0.5 <= whole
