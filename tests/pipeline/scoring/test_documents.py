"""The documents of a run are what their types say: no key more or less, each of its type."""

import json
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints, is_typeddict

import pytest

from model_store import open_store
from pipeline.errors import WrongFile
from pipeline.model.cluster_model import ClusterModel
from pipeline.model.published.loading import load_model
from pipeline.runs.store import as_json, failure
from pipeline.scoring.documents import Failure, Manifest, Summary
from pipeline.scoring.spec import Challenger, Explaining, Options
from tests.support.paths import CUSTOMERS
from tests.support.scoring import score_file


def misfits(value: object, kind: Any, where: str = "") -> list[str]:
    """Where a value from JSON is not of a type, as far as the documents use types."""
    if is_typeddict(kind):
        return _misfits_of_keys(value, kind, where)
    origin, inner = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        found = [misfits(value, each, where) for each in inner]
        return min(found, key=len)
    if origin is Literal:
        return [] if value in inner else [f"{where} is {value!r}"]
    if origin is list and isinstance(value, list):
        return [m for i, v in enumerate(value) for m in misfits(v, inner[0], f"{where}[{i}]")]
    if origin is dict and isinstance(value, dict):
        return [m for k, v in value.items() for m in misfits(v, inner[1], f"{where}.{k}")]
    if kind is float and type(value) is int:
        return []
    return [] if type(value) is kind else [f"{where} is {value!r}, not {kind}"]


def _misfits_of_keys(value: object, kind: Any, where: str) -> list[str]:
    if not isinstance(value, dict):
        return [f"{where} is no object"]
    hints = get_type_hints(kind)
    found = [f"{where}.{key} is in no type" for key in value.keys() - hints.keys()]
    found += [f"{where}.{key} is missing" for key in kind.__required_keys__ - value.keys()]
    for key in value.keys() & hints.keys():
        found += misfits(value[key], hints[key], f"{where}.{key}")
    order = [key for key in hints if key in value]
    return found + ([] if order == list(value) else [f"{where} has another order"])


def read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


@pytest.fixture
def gym_model(gym_models: Path) -> ClusterModel:
    artifact = open_store(str(gym_models)).open("candidate")
    return load_model(artifact)


@pytest.mark.parametrize("written", [None, "parquet"])
def test_manifest_and_summary_are_of_their_types(
    model: ClusterModel, tmp_path: Path, written: Any
) -> None:
    challenger, explaining = Challenger(model, "v2", related=True), Explaining(why=1)
    options = Options(format=written, challenger=challenger, explaining=explaining)
    manifest = score_file(CUSTOMERS, model, "v1", tmp_path, options)
    folder = tmp_path / Path(manifest["outputs"]["summary"]).parent
    assert misfits(read(folder / "manifest.json"), Manifest) == []
    summary = read(folder / "summary.json")
    assert misfits(summary, Summary) == [] and {"challenger", "contributions"} <= summary.keys()


def test_a_summary_without_label_and_with_a_category_is_of_its_type(
    gym_model: ClusterModel, write: Callable[..., Path], tmp_path: Path
) -> None:
    path = write("visits,fee,plan\n2,20,basic\n9,30,plus\n")
    manifest = score_file(path, gym_model, "v1", tmp_path / "out", Options())
    summary = read(tmp_path / "out" / manifest["outputs"]["summary"])
    assert misfits(summary, Summary) == []
    assert summary["observed_churn"] is summary["repeated_ids"] is None


def test_a_failure_is_of_its_type() -> None:
    error = WrongFile("customers.csv", "has no header")
    document = json.loads(as_json(failure("customers.csv", "sha256:0", "v1", error)))
    assert misfits(document, Failure) == []


def test_a_document_of_another_type_is_noticed(model: ClusterModel, tmp_path: Path) -> None:
    manifest: dict[str, Any] = dict(score_file(CUSTOMERS, model, "v1", tmp_path, Options()))
    assert misfits({**manifest, "rows_in": "1,000"}, Manifest)
    assert misfits({**manifest, "more": 1}, Manifest)
    assert misfits({"run": manifest["run"]}, Manifest)
