"""What training takes from a file: missing values, and customers who are alike."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from model_store import open_store
from pipeline.errors import WrongFile
from pipeline.model.contract import Contract
from pipeline.model.published.loading import load_model
from pipeline.scoring.spec import Options
from pipeline.training import publish, train
from pipeline.training.cleaning import Customers, clean, read_customers
from tests.support.gym import LIGHT, RECIPE
from tests.support.scoring import score_file

Write = Callable[..., Path]


def cleaned(path: Path, contract: Contract) -> Customers:
    return clean(read_customers(path, contract), contract, ["visits", "fee", "plan"])


def with_median(contract: Contract, name: str) -> Contract:
    features = (
        replace(feature, missing=None, stand_in="median") if feature.name == name else feature
        for feature in contract.features
    )
    return replace(contract, features=tuple(features))


def test_the_median_of_the_other_customers_stands_in(write: Write, gym_contract: Contract) -> None:
    path = write("member,visits,fee,plan\n1,2,10,plus\n2,4,20,plus\n3,8,,basic\n4,9,50,basic\n")
    customers = cleaned(path, with_median(gym_contract, "fee"))
    assert customers.features["fee"].tolist() == [10, 20, 20, 50]
    assert customers.contract.features[1].missing == 20
    assert customers.cleaning.filled == {"fee": 1}


def test_the_median_of_whole_numbers_is_a_whole_number(
    write: Write, gym_contract: Contract
) -> None:
    path = write("member,visits,fee,plan\n1,2,10,plus\n2,5,20,plus\n3,n/a,30,basic\n")
    customers = cleaned(path, with_median(gym_contract, "visits"))
    assert customers.features["visits"].tolist() == [2, 5, 2]


def test_a_column_without_values_has_no_median(write: Write, gym_contract: Contract) -> None:
    path = write("member,visits,fee,plan\n1,2,,plus\n2,5,,plus\n")
    with pytest.raises(WrongFile, match="no usable value of fee, so there is no median"):
        cleaned(path, with_median(gym_contract, "fee"))


def test_only_customers_that_are_used_count_as_filled(write: Write, gym_contract: Contract) -> None:
    path = write("member,visits,fee,plan\n1,,10,plus\n2,,free,plus\n3,4,30,basic\n")
    cleaning = cleaned(path, gym_contract).cleaning
    assert (cleaning.filled, cleaning.rejected_rows) == ({"visits": 1}, 1)


def test_alike_customers_without_an_id_are_customers(write: Write, gym_contract: Contract) -> None:
    rows = "2,10,plus\n2,10,plus\n4,20,basic\n"
    without_column = cleaned(write("visits,fee,plan\n" + rows), gym_contract)
    assert (without_column.cleaning.rows_used, without_column.cleaning.duplicate_rows) == (3, 0)
    nameless = replace(gym_contract, id_column=None)
    path = write("member,visits,fee,plan\n" + "".join(f"1,{row}\n" for row in rows.split()))
    assert cleaned(path, nameless).cleaning.rows_used == 3


def test_the_same_customer_once_more_is_a_repeat(write: Write, gym_contract: Contract) -> None:
    path = write("member,visits,fee,plan\n1,2,10,plus\n1,2,10,plus\n2,2,10,plus\n")
    cleaning = cleaned(path, gym_contract).cleaning
    assert (cleaning.rows_used, cleaning.duplicate_rows) == (2, 1)


def test_a_run_fills_in_the_median_of_training_and_counts_it(
    gym_members: pd.DataFrame, gym_contract: Contract, tmp_path: Path
) -> None:
    declared = with_median(gym_contract, "fee")
    path = tmp_path / "members.csv"
    gym_members.astype({"fee": object}).assign(
        fee=lambda frame: frame["fee"].where(frame.index > 4, "")
    ).to_csv(path, index=False)
    trained = train(path, declared, RECIPE, lambda step: None, LIGHT)
    artifact = publish(trained, open_store(tmp_path / "store"))
    assert artifact.manifest.facts["training"]["filled"] == {"fee": 5}
    model = load_model(artifact)
    assert model.contract.digest == declared.digest
    assert model.contract.features[1].missing == gym_members["fee"][5:].median()
    manifest = score_file(path, model, artifact.version, tmp_path / "results", Options())
    assert manifest["rows_rejected"] == 0
    results = tmp_path / "results"
    summary = json.loads((results / manifest["outputs"]["summary"]).read_text())
    assert summary["filled"] == {"fee": 5}
    report = (results / manifest["outputs"]["report"]).read_text()
    assert "<code>fee</code> was missing and filled in, as the contract says, for 5" in report
    assigned = pd.read_csv(results / manifest["outputs"]["assigned"], dtype={"member": str})
    for row in assigned.head(7).to_dict("records"):  # five without a fee, and two others
        fee = None if pd.isna(row["fee"]) else row["fee"]
        one = model.assign({"visits": row["visits"], "fee": fee, "plan": row["plan"]})
        assert one.cluster.id == row["cluster"]
        assert one.distance == pytest.approx(row["distance"], abs=1e-6)
