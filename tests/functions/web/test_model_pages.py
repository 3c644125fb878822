"""The pages of one of several models."""

from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from functions.api import create_app
from functions.live_models import LiveModels
from functions.settings import Settings
from functions.settings.models import NamedModel
from model_store import BUNDLED, open_store
from tests.support.web import BROWSER, CUSTOMER, Page, page_of


def site_over(root_path: str = "") -> TestClient:
    models = (NamedModel("cards", str(BUNDLED)), NamedModel("loans", str(BUNDLED), "original"))
    settings = Settings(models=models, root_path=root_path)
    registry = LiveModels.from_settings(settings, lambda line: None)
    registry.default.refresh()
    app = create_app(registry, settings, lambda line: None)
    return TestClient(app, headers=BROWSER, raise_server_exceptions=False)


@pytest.fixture
def site() -> Iterator[TestClient]:
    with site_over() as client:
        yield client


@pytest.mark.parametrize("path", ["", "/?example=2", "/clusters", "/about", "/docs"])
@pytest.mark.parametrize("root", ["", "/groups"])
def test_every_address_on_a_page_of_a_model_is_of_that_model_and_answers(
    path: str, root: str
) -> None:
    with site_over(root) as site:
        page = Page(site.get(f"{root}/models/cards{path}").text)
        others = {f"{root}/models/cards", f"{root}/models/loans"}
        for address in {a for a in page.addresses if not a.startswith("#")}:
            assert address in others or address.startswith(f"{root}/models/cards/")
            form = CUSTOMER if address.endswith("/result") else None
            found = site.post(address, data=form) if form else site.get(address)
            assert found.status_code == 200, address


def test_the_pages_of_a_model_are_about_that_model(site: TestClient) -> None:
    loans = open_store(BUNDLED).resolve("original")
    for path in ("", "/clusters", "/about"):
        assert loans in page_of(site, f"/models/loans{path}").text
        assert loans not in page_of(site, path or "/").text
    assert "Credit_Limit" in page_of(site, "/models/loans").html
    answered = site.post("/models/cards/result", data=CUSTOMER).text
    assert "This customer belongs to group 5 of 5" in Page(answered).text


def test_the_reference_of_a_model_has_its_customers_and_its_answers(site: TestClient) -> None:
    page = page_of(site, "/models/loans/docs")
    assert "Credit_Limit" in page.text
    assert open_store(BUNDLED).resolve("original") in page.text
    assert "curl http://testserver/models/loans/v1/assign" in page.text
    answer = site.post("/models/cards/v1/assign", json={k: int(v) for k, v in CUSTOMER.items()})
    assert answer.json()["cluster"]["id"] == 5
    document = site.get("/models/loans/openapi.json").json()
    assert document["servers"][0]["url"] == "/v1/models/loans"


def test_only_pages_of_one_model_are_below_it(site: TestClient) -> None:
    for path in ("/files", "/history", "/v1/models", "/v1/customers/1", "/models/cards", "/x"):
        assert site.get(f"/models/loans{path}").status_code == 404, path
    missing = site.get("/models/nobody/about")
    assert missing.status_code == 404
    assert "text/html" in missing.headers["content-type"]
    assert "/files" in page_of(site, "/about").addresses
