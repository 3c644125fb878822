"""From a published version to what another tool reads."""

import os
from pathlib import Path
from tempfile import TemporaryDirectory

from model_store import Artifact
from pipeline.exports.errors import WrongExport
from pipeline.exports.options import SqlOptions, Target
from pipeline.model.published.loading import load_model


def export(artifact: Artifact, target: Target, out: Path, options: SqlOptions) -> None:
    """Write a file, or for MLflow a folder, whole or not at all.

    Args:
        artifact: The version; its model.json is verified.
        target: The kind of export.
        out: Where it goes.
        options: What is chosen about a query.

    Raises:
        WrongExport: Something is there already, or cannot be written there.
        MissingExtra: The extra with the target's name is not installed.
    """
    model = load_model(artifact)
    if out.exists():
        raise WrongExport(target, f"{out} is there already; name another, or remove it")
    try:
        with TemporaryDirectory(dir=out.parent, prefix=".export-") as scratch:
            made = Path(scratch, out.name)
            if target == "mlflow":
                from pipeline.exports.mlflow_folder import save_mlflow

                save_mlflow(artifact, model, made)
            else:
                made.write_bytes(content(artifact, target, options))
            os.rename(made, out)  # noqa: PTH104  # the folder of the same disk
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise WrongExport(target, f"cannot write {out} ({reason}); name another --out") from error


def content(artifact: Artifact, target: Target, options: SqlOptions) -> bytes:
    """What the file of an export holds; not for MLflow, which is a folder."""
    model = load_model(artifact)
    if target == "sql":
        from pipeline.exports.sql import to_sql

        return to_sql(model, artifact.version, options).encode()
    if target == "onnx":
        from pipeline.exports.onnx_graph import to_onnx

        return to_onnx(model, artifact.version)
    if target == "skops":
        from pipeline.exports.sklearn_pipeline import to_skops

        return to_skops(model)
    raise ValueError(f"{target} is a folder, not a file")
