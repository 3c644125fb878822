"""Where nobody knows who left, nothing speaks of leaving: no page, report or line in a terminal."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner
from starlette.testclient import TestClient

from functions.cli.main import main
from model_store import open_store
from pipeline.model.contract import load_contract
from pipeline.training import publish, train
from tests.support.gym import LIGHT, RECIPE
from tests.support.uploading import post
from tests.support.web import Page

if TYPE_CHECKING:
    import pandas as pd

LEAVING = re.compile(
    r"[^\n.>]*\b(?:churn\w*|leav(?:e|es|ing|ers?)|left|stay(?:s|ed|ers?|ing)|attrition|cancel\w*"
    r"|need not keep|credit card)\b[^\n.<]*",
    re.IGNORECASE,
)
OTHER = re.compile(r"left out|left empty|leave them as they are", re.IGNORECASE)
"""What says so of rows and values."""
BrowserOver = Callable[..., TestClient]


def spoken(text: str) -> list[str]:
    """What a text says of leaving."""
    said = [found[0].strip() for found in LEAVING.finditer(text)]
    return [sentence for sentence in said if LEAVING.search(OTHER.sub("", sentence))]


def of_page(html: str) -> list[str]:
    """What a page says, in its pictures too; answers of the API and names of fields are no text."""
    html = re.sub(r"<(style|script|pre|code)\b.*?</\1>", "", html, flags=re.DOTALL)
    described = re.findall(r'(?:aria-label|alt|title|content)="([^"]*)"', html)
    return spoken(re.sub(r"<[^>]+>", "\n", html)) + spoken("\n".join(described))


@pytest.fixture(scope="module")
def nameless(
    gym_members: "pd.DataFrame", gym_contract_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A folder with members.csv of whom nobody knows who left, and a store with their model."""
    folder = tmp_path_factory.mktemp("unlabelled")
    gym_members.drop(columns="cancelled").to_csv(folder / "members.csv", index=False)
    before, _, rest = gym_contract_path.read_text().partition("[label]")
    declared = before + "[features." + rest.partition("[features.")[2]
    (folder / "gym.toml").write_text(declared)
    contract = load_contract(folder / "gym.toml")
    assert contract.label is None
    trained = train(folder / "members.csv", contract, RECIPE, lambda step: None, LIGHT)
    publish(trained, open_store(folder / "store"))
    return folder


@pytest.mark.parametrize("path", ["/", "/clusters", "/about", "/files", "/docs", "/?example=1"])
def test_pages(browser_over: BrowserOver, nameless: Path, path: str) -> None:
    answer = browser_over("champion", nameless / "store").get(path)
    assert answer.status_code == 200
    assert of_page(answer.text) == []


@pytest.mark.usefixtures("temporary")
def test_the_page_of_a_file(browser_over: BrowserOver, nameless: Path) -> None:
    browser = browser_over("champion", nameless / "store")
    page = post(browser, (nameless / "members.csv").read_bytes(), "members.csv")
    assert page.one("h1").text == "members.csv"
    assert of_page(page.html) == []


def test_the_document_of_the_interface(browser_over: BrowserOver, nameless: Path) -> None:
    document = browser_over("champion", nameless / "store").get("/openapi.json").json()
    assert "Gym members" in document["info"]["description"]
    texts = [document["info"]["description"], document["info"]["summary"]]
    for item in document["paths"].values():
        texts += [method["description"] for method in item.values()]
    assert [said for text in texts for said in spoken(text)] == []


def test_the_help_of_the_command() -> None:
    assert spoken(CliRunner().invoke(main, ["--help"]).output) == []


def test_the_page_of_a_customer(browser_over: BrowserOver, nameless: Path) -> None:
    browser = browser_over("champion", nameless / "store")
    form = {"visits": "3", "fee": "20", "plan": "basic"}
    answer = browser.post("/result", data=form)
    assert answer.status_code == 200 and "Group" in Page(answer.text).text
    assert of_page(answer.text) == []


def test_the_report_of_training(nameless: Path) -> None:
    report = open_store(nameless / "store").open("champion").read("report.html").decode()
    assert of_page(report) == []


def test_the_report_and_the_lines_of_a_run(nameless: Path, tmp_path: Path) -> None:
    arguments = ["--store", str(nameless / "store"), "--out", str(tmp_path)]
    result = CliRunner().invoke(main, ["score", str(nameless / "members.csv"), *arguments])
    assert result.exit_code == 0, result.output
    assert spoken(result.output) == []
    (report,) = tmp_path.rglob("report.html")
    assert of_page(report.read_text()) == []
    history = ["history", str(tmp_path), "--out", str(tmp_path / "history.html")]
    result = CliRunner().invoke(main, history)
    assert result.exit_code == 0, result.output
    assert spoken(result.output) == []
    assert of_page((tmp_path / "history.html").read_text()) == []


def test_what_explore_says(nameless: Path, tmp_path: Path) -> None:
    arguments = ["--data", str(nameless / "members.csv"), "--contract", str(nameless / "gym.toml")]
    result = CliRunner().invoke(main, ["explore", *arguments, "--out", str(tmp_path)])
    assert result.exit_code == 0, result.output
    assert spoken(result.output) == []
    assert of_page((tmp_path / "explore.html").read_text()) == []


def test_what_training_says(nameless: Path, tmp_path: Path) -> None:
    contract = load_contract(nameless / "gym.toml")
    steps: list[str] = []
    train(nameless / "members.csv", contract, RECIPE, steps.append, LIGHT)
    assert steps and [said for step in steps for said in spoken(step)] == []


def test_comparisons(nameless: Path, tmp_path: Path) -> None:
    arguments = ["--store", str(nameless / "store"), "--out", str(tmp_path)]
    result = CliRunner().invoke(main, ["compare", "champion", "candidate", *arguments])
    assert result.exit_code == 0, result.output
    assert spoken(result.output) == []
    (page,) = tmp_path.glob("*.html")
    assert of_page(page.read_text()) == []


@pytest.mark.parametrize(
    "arguments",
    [
        ["models", "list"],
        ["models", "show", "champion"],
        ["assign", "visits=3", "fee=20", "plan=basic"],
    ],
)
def test_the_terminal(nameless: Path, arguments: list[str]) -> None:
    result = CliRunner().invoke(main, [*arguments, "--store", str(nameless / "store")])
    assert result.exit_code == 0, result.output
    assert spoken(result.output) == []
