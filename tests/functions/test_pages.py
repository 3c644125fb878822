"""The pages, read as a browser reads them and without one."""

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from hashlib import sha256
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from functions.api import create_app
from functions.problems import TITLES
from functions.serving import Serving, load
from functions.settings import Settings
from model_store import BUNDLED, Store, open_store
from tests.functions.web import BROWSER, Fixed, Page, app_over, without_churn

OLD = Path(__file__).parents[1] / "data" / "artifacts" / "format-1"
CUSTOMER = {"Total_Revolving_Bal": "0", "Total_Trans_Amt": "1900", "Total_Trans_Ct": "38"}
PAGES = ["/", "/?example=2", "/clusters", "/about", "/docs", "/nothing-here"]
KEY = "correct horse"
Client = Callable[..., TestClient]


@pytest.fixture
def client() -> Iterator[Client]:
    """Makes browsers for the application."""
    opened = []

    def make(*args: Any, root_path: str = "", **settings: Any) -> TestClient:
        made = TestClient(app_over(*args, **settings), root_path=root_path, headers=BROWSER)
        opened.append(made)
        return made

    yield make
    for made in opened:
        made.close()


@pytest.fixture
def champion(client: Client) -> TestClient:
    return client()


def page_of(
    client: TestClient, path: str = "/", status: int = 200, form: dict[str, str] | None = None
) -> Page:
    answer = client.post(path, data=form) if form else client.get(path)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    return Page(answer.text)


def typed_in(page: Page) -> dict[str, str]:
    """What the first form of a page would send."""
    form: dict[str, str] = {}
    for element in page.all("input"):
        attributes = element.attributes
        if attributes.get("type") != "radio" or "checked" in attributes:
            form.setdefault(attributes["name"], attributes.get("value", ""))
    return form


def test_the_form_has_a_labelled_field_for_every_feature(champion: TestClient) -> None:
    page = page_of(champion)
    assert typed_in(page) == dict.fromkeys(CUSTOMER, "")
    for place, label in enumerate(
        ("Revolving balance (USD)", "Amount spent (USD)", "Transactions")
    ):
        field = page.by_id(f"field-{place + 1}")
        assert page.one("label", **{"for": field.attributes["id"]}).text == label
        assert field.attributes["autocomplete"] == "off"
        hint = page.by_id(field.attributes["aria-describedby"]).text
        assert "usually 0 to" in hint
    assert page.by_id("field-3").attributes["inputmode"] == "numeric"
    assert page.by_id("field-1").attributes["inputmode"] == "decimal"
    assert page.one("form").attributes["method"] == "post"


@pytest.mark.parametrize("reference", ["champion", "original"])
def test_every_example_is_a_customer_of_its_group(client: Client, reference: str) -> None:
    browser = client(reference)
    examples = [a for a in page_of(browser).addresses if "example=" in a]
    assert len(examples) == {"champion": 5, "original": 3}[reference]
    for id, address in enumerate(examples, start=1):
        page = page_of(browser, "/result", form=typed_in(page_of(browser, address)))
        framed = page.one("a", **{"aria-current": "true"})
        assert framed.text.startswith(f"Group {id}")
        assert len(page.all("ol", **{"class": "boxes"})) == 1


def test_a_result_says_which_group_and_why(champion: TestClient) -> None:
    page = page_of(champion, "/result", form=CUSTOMER)
    assert page.one("title").text.startswith("Group 5: Little revolving balance, rare card use")
    assert page.one("h1").text == "Little revolving balance, rare card use"
    assert "This customer belongs to group 5 of 5" in page.text
    assert "Of this group’s 1,097 training customers 770 left: a churn rate of 70.2%" in page.text
    assert "95% interval from 67.4% to 72.8%" in page.text
    assert "not the probability that this person leaves" in page.text
    assert "Transactions of 38 speaks for this group" in page.text
    assert re.search(r"Smallest single change.*, and the customer is in group \d", page.text)
    assert "cluster" not in page.text.lower()
    assert typed_in(page) == CUSTOMER  # the form below keeps the values


def test_an_unusual_customer_is_called_unusual(champion: TestClient) -> None:
    page = page_of(champion, "/result", form={**CUSTOMER, "Total_Trans_Ct": "400"})
    assert "Unusual: Transactions of 400 lies outside the usual 0 to 180." in page.text
    assert "(off the chart)" in page.text


def test_the_smallest_change_leads_where_it_says(champion: TestClient) -> None:
    page = page_of(champion, "/result", form=CUSTOMER)
    found = re.search(
        r"change Revolving balance 0 → ([\d.]+) USD, and the customer is in group (\d)", page.text
    )
    assert found
    changed = page_of(champion, "/result", form={**CUSTOMER, "Total_Revolving_Bal": found[1]})
    assert f"belongs to group {found[2]} of 5" in changed.text


def test_errors_stand_at_their_fields_and_keep_what_was_typed(champion: TestClient) -> None:
    wrong = {"Total_Revolving_Bal": '<b>"1', "Total_Trans_Amt": "-1", "Total_Trans_Ct": "1.5"}
    page = page_of(champion, "/result", 422, form=wrong)
    assert page.one("title").text.startswith("Error: ")
    assert typed_in(page) == wrong
    assert "<b>" not in page.html
    linked = [a for a in page.one("div", role="alert").text.splitlines() if a]
    assert linked == [
        "3 values need another look",
        "Revolving balance: write a plain number such as 1900.50: "
        "no commas, no unit, a point for decimals.",
        "Amount spent: this must be a number from 0 to 100,000,000 USD.",
        "Transactions: this must be a whole number, such as 12.",
    ]
    for place in (1, 2, 3):
        field = page.by_id(f"field-{place}")
        assert field.attributes["aria-invalid"] == "true"
        error, hint = field.attributes["aria-describedby"].split()
        assert page.by_id(error).text.startswith("Error: ")
        assert page.by_id(hint).text
        assert f"#field-{place}" in page.addresses


def test_only_wrong_fields_are_marked(champion: TestClient) -> None:
    page = page_of(champion, "/result", 422, form={**CUSTOMER, "Total_Trans_Amt": ""})
    assert "One value needs another look" in page.text
    assert "Error: Enter a number from 0 to 100,000,000." in page.text
    assert [f.attributes["name"] for f in page.all("input", **{"aria-invalid": "true"})] == [
        "Total_Trans_Amt"
    ]


@pytest.mark.parametrize("typed", [" 1900 ", "1 900", "1’900", "1900 USD", "1,900.50", "1,9", "2k"])
def test_what_can_mean_one_thing_only_is_understood(champion: TestClient, typed: str) -> None:
    form = {**CUSTOMER, "Total_Trans_Amt": typed}
    understood = "," not in typed and "k" not in typed
    page = page_of(champion, "/result", 200 if understood else 422, form)
    assert typed_in(page) == form
    assert ("no commas" in page.text) != understood


def test_a_category_is_chosen_and_a_feature_with_a_stand_in_optional(
    client: Client, gym_models: Path
) -> None:
    browser = client("champion", gym_models)
    page = page_of(browser)
    assert [r.attributes["value"] for r in page.all("input", type="radio")] == ["basic", "plus"]
    assert "Visits (a month) – optional" in page.text
    assert "Left empty, it counts as 0." in page.text
    result = page_of(browser, "/result", form={"visits": "", "fee": "20", "plan": "basic"})
    assert "Visits 0 a month" in result.text
    assert typed_in(result) == {"visits": "", "fee": "20", "plan": "basic"}
    errors = page_of(browser, "/result", 422, {"visits": "3", "fee": "20"})
    assert "Plan: choose one of these." in errors.text
    assert errors.one("fieldset").attributes["aria-describedby"] == "field-3-error"
    assert page_of(browser, "/clusters").text.count("left") > 3


def test_many_categories_go_into_a_list(champion: TestClient) -> None:
    from functions.web.forms import form_fields
    from pipeline.contract import DEFAULT_CONTRACT, load_contract

    contract = load_contract(DEFAULT_CONTRACT).select(["Gender", "Education_Level"])
    assert [field.control for field in form_fields(contract.features, {})] == ["radio", "select"]


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("prefix", ["", "/prod"])
def test_every_address_on_a_page_answers_behind_any_prefix(
    client: Client, path: str, prefix: str
) -> None:
    """A stage is in the path that arrives; a proxy takes its prefix away."""
    browser = client(root_path=prefix)
    page = Page(browser.get(prefix + path).text)
    proxied = Page(client(root_path=prefix).get(path).text)
    addresses = [a for a in page.addresses if not a.startswith("#")]
    assert addresses == [a for a in proxied.addresses if not a.startswith("#")]
    assert all(a.startswith(prefix + "/") for a in addresses)
    for address in set(addresses):
        form = CUSTOMER if address.endswith("/result") else None
        found = browser.post(address, data=form) if form else browser.get(address)
        assert found.status_code == 200, address
    local = {a.rpartition("#")[2] for a in page.addresses if a.startswith("#")}
    assert local <= {e.attributes["id"] for e in page.elements if "id" in e.attributes}


@pytest.mark.parametrize("path", [*PAGES, "/result"])
def test_pages_are_whole_and_need_neither_script_nor_style_inside(
    champion: TestClient, path: str
) -> None:
    answer = champion.post(path, data=CUSTOMER) if path == "/result" else champion.get(path)
    page = Page(answer.text)
    assert page.html.startswith("<!doctype html>\n")
    assert page.one("html").attributes["lang"] == "en"
    assert page.all("script", "style", "iframe") == []
    for element in page.elements:
        assert not [name for name in element.attributes if name == "style" or name[:2] == "on"]
    assert not [a for a in page.addresses if not a.startswith(("/", "#"))]
    levels = [int(e.tag[1]) for e in page.all("h1", "h2", "h3")]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(b <= a + 1 for a, b in pairwise(levels))
    assert "style-src 'self'" in answer.headers["content-security-policy"]


def test_a_proxy_shows_the_pages_under_the_path_of_the_settings() -> None:
    with TestClient(app_over(root_path="/groups"), headers=BROWSER) as browser:
        page = page_of(browser)
        assert page.one("form").attributes["action"] == "/groups/result"
        for address in page.addresses:
            assert address.startswith(("/groups/", "#"))
            assert browser.get(address.removeprefix("/groups")).status_code == 200
            assert browser.get(address).status_code == 200


def test_values_never_travel_in_an_address(champion: TestClient) -> None:
    answer = champion.get("/result?Total_Trans_Ct=38", follow_redirects=False)
    assert answer.status_code == 303
    assert answer.headers["location"] == "/"
    assert answer.headers["cache-control"] == "no-store"


def test_the_log_names_pages_and_holds_no_values() -> None:
    lines: list[Any] = []
    serving = Serving(open_store(BUNDLED), "champion", log=lines.append)
    serving.refresh()
    app = create_app(serving, Settings(), log=lines.append)
    with TestClient(app, headers=BROWSER) as browser:
        page_of(browser, "/result", form={**CUSTOMER, "Total_Trans_Amt": "98765.4"})
        page_of(browser, "/result", 422, {**CUSTOMER, "Total_Trans_Amt": "98765,4"})
        browser.get("/figures/map.svg")
    assert [line["route"] for line in lines[-3:]] == ["/result", "/result", "/figures/{name}"]
    assert "98765" not in repr(lines)


def test_the_stylesheet_is_kept_and_asked_for_anew_when_it_changes(champion: TestClient) -> None:
    address = page_of(champion).one("link", rel="stylesheet").attributes["href"]
    kept = champion.get(address)
    assert kept.headers["content-type"].startswith("text/css")
    assert "immutable" in kept.headers["cache-control"]
    assert champion.get("/static/style.css").headers["cache-control"] == "max-age=3600"
    assert champion.get("/favicon.ico").headers["content-type"] == "image/svg+xml"
    assert champion.get("/static/html.py").status_code == 404
    assert champion.get("/static/..%2fpages.py").status_code == 404


def test_figures_come_from_the_artifact(champion: TestClient) -> None:
    drawing = page_of(champion, "/result", form=CUSTOMER).one("img")
    assert drawing.attributes["alt"]
    answer = champion.get(drawing.attributes["src"])
    assert answer.headers["content-type"] == "image/svg+xml"
    assert "immutable" in answer.headers["cache-control"]
    assert answer.text.startswith("<svg")
    old = champion.get("/figures/profiles.svg?v=000000000000")
    assert old.headers["cache-control"] == "no-store"
    for name in ("model.json", "pipeline.joblib", "nothing.svg", "..%2fmanifest.json"):
        assert champion.get(f"/figures/{name}").status_code == 404


def test_the_report_brings_its_own_style_and_may_do_nothing_else(champion: TestClient) -> None:
    answer = champion.get("/report")
    assert "<!doctype html>" in answer.text
    (policy,) = answer.headers.get_list("content-security-policy")
    assert policy.startswith("default-src 'none'; style-src 'unsafe-inline';")


def test_an_artifact_without_figures_or_report_has_pages_all_the_same(client: Client) -> None:
    browser = client("original", OLD)
    assert page_of(browser, "/clusters").all("img") == []
    assert "/report" not in page_of(browser, "/about").addresses
    example = typed_in(page_of(browser, "/?example=1"))
    assert page_of(browser, "/result", form=example).all("img") == []
    assert browser.get("/report").status_code == 404


def test_without_a_churn_label_nothing_is_said_of_leaving() -> None:
    loaded = without_churn(load(open_store(BUNDLED), "champion"))
    app = create_app(Fixed(loaded), Settings(), log=lambda line: None)
    with TestClient(app, headers=BROWSER) as browser:
        page = page_of(browser, "/result", form=CUSTOMER)
        assert "churn rate of" not in page.text
        assert "Churn" not in page_of(browser, "/clusters").text
        assert "AUC" in page_of(browser, "/about").text


def test_people_read_problems_as_pages_and_programs_as_documents(champion: TestClient) -> None:
    assert page_of(champion, "/nothing-here", 404).one("h1").text == TITLES["not_found"]
    put = champion.put("/result")
    assert (put.status_code, len(put.headers["allow"].split(", "))) == (405, 3)
    assert Page(put.text).one("h1").text == TITLES["method_not_allowed"]
    problem = {"accept": "*/*"}
    for answer in (
        champion.get("/nothing-here", headers=problem),
        champion.get("/v1/nothing"),
        champion.get("/health/nothing"),
    ):
        assert answer.status_code == 404
        assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ({"content": b"a=1&a=2", "type": "application/x-www-form-urlencoded"}, 400),
        ({"content": b"{}", "type": "application/json"}, 415),
        ({"content": b"a=" + b"1" * 2_000_000, "type": "application/x-www-form-urlencoded"}, 413),
    ],
)
def test_a_form_that_cannot_be_read_is_told_on_a_page(
    champion: TestClient, sent: dict[str, Any], status: int
) -> None:
    headers = {"content-type": sent["type"]}
    answer = champion.post("/result", content=sent["content"], headers=headers)
    assert answer.status_code == status
    assert "Look up a customer" in Page(answer.text).text


def test_without_a_model_a_page_says_so(tmp_path: Path) -> None:
    serving = Serving(Store(open_store(tmp_path)._files), "champion")
    serving.refresh()
    app = create_app(serving, Settings(), log=lambda line: None)
    with TestClient(app, headers=BROWSER) as browser:
        for path in ("/", "/clusters", "/about", "/docs"):
            page = page_of(browser, path, 503)
            assert page.one("h1").text == TITLES["model_unavailable"]
        assert browser.get("/static/style.css").status_code == 200


def test_the_reference_covers_every_operation_and_its_commands_work(champion: TestClient) -> None:
    document = champion.get("/openapi.json").json()
    page = page_of(champion, "/docs")
    commands = [e.text for e in page.all("pre") if e.text.startswith("curl ")]
    operations = [(m, p) for p, item in document["paths"].items() for m in item]
    assert len(commands) == len(operations)
    answers = [e.text for e in page.all("pre", **{"class": "answer"})]
    for (method, _), command, shown in zip(operations, commands, answers, strict=True):
        _, address, *options = shlex.split(command.replace("\\\n", " "))
        body = options[options.index("-d") + 1] if "-d" in options else None
        headers = {"content-type": "application/json"} if body else {}
        answer = champion.request(method, address, content=body, headers=headers)
        assert answer.status_code == 200
        assert answer.json() == json.loads(shown)
    for name in (*CUSTOMER, *TITLES):
        assert name in page.text


def test_with_keys_the_commands_name_one_and_pages_ask_for_one(client: Client) -> None:
    browser = client(api_keys=(sha256(KEY.encode()).hexdigest(),))
    refused = browser.get("/")
    assert refused.status_code == 401
    assert refused.headers["www-authenticate"].startswith("Basic ")
    browser.auth = ("anyone", KEY)
    page = page_of(browser, "/docs")
    assert '-H "Authorization: Bearer $KEY"' in page.text
    assert KEY not in page.html


def test_an_assignment_waits_for_no_template() -> None:
    numbers = {name: int(value) for name, value in CUSTOMER.items()}
    program = f"""
import sys
from starlette.testclient import TestClient
from functions.api import app
assert TestClient(app).post("/v1/assign", json={numbers}).status_code == 200
print(sorted({{"jinja2", "functions.web", "numpy"}} & set(sys.modules)))
TestClient(app).get("/", headers={{"accept": "text/html"}})
print(sorted({{"jinja2", "functions.web", "numpy"}} & set(sys.modules)))
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True
    )
    lines = [line for line in done.stdout.splitlines() if line.startswith("[")]
    assert lines == ["[]", "['functions.web', 'jinja2']"]
