"""What tests of an exploration's page share."""

from html.parser import HTMLParser
from pathlib import Path

import pandas as pd

from pipeline.model.contract import Contract
from pipeline.training.exploring import Exploration, explore


def explored(members: pd.DataFrame, contract: Contract, folder: Path) -> Exploration:
    path = folder / "members.csv"
    members.to_csv(path, index=False)
    return explore(path, contract)


class Page(HTMLParser):
    """What the tests ask of a page: balanced tags, headings, ids and the scripts in it."""

    VOID = frozenset({"meta", "br", "link", "img", "input", "hr"})

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def all(self, *tags: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.seen if tag in tags]
