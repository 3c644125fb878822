"""One run: one input file, one model, one folder of results."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.checking import MAX_REJECTED_SHARE
from pipeline.digest import sha256_of_file
from pipeline.errors import WrongFile
from pipeline.model import ClusterModel
from pipeline.reading import CustomerFile, Format, open_customers
from pipeline.scoring.score import Scorer
from pipeline.scoring.summary import Summary
from pipeline.scoring.writing import (
    MANIFEST,
    RejectWriter,
    prepared,
    table_writer,
    write_clusters,
    write_json,
)

Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Options:
    """What a user may choose about a run; part of its identity."""

    format: Format | None = None
    """Of the assigned file; None keeps the input's."""
    max_rejected_share: float = MAX_REJECTED_SHARE


def score_file(
    path: Path,
    model: ClusterModel,
    version: str,
    out: Path,
    options: Options,
    progress: Progress = lambda rows: None,
) -> dict[str, Any]:
    """Score a file into `<out>/<input name>/<run id>/` and return the run's manifest.

    A run that is already there is returned as it is. WrongFile when the file is refused; then
    nothing is written. `progress` is told the number of rows read so far.
    """
    file = open_customers(path)
    digest = sha256_of_file(path)
    run = _run_id(digest, version, options)
    folder = out / path.name / run
    if (folder / MANIFEST).exists():
        committed: dict[str, Any] = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        return committed
    scorer = Scorer(model, file)
    format = options.format or file.format
    names = {"assigned": f"assigned.{format}", "rejected": "rejected.csv"}
    names |= {"clusters": "clusters.csv", "summary": "summary.json"}
    with prepared(folder) as aside:
        summary = _write_rows(file, scorer, aside, names, format, progress)
        totals = summary.to_dict()
        _refuse_too_many_rejects(path, totals, options.max_rejected_share)
        write_clusters(aside / names["clusters"], totals["clusters"])
        write_json(aside / names["summary"], totals)
        manifest = {
            "run": run,
            "input": {"name": path.name, "sha256": digest, "format": file.format},
            "model_version": version,
            "contract_sha256": model.contract.digest,
            "rows_in": totals["rows_in"],
            "rows_assigned": totals["rows_assigned"],
            "rows_rejected": totals["rows_rejected"],
            "columns": scorer.appended,
            "outputs": {role: f"{path.name}/{run}/{name}" for role, name in names.items()},
            "sha256": {name: sha256_of_file(aside / name) for name in names.values()},
        }
        write_json(aside / MANIFEST, manifest)
    return manifest


def _write_rows(
    file: CustomerFile,
    scorer: Scorer,
    folder: Path,
    names: dict[str, str],
    format: Format,
    progress: Progress,
) -> Summary:
    summary = Summary(scorer.model)
    read = 0
    rejected = (folder / names["rejected"]).open("w", encoding="utf-8", newline="")
    with (
        rejected,
        table_writer(folder / names["assigned"], scorer.schema, format, file.path) as assigned,
    ):
        rejects = RejectWriter(rejected)
        for block in file.blocks():
            scored = scorer.score(block)
            assigned.write_batch(scored.batch)
            rejects.write(scored.rejects)
            summary.add(scored)
            read += len(block.rows) + len(block.broken)
            progress(read)
    if summary.rows_assigned + summary.rows_rejected != read:
        raise AssertionError(f"{file.path}: {read} rows read, another number counted")
    if not read:
        raise WrongFile(file.path, "has a header but no customers")
    return summary


def _refuse_too_many_rejects(path: Path, totals: dict[str, Any], most: float) -> None:
    rejected, rows = totals["rows_rejected"], totals["rows_in"]
    if rejected > most * rows:
        reasons = ", ".join(f"{why}: {n:,}" for why, n in list(totals["rejected_for"].items())[:3])
        raise WrongFile(
            path,
            f"{rejected:,} of {rows:,} rows cannot be scored ({reasons}); "
            f"at most {most:.0%} may be (option max_rejected_share)",
        )


def _run_id(digest: str, version: str, options: Options) -> str:
    identity = json.dumps([digest, version, options.format, options.max_rejected_share])
    return f"{version}-{hashlib.sha256(identity.encode()).hexdigest()[:12]}"
