"""The samples of the page `/docs`, run against a server on loopback by what reads them."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx2
import pytest

from examples.screenshots import served
from functions.web.reference.samples import Call, File, failing_samples, samples
from tests.support.paths import CUSTOMERS
from tests.support.powershell import web_request
from tests.support.tools import needed
from tests.support.web import BROWSER, Element, Page, app_over

KEY = "correct horse's battery"
LANGUAGES = ("curl", "python", "javascript", "powershell")
RUN = {
    "curl": ["sh", "-c"],
    "python": [sys.executable, "-c"],
    "javascript": ["node", "--input-type=module", "-e"],
}
Echo = tuple[str, list[tuple[str, str, bytes]]]
"""The address of a server, and the method, a header and the body of each request that it got."""
WRONG = {"Total_Revolving_Bal": "many", "Total_Trans_Amt": 1900}


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    with served(app_over(api_keys=(sha256(KEY.encode()).hexdigest(),))) as address:
        yield address


@pytest.fixture(scope="module")
def page(site: str) -> Page:
    answer = httpx2.get(f"{site}/docs", headers=BROWSER, auth=("anyone", KEY))
    assert answer.status_code == 200
    return Page(answer.text)


def run(command: Sequence[str], code: str) -> str:
    environment = {**os.environ, "KEY": KEY}
    done = subprocess.run(
        [*command, code], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def shown(page: Page, language: str) -> list[Element]:
    return page.all("pre", **{"class": f"in-{language}"})


def whole_answers(page: Page) -> dict[str, object]:
    """Operation → the answer that the page shows."""
    named = "Answer of "
    answers = {
        pre.attributes["aria-label"].removeprefix(named): json.loads(pre.text)
        for pre in page.all("pre", **{"class": "answer"})
        if pre.attributes["aria-label"].startswith(named)
    }
    return {**answers, "the first request": answers["POST /v1/assign"]}


def test_every_operation_that_shows_an_answer_has_a_sample_in_every_language(page: Page) -> None:
    answered = set(whole_answers(page))
    assert len(answered) >= 8
    for language in LANGUAGES:
        labels = [pre.attributes["aria-label"] for pre in shown(page, language)]
        assert answered <= {label.partition(": ")[2] for label in labels}
    assert KEY not in page.html


@pytest.mark.parametrize("language", RUN)
def test_what_the_page_shows_runs_and_prints_the_answer_beside_it(
    page: Page, language: str
) -> None:
    needed({"javascript": "node"}.get(language, RUN[language][0]))
    answers = whole_answers(page)
    ran = set()
    for pre in shown(page, language):
        operation = pre.attributes["aria-label"].partition(": ")[2]
        if operation in answers:
            assert json.loads(run(RUN[language], pre.text)) == answers[operation]
            ran.add(operation)
    assert ran == set(answers)


def test_the_powershell_is_powershell_and_its_requests_get_the_answers_beside_it(
    page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(CUSTOMERS.parent)  # where a customers.csv is, for samples that send one
    answers, got = whole_answers(page), {}
    for pre in shown(page, "powershell"):
        operation = pre.attributes["aria-label"].partition(": ")[2]
        asked = web_request(pre.text, {"KEY": KEY})
        if operation in answers:
            answer = httpx2.request(
                asked.method, asked.address, headers=asked.headers, content=asked.body
            )
            got[operation] = answer.json()
    assert got == answers


@pytest.mark.parametrize("language", RUN)
def test_what_handles_a_problem_prints_what_is_wrong(site: str, language: str) -> None:
    needed({"javascript": "node"}.get(language, RUN[language][0]))
    call = Call("POST", f"{site}/v1/assign", WRONG, with_key=True)
    code = next(s.code for s in failing_samples(call) if s.language == language)
    printed = run(RUN[language], code)
    for word in ("422", "invalid_customer", "not_a_number", "Total_Trans_Ct", "missing"):
        assert word in printed


def test_the_powershell_that_handles_a_problem_asks_for_it(site: str) -> None:
    call = Call("POST", f"{site}/v1/assign", WRONG, with_key=True)
    asked = web_request(failing_samples(call)[-1].code, {"KEY": KEY})
    answer = httpx2.request(asked.method, asked.address, headers=asked.headers, content=asked.body)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_customer")


HARD: dict[str, Any] = {
    "a 'b' \"c\" $KEY `x` \\n": ["Ж’s ‘quotes’", None, True, 1e-7, {"deep": [], "er": {}}]
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_file_arrives_as_it_is(
    echo: Echo, language: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site, received = echo
    monkeypatch.chdir(tmp_path)
    (tmp_path / "some customers.csv").write_bytes(b"a;b\r\n\xff\n\n")
    call = Call("PUT", f"{site}/jobs", File("some customers.csv"), "text/csv")
    code = next(sample.code for sample in samples(call) if sample.language == language)
    if language == "powershell":
        content = web_request(code, {}).body
    else:
        needed({"javascript": "node"}.get(language, RUN[language][0]))
        run(RUN[language], code)
        content = received[-1][2]
    assert content == b"a;b\r\n\xff\n\n"


@pytest.mark.parametrize("content_type", ["application/json", "text/csv"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_body_arrives_as_it_was_whatever_is_in_it(
    echo: Echo, language: str, content_type: str
) -> None:
    site, received = echo
    body = HARD if content_type == "application/json" else 'a,b\n"it\'s",$KEY `x`\n'
    call = Call("PUT", f"{site}/x'y?a=$KEY", body, content_type, headers={"X-Odd": "it's $KEY"})
    code = next(sample.code for sample in samples(call) if sample.language == language)
    if language == "powershell":
        asked = web_request(code, {})
        method, content = asked.method, asked.body
        assert asked.headers["X-Odd"] == "it's $KEY"
        assert asked.address == call.address
    else:
        needed({"javascript": "node"}.get(language, RUN[language][0]))
        run(RUN[language], code)
        method, odd, content = received[-1]
        assert odd == "it's $KEY"
    assert method == "PUT"
    if content_type == "application/json":
        assert json.loads(content) == HARD
    else:
        assert content.decode().rstrip("\n") == str(body).rstrip("\n")


@pytest.fixture
def echo() -> Iterator[Echo]:
    """A server that keeps what it is sent, and the list of it."""
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import JSONResponse
    from starlette.routing import Route

    received: list[tuple[str, str, bytes]] = []

    async def keep(request: Request) -> JSONResponse:
        body = await request.body()
        received.append((request.method, request.headers.get("x-odd", ""), body))
        return JSONResponse({})

    app = Starlette(routes=[Route("/{path:path}", keep, methods=["PUT"])])
    with served(app) as site:  # type: ignore[arg-type]  # any ASGI application will do
        yield site, received
