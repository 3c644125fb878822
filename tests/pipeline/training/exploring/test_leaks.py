"""Columns that give the answer away are known by what they hold, whatever the contract says."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pipeline.model.contract import Contract
from pipeline.training.exploring import Exploration, explore, highlights
from pipeline.training.exploring.leaks import Evidence
from tests.support.page import explored


@pytest.fixture
def suspicious(gym_members: pd.DataFrame) -> pd.DataFrame:
    """Members with columns that no model should read, and some that it may."""
    rng = np.random.default_rng(8)
    left = (gym_members.cancelled == "yes").to_numpy()
    size = len(left)
    days = pd.to_datetime("2024-01-01") + pd.to_timedelta(rng.integers(0, 900, size), "D")
    return gym_members.assign(
        ChurnScore=(31 * left + rng.normal(size=size)).round(3),
        Reason=np.where(left, "too far", ""),
        Mood=np.where(rng.random(size) < 0.08, ~left, left).astype(int),
        Joined=days.strftime("%d.%m.%Y"),
        Compact=days.strftime("%Y%m%d"),
        RowNumber=np.arange(size) + 1,
        Card=[f"C-{number:05}" for number in rng.permutation(size)],
        City=[f"town {i}" for i in rng.integers(0, 90, size)],
        Country="here",
    )


def evidence(found: Exploration) -> dict[str, Evidence]:
    return {each.column: each for each in found.evidence}


def test_what_a_column_holds_is_read_off_its_values(
    suspicious: pd.DataFrame, gym_contract: Contract, tmp_path: Path
) -> None:
    seen = evidence(explored(suspicious, gym_contract, tmp_path))
    assert {name: each.nature for name, each in seen.items()} == {
        "member": "row counter",
        "visits": "number",
        "fee": "number",
        "plan": "text",
        "ChurnScore": "number",
        "Reason": "text",
        "Mood": "number",
        "Joined": "time",
        "Compact": "time",
        "RowNumber": "row counter",
        "Card": "identifier",
        "City": "text",
        "Country": "constant",
    }
    assert {name for name, each in seen.items() if each.gives_answer} == {"ChurnScore", "Reason"}
    assert {name for name, each in seen.items() if each.suspect} == {"Mood"}
    assert "cancelled" not in seen


def test_each_of_them_is_said_and_what_the_contract_keeps_out_without_need_too(
    suspicious: pd.DataFrame, gym_contract: Contract, tmp_path: Path
) -> None:
    contract = replace(gym_contract, never_features=("City",))
    said = highlights(explored(suspicious, contract, tmp_path))
    assert any(
        text.startswith("2 columns give the answer away") and "ChurnScore, Reason." in text
        for text in said
    )
    assert any(
        text.startswith("Close to giving the answer away") and "Mood" in text for text in said
    )
    assert any(text.startswith("Joined, Compact hold times") for text in said)
    assert any(text.startswith("RowNumber counts rows") for text in said)
    assert any(text.startswith("Card is another one for nearly every") for text in said)
    assert any(
        text.startswith("The contract keeps from being a feature: City; alone it tells little")
        for text in said
    )


def test_a_feature_of_the_contract_that_gives_the_answer_away_is_no_exception(
    gym_members: pd.DataFrame, gym_contract: Contract, tmp_path: Path
) -> None:
    left = gym_members.cancelled == "yes"
    found = explored(gym_members.assign(fee=np.where(left, 10.0, 20.0)), gym_contract, tmp_path)
    assert evidence(found)["fee"].gives_answer
    assert any("answer away" in text and "fee" in text for text in highlights(found))


def test_without_labels_natures_are_told_and_nothing_is_called_a_leak(
    suspicious: pd.DataFrame, gym_contract: Contract, tmp_path: Path
) -> None:
    found = explored(suspicious.drop(columns="cancelled"), gym_contract, tmp_path)
    assert all(each.shape is None for each in found.evidence)
    said = " ".join(highlights(found))
    assert "hold times" in said
    assert "answer away" not in said
    assert "leaving" not in said


def test_columns_of_every_type_of_parquet_are_looked_at(
    gym_members: pd.DataFrame, gym_contract: Contract, tmp_path: Path
) -> None:
    days = pd.Series(pd.date_range("2024-01-01", periods=len(gym_members), freq="h"))
    frame = gym_members.assign(
        when=days,
        day=days.dt.date,
        time=days.dt.time,
        span=days - days[0],
        tags=pd.Series([["a", "b"]] * len(days), dtype=object),
        yes=days.dt.hour > 12,
        gone=days.where(gym_members.cancelled == "yes"),
        kind=pd.Categorical(np.where(days.dt.hour > 12, "x", "y")),
    )
    path = tmp_path / "typed.parquet"
    frame.to_parquet(path)
    seen = evidence(explore(path, gym_contract))
    assert [seen[name].nature for name in ("when", "day", "time", "span", "gone")] == ["time"] * 5
    assert seen["yes"].nature == "number"
    assert seen["kind"].nature == "text"
    assert seen["tags"].nature == "constant"
    assert seen["gone"].gives_answer


def test_a_flag_is_a_flag_and_not_skewed(
    gym_members: pd.DataFrame, gym_contract: Contract, tmp_path: Path
) -> None:
    members = gym_members.assign(visits=(np.arange(len(gym_members)) % 20 == 0).astype(int))
    found = explored(members, gym_contract, tmp_path)
    visits = found.numbers[0]
    assert visits.flag
    assert visits.skewness is None
    assert not any("skewed" in text and visits.label in text for text in highlights(found))


def test_numbers_are_read_as_the_file_writes_them(
    suspicious: pd.DataFrame, gym_contract: Contract, tmp_path: Path
) -> None:
    path = tmp_path / "comma.csv"
    suspicious.to_csv(path, index=False, sep=";", decimal=",")
    seen = evidence(explore(path, gym_contract))
    expected = evidence(explored(suspicious, gym_contract, tmp_path))
    assert seen["ChurnScore"].nature == "number"
    assert seen["ChurnScore"] == expected["ChurnScore"]
