"""The page `/docs` in a real browser: with its script and without, by keys, and printed."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from examples.screenshots import SECONDS, served
from tests.support.browsing import DESK, PHONE, browser, check, page_in
from tests.support.web import app_over

__all__ = ["browser"]
LANGUAGES = ("curl", "Python", "JavaScript", "PowerShell")


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    with served(app_over()) as address:
        yield address


@pytest.fixture
def scripted(browser: Browser, site: str) -> Iterator[Page]:
    """The page with scripts, under the policy that the server sends, and with a clipboard."""
    context = browser.new_context(base_url=site, viewport={"width": DESK, "height": 800})
    context.set_default_timeout(SECONDS * 1000)
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.goto("/docs")
    yield page
    context.close()
    told = [text for text in said if "Executing inline script" not in text]
    assert told == []  # a policy that stops something of ours says so here


def test_a_button_copies_the_sample_in_the_language_that_is_shown(scripted: Page) -> None:
    for language in ("curl", "PowerShell"):
        scripted.get_by_text(language, exact=True).first.click()
        button = scripted.get_by_role("button", name="Copy the sample of GET /v1/model", exact=True)
        button.click()
        shown = scripted.locator(f"pre[aria-label='{language}: GET /v1/model']")
        scripted.get_by_text("Copied").first.wait_for()
        assert scripted.evaluate("navigator.clipboard.readText()") == shown.text_content()
        assert shown.is_visible()


def test_without_a_clipboard_the_button_copies_all_the_same(scripted: Page) -> None:
    """As over plain HTTP from another machine, where browsers give a page none."""
    read = "navigator.clipboard.readText()"
    scripted.evaluate("window.kept = navigator.clipboard")
    scripted.evaluate("Object.defineProperty(navigator, 'clipboard', {value: undefined})")
    scripted.get_by_role("button", name="Copy the sample of GET /v1/clusters", exact=True).click()
    scripted.get_by_text("Copied").first.wait_for()
    copied = scripted.evaluate(read.replace("navigator.clipboard", "window.kept"))
    assert copied.endswith("/v1/clusters")


def test_the_language_is_kept_for_the_next_time(scripted: Page) -> None:
    scripted.get_by_text("JavaScript", exact=True).click()
    scripted.goto("/about")
    scripted.goto("/docs")
    assert scripted.get_by_label("JavaScript", exact=True).is_checked()
    assert scripted.locator(".in-javascript").first.is_visible()
    assert not scripted.locator(".in-curl").first.is_visible()


def test_the_contents_mark_what_is_read(scripted: Page) -> None:
    marked = scripted.locator("nav.side [aria-current]")
    assert marked.inner_text() == "Start"
    scripted.locator("#limits").evaluate("heading => heading.scrollIntoView({behavior: 'instant'})")
    scripted.get_by_role("navigation", name="On this page", exact=True).locator(
        "[aria-current]", has_text="Limits"
    ).wait_for()
    assert marked.count() == 1


def test_a_script_inside_the_page_would_not_run(scripted: Page) -> None:
    """Were a text of a model ever to get there as one."""
    stopped = scripted.evaluate(
        """() => new Promise(done => {
            document.addEventListener("securitypolicyviolation", e => done(e.effectiveDirective));
            const script = document.createElement("script");
            script.textContent = "window.ran = true";
            document.body.append(script);
        })"""
    )
    assert stopped.startswith("script-src")
    assert scripted.evaluate("window.ran") is None


@pytest.mark.parametrize("width", [PHONE, DESK])
def test_without_javascript_nothing_is_missing_but_the_buttons(
    browser: Browser, site: str, width: int
) -> None:
    with page_in(browser, site, width) as page:
        page.goto("/docs")
        assert page.get_by_role("button").count() == 0
        for language in LANGUAGES:
            page.get_by_text(language, exact=True).first.click()
            for other in LANGUAGES:
                shown = page.locator(f"pre[aria-label='{other}: POST /v1/assign']").first
                assert shown.is_visible() == (other == language)


def test_keys_choose_the_language(browser: Browser, site: str) -> None:
    with page_in(browser, site) as page:
        page.goto("/docs")
        page.get_by_label("curl", exact=True).focus()
        page.keyboard.press("ArrowRight")
        assert page.get_by_label("Python", exact=True).is_checked()
        assert page.locator(".in-python").first.is_visible()


def test_contents_stand_at_the_side_and_on_a_phone_are_folded(browser: Browser, site: str) -> None:
    with page_in(browser, site, DESK) as page:
        page.goto("/docs")
        side = page.get_by_role("navigation", name="On this page", exact=True)
        side.get_by_role("link", name="POST /v1/assign/batch").click()
        assert page.url.endswith("#assignBatch")
        bar, heading = page.locator(".languages"), page.locator("#assignBatch")
        for _ in range(50):  # it stops below the bar of languages, and not behind it
            at, above = heading.bounding_box(), bar.bounding_box()
            assert at and above
            if above["y"] == 0 and 0 <= at["y"] - above["height"] < 60:
                break
            page.wait_for_timeout(100)
        else:
            pytest.fail(f"the heading is at {at}, the bar at {above}")
        assert side.is_visible()
    with page_in(browser, site, PHONE) as page:
        page.goto("/docs")
        assert not page.get_by_role("link", name="Limits").first.is_visible()
        page.get_by_text("On this page", exact=True).click()
        page.get_by_role("link", name="Limits").click()
        assert page.url.endswith("#limits")


def test_unfolded_and_in_another_language_it_passes_axe_and_fits(
    browser: Browser, site: str
) -> None:
    with page_in(browser, site, PHONE, script=True) as page:
        page.goto("/docs")
        page.get_by_text("On this page", exact=True).click()
        page.get_by_text("PowerShell", exact=True).first.click()
        check(page)


def test_printed_it_has_all_but_what_only_a_screen_needs(browser: Browser, site: str) -> None:
    with page_in(browser, site) as page:
        page.goto("/docs")
        page.emulate_media(media="print")
        assert not page.locator(".languages").is_visible()
        assert not page.get_by_role("navigation", name="On this page", exact=True).is_visible()
        answer = page.locator("pre.answer").nth(1)
        assert answer.evaluate("pre => pre.scrollHeight <= pre.clientHeight + 2")
