"""What the tests of the pages share: the application over any model, and how a page is read."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from html import unescape
from html.parser import HTMLParser

from fastapi import FastAPI
from starlette.testclient import TestClient

from functions.api import create_app
from functions.live_model import LiveModel, LoadedModel
from functions.settings import Settings
from model_store import BUNDLED, open_store

VOID = frozenset({"meta", "br", "link", "img", "input", "hr"})
CUSTOMER = {"Total_Revolving_Bal": "0", "Total_Trans_Amt": "1900", "Total_Trans_Ct": "38"}
BROWSER = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


@dataclass
class Element:
    tag: str
    attributes: dict[str, str]
    text: str = ""


class Page(HTMLParser):
    """The elements of a page in order, each with the text inside it; tags must balance."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.html = html
        self.elements: list[Element] = []
        self._open: list[Element] = []
        self.feed(html)
        assert self._open == []
        ids = [element.attributes["id"] for element in self.elements if "id" in element.attributes]
        assert len(ids) == len(set(ids))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs})
        self.elements.append(element)
        if tag not in VOID:
            self._open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(Element(tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop().tag == tag

    def handle_data(self, data: str) -> None:
        for element in self._open:
            element.text += data

    def all(self, *tags: str, **attributes: str) -> list[Element]:
        return [
            element
            for element in self.elements
            if element.tag in tags and attributes.items() <= element.attributes.items()
        ]

    def one(self, tag: str, **attributes: str) -> Element:
        (found,) = self.all(tag, **attributes)
        return found

    def by_id(self, element_id: str) -> Element:
        (found,) = (e for e in self.elements if e.attributes.get("id") == element_id)
        return found

    @property
    def text(self) -> str:
        """What is read, with single blanks."""
        return re.sub(r"\s+", " ", self.one("body").text)

    @property
    def addresses(self) -> Iterator[str]:
        """Everything a browser may ask for from here."""
        for element in self.elements:
            for name in ("href", "src", "action"):
                if name in element.attributes:
                    yield unescape(element.attributes[name])


def app_over(reference: str = "champion", store: object = BUNDLED, **settings: object) -> FastAPI:
    """The application over a model of a store."""
    live_model = LiveModel(open_store(str(store)), reference)
    live_model.refresh()
    assert live_model.failure is None
    return create_app(live_model, replace(Settings(), **settings), log=lambda line: None)  # type: ignore[arg-type]


class Fixed(LiveModel):
    """Serves one model whatever the store says."""

    def __init__(self, loaded: LoadedModel) -> None:
        super().__init__(open_store(BUNDLED), "champion")
        self._loaded = loaded


def without_churn(loaded: LoadedModel) -> LoadedModel:
    """The same model, had training known no churn label."""
    clusters = tuple(replace(cluster, churn=None) for cluster in loaded.model.clusters)
    return replace(loaded, model=replace(loaded.model, clusters=clusters))


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


def hidden(page: Page) -> dict[str, str]:
    """What a form sends besides what a person puts in."""
    return {e.attributes["name"]: e.attributes["value"] for e in page.all("input", type="hidden")}
