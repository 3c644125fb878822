"""Files say why and what if as single look-ups do, to whatever they are written."""

import csv
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from model_store import BUNDLED, open_store
from pipeline.model.cluster_model import ClusterModel
from pipeline.model.contract import Value
from pipeline.model.counterfactuals import find_counterfactuals, smallest_counterfactual
from pipeline.model.published.loading import load_model
from pipeline.scoring.spec import Explaining, Options
from pipeline.training import Trained
from tests.support.scoring import score_file
from tests.support.weights import with_weighty_categories

Write = Callable[..., Path]
ALL = Explaining(why=3, sentences=True, what_if=True)
NEW = [
    "runner_up",
    *(f"reason_{n}{what}" for n in (1, 2, 3) for what in ("", "_part", "_border", "_sentence")),
    "change_feature", "change_value", "change_cluster",
]  # fmt: skip


@pytest.fixture(scope="module")
def champion() -> ClusterModel:
    return load_model(open_store(BUNDLED).open("champion"))


def scored(path: Path, model: ClusterModel, out: Path, **options: Any) -> Path:
    """The assigned file."""
    manifest = score_file(path, model, "v1", out / "out", Options(**options))
    return out / "out" / str(manifest["outputs"]["assigned"])


def explained(model: ClusterModel, customer: Mapping[str, Value], reasons: int) -> dict[str, Any]:
    """What a row has to say, by the answer of a single look-up."""
    found = model.locate(customer)
    row: dict[str, Any] = {"runner_up": found.runner_up.id}
    for rank, reason in enumerate(found.reasons[:reasons], start=1):
        row |= {f"reason_{rank}": reason.feature, f"reason_{rank}_part": reason.contribution,
                f"reason_{rank}_border": reason.border,
                f"reason_{rank}_sentence": reason.sentence}  # fmt: skip
    change = smallest_counterfactual(find_counterfactuals(model, customer).values())
    row["change_feature"] = change and change.feature
    row["change_value"] = change and change.value
    row["change_cluster"] = change and change.cluster.id
    return row


def assert_same(found: Mapping[str, Any], expected: Mapping[str, Any], tolerance: float) -> None:
    for name, value in expected.items():
        if isinstance(value, float) and name.endswith("_part"):
            assert found[name] == pytest.approx(value, abs=tolerance)
        else:
            assert found[name] == value, name


def customers(count: int) -> pd.DataFrame:
    rng = np.random.default_rng(count)
    return pd.DataFrame({
        "CLIENTNUM": [f"{index:05d}" for index in range(count)],
        "Total_Revolving_Bal": rng.integers(0, 2500, count),
        "Total_Trans_Amt": rng.integers(600, 15_000, count),
        "Total_Trans_Ct": rng.integers(10, 130, count),
    })  # fmt: skip


def test_of_real_customers(bank_churners: Path, champion: ClusterModel, tmp_path: Path) -> None:
    path = scored(bank_churners, champion, tmp_path, format="parquet", explaining=ALL)
    for row in pq.read_table(path).to_pylist():
        customer = champion.contract.parse(row)
        assert_same(row, explained(champion, customer, 3), 1e-9)


@pytest.mark.parametrize("mark", [".", ","])
def test_in_text_of_any_dialect(
    mark: str, champion: ClusterModel, write: Write, tmp_path: Path
) -> None:
    text = customers(300).to_csv(index=False, sep=";" if mark == "," else ",")
    path = scored(write(text, "in.csv"), champion, tmp_path, explaining=ALL)
    with path.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream, delimiter=";" if mark == "," else ","))
    assert list(rows[0])[-len(NEW) :] == NEW
    for row in rows:
        expected = explained(champion, champion.contract.parse(row), 3)
        numbers = {name: _number(row[name], mark) for name in NEW if not name.endswith("sentence")}
        assert_same({**row, **numbers}, expected, 1e-6)


def _number(cell: str, mark: str) -> float | str | None:
    try:
        return float(cell.replace(mark, ".")) if cell else None
    except ValueError:
        return cell


def test_a_semicolon_file_with_decimal_commas_gets_decimal_commas(
    model: ClusterModel, write: Write, tmp_path: Path
) -> None:
    header = "Contacts_Count_12_mon;Credit_Limit;Total_Revolving_Bal;Avg_Utilization_Ratio\n"
    lines = [f"{i % 6};{5000 + 31 * i},5;{i * 11 % 2500};0,{i % 90 + 10}\n" for i in range(90)]
    path = scored(write(header + "".join(lines), "in.csv"), model, tmp_path, explaining=ALL)
    with path.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream, delimiter=";"))
    assert len(rows) == 90
    for row in rows:
        assert "." not in row["reason_1_part"] + row["reason_1_border"] + row["change_value"]
        values = {f.name: row[f.name].replace(",", ".") for f in model.contract.features}
        expected = explained(model, model.contract.parse(values), 3)
        found = {name: _number(row[name], ",") for name in NEW if not name.endswith("sentence")}
        assert_same({**row, **found}, expected, 1e-6)


def test_of_categories(
    gym_trained: Trained, gym_members: pd.DataFrame, write: Write, tmp_path: Path
) -> None:
    """More reasons than features are not given; a change to a category is a text."""
    model, text = with_weighty_categories(gym_trained.model, 4), gym_members.to_csv(index=False)
    explaining = Explaining(why=9, what_if=True)
    path = scored(write(text, "in.csv"), model, tmp_path, explaining=explaining, format="parquet")
    table = pq.read_table(path)
    assert "reason_3_part" in table.column_names and "reason_4" not in table.column_names
    changed = set()
    for row in table.to_pylist():
        expected = explained(model, model.contract.parse(row), 3)
        value = expected["change_value"]
        expected["change_value"] = f"{value:.15g}" if isinstance(value, float) else value
        changed.add(expected["change_feature"])
        del expected["reason_1_sentence"], expected["reason_2_sentence"]
        assert_same(row, {k: v for k, v in expected.items() if k in row}, 1e-9)
    assert changed == {"visits", "plan"}


def test_names_that_are_taken_stay_what_they_are(
    champion: ClusterModel, write: Write, tmp_path: Path
) -> None:
    text = customers(20).assign(runner_up="mine").to_csv(index=False)
    path = scored(write(text, "in.csv"), champion, tmp_path, explaining=Explaining(why=1))
    rows = pd.read_csv(path)
    assert set(rows["runner_up"]) == {"mine"} and rows["assigned_runner_up"].between(1, 5).all()


def test_without_being_asked_nothing_is_added_and_runs_keep_their_ids() -> None:
    assert "explaining" not in Options().facts
    assert Options(explaining=Explaining(2)).facts["explaining"] == {"why": 2}
