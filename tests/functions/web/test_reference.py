"""The page `/docs`: every operation, field, problem and limit."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from functions.http.openapi.problems import EXAMPLES
from functions.http.problems import TITLES
from functions.web.reference.remedies import FIELD_CODES, REMEDIES
from tests.support.web import BROWSER, CUSTOMER, Page, page_of

KEY = "correct horse"
BrowserOver = Callable[..., TestClient]


def answers_of(page: Page) -> dict[str, Any]:
    named = "Answer of "
    return {
        pre.attributes["aria-label"].removeprefix(named): json.loads(pre.text)
        for pre in page.all("pre", **{"class": "answer"})
        if pre.attributes["aria-label"].startswith(named)
    }


def fields_of(page: Page) -> list[str]:
    """The names in the lists of fields, as `reasons[].border`."""
    return [dt.text.split()[0] for dt in page.all("dt") if dt.text.split()]


def paths_in(answer: Any, within: str = "") -> Iterator[str]:
    """The path of each field of an answer, as the page writes it."""
    if isinstance(answer, Mapping):
        for key, value in answer.items():
            yield f"{within}{key}"
            yield from paths_in(value, f"{within}{key}.")
    if isinstance(answer, list) and within:
        for item in answer:
            yield from paths_in(item, f"{within[:-1]}[].")


def test_the_reference_has_every_operation_with_a_link_at_the_side(champion: TestClient) -> None:
    document = champion.get("/openapi.json").json()
    page = page_of(champion, "/docs")
    ids = [o["operationId"] for item in document["paths"].values() for o in item.values()]
    assert ids
    links = [a.attributes["href"] for a in page.all("a")]
    for operation_id in ids:
        assert page.by_id(operation_id).tag == "h3"
        assert links.count(f"#{operation_id}") >= 2  # at the side, and folded for a phone
    for link in links:
        if link.startswith("#"):
            assert page.by_id(link[1:]).tag


def test_the_answers_of_the_reference_are_those_of_the_application(champion: TestClient) -> None:
    shown = answers_of(page_of(champion, "/docs"))
    customer = shown["POST /v1/assign"]
    assert shown["GET /v1/clusters"] == champion.get("/v1/clusters").json()
    assert customer["cluster"]["id"] in [c["id"] for c in shown["GET /v1/clusters"]["clusters"]]
    assert shown["GET /health/live"] == {"status": "live"}


@pytest.mark.parametrize("operation", ["POST /v1/assign", "POST /v1/what-if", "GET /v1/clusters"])
def test_every_field_of_an_answer_is_explained(champion: TestClient, operation: str) -> None:
    page = page_of(champion, "/docs")
    explained = set(fields_of(page))
    found = set(paths_in(answers_of(page)[operation]))
    by_name = {re.sub(r"\b(parts|profile)\.\w+", r"\1.*", path) for path in found}
    missing = [path for path in by_name if path not in explained and not path.endswith(".*")]
    # what a schema has that stood there before is linked, and not written down again
    assert [path for path in missing if not _stands_elsewhere(path, explained)] == []


def _stands_elsewhere(path: str, explained: set[str]) -> bool:
    name = path.rpartition(".")[2]
    return any(field.endswith(f".{name}") for field in explained)


def test_no_response_field_is_without_words(champion: TestClient) -> None:
    page = page_of(champion, "/docs")
    document = champion.get("/openapi.json").json()
    silent = [
        f"{name}.{field}"
        for name, schema in document["components"]["schemas"].items()
        for field, value in schema.get("properties", {}).items()
        if "description" not in value
    ]
    assert silent == []
    assert "standard deviations" in page.text


def test_the_numbers_of_an_answer_are_worked_out_with_its_own(champion: TestClient) -> None:
    page = page_of(champion, "/docs")
    answer = answers_of(page)["POST /v1/assign"]
    sums = [span.text.replace("−", "-") for span in page.all("span", **{"class": "sum"})]
    far, near = answer["runner_up"]["distance"], answer["distance"]
    assert f"({far:.3f} - {near:.3f}) / ({far:.3f} + {near:.3f}) = {answer['margin']:.3f}" in sums
    parts = next(text for text in sums if "²" in text)
    left, right = parts.split(" = ")
    assert sum(float(n.replace(" ", "")) for n in re.findall(r"-?\s?[\d.]+", left)) == (
        pytest.approx(far**2 - near**2, abs=0.005)
    )
    assert right == f"{far:.3f}² - {near:.3f}²"


def test_every_code_of_a_problem_has_an_example_and_a_remedy(champion: TestClient) -> None:
    assert set(TITLES) <= set(REMEDIES) == set(EXAMPLES)
    page = page_of(champion, "/docs")
    for code, title in TITLES.items():
        entry = page.by_id(f"problem-{code}").text
        assert title in entry
        assert EXAMPLES[code] in entry
        assert REMEDIES[code].remedy.replace("`", "") in entry


@pytest.mark.parametrize(
    ("code", "sent"),
    [
        ("invalid_json", {"content": b'{"Total_Trans_Ct": }'}),
        ("invalid_encoding", {"content": b"no", "headers": {"content-encoding": "gzip"}}),
        ("unsupported_media_type", {"content": b"{}", "headers": {"content-type": "text/plain"}}),
        ("too_large", {"content": b" " * 1_048_577}),
        ("invalid_request", {"path": "/v1/assign/batch", "content": b"[]"}),
        ("invalid_customer", {"content": b'{"Total_Revolving_Bal": 0, "Total_Trans_Amt": 1900}'}),
        ("unknown_cluster", {"path": "/v1/clusters/9"}),
        ("not_found", {"path": "/v1/cluster"}),
        ("method_not_allowed", {"path": "/v1/assign"}),
        ("forbidden", {"content": b"{}", "headers": {"origin": "https://elsewhere.example"}}),
    ],
)
def test_the_examples_of_problems_are_what_is_answered(
    client: TestClient, code: str, sent: dict[str, Any]
) -> None:
    headers = {"content-type": "application/json", **sent.get("headers", {})}
    method = "POST" if "content" in sent else "GET"
    answer = client.request(
        method, sent.get("path", "/v1/assign"), content=sent.get("content"), headers=headers
    )
    problem, remedy = answer.json(), REMEDIES[code]
    assert (answer.status_code, problem["code"]) == (remedy.status, code)
    assert problem["detail"] == EXAMPLES[code]


def test_every_code_of_a_field_is_explained(champion: TestClient) -> None:
    told = {row.code for row in FIELD_CODES}
    document = champion.get("/openapi.json").json()
    field = document["components"]["schemas"]["FieldProblem"]["properties"]["code"]
    assert told == set(field["enum"])
    page = page_of(champion, "/docs")
    assert all(page.by_id(f"field-{code}") for code in told)


def test_the_limits_are_those_of_the_server(browser_over: BrowserOver) -> None:
    page = page_of(browser_over(max_body_bytes=54_321, max_upload_bytes=98_765), "/docs")
    for words in ("54,321 bytes", "98,765 bytes", "1,000", "65,536 bytes"):
        assert words in page.text


def test_with_keys_the_samples_name_one_and_pages_ask_for_one(browser_over: BrowserOver) -> None:
    browser = browser_over(api_keys=(sha256(KEY.encode()).hexdigest(),))
    refused = browser.get("/")
    assert refused.status_code == 401
    assert refused.headers["www-authenticate"].startswith("Basic ")
    browser.auth = ("anyone", KEY)
    page = page_of(browser, "/docs")
    for how in (
        '-H "Authorization: Bearer $KEY"',
        "os.environ['KEY']",
        "process.env.KEY",
        '"Bearer $env:KEY"',
    ):
        assert how in page.text
    assert KEY not in page.html


def test_the_reference_shows_the_fields_of_another_contract(
    browser_over: BrowserOver, gym_models: Path
) -> None:
    page = page_of(browser_over("champion", gym_models), "/docs")
    terms = [" ".join(term.text.split()) for term in page.all("dt")]
    assert "visits integer or null, a month, 0 to 200, may be left out" in terms
    assert 'plan string, "basic", "plus"' in terms
    assert not set(CUSTOMER) & set(fields_of(page))


def test_one_script_of_ours_runs_on_this_page_and_on_no_other(champion: TestClient) -> None:
    answer = champion.get("/docs", headers=BROWSER)
    (script,) = Page(answer.text).all("script")
    assert script.text == ""
    assert set(script.attributes) == {"src", "defer"}
    policy = answer.headers["content-security-policy"]
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    served = champion.get(script.attributes["src"])
    assert served.headers["content-type"].startswith("text/javascript")
    assert "immutable" in served.headers["cache-control"]
    for path in ("/", "/files", "/clusters", "/about", "/nothing-here"):
        other = champion.get(path)
        assert "script" not in other.headers["content-security-policy"]
        assert Page(other.text).all("script") == []
