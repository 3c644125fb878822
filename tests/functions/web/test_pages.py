"""The form and the result, read as a browser reads them."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from functions.api import create_app
from functions.live_model import load
from functions.settings import Settings
from functions.web.forms import form_fields
from model_store import BUNDLED, open_store
from pipeline.model.contract import DEFAULT_CONTRACT, load_contract
from pipeline.pages.colours import group_class, group_colour
from tests.support.limited import SELDOM, publish_limited
from tests.support.paths import DATA
from tests.support.web import (
    BROWSER,
    CUSTOMER,
    Element,
    Fixed,
    page_of,
    typed_in,
    without_churn,
)

BrowserOver = Callable[..., TestClient]


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
def test_every_example_is_a_customer_of_its_group(
    browser_over: BrowserOver, reference: str
) -> None:
    browser = browser_over(reference)
    examples = [a for a in page_of(browser).addresses if "example=" in a]
    assert len(examples) == {"champion": 5, "original": 3}[reference]
    for cluster, address in enumerate(examples, start=1):
        page = page_of(browser, "/result", form=typed_in(page_of(browser, address)))
        framed = page.one("a", **{"aria-current": "true"})
        assert framed.text.startswith(f"Group {cluster}")
        assert len(page.all("ol", **{"class": "boxes"})) == 1


def test_a_result_says_which_group_and_why(champion: TestClient) -> None:
    page = page_of(champion, "/result", form=CUSTOMER)
    assert page.one("title").text.startswith("Group 5: Little revolving balance, rare card use")
    assert page.one("h1").text == "Little revolving balance, rare card use"
    assert "This customer belongs to group 5 of 5" in page.text
    assert "Of the 272 training customers of this group that took no part in" in page.text
    assert "182 cancelled: a churn rate of 66.9%" in page.text
    assert "95% interval from 61.1% to 72.2%" in page.text
    assert "not the probability that this person leaves" in page.text
    assert "Transactions: 38 speaks for this group; group 3 would begin at 75 if" in page.text
    assert re.search(r"Smallest single change.*, and the customer is in group \d", page.text)
    assert "cluster" not in page.text.lower()
    assert typed_in(page) == CUSTOMER  # the form below keeps the values


def test_an_unusual_customer_is_called_unusual(champion: TestClient) -> None:
    page = page_of(champion, "/result", form={**CUSTOMER, "Total_Trans_Ct": "400"})
    assert "Unusual: Transactions of 400 lies outside the usual 0 to 180." in page.text
    assert "(off the chart)" in page.text


def test_an_unusual_combination_is_named_and_is_not_typical(
    browser_over: BrowserOver, tmp_path: Path
) -> None:
    publish_limited(tmp_path / "store")
    page = page_of(browser_over("champion", tmp_path / "store"), "/result", form=SELDOM)
    assert "Unusual combination of Transactions of 12 and Amount spent of 18,000 USD" in page.text
    assert "Unlike the group" in page.text
    assert "lies 3.23 off it, all but 0.5% of the group within 1.10" in page.text


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
    browser_over: BrowserOver, gym_models: Path
) -> None:
    browser = browser_over("champion", gym_models)
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


def test_many_categories_go_into_a_list() -> None:
    contract = load_contract(DEFAULT_CONTRACT).select(["Gender", "Education_Level"])
    assert [field.control for field in form_fields(contract.features, {})] == ["radio", "select"]


def test_without_a_churn_label_nothing_is_said_of_leaving() -> None:
    loaded = without_churn(load(open_store(BUNDLED), "champion"))
    app = create_app(Fixed(loaded), Settings(), log=lambda line: None)
    with TestClient(app, headers=BROWSER) as browser:
        page = page_of(browser, "/result", form=CUSTOMER)
        assert "churn rate of" not in page.text
        assert "Churn" not in page_of(browser, "/clusters").text
        assert "AUC" in page_of(browser, "/about").text


def test_an_artifact_without_figures_or_report_has_pages_all_the_same(
    browser_over: BrowserOver,
) -> None:
    browser = browser_over("original", DATA / "artifacts" / "format-1")
    assert page_of(browser, "/clusters").all("img") == []
    assert "/report" not in page_of(browser, "/about").addresses
    example = typed_in(page_of(browser, "/?example=1"))
    assert page_of(browser, "/result", form=example).all("img") == []
    assert browser.get("/report").status_code == 404


def test_the_groups_have_a_rule_that_people_remember(
    browser_over: BrowserOver, gym_models: Path, champion: TestClient
) -> None:
    page = page_of(browser_over("champion", gym_models), "/clusters")
    assert page.by_id("rule").text == "A rule to remember"
    assert re.search(r"(One question|Two questions|Three questions) at most, right for", page.text)
    assert "Visits at most" in page.text
    without = page_of(browser_over("original", DATA / "artifacts" / "format-1"), "/clusters")
    assert "A rule to remember" not in without.text  # of an artifact that has none


def test_a_group_has_its_colour_wherever_it_is_named(champion: TestClient) -> None:
    style = champion.get("/static/style.css").text
    for cluster in range(1, 6):
        assert f".{group_class(cluster)} {{ --group: {group_colour(cluster)}; }}" in style
    for path in ("/", "/clusters"):
        badges = [e for e in page_of(champion, path).all("span") if "id" in classes(e)]
        assert badges
        assert all(group_class(int(badge.text)) in classes(badge) for badge in badges)


def classes(element: Element) -> list[str]:
    return element.attributes.get("class", "").split()


def test_a_link_has_a_preview(champion: TestClient) -> None:
    page = page_of(champion, "/clusters")
    told = {e.attributes["property"]: e.attributes["content"] for e in page.all("meta")
            if "property" in e.attributes}  # fmt: skip
    assert told["og:title"] == "All groups"
    assert told["og:description"].startswith("Drop in customers")
    assert page.one("meta", name="description").attributes["content"] == told["og:description"]
    assert told["og:image"].startswith("http://testserver/static/preview.png?v=")
    picture = champion.get(told["og:image"])
    assert picture.headers["content-type"] == "image/png"
    assert picture.content.startswith(b"\x89PNG")
    assert (int.from_bytes(picture.content[16:20]), int.from_bytes(picture.content[20:24])) == (
        int(told["og:image:width"]), int(told["og:image:height"]),
    )  # fmt: skip


def test_drawings_are_light_or_dark_as_the_reader_prefers(champion: TestClient) -> None:
    for drawing in page_of(champion, "/clusters").all("img"):
        content = champion.get(drawing.attributes["src"]).text
        assert "prefers-color-scheme:dark" in content
        assert "background: #fff" not in content
