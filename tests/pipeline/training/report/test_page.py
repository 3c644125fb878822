"""The report on a model: it stands alone, is in order, hides every customer and hostile names."""

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, cast
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest

from model_store import open_store
from pipeline.model.contract import Contract
from pipeline.model.published.facts import Metrics, facts_of
from pipeline.training import Recipe, Trained, train
from pipeline.training.clusters.rule import readable_rule
from pipeline.training.evaluation import Budget, Evaluation
from pipeline.training.recipes import RECIPES
from pipeline.training.report.customer_map import FEWEST, customer_map
from pipeline.training.report.page import render
from pipeline.training.search.result import SearchResult
from pipeline.training.search.thresholds import Thresholds
from pipeline.training.statistics.gap import Gap
from tests.support.page import Page

RECIPE = Recipe("gym", "A gym's members", ("visits", "fee", "plan"), 3, 2, n_init=3)
LITTLE = Budget(bootstraps=2, folds=2, repeats=1, silhouette_sample=1_000)
HOSTILE = "<script>alert('x')</script>"


def trained_on(
    members: pd.DataFrame, contract: Contract, folder: Path, recipe: Recipe = RECIPE
) -> Trained:
    path = folder / "members.csv"
    members.to_csv(path, index=False)
    return train(path, contract, recipe, lambda step: None, LITTLE)


def html_of(trained: Trained) -> str:
    return render(trained).html


def figures_of(trained: Trained) -> Mapping[str, str]:
    return render(trained).figures


def searched(trained: Trained) -> Trained:
    """As if the recipe had been found; the published one came out worse."""
    names = [name for name in Evaluation.__slots__ if name != "recipe"]
    metrics = cast(Mapping[str, Any], trained.metrics)
    figures = {name: metrics[name] for name in names}
    figures["jaccard"] = tuple(figures["jaccard"])
    winner = Evaluation(trained.recipe, **figures)
    published = replace(winner, recipe=RECIPES["original"], churn_auc=0.5, lowest_churn=0.1)
    gaps = tuple(Gap(k, 9.0 - k, gap, 0.01) for k, gap in enumerate((0.1, 0.4, 0.7, 0.6), start=1))
    dropped = {"visits_again": "it nearly repeats visits"}
    asked = replace(Thresholds(), churn_auc=0.6)
    search = SearchResult(
        trained.recipe, "separate groups", (published, winner), gaps, 0.777, dropped, asked
    )
    with_search: Metrics = {**trained.metrics, "churn_auc_untouched": 0.777}
    return replace(trained, search=search, metrics=with_search, gaps=gaps)


@pytest.fixture(scope="module")
def gym(
    gym_members: pd.DataFrame, gym_contract: Contract, tmp_path_factory: pytest.TempPathFactory
) -> Trained:
    return trained_on(gym_members, gym_contract, tmp_path_factory.mktemp("report"))


def test_the_same_model_gives_the_same_bytes(
    gym_members: pd.DataFrame, gym_contract: Contract, tmp_path: Path, gym: Trained
) -> None:
    again = trained_on(gym_members, gym_contract, tmp_path)
    assert html_of(searched(gym)) == html_of(searched(again))
    assert figures_of(searched(gym)) == figures_of(searched(again))


def test_the_page_stands_alone_and_is_in_order(gym: Trained) -> None:
    html = html_of(searched(gym))
    page = Page(html)
    assert "http" not in html
    assert not re.search(r"url\((?!#c)", html)
    assert not page.all("script", "link", "img", "iframe")
    assert all(len(page.all(tag)) == 1 for tag in ("h1", "header", "main", "footer"))
    assert len(page.all("svg")) == 9 + 2  # charts of all features together, and one a number
    ids = [attributes["id"] for _, attributes in page.seen if "id" in attributes]
    assert len(ids) == len(set(ids))
    pointed = [str(attributes.get("href"))[1:] for attributes in page.all("a")]
    pointed += [n for a in page.all("svg", "section") for n in str(a["aria-labelledby"]).split()]
    assert set(pointed) <= set(ids)
    assert len(page.all("caption")) == len(page.all("table"))
    assert all("scope" in attributes for attributes in page.all("th"))
    assert "nan" not in re.sub(r"<svg.*?</svg>", "", html, flags=re.DOTALL).lower().split()


def test_what_the_search_compared_is_shown(gym: Trained) -> None:
    html = html_of(searched(gym))
    assert '<strong class="mark">chosen</strong>' in html
    assert html.index(">chosen<") < html.index(">published<")
    assert '0.500 <span class="mark">missed</span>' in html
    assert "<code>visits_again</code> (it nearly repeats visits)" in html
    assert "0.777" in html
    assert "stops at the first peak: k = 3; the model has k = 3." in html
    assert "Published recipe" not in html_of(gym)
    assert "The recipe was given" in html_of(gym)


def test_what_kind_of_groups_they_are_is_said_in_words(gym: Trained) -> None:
    assert "groups that stand apart" in html_of(searched(gym))
    assert "stand apart" not in html_of(gym)
    assert "say nothing about churn" not in html_of(gym)


def test_where_churn_chose_it_says_on_whom_it_is_counted(gym: Trained) -> None:
    found = searched(gym)
    assert found.search is not None
    by_churn = replace(found.search, verdict="parts that differ in churn")
    half = replace(found, search=by_churn, counted=np.arange(0, 600, 2))
    assert "Churn is counted on the 300 customers that took no part" in html_of(half)
    assert "took no part in choosing the features" not in html_of(found)


def test_clusters_that_differ_no_more_than_by_chance_say_nothing(gym: Trained) -> None:
    churned = np.arange(600) % 4 == 0
    silent = replace(gym, customers=replace(gym.customers, churned=churned))
    assert "say nothing about churn" in html_of(silent)


def test_the_thresholds_that_were_asked_for_are_shown(gym: Trained) -> None:
    asked = replace(gym, thresholds=replace(Thresholds(), churn_auc=0.123))
    assert "at least 0.123" in html_of(asked)
    assert "at least 0.123" not in html_of(gym)


def test_small_clusters_have_their_churn_rate_shrunken(
    gym_members: pd.DataFrame, gym_contract: Contract, tmp_path: Path, gym: Trained
) -> None:
    few = pd.concat([gym_members.iloc[:30], gym_members.iloc[200:]])
    html = html_of(trained_on(few, gym_contract, tmp_path))
    assert "fewer than 100 customers is small" in html
    assert html.count("Shrunken") == 1
    assert "Shrunken" not in html_of(gym)


def test_hostile_names_are_only_text(
    gym_members: pd.DataFrame, gym_contract: Contract, tmp_path: Path
) -> None:
    visits = replace(gym_contract.features[0], label=HOSTILE, unit='"><b>', low="<i>$a$</i>")
    features = (visits, *gym_contract.features[1:])
    contract = replace(gym_contract, title=HOSTILE, features=features)
    recipe = replace(RECIPE, name=HOSTILE, title=HOSTILE)
    found = searched(trained_on(gym_members, contract, tmp_path, recipe))
    html = html_of(found)
    assert not Page(html).all("script", "b", "i")
    assert html.count("&lt;script&gt;") > 5
    for svg in figures_of(found).values():
        assert not ElementTree.fromstring(svg).findall(".//{*}script")


def test_figures_are_files_of_their_own(gym: Trained) -> None:
    drawn = figures_of(searched(gym))
    expected = {"churn", "gains", "profiles", "stability", "silhouette", "map", "elbow", "gap"}
    expected.add("risk")
    assert set(drawn) == {f"{name}.svg" for name in expected}
    assert {ElementTree.fromstring(svg).tag for svg in drawn.values()} == {
        "{http://www.w3.org/2000/svg}svg"
    }


def test_many_clusters_are_squares_and_each_has_its_number_beside_it(
    gym_members: pd.DataFrame, gym_contract: Contract, tmp_path: Path
) -> None:
    many = replace(RECIPE, k=9)
    found = trained_on(gym_members, gym_contract, tmp_path, many)
    drawn = figures_of(found)["profiles.svg"]
    ids = {str(cluster.id) for cluster in found.model.clusters}
    assert len(ids) == 9
    assert ids <= set(re.findall(r">(\d+)</text>", drawn))
    assert "SD" not in drawn
    html = html_of(found)
    assert "pairs of clusters differ in churn at 5 %</summary>" in html
    assert "pairs of clusters differ" not in html_of(
        trained_on(gym_members, gym_contract, tmp_path)
    )


def test_without_a_label_there_is_nothing_about_churn(
    gym_members: pd.DataFrame, gym_contract: Contract, tmp_path: Path
) -> None:
    found = trained_on(gym_members.drop(columns="cancelled"), gym_contract, tmp_path)
    html = html_of(found)
    Page(html)
    assert "churn.svg" not in figures_of(found)
    assert 'id="churn"' not in html
    assert "from the largest to the smallest" in html


def test_one_feature_is_enough(
    gym_members: pd.DataFrame, gym_contract: Contract, tmp_path: Path
) -> None:
    one = replace(RECIPE, features=("visits",), principal_components=None)
    found = trained_on(gym_members, gym_contract.select(["visits"]), tmp_path, one)
    Page(html_of(found))
    assert "map.svg" not in figures_of(found)


def test_the_rule_is_readable_and_counts_everybody(gym: Trained) -> None:
    rule = readable_rule(gym.model, gym.customers.features, gym.fitted.labels)
    assert rule.fidelity > 0.99
    assert sum(leaf.customers for leaf in rule.leaves) == 600
    conditions = " ".join(condition for leaf in rule.leaves for condition in leaf.conditions)
    assert re.search(r"Visits at most \d+ a month", conditions)
    assert re.search(r"Fee (above|at most) [\d.]+ EUR|Plan is", conditions)


def test_the_manifest_has_the_rule_by_the_ids_of_the_clusters(gym_models: Path) -> None:
    rule = facts_of(open_store(gym_models).open("champion"))["rule"]
    assert rule["questions"] in (1, 2, 3)
    assert rule["fidelity"] > 0.99
    assert {leaf["cluster"] for leaf in rule["leaves"]} == {1, 2, 3}
    assert sum(leaf["customers"] for leaf in rule["leaves"]) == 600


def test_the_map_shows_no_cell_with_few_customers() -> None:
    grid = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    few = np.repeat(grid, FEWEST - 1, axis=0)
    enough = np.repeat(grid, FEWEST, axis=0)
    assert "<use" not in customer_map(few, np.arange(len(few)) % 2, (1, 2))
    assert customer_map(enough, np.arange(len(enough)) % 2, (1, 2)).count("<use") == 4


def test_the_real_page_tells_what_matters(bank_churners: Path, bank_contract: Contract) -> None:
    features = ("Total_Revolving_Bal", "Total_Trans_Amt", "Total_Trans_Ct")
    yeo_johnson = ("Total_Revolving_Bal",)
    recipe = replace(RECIPES["original"], features=features, k=5, yeo_johnson=yeo_johnson)
    html = html_of(train(bank_churners, bank_contract, recipe, lambda step: None, LITTLE))
    Page(html)
    assert "10,127 customers form 5 clusters" in html
    assert "68.5% (65.7% to 71.1%)" in html
    assert "reads no column that the contract declares sensitive" in html
    with_gender = replace(RECIPES["original-onehot"], n_init=3)
    html = html_of(train(bank_churners, bank_contract, with_gender, lambda step: None, LITTLE))
    assert "The model reads Gender, which the contract declares sensitive" in html
