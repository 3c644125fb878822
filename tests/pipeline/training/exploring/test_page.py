"""The page of an exploration: it stands alone, is in order, and shows hostile values as text."""

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pipeline.model.contract import Contract, Feature
from pipeline.training.exploring import Exploration, explore, render, write
from pipeline.training.exploring.page import MOST_SQUARES
from tests.support.page import Page, explored

HOSTILE = "<script>alert('x')</script>"


@pytest.fixture
def gym(gym_members: pd.DataFrame, gym_contract: Contract, tmp_path: Path) -> Exploration:
    return explored(gym_members, gym_contract, tmp_path)


def test_the_same_file_gives_the_same_bytes(
    gym_members: pd.DataFrame, gym_contract: Contract, tmp_path: Path, gym: Exploration
) -> None:
    first = write(gym, tmp_path / "new" / "folder")
    again = write(explored(gym_members, gym_contract, tmp_path), tmp_path / "again")
    for name in ("explore.html", "explore.json"):
        content = (first.parent / name).read_bytes()
        assert content == (again.parent / name).read_bytes()
        assert b"\r" not in content
    document = json.loads(first.with_suffix(".json").read_text(encoding="utf-8"))
    assert document == json.loads(json.dumps(gym.to_dict(), allow_nan=False))


def test_the_page_stands_alone_and_is_in_order(gym: Exploration) -> None:
    html = render(gym)
    page = Page(html)
    assert "http" not in html
    assert not re.search(r"url\((?!#c)", html)
    assert not page.all("script", "link", "img", "iframe")
    assert all(len(page.all(tag)) == 1 for tag in ("h1", "header", "main", "footer"))
    levels = [int(tag[1]) for tag, _ in page.seen if re.fullmatch("h[1-6]", tag)]
    assert all(b - a <= 1 for a, b in zip([0, *levels], levels, strict=False))
    ids = [attributes["id"] for _, attributes in page.seen if "id" in attributes]
    assert len(ids) == len(set(ids))
    pointed = [str(attributes.get("href"))[1:] for attributes in page.all("a")]
    pointed += [n for a in page.all("svg", "section") for n in str(a["aria-labelledby"]).split()]
    assert set(pointed) <= set(ids)
    assert len(page.all("caption")) == len(page.all("table"))
    assert all("scope" in attributes for attributes in page.all("th"))
    regions = [a for a in page.all("div") if a.get("role") == "region"]
    assert regions
    assert all(a["tabindex"] == "0" and a["aria-label"] for a in regions)


def test_hostile_values_are_only_text(
    gym_members: pd.DataFrame, gym_contract: Contract, tmp_path: Path
) -> None:
    members = gym_members.assign(**{HOSTILE: HOSTILE})
    members.loc[:1, ["member", "plan", "cancelled"]] = HOSTILE
    visits = replace(gym_contract.features[0], label=HOSTILE, unit='"><b>')
    plan = replace(gym_contract.features[2], label=HOSTILE, values=("basic", "plus", "$<i>$"))
    contract = replace(gym_contract, title=HOSTILE, features=(visits, plan))
    html = render(explored(members, contract, tmp_path))
    assert not Page(html).all("script", "b", "i")
    assert html.count("&lt;script&gt;") > 5
    assert "$&lt;i&gt;$" in html


def test_the_real_page_names_what_matters(bank_churners: Path, bank_contract: Contract) -> None:
    html = render(explore(bank_churners, bank_contract))
    Page(html)
    assert "2 columns give the answer away, as each alone tells who left (AUC 1.00)" in html
    assert "Credit limit: the means are nearly the same (d = −0.07)" in html
    assert "Open to buy and Credit limit say nearly the same (r = 0.996)" in html
    assert "Transactions: churned customers have 44.9 on average, stayed ones 68.7" in html
    assert "1,627 of 10,127 customers churned: 16.1%" in html


def test_of_many_numbers_the_most_correlated_are_squares_and_the_table_has_all(
    gym_members: pd.DataFrame, gym_contract: Contract, tmp_path: Path
) -> None:
    rng = np.random.default_rng(4)
    names = [f"n{index}" for index in range(MOST_SQUARES + 4)]
    columns = {name: rng.normal(size=len(gym_members)) for name in names}
    columns["n33"] = columns["n32"] + 0.1 * columns["n33"]
    features = tuple(Feature(name, "number", f"Number {name}") for name in names)
    contract = replace(gym_contract, features=features)
    html = render(explored(gym_members.assign(**columns), contract, tmp_path))
    drawn = html[html.index("Correlations of the numbers") :]
    drawn = drawn[: drawn.index("</svg>")]
    assert len(re.findall(r">Number n\d+</text>", drawn)) == 2 * (MOST_SQUARES - 1)
    assert ">Number n32</text>" in drawn
    assert "Not drawn, as they go least along with any other: 4 numbers" in html
    table = html[html.index("All correlations as a table") :]
    assert all(f'<th scope="row">Number {name}</th>' in table for name in names)
