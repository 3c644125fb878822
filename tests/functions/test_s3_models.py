"""Dropped files where there are several models: the first folder says with which one."""

import csv
import io
from pathlib import Path
from typing import Any

import pytest

from functions.aws.handover import Handover
from functions.live_model import LiveModel
from functions.live_models import LiveModels
from functions.s3 import _from_environment
from functions.settings import Settings
from functions.settings.models import NamedModel
from model_store import BUNDLED, CustomerClustersError, open_store
from pipeline.model.published.loading import load_model
from pipeline.runs.challengers import Challengers
from tests.support.dropping import Context, Drop, queued


@pytest.fixture
def models(drop: Drop, tmp_path: Path) -> LiveModels:
    """The default of the drop, the other bundled version as loans, and a store without a model."""
    store = open_store(BUNDLED)

    def quiet(line: Any) -> None:
        pass

    return LiveModels(
        {
            "default": drop.live_model,
            "loans": LiveModel(store, "original", quiet),
            "gone": LiveModel(open_store(tmp_path / "nothing"), "champion", quiet),
        },
        log=quiet,
    )


def loans() -> bytes:
    """A file of the golden customers of the original."""
    model = load_model(open_store(BUNDLED).open("original"))
    rows = [dict(golden.customer) for golden in model.golden]
    text = io.StringIO()
    writer = csv.DictWriter(text, [*rows[0]])
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def test_files_in_a_folder_named_after_a_model_are_scored_with_it(
    drop: Drop, models: LiveModels
) -> None:
    function = drop.function(models=models)
    loan_event = drop.put("incoming/loans/2026/a.csv", loans())
    plain, other = drop.put("incoming/a.csv"), drop.put("incoming/others/a.csv")
    for event in (loan_event, plain, other, drop.put("incoming/loans")):
        function(event, Context())
    found = {m["input"]["name"]: m["model_version"] for m in drop.documents("manifest.json")}
    champion, original = drop.live_model.current().version, open_store(BUNDLED).resolve("original")
    assert found == {
        "loans/2026/a.csv": original,
        "a.csv": champion,
        "others/a.csv": champion,
        "loans": champion,  # a file of this name, and no folder
    }
    scored = [line for line in drop.lines if line["message"] == "scored"]
    assert [line.get("model") for line in scored] == ["loans", None, None, None]


def test_a_store_without_a_model_gives_back_its_own_files_only(
    drop: Drop, models: LiveModels
) -> None:
    gone, plain = drop.put("incoming/gone/a.csv"), drop.put("incoming/a.csv")
    function = drop.function(models=models)
    answer = function(queued(gone, plain), Context())
    assert answer["batchItemFailures"] == [{"itemIdentifier": "m0"}]
    assert [m["input"]["name"] for m in drop.documents("manifest.json")] == ["a.csv"]
    (line,) = [line for line in drop.lines if "given back" in line["message"]]
    assert "no model 'champion'" in line["error"]


def test_a_default_without_a_model_leaves_the_files_of_others_scored(
    drop: Drop, models: LiveModels, tmp_path: Path
) -> None:
    drop.live_model = LiveModel(open_store(tmp_path / "none"), "champion", lambda line: None)
    answer = drop.function(models=models)(
        queued(drop.put("incoming/a.csv"), drop.put("incoming/loans/a.csv", loans())), Context()
    )
    assert answer["batchItemFailures"] == [{"itemIdentifier": "m0"}]
    assert [m["input"]["name"] for m in drop.documents("manifest.json")] == ["loans/a.csv"]


def test_a_large_file_of_a_model_goes_to_spark_with_the_store_of_that_model(
    drop: Drop, models: LiveModels
) -> None:
    started: list[Any] = []

    class Jobs:
        def start(self, name: str, token: str, arguments: list[str]) -> str:
            started.append(dict(each[2:].split("=", 1) for each in arguments))
            return "job-1"

    handover = Handover(Jobs(), 1, "s3://bucket/default")  # type: ignore[arg-type]
    function = drop.function(models=models, handover=handover)
    function(drop.put("incoming/loans/a.csv", loans()), Context())
    function(drop.put("incoming/a.csv"), Context())
    assert [each["store"] for each in started] == [str(BUNDLED), "s3://bucket/default"]
    assert started[0]["model"] == open_store(BUNDLED).resolve("original")


def test_the_challenger_of_a_model_is_found_in_its_own_store(
    drop: Drop, models: LiveModels
) -> None:
    told: list[CustomerClustersError] = []
    empty = Challengers(models.named("gone").store, "champion", told.append)
    drop.function(models=models, challengers=empty)(
        drop.put("incoming/loans/a.csv", loans()), Context()
    )
    (manifest,) = drop.documents("manifest.json")
    assert manifest["options"]["challenger"] == open_store(BUNDLED).resolve("champion")
    assert told == []


def test_the_function_takes_its_models_from_the_settings(
    monkeypatch: pytest.MonkeyPatch, drop: Drop
) -> None:
    named = f"cards={BUNDLED},loans={BUNDLED}#original"
    for name, value in {"MODELS": named, "INPUT": "s3://bucket/in", "OUTPUT": "s3://other/out",
                        "CHALLENGER": "candidate"}.items():  # fmt: skip
        monkeypatch.setenv(f"CUSTOMER_CLUSTERS_{name}", value)
    monkeypatch.setattr("functions.s3.redelivery", lambda log: lambda message: None)
    function: Any = _from_environment()
    assert function.models.names == ("cards", "loans")
    assert function.live_model is function.models.default
    assert Settings(models=(NamedModel("a", "b"),)).named_models[0].name == "a"
