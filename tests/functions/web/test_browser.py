"""The pages in a real browser: without JavaScript, on a telephone and a desk, light and dark."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from playwright.sync_api import Browser, Page

import examples
from examples.screenshots import served
from functions.api import create_app
from functions.live_model import LoadedModel, load
from functions.settings import Settings
from model_store import BUNDLED, open_store
from pipeline.model.published.loading import load_model
from pipeline.scoring.spec import Options
from tests.support.browsing import DESK, PHONE, Scheme, browser, check, page_in
from tests.support.paths import CUSTOMERS
from tests.support.scoring import score_file
from tests.support.web import Fixed, app_over

__all__ = ["browser"]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with pytest.MonkeyPatch.context() as patch, served(app_over()) as address:
        patch.setattr("tempfile.tempdir", str(tmp_path_factory.mktemp("temporary")))
        yield address


@pytest.fixture(scope="module")
def gym_site(gym_models: Path) -> Iterator[str]:
    with served(app_over(store=gym_models)) as address:
        yield address


def fill(page: Page, *values: str) -> None:
    for place, value in enumerate(values, start=1):
        page.fill(f"#field-{place}", value)
    submit(page)


def submit(page: Page) -> None:
    with page.expect_navigation():
        page.get_by_role("button", name="Show the group").click()


@pytest.mark.parametrize("width", [PHONE, DESK])
def test_a_person_without_javascript_looks_up_a_customer(
    browser: Browser, site: str, width: int
) -> None:
    with page_in(browser, site, width) as page:
        page.goto("/")
        page.get_by_label("Revolving balance (USD)").fill("0")
        page.get_by_label("Amount spent (USD)").fill("1900")
        page.get_by_label("Transactions").fill("38")
        submit(page)
        assert page.url == f"{site}/result"
        assert page.get_by_role("heading", level=1).inner_text() == (
            "Little revolving balance, rare card use"
        )
        framed = page.locator(".boxes [aria-current]")
        assert framed.inner_text().split()[:2] == ["Group", "5"]
        assert framed.evaluate("box => getComputedStyle(box).borderTopWidth") == "3px"
        picture = page.locator("img").first
        picture.scroll_into_view_if_needed()
        assert picture.evaluate("image => image.naturalWidth") > 100
        page.get_by_label("Revolving balance (USD)").fill("1500")
        submit(page)
        assert "group 4 of 5" in page.locator("main").inner_text()


def test_a_person_finds_the_errors_and_mends_them(browser: Browser, site: str) -> None:
    with page_in(browser, site, PHONE) as page:
        page.goto("/")
        fill(page, "0", "1,900", "")
        summary = page.get_by_role("alert")
        assert summary.get_by_role("link").count() == 2
        summary.get_by_role("link").first.click()
        assert page.locator("#field-2").evaluate("field => field.matches(':focus, :target')")
        assert page.input_value("#field-2") == "1,900"
        assert page.input_value("#field-1") == "0"
        assert page.locator("#field-3-error").is_visible()
        fill(page, "0", "1900", "38")
        assert "group 5 of 5" in page.locator("main").inner_text()


def test_an_example_fills_the_form(browser: Browser, site: str) -> None:
    with page_in(browser, site) as page:
        page.goto("/")
        with page.expect_navigation():
            page.get_by_role("link", name="Rare card use, low spending").click()
        assert page.input_value("#field-3") == "39"
        submit(page)
        assert "group 4 of 5" in page.locator("main").inner_text()


def test_keys_lead_through_the_form(browser: Browser, site: str) -> None:
    with page_in(browser, site) as page:
        page.goto("/")
        page.keyboard.press("Tab")
        skip = page.get_by_role("link", name="Skip to the content")
        assert skip.evaluate("link => link.getBoundingClientRect().left >= 0")
        page.keyboard.press("Enter")
        for value in ("0", "1900", "38"):
            page.keyboard.press("Tab")
            page.keyboard.type(value)
        page.keyboard.press("Enter")
        page.wait_for_url("**/result")
        assert "group 5 of 5" in page.locator("main").inner_text()


@pytest.mark.parametrize("width", [PHONE, DESK])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_passes_axe_and_fits(
    browser: Browser, site: str, gym_site: str, width: int, scheme: Scheme
) -> None:
    with page_in(browser, site, width, scheme, script=True) as page:
        for path in ("/", "/?example=1", "/files", "/clusters", "/about", "/docs", "/nothing-here"):
            page.goto(path)
            check(page)
        page.goto("/")
        fill(page, "", "1,900", "1.5")
        check(page)
        fill(page, "0", "1900", "38")
        check(page)
        fill(page, "9000000", "1900", "400")
        assert "Unlike the customers" in page.locator("main").inner_text()
        check(page)
    with page_in(browser, gym_site, width, scheme, script=True) as page:
        for path in ("/", "/clusters"):
            page.goto(path)
            check(page)
        page.goto("/")
        submit(page)
        check(page)
        fill(page, "3", "20")
        page.check("text=basic")
        submit(page)
        check(page)


def drop(page: Page, file: Path) -> None:
    page.goto("/files")
    page.get_by_label("File of customers").set_input_files(file)
    with page.expect_navigation():
        page.get_by_role("button", name="Score the file").click()


@pytest.mark.parametrize("width", [PHONE, DESK])
def test_a_person_without_javascript_scores_a_file(
    browser: Browser, site: str, width: int, tmp_path: Path
) -> None:
    with page_in(browser, site, width) as page:
        drop(page, Path(examples.__file__))
        assert "no column Total_Revolving_Bal" in page.get_by_role("alert").inner_text()
        drop(page, CUSTOMERS)
        assert page.get_by_role("heading", level=1).inner_text() == "customers.csv"
        row = page.get_by_role("row", name="5 Little revolving balance, rare card use")
        assert "65.4%" in row.inner_text()
        with page.expect_download() as started:
            page.get_by_role("link", name="assigned.csv").click()
        assert re.fullmatch(r"customers-[\d-]{10}-assigned\.csv", started.value.suggested_filename)
        started.value.save_as(tmp_path / "assigned.csv")
        assert len(pd.read_csv(tmp_path / "assigned.csv")) == 995
        results = page.url
        page.get_by_role("link", name="report.html").click()
        assert page.get_by_role("heading", name="Rejected rows").is_visible()
        page.go_back()  # nothing is sent again, and nobody is asked whether it should be
        assert page.url == results
        page.reload()
        assert page.get_by_role("heading", level=1).inner_text() == "customers.csv"
        with page.expect_download() as started:
            page.get_by_role("link", name="Group 5 as CSV").click()
        started.value.save_as(tmp_path / "group.csv")
        assert set(pd.read_csv(tmp_path / "group.csv")["cluster"]) == {5}


@pytest.mark.parametrize("width", [PHONE, DESK])
def test_a_person_without_javascript_downloads_a_list_for_a_campaign(
    browser: Browser, site: str, width: int, tmp_path: Path
) -> None:
    with page_in(browser, site, width) as page:
        drop(page, CUSTOMERS)
        form = page.get_by_role("form", name="A list for a campaign")
        form.get_by_label("How many").fill("20")
        form.get_by_text("Order, control group").click()
        form.get_by_label("Control group").fill("30%")
        form.get_by_label("Include those who cancelled already").check()
        with page.expect_download() as started:
            form.get_by_role("button", name="Download the list").click()
        assert started.value.suggested_filename.endswith("-audience.csv")
        started.value.save_as(tmp_path / "list.csv")
        listed = pd.read_csv(tmp_path / "list.csv")
        assert listed["rank"].tolist() == [*range(1, 21)]
        assert set(listed["Attrition_Flag"]) == {"Attrited Customer", "Existing Customer"}
        form.get_by_label("Group", exact=True).select_option("5")
        with page.expect_download() as started:
            form.get_by_role("button", name="Download the list").click()
        assert started.value.suggested_filename.endswith("-audience-group-5.csv")
        started.value.save_as(tmp_path / "group.csv")
        assert set(pd.read_csv(tmp_path / "group.csv")["cluster"]) == {5}
        form.get_by_label("Control group").fill("10")
        with page.expect_navigation():
            form.get_by_role("button", name="Download the list").click()
        assert "a share such as 10% or 0.1" in page.inner_text("main")


def test_a_person_says_how_a_file_is_written_that_does_not_show_it(
    browser: Browser, site: str, tmp_path: Path
) -> None:
    file = tmp_path / "german.csv"
    file.write_text("Total_Revolving_Bal;Total_Trans_Amt;Total_Trans_Ct\n" + "0;4.604;38\n" * 8)
    with page_in(browser, site, PHONE) as page:
        page.goto("/files")
        assert not page.get_by_label("Decimal mark").is_visible()
        page.get_by_text("If the file cannot be read as it is").click()
        page.get_by_label("Encoding of a text file").fill("utf-8")
        page.get_by_label("File of customers").set_input_files(file)
        with page.expect_navigation():
            page.get_by_role("button", name="Score the file").click()
        page.get_by_role("alert").get_by_role("link").click()
        mark = page.get_by_label("Decimal mark")
        assert mark.evaluate("field => field.matches(':focus, :target')")
        assert page.get_by_label("Encoding of a text file").input_value() == "utf-8"
        mark.select_option("Comma, as in 4604,5")
        page.get_by_label("File of customers").set_input_files(file)
        with page.expect_navigation():
            page.get_by_role("button", name="Score the file").click()
        assert page.get_by_role("heading", level=1).inner_text() == "german.csv"


@pytest.mark.parametrize("width", [PHONE, DESK])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_results_of_a_file_pass_axe_and_fit(
    browser: Browser, site: str, width: int, scheme: Scheme, tmp_path: Path
) -> None:
    customers = pd.read_csv(CUSTOMERS, on_bad_lines="skip").drop(columns="Attrition_Flag")
    amounts = pd.to_numeric(customers["Total_Trans_Amt"], errors="coerce")
    cents = tmp_path / f"{'cents' * 15}.csv"
    customers.assign(Total_Trans_Amt=amounts * 100).to_csv(cents, index=False)
    with page_in(browser, site, width, scheme, script=True) as page:
        for file in (CUSTOMERS, cents):
            drop(page, file)
            check(page)
            page.get_by_text("Order, control group").click()
            check(page)
            page.get_by_role("link", name="Summary on one page").click()
            check(page)
        drop(page, Path(examples.__file__))
        check(page)


def with_many_groups(loaded: LoadedModel, count: int) -> LoadedModel:
    """The model with as many groups as one may have, all of them with long names."""
    model = loaded.model
    clusters = tuple(
        replace(
            model.clusters[index % len(model.clusters)],
            id=index + 1,
            name=f"High revolving balance, frequent card use, and a word or two more, {index + 1}",
            centre=tuple(at + 99 * (index // 5) for at in model.clusters[index % 5].centre),
        )
        for index in range(count)
    )
    return replace(loaded, model=replace(model, clusters=clusters))


@pytest.mark.parametrize("groups", [5, 20])
@pytest.mark.parametrize("sheet", ["A4", "Letter"])
def test_the_summary_is_printed_on_one_sheet(
    browser: Browser, groups: int, sheet: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    loaded = load(open_store(BUNDLED), "champion")
    model = Fixed(loaded if groups == 5 else with_many_groups(loaded, groups))
    app = create_app(model, Settings(), log=lambda line: None)
    few = tmp_path / "a file with a name that is as long as such names sometimes are.csv"
    few.write_bytes(b"\n".join(CUSTOMERS.read_bytes().splitlines()[:60]))  # and so has notices
    with served(app) as address, page_in(browser, address) as page:
        for file in (CUSTOMERS, few):
            drop(page, file)
            page.get_by_role("link", name="Summary on one page").click()
            paper = page.pdf(format=sheet)
            assert len(re.findall(rb"/Type\s*/Page\b", paper)) == 1
            assert page.locator(".groups-chart li").count() == groups


@pytest.fixture(scope="module")
def reports(
    gym_models: Path, gym_members: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory
) -> list[Path]:
    """The reports of runs: with a label and rejects, in another unit, of few, of categories."""
    folder = tmp_path_factory.mktemp("reports")
    customers = pd.read_csv(CUSTOMERS, on_bad_lines="skip")
    amounts = pd.to_numeric(customers["Total_Trans_Amt"], errors="coerce")
    bare = customers.drop(columns="Attrition_Flag")
    files = {
        "mixed.csv": (BUNDLED, customers),
        "cents.csv": (BUNDLED, bare.assign(Total_Trans_Amt=amounts * 100)),
        "few.csv": (BUNDLED, customers.head(20)),
        "gym.csv": (gym_models, gym_members[gym_members["plan"] == "basic"]),
    }
    made = []
    for name, (store, frame) in files.items():
        frame.to_csv(folder / name, index=False)
        artifact = open_store(store).open("champion")
        model = load_model(artifact)
        manifest = score_file(folder / name, model, artifact.version, folder / "out", Options())
        made.append(folder / "out" / manifest["outputs"]["report"])
    return made


@pytest.mark.parametrize("width", [PHONE, DESK])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_report_of_every_run_passes_axe_and_fits(
    browser: Browser, reports: list[Path], width: int, scheme: Scheme
) -> None:
    for report in reports:
        with page_in(browser, report.as_uri(), width, scheme, script=True) as page:
            page.goto(report.as_uri())
            check(page)
            told = page.get_by_role("heading", name="Do not use these results yet").count()
            assert told == (report.parents[1].name == "cents.csv")


@pytest.mark.parametrize(("width", "scheme"), [(PHONE, "dark"), (DESK, "light")])
def test_a_person_says_which_columns_are_meant(
    browser: Browser, site: str, tmp_path: Path, width: int, scheme: Scheme
) -> None:
    file = tmp_path / "export.csv"
    name = f"Saldo {width}"  # what was chosen is proposed for the next file of these names
    file.write_text(f"{name};Total Trans Amt;TotalTransCt\n" + "0;1900;38\n" * 8)
    with page_in(browser, site, width, scheme, script=True) as page:
        drop(page, file)
        assert page.get_by_role("heading", level=1).inner_text() == "Which columns are meant?"
        check(page)
        assert page.get_by_label("Amount spent").input_value() == "Total Trans Amt"
        page.get_by_role("button", name="Score the file").click()  # which the browser holds back
        assert page.get_by_label("Revolving balance").evaluate("it => !it.validity.valid")
        page.get_by_label("Revolving balance").select_option(name)
        with page.expect_navigation():
            page.get_by_role("button", name="Score the file").click()
        assert page.get_by_role("heading", level=1).inner_text() == "export.csv"
        page.get_by_text("How files with these names are read without asking").click()
        check(page)
