"""The report of a run: true to the summary, in order, alone, and loud where it must be."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from model_store import open_store
from pipeline.model.cluster import Cluster
from pipeline.model.cluster_model import ClusterModel
from pipeline.model.published.loading import load_model
from pipeline.pages.rendering import signed
from pipeline.scoring.spec import Explaining, Options
from pipeline.scoring.summary.verdict import MIN_CUSTOMERS
from tests.support.page import Page
from tests.support.paths import CUSTOMERS
from tests.support.scoring import score_file

HOSTILE = "<script>alert('x')</script>"
Score = Callable[..., tuple[str, dict[str, Any]]]


@pytest.fixture
def score(model: ClusterModel, tmp_path: Path) -> Score:
    """Scores a file and returns its page as text, without tags, and its summary."""

    def run(path: Path, by: ClusterModel = model, **options: Any) -> tuple[str, dict[str, Any]]:
        manifest = score_file(path, by, "v1", tmp_path / "out", Options(**options))
        html = (tmp_path / "out" / manifest["outputs"]["report"]).read_text(encoding="utf-8")
        Page(html)
        summary = (tmp_path / "out" / manifest["outputs"]["summary"]).read_text(encoding="utf-8")
        return html, json.loads(summary)

    return run


@pytest.fixture
def customers() -> pd.DataFrame:
    """The invented customers that ship with the code, but for those that are meant to be wrong."""
    frame = pd.read_csv(CUSTOMERS, dtype=str, on_bad_lines="skip")
    numbers = frame.columns[3:9]
    frame[numbers] = frame[numbers].apply(pd.to_numeric, errors="coerce")
    inside = frame[numbers].abs().max(axis=1) < 1e9
    return frame[inside].dropna(subset=numbers)


def words(html: str) -> str:
    """What stands on a page, without its style, tags and line breaks."""
    text = re.sub(r"<style>.*?</style>", "", html, flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]*>", " ", text).split())


def saved(frame: pd.DataFrame, folder: Path, name: str = "customers.csv", **how: Any) -> Path:
    frame.to_csv(folder / name, index=False, **how)
    return folder / name


def test_the_page_is_an_output_like_any_other(model: ClusterModel, tmp_path: Path) -> None:
    manifest = score_file(CUSTOMERS, model, "v1", tmp_path, Options())
    page = tmp_path / manifest["outputs"]["report"]
    assert page.name == "report.html" and page.parent.joinpath("summary.json").exists()
    assert manifest["bytes"]["report.html"] == page.stat().st_size


def test_the_same_file_gives_the_same_bytes(model: ClusterModel, tmp_path: Path) -> None:
    pages = []
    for place in ("one", "two"):
        manifest = score_file(CUSTOMERS, model, "v1", tmp_path / place, Options())
        pages.append((tmp_path / place / manifest["outputs"]["report"]).read_bytes())
    assert pages[0] == pages[1]
    assert b"\r" not in pages[0]
    assert not re.search(rb"20\d\d-\d\d-\d\d", pages[0])


def test_the_page_stands_alone_and_is_in_order(score: Score) -> None:
    html, _ = score(CUSTOMERS)
    page = Page(html)
    assert "http" not in html and "url(" not in html and "@import" not in html
    assert not page.all("script", "link", "img", "iframe", "object")
    assert all(len(page.all(tag)) == 1 for tag in ("h1", "header", "main", "footer"))
    levels = [int(tag[1]) for tag, _ in page.seen if re.fullmatch("h[1-6]", tag)]
    assert all(b - a <= 1 for a, b in zip([0, *levels], levels, strict=False))
    ids = [attributes["id"] for _, attributes in page.seen if "id" in attributes]
    assert len(ids) == len(set(ids))
    pointed = [str(a.get("href")) for a in page.all("a")]
    challenger_for = {"assigned.csv", "rejected.csv", "clusters.csv", "summary.json"}
    assert {p[1:] for p in pointed if p[0] == "#"} <= set(ids)
    assert {p for p in pointed if p[0] != "#"} == challenger_for
    assert {str(a["aria-labelledby"]) for a in page.all("section")} <= set(ids)
    assert len(page.all("caption")) == len(page.all("table"))
    assert all("scope" in attributes for attributes in page.all("th"))
    outer = [a for a in page.all("svg") if "focusable" in a]
    assert outer and all(a.get("aria-hidden") or a.get("aria-label") for a in outer)


def test_the_page_says_what_the_summary_says(score: Score) -> None:
    html, summary = score(CUSTOMERS)
    text = words(html)
    assert "998 of 1,001 customers were assigned to 3 groups; 3 could not be." in text
    for cluster in summary["clusters"]:
        observed = cluster["observed_churn"]
        interval = f"({observed['low']:.1%} to {observed['high']:.1%})"
        assert f"{cluster['cluster_name']} {observed['rate']:.1%} {interval}" in text
        assert f"{cluster['training_churn_rate']:.1%} in training" in text
        assert f"{cluster['share']:.1%} {cluster['training_share']:.1%} in training" in text
    assert "never how probable it is that one person will leave" in text


def test_rejects_are_told_in_words_with_their_first_rows(
    score: Score, customers: pd.DataFrame, tmp_path: Path
) -> None:
    wrong = customers.head(100).astype({"Credit_Limit": object})
    wrong.loc[wrong.index[10:20], "Credit_Limit"] = None
    wrong.loc[wrong.index[30:32], "Credit_Limit"] = "much"
    html, summary = score(saved(wrong, tmp_path))
    assert summary["rejected_first_rows"] == {
        "Credit_Limit missing": [11, 12, 13],
        "Credit_Limit not_a_number": [31, 32],
    }
    text = words(html)
    assert "12% of the rows could not be scored" in text
    wanted = "expected a number from 0 to 10,000,000"
    assert f"Credit limit: No value {wanted} 10 11, 12, 13, … 10.0%" in text
    assert f"Credit limit: Not a number {wanted} 2 31, 32 2.0%" in text
    assert "a spreadsheet shows it in its row 2" in text


def test_another_unit_is_told_loudly_and_first(
    score: Score, customers: pd.DataFrame, tmp_path: Path
) -> None:
    cents = customers.assign(Credit_Limit=customers["Credit_Limit"] * 100)
    html, summary = score(saved(cents, tmp_path))
    assert summary["drift"]["implausible"] == ["Credit_Limit"]
    text = words(html)
    alarm = "Do not use these results yet: Credit limit does not look right"
    assert text.index(alarm) < text.index("Do not act on") < text.index("Rows read")
    assert "where 8 of 10 customers have between 1,760 USD and 23,400 USD" in text
    assert "about 100 times as much, as amounts in cents would be" in text
    assert "Nothing unusual" not in text


def test_other_customers_are_told_more_gently(
    score: Score, customers: pd.DataFrame, tmp_path: Path
) -> None:
    html, summary = score(saved(customers[customers["Credit_Limit"] > 4000], tmp_path))
    assert summary["drift"]["features"]["Credit_Limit"]["verdict"] == "shifted"
    text = words(html)
    assert "These customers are not quite like those the model learned from" in text
    assert "Group mix : clearly different" in text
    assert "Do not use" not in text


def test_so_few_customers_are_not_compared(
    score: Score, customers: pd.DataFrame, tmp_path: Path
) -> None:
    html, _ = score(saved(customers.head(20), tmp_path))
    assert "Too few customers to compare with training" in html
    assert f"With fewer than {MIN_CUSTOMERS} customers chance has too large a part" in html


def test_without_a_label_churners_are_expected(
    score: Score, customers: pd.DataFrame, tmp_path: Path
) -> None:
    html, summary = score(saved(customers.drop(columns="Attrition_Flag"), tmp_path))
    text = words(html)
    expected = f"about {summary['expected_churners']:.0f} of the {len(customers)} assigned"
    assert "Who has cancelled is not known." in text and expected in text
    assert "95 % interval" not in text


def test_a_model_without_churn_says_nothing_of_it(
    score: Score, model: ClusterModel, customers: pd.DataFrame, tmp_path: Path
) -> None:
    silent = replace(model, clusters=tuple(replace(c, churn=None) for c in model.clusters))
    path = saved(customers.drop(columns="Attrition_Flag"), tmp_path)
    html, _ = score(path, silent)
    assert 'id="churn"' not in html and "Expected to leave" not in html
    html, _ = score(saved(customers, tmp_path, "labelled.csv"), silent)
    assert "Known: " in words(html) and "Churn rate in training" not in words(html)


def test_an_empty_cluster_has_no_figures(
    score: Score, customers: pd.DataFrame, tmp_path: Path
) -> None:
    small = customers[(customers["Credit_Limit"] < 5000)].head(60)
    html, summary = score(saved(small, tmp_path))
    assert summary["clusters"][1]["customers"] == 0
    assert "Large limit, low utilization no customers 10.7% in training" in words(html)
    assert "nan" not in words(html).lower().split() and "None" not in words(html)


def test_hostile_names_are_only_text(
    score: Score, model: ClusterModel, customers: pd.DataFrame, tmp_path: Path
) -> None:
    def renamed(cluster: Cluster) -> Cluster:
        return replace(cluster, name=f'"><b>{HOSTILE}')

    feature = replace(model.contract.features[0], label=HOSTILE, unit="<i>")
    contract = replace(
        model.contract, title=HOSTILE, features=(feature, *model.contract.features[1:])
    )
    clusters = tuple(renamed(cluster) for cluster in model.clusters)
    odd = replace(model, contract=contract, clusters=clusters)
    frame = customers.rename(columns={"Credit_Limit": " CREDIT_limit "})
    html, _ = score(saved(frame, tmp_path, "<b>&'x'{{ 7 * 7 }}.csv"), odd)
    assert not Page(html).all("script", "b", "i")
    assert html.count("&lt;script&gt;") > 5
    assert "&lt;b&gt;&amp;&#39;x&#39;{{ 7 * 7 }}.csv" in html
    assert "“ CREDIT_limit ”" in html


def test_a_category_is_shown_by_its_values(
    score: Score, gym_models: Path, gym_members: pd.DataFrame, tmp_path: Path
) -> None:
    artifact = open_store(gym_models).open("champion")
    gym = load_model(artifact)
    plus = gym_members[gym_members["plan"] == "plus"]
    html, summary = score(saved(plus, tmp_path), gym)
    assert summary["features"]["plan"]["values"] == ["basic", "plus"]
    assert summary["features"]["plan"]["shares"] == [0.0, 1.0]
    text = words(html)
    assert "basic 0.0% 66.7% in training plus 100.0% 33.3% in training" in text
    assert "Plan plan : its values are shared out in another way" in text


def test_how_the_file_was_read_is_told_in_words(
    score: Score, customers: pd.DataFrame, tmp_path: Path
) -> None:
    how = {"sep": ";", "decimal": ",", "encoding": "cp1252", "compression": "gzip"}
    text = words(score(saved(customers, tmp_path, "customers.csv.gz", **how))[0])
    for pair in (
        "Kind of file Delimited text (CSV)",
        "Packed with gzip",
        "Between fields a semicolon",
        "Decimal mark a comma",
        "Encoding neither UTF-8 nor UTF-16; left as it was",
        "Who cancelled is in the column Attrition_Flag",
    ):
        assert pair in text
    book = tmp_path / "customers.xlsx"
    customers.rename(columns={"Credit_Limit": "credit_limit"}).to_excel(book, index=False)
    text = words(score(book)[0])
    assert "Kind of file Excel workbook Sheet Sheet1" in text
    assert "Column matched “credit_limit” was read as Credit_Limit" in text


def test_a_run_that_says_why_shows_what_sets_the_groups_apart(score: Score) -> None:
    html, summary = score(CUSTOMERS, explaining=Explaining(why=1))
    text = words(html)
    assert "What sets the groups apart" in text and 'href="#apart"' in html
    for each in summary["contributions"]:
        if each["features"]:
            assert f"group {each['cluster']} together: " in text
        for part in each["features"].values():
            assert f"{part['share']:.1%} mean {signed(part['mean'])}" in text


@pytest.mark.parametrize("explaining", [Explaining(), Explaining(what_if=True)])
def test_a_run_that_does_not_say_why_has_no_such_part(explaining: Explaining, score: Score) -> None:
    html, summary = score(CUSTOMERS, explaining=explaining)
    assert "sets the groups apart" not in html and "apart" not in re.findall(r'id="(\w+)"', html)
    assert "contributions" not in summary
    with_reasons = score(CUSTOMERS, explaining=Explaining(why=2))[1]
    assert with_reasons.pop("contributions") and with_reasons == summary
