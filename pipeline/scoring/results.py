"""The files of a run that follow from its rows: clusters, summary, report and manifest."""

from pathlib import Path
from threading import Thread

from pipeline.model.contract import Label
from pipeline.release import RELEASE
from pipeline.scoring.documents import LabelDocument, Manifest, ScoredRows
from pipeline.scoring.inputs import InputFile
from pipeline.scoring.spec import FileEngine, Progress, ScoringSpec
from pipeline.scoring.writing.csv_dialect import CsvDialect
from pipeline.scoring.writing.outputs import (
    MANIFEST,
    outputs,
    without_formula,
    write_clusters,
    write_json,
)


def score_into(
    folder: Path,
    source: InputFile,
    spec: ScoringSpec,
    engine: FileEngine,
    progress: Progress = lambda rows: None,
) -> Manifest:
    """Score a file into an empty folder, the manifest last; return the manifest.

    Args:
        folder: Where the results go; an empty folder.
        source: The file.
        spec: What it is scored with.
        engine: What reads, assigns and writes the rows.
        progress: Called with the number of rows read so far; what it raises ends the run.

    Raises:
        WrongFile: The file is refused.
        Temporary: The file was written to while it was read.
    """
    Thread(target=_prepare, daemon=True).start()  # while another process reads
    return conclude(folder, spec, engine(folder, source, spec, progress))


def conclude(folder: Path, spec: ScoringSpec, rows: ScoredRows) -> Manifest:
    """Write what follows from the rows into a folder, the manifest last; return the manifest."""
    from pipeline.scoring.report.page import write_report

    names, summary = outputs(rows["format"]), rows["summary"]
    run, dialect = spec.run_id(rows["input"]["identity"]), CsvDialect.of(rows["input"])
    said = {"run": run, "model_version": spec.version, "input": rows["input"]["name"]}
    if spec.options.safe_csv:
        said = {column: without_formula(text) for column, text in said.items()}
    write_clusters(folder / names["clusters"], summary["clusters"], dialect, said)
    write_json(folder / names["summary"], summary)
    manifest: Manifest = {
        "run": run,
        "input": rows["input"],
        "model_version": spec.version,
        "contract_sha256": spec.model.contract.digest,
        "options": spec.options.facts,
        "rows_in": summary["rows_in"],
        "rows_assigned": summary["rows_assigned"],
        "rows_rejected": summary["rows_rejected"],
        "columns": rows["columns"],
        "outputs": {role: f"{rows['input']['name']}/{run}/{name}" for role, name in names.items()},
        "bytes": dict(rows["assigned"]),
        "id_column": spec.model.contract.id_column,
        "label": _label(spec.model.contract.label),
    }
    if as_of := spec.as_of(rows["input"]["name"]):
        manifest["as_of"] = as_of.isoformat()
    manifest["release"] = RELEASE
    write_report(folder / names["report"], spec.model, manifest, summary)
    here = [name for role, name in names.items() if role != "assigned"]
    manifest["bytes"] |= {name: (folder / name).stat().st_size for name in here}
    write_json(folder / MANIFEST, manifest)
    return manifest


def _label(label: Label | None) -> LabelDocument | None:
    if label is None:
        return None
    return {
        "column": label.column,
        "churned": list(label.churned),
        "stayed": list(label.stayed),
        "churned_word": label.churned_word,
    }


def _prepare() -> None:
    """Load and compile what a report takes; nothing before the first run has a use for it."""
    from pipeline.scoring.report.page import prepare_report

    prepare_report()
