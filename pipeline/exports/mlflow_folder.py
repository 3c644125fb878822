"""A model as a folder of MLflow, with its signature and an example."""

import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from model_store import Artifact
from model_store.extras import needs_extra
from pipeline.exports.pyfunc import ANSWERS, MANIFEST_FILE, MODEL_FILE
from pipeline.model.cluster_model import ClusterModel
from pipeline.model.contract import Contract

_ANSWER_TYPES = {
    "cluster": "long",
    "cluster_name": "string",
    "churn_rate": "double",
    "distance": "double",
    "margin": "double",
    "outlier": "boolean",
    "problem": "string",
}
_CODE = Path(__file__).with_name("mlflow_code.py")


def save_mlflow(artifact: Artifact, model: ClusterModel, folder: Path) -> None:
    """Write a model that `mlflow.pyfunc.load_model` loads.

    Its code is a dozen lines that import this package; model.json and manifest.json lie beside it.
    Nothing in the folder is pickled.

    Args:
        artifact: The version.
        model: Its model.
        folder: Where it goes; must not exist.

    Raises:
        MissingExtra: The extra `mlflow` is not installed.
    """
    with _quiet(), TemporaryDirectory() as scratch:
        with needs_extra("an export to mlflow", "mlflow"):
            import mlflow.pyfunc
            import pandas as pd
        source = Path(scratch, artifact.version)
        source.mkdir()
        (source / MODEL_FILE).write_bytes(artifact.read(MODEL_FILE))
        (source / MANIFEST_FILE).write_bytes(artifact.manifest.to_json())
        mlflow.pyfunc.save_model(
            folder,
            python_model=str(_CODE),
            artifacts={"version": str(source)},
            signature=_signature(model.contract),
            input_example=pd.DataFrame([_example(model)]),
            pip_requirements=[
                f"mlflow-skinny=={mlflow.__version__}",
                f"customer-clusters[mlflow]=={metadata.version('customer-clusters')}",
            ],
            metadata={"model_version": artifact.version, "contract": model.contract.name},
        )
        _forget_paths(folder)


def _forget_paths(folder: Path) -> None:
    """Leave out where this machine had the code and the version; both lie in the folder."""
    from mlflow.models import Model

    made = Model.load(str(folder))
    flavor = made.flavors["python_function"]
    flavor["model_code_path"] = _CODE.name
    for artifact in flavor["artifacts"].values():
        artifact["uri"] = artifact["path"]
    made.save(str(folder / "MLmodel"))


def _signature(contract: Contract) -> Any:
    """Doubles for numbers, whole ones too: where a value is missing, pandas has no others."""
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, Schema, TensorSpec

    inputs: list[ColSpec | TensorSpec] = [
        ColSpec("double" if f.numeric else "string", f.name) for f in contract.features
    ]
    answers: list[ColSpec | TensorSpec] = [
        ColSpec(_ANSWER_TYPES[name], name, required=False) for name in ANSWERS
    ]
    return ModelSignature(Schema(inputs), Schema(answers))


def _example(model: ClusterModel) -> dict[str, Any]:
    """An invented customer."""
    customer = model.golden[0].customer
    return {
        feature.name: float(customer[feature.name]) if feature.numeric else customer[feature.name]
        for feature in model.contract.features
    }


@contextmanager
def _quiet() -> Iterator[None]:
    """Neither reports to MLflow's makers nor its warnings about itself."""
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    log = logging.getLogger("mlflow.pyfunc")
    level = log.level
    log.setLevel(logging.WARNING)
    try:
        with warnings.catch_warnings(record=True):  # some are shown whatever a filter says
            yield
    finally:
        log.setLevel(level)
