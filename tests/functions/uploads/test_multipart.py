"""Forms with a file as they arrive: anything else, too much, too slow, too many, badly named."""

import asyncio
import gzip
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from starlette.requests import Request
from starlette.testclient import TestClient
from starlette.types import Message

import functions.uploads.local_uploads
from functions.api import create_app
from functions.http.problems import ProblemError
from functions.live_model import LiveModel
from functions.settings import Settings
from functions.uploads.local_uploads import LocalUploads
from functions.uploads.multipart import AROUND, save_upload
from functions.uploads.scoring import Bounds, score_upload
from functions.uploads.slots import Slots
from functions.uploads.upload import Upload, shown_name
from pipeline.errors import WrongFile
from pipeline.scoring.engine import score_rows
from pipeline.scoring.process.isolated import Isolated
from tests.support.uploading import CUSTOMERS, FORM, HEADER, downloads, form, kept, part, post, told
from tests.support.web import Page, page_of

BrowserOver = Callable[..., TestClient]
pytestmark = pytest.mark.usefixtures("temporary")


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
        (form(part(b'name="safe_csv"', b"true")), FORM, 400, "Expected one file"),
        (form(part(b'name="safe_csv"', b"true") * 2), FORM, 400, "Expected one file"),
        (
            form(part(b'name="safe_csv"', b"true" * 9), part(b'name="file"; filename="a"')),
            FORM,
            422,
            "Field 'safe_csv': expected true or false",
        ),
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
    said = told(Page(answer.text))
    assert "The file is larger than the 1,000 bytes that are taken here" in said
    assert "or use the command customer-clusters score" in said
    assert kept(temporary) == []


def test_a_file_may_be_as_large_as_said(browser_over: BrowserOver) -> None:
    content = HEADER + b"0,1900,38\n"
    browser = browser_over(max_upload_bytes=len(content))
    body = form(part(b'name="file"; filename="a.csv"', content))
    pieces = (body[at : at + 1] for at in range(len(body)))
    assert browser.post("/files", content=pieces, headers=FORM).status_code == 200


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize(("chosen", "cell"), [(b"true", "'=1+1"), (b"false", "=1+1")])
def test_formulas_are_made_harmless_where_that_is_chosen(
    champion: TestClient, chosen: bytes, cell: str, before: bool
) -> None:
    content = b"CLIENTNUM," + HEADER + b"=1+1,0,1900,38\n=1+1,0,1900,-1\n"
    parts = [part(b'name="safe_csv"', chosen), part(b'name="file"; filename="a.csv"', content)]
    sent = form(*(parts if before else reversed(parts)))
    found = downloads(Page(champion.post("/files", content=sent, headers=FORM).text))
    for name, column in (("assigned.csv", 0), ("rejected.csv", 2)):
        line = champion.get(found[name]).text.splitlines()[1]
        assert line.split(",")[column].strip('"') == cell


def test_a_name_in_the_extended_form_alone_is_taken(champion: TestClient) -> None:
    disposition = b"name=\"file\"; filename*=utf-8''M%C3%A4rz%202026.csv"
    answer = champion.post("/files", content=form(part(disposition, CUSTOMERS)), headers=FORM)
    assert Page(answer.text).one("h1").text == "März 2026.csv"


@pytest.mark.parametrize("charset", [b"unicode_escape", b"idna", b"undefined", b"a\0b", b"utf-16"])
def test_a_name_in_another_charset_than_utf_8_is_none(champion: TestClient, charset: bytes) -> None:
    disposition = b'name="file"; filename*=' + charset + b"''%5Cud800.csv"
    answer = champion.post("/files", content=form(part(disposition, CUSTOMERS)), headers=FORM)
    assert answer.status_code == 400


def test_a_packed_form_is_refused_by_the_headers_name(champion: TestClient) -> None:
    headers = {**FORM, "content-encoding": "gzip"}
    answer = champion.post("/files", content=b"x", headers=headers)
    assert (answer.status_code, "Content-Encoding" in answer.text) == (415, True)


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


def save(path: Path, receive: Any, seconds: float = 5) -> Upload:
    scope = {"type": "http", "headers": [(b"content-type", FORM["content-type"].encode())]}
    return asyncio.run(save_upload(Request(scope, receive), path, 1_000, seconds))


def test_a_file_that_never_arrives_is_given_up(tmp_path: Path) -> None:
    async def receive() -> Message:
        await asyncio.sleep(60)
        raise AssertionError("it waited")

    with pytest.raises(ProblemError, match=r"did not arrive within 0\.01 seconds") as caught:
        save(tmp_path / "a", receive, 0.01)
    assert caught.value.status == 408


def test_a_file_that_only_drips_gives_its_place_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("functions.uploads.multipart.SLOW_SECONDS", 0.05)

    async def receive() -> Message:
        await asyncio.sleep(0.01)
        return {"type": "http.request", "body": b"", "more_body": True}

    with pytest.raises(ProblemError, match="less than 8 kB a second") as caught:
        save(tmp_path / "a", receive, 60)
    assert caught.value.status == 408


def test_a_client_that_leaves_is_no_error_of_ours(tmp_path: Path) -> None:
    async def receive() -> Message:
        return {"type": "http.disconnect"}

    with pytest.raises(ProblemError, match="went away") as caught:
        save(tmp_path / "a", receive)
    assert caught.value.status == 400


@pytest.mark.parametrize(
    ("limit", "value", "reason"),
    [("SCORE_SECONDS", -1.0, "is not scored within"), ("RUN_BYTES", 10, "has results of more")],
)
def test_scoring_is_bounded(
    champion: TestClient, temporary: Path, monkeypatch: pytest.MonkeyPatch, limit: str,
    value: float, reason: str,
) -> None:  # fmt: skip
    monkeypatch.setattr(functions.uploads.local_uploads, limit, value)
    assert reason in told(post(champion, gzip.compress(CUSTOMERS), status=413))
    assert kept(temporary) == []


def test_too_many_at_once_are_told_to_come_back(live_model: LiveModel) -> None:
    pages = LocalUploads(live_model, Settings())
    for slots, name in ((pages.scoring, "scored"), (pages.receiving, "received")):
        with slots.taken():
            busy, slots.free = slots.free, 0
            with pytest.raises(ProblemError, match="try again soon") as caught, slots.taken():
                raise AssertionError(name)
            assert (caught.value.status, caught.value.headers) == (503, {"Retry-After": "5"})
            slots.free = busy
    assert (pages.scoring.free, pages.receiving.free) == (1, 16)


def test_a_busy_server_says_so_on_the_page(
    champion: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: Slots) -> None:
        raise ProblemError(503, "busy now", code="busy", headers={"Retry-After": "5"})

    monkeypatch.setattr(Slots, "refuse_if_full", full)
    answer = champion.post("/files", files={"file": ("a.csv", CUSTOMERS)})
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert "Busy now" in told(Page(answer.text))


def test_the_event_loop_stays_free_while_a_file_is_scored(
    live_model: LiveModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow(self: LocalUploads, folder: Path, *_: object) -> Path:
        time.sleep(0.5)
        (folder / "run").mkdir()
        return folder / "run"

    monkeypatch.setattr(LocalUploads, "_score", slow)
    app = create_app(live_model, Settings(), log=lambda line: None)
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


def test_a_client_that_has_gone_away_takes_no_slot(
    live_model: LiveModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    noticed = []

    def score(pages: LocalUploads, *arguments: Any) -> None:
        deadline = time.monotonic() + 20
        while not arguments[-1]() and time.monotonic() < deadline:
            time.sleep(0.01)
        noticed.append((arguments[-1](), pages.scoring.free))
        raise ProblemError(400, "the client went away", code="gone")

    monkeypatch.setattr(LocalUploads, "_score", score)
    app = create_app(live_model, Settings(), log=lambda line: None)
    messages = [{"type": "http.request", "body": form(part(b'name="file"; filename="a.csv"'))}]
    headers = [(b"content-type", FORM["content-type"].encode())]
    scope = {"type": "http", "method": "POST", "path": "/files", "query_string": b"",
             "headers": headers}  # fmt: skip
    answered = []

    async def receive() -> Message:
        return messages.pop() if messages else {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        answered.append(message)

    asyncio.run(app(scope, receive, send))
    assert noticed == [(True, 0)]
    assert answered[0]["status"] == 400


def test_a_file_of_which_nothing_can_be_read_is_given_up_in_time(
    live_model: LiveModel, tmp_path: Path
) -> None:
    path, engine = tmp_path / "input", Isolated(module="tests.support.dying")
    path.write_bytes(b"hang")
    bounds = Bounds(0.1, 1 << 30, lambda: False)
    with pytest.raises(WrongFile, match=r"^a\.csv: is not scored within 0\.1 seconds"):
        score_upload(path, Upload("a.csv", False), tmp_path, live_model.current(), engine, bounds)


def test_nobody_waits_for_a_file_of_a_client_that_has_gone_away(
    live_model: LiveModel, tmp_path: Path
) -> None:
    path, bounds = tmp_path / "input", Bounds(60, 1 << 30, lambda: True)
    path.write_bytes(CUSTOMERS)
    with pytest.raises(ProblemError, match="the client went away"):
        score_upload(
            path, Upload("a.csv", False), tmp_path, live_model.current(), score_rows, bounds
        )
