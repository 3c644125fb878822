"""A model of MLflow, loaded by MLflow in a process of its own; and what it runs, without MLflow."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from model_store import BUNDLED, WrongArtifact, open_store
from pipeline.exports.pyfunc import ANSWERS, MANIFEST_FILE, MODEL_FILE, assign, read_model
from pipeline.model.cluster_model import ClusterModel
from tests.support.borders import Columns

LOAD = """
import json, os, sys

def watch(event, arguments):
    if event == "pickle.find_class":
        unpickled.append(str(arguments))

unpickled = []
import mlflow.pyfunc
import pandas as pd
from functions.cli.main import main

exported, moved, customers = sys.argv[1:]
export = ["models", "export", "champion", "--to", "mlflow", "--out", exported]
main(export, standalone_mode=False)
os.rename(exported, moved)
sys.addaudithook(watch)
model = mlflow.pyfunc.load_model(moved)
frame = pd.read_csv(customers, index_col="row")
schema = model.metadata.signature
print(json.dumps({
    "inputs": {column.name: column.type.name for column in schema.inputs},
    "outputs": {column.name: column.type.name for column in schema.outputs},
    "example": model.predict(model.input_example).to_dict("records"),
    "rows": frame.index.tolist(),
    "answers": json.loads(model.predict(frame.astype(float)).to_json(orient="split")),
    "unpickled": unpickled,
    "sklearn": "sklearn" in sys.modules,
}, default=str))
"""


def run(code: str, *arguments: object) -> str:
    """MLflow warns of itself when it is imported, and tells its makers unless it is told not to."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code, *map(str, arguments)],
        env={**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_mlflow_loads_it_and_answers_as_the_scorer_does(
    champion: ClusterModel, tmp_path: Path
) -> None:
    folder, customers = tmp_path / "champion-mlflow", tmp_path / "customers.csv"
    rng = np.random.default_rng(1)
    columns = {
        "Total_Trans_Ct": rng.integers(10, 139, 500).astype(float),
        "Total_Trans_Amt": rng.uniform(500, 18_000, 500),
        "Total_Revolving_Bal": rng.integers(0, 2600, 500).astype(float),
    }
    frame = pd.DataFrame(columns, index=pd.RangeIndex(7, 507, name="row"))
    frame.loc[9, "Total_Trans_Amt"] = np.nan
    frame.loc[11, "Total_Trans_Ct"] = 38.5
    frame.to_csv(customers)
    found = json.loads(run(LOAD, tmp_path / "exported", folder, customers).splitlines()[-1])
    answers = pd.DataFrame(
        found["answers"]["data"], found["answers"]["index"], found["answers"]["columns"]
    )
    assert found["inputs"] == dict.fromkeys([f.name for f in champion.contract.features], "double")
    assert found["outputs"] == {
        "cluster": "long",
        "cluster_name": "string",
        "churn_rate": "double",
        "distance": "double",
        "margin": "double",
        "outlier": "boolean",
        "problem": "string",
    }
    assert found["example"][0]["cluster"] == champion.golden[0].cluster
    assert answers.index.tolist() == found["rows"]
    assert answers["problem"].dropna().to_dict() == {
        9: "Total_Trans_Amt: expected a number from 0 to 100,000,000, found nothing",
        11: "Total_Trans_Ct: expected a whole number from 0 to 1,000,000, found '38.5'",
    }
    good = answers["problem"].isna()
    assert answers[~good].drop(columns="problem").isna().all(axis=None)
    expected = champion.assign_many({name: frame[name][good].to_numpy() for name in columns})
    np.testing.assert_array_equal(answers["cluster"][good].astype(int), expected.cluster)
    np.testing.assert_array_equal(answers["outlier"][good].astype(bool), expected.outlier)
    np.testing.assert_allclose(
        answers["distance"][good].astype(float), expected.distance, rtol=0, atol=1e-9
    )
    assert found["unpickled"] == []
    assert not found["sklearn"]
    assert [path for path in folder.rglob("*") if path.suffix in (".pkl", ".joblib")] == []
    here = (str(tmp_path), str(Path.cwd()))  # no path of the machine that exported
    assert not any(path in (folder / "MLmodel").read_text() for path in here)


def test_all_real_customers_get_the_scorers_answer(
    bundled: ClusterModel, real_columns: Columns
) -> None:
    found, expected = assign(bundled, pd.DataFrame(real_columns)), bundled.assign_many(real_columns)
    assert tuple(found.columns) == ANSWERS
    np.testing.assert_array_equal(found["cluster"].astype(int), expected.cluster)
    np.testing.assert_array_equal(found["distance"], expected.distance)
    np.testing.assert_array_equal(found["margin"], expected.margin)


def test_columns_of_any_kind_are_read_and_the_index_stays(gym_model: ClusterModel) -> None:
    frame = pd.DataFrame(
        {
            "plan": pd.Categorical(["basic", "plus", "gold"]),
            "visits": pd.array([4, None, 14], "Int64"),
            "fee": pd.Series([20, "30.5", 80], dtype=object),
        }
    ).set_index(pd.Index(["x", "y", "z"]))
    found = assign(gym_model, frame)
    assert found.index.tolist() == ["x", "y", "z"]
    assert found["cluster"].isna().tolist() == [False, False, True]
    assert found["problem"].tolist()[2] == "plan: expected one of basic, plus, found 'gold'"
    nobody = assign(gym_model, frame.assign(plan="gold"))
    assert nobody["cluster"].isna().all()
    assert assign(gym_model, frame.iloc[:0]).empty


def test_a_folder_that_was_changed_is_refused(tmp_path: Path) -> None:
    artifact = open_store(BUNDLED).open("champion")
    folder = tmp_path / artifact.version
    folder.mkdir()
    (folder / MANIFEST_FILE).write_bytes(artifact.manifest.to_json())
    (folder / MODEL_FILE).write_bytes(artifact.read(MODEL_FILE))
    assert len(read_model(folder).clusters) == 5
    (folder / MODEL_FILE).write_bytes(artifact.read(MODEL_FILE) + b"\n")
    with pytest.raises(WrongArtifact, match=r"model\.json is not the file that was published"):
        read_model(folder)
