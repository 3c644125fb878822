"""One run: one input file, one model, one folder of results."""

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from model_store import CustomerClustersError, Temporary
from model_store.leftovers import unfinished
from pipeline.checking import MAX_REJECTED_SHARE
from pipeline.errors import WrongFile, readable
from pipeline.file_state import checked_afterwards
from pipeline.model import ClusterModel
from pipeline.reading import (
    CHUNK,
    UNSAID,
    CustomerFile,
    Format,
    ReadingOptions,
    open_customers,
)
from pipeline.scoring.challenging import Challenger, disagreement
from pipeline.scoring.ids import RepeatedIds
from pipeline.scoring.inputs import Input, local_input
from pipeline.scoring.overlapping import in_order
from pipeline.scoring.report import REPORT, write_report
from pipeline.scoring.score import Reject, Scorer
from pipeline.scoring.sinks import Sink, needs_all_columns, open_sink
from pipeline.scoring.summary import summarise
from pipeline.scoring.tally import Tally
from pipeline.scoring.writing import (
    FAILED,
    MANIFEST,
    RejectWriter,
    reject_writer,
    write_clusters,
    write_json,
)

Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Options:
    """What a user may choose about a run; part of its identity."""

    format: Format | None = None
    """Of the assigned file; None keeps the input's, and writes CSV for a workbook."""
    max_rejected_share: float = MAX_REJECTED_SHARE
    reading: ReadingOptions = UNSAID
    """How files are written, where they do not show it."""
    safe_csv: bool = False
    """Cells that a spreadsheet would run as a formula get an apostrophe before them."""
    challenger: Challenger | None = None
    """A second model that assigns the customers as well."""

    @property
    def facts(self) -> dict[str, Any]:
        """For the manifest and the run's id: without a challenger nothing tells of one."""
        own = {
            "format": self.format,
            "max_rejected_share": self.max_rejected_share,
            "safe_csv": self.safe_csv,
            **({"reading": self.reading.facts} if self.reading.facts else {}),
        }
        second = self.challenger
        return own if second is None else {**own, "challenger": second.version}

    def opened(self, path: Path, model: ClusterModel) -> AbstractContextManager[CustomerFile]:
        """Open a file for a model; its bytes stay what they are where the same are written."""
        contracts = [model.contract]
        if self.challenger is not None:
            contracts.append(self.challenger.model.contract)
        decoded = self.format == "parquet" or self.safe_csv
        keep = not decoded and all(contract.ascii for contract in contracts)
        return open_customers(path, model.contract, self.reading, keep_bytes=keep)


def run_id(identity: str, version: str, options: Options) -> str:
    """The same input, model and options have the same id."""
    text = json.dumps([identity, version, options.facts], sort_keys=True)
    return f"{version}-{hashlib.sha256(text.encode()).hexdigest()[:12]}"


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
    return score_input(local_input(path), model, version, out, options, progress)


def score_input(
    found: Input,
    model: ClusterModel,
    version: str,
    out: Path,
    options: Options,
    progress: Progress = lambda rows: None,
) -> dict[str, Any]:
    """`score_file` for a file that came from elsewhere and has another name than here."""
    return score_once(
        out,
        found.name,
        lambda: run_id(found.identity, version, options),
        lambda aside: score_into(aside, found, model, version, options, progress),
    )


def score_once(
    out: Path, name: str, run: Callable[[], str], score: Callable[[Path], dict[str, Any]]
) -> dict[str, Any]:
    """Let `score` write a run into an empty folder, unless it is there; return its manifest.

    The run's id is asked for when the file has runs already: it may take reading the file.
    """
    runs = out / name
    for folder in (runs, *(out / parent for parent in Path(name).parents)):
        if folder.is_file():
            raise WrongFile(folder, "is a file; results go into a folder of that name")
    if runs.exists():
        committed = runs / run() / MANIFEST
        if committed.exists():
            manifest: dict[str, Any] = json.loads(committed.read_text(encoding="utf-8"))
            return manifest
    with _prepared(out) as aside:
        manifest = score(aside)
        _commit(aside, runs / manifest["run"])
        return manifest


def summary_of(manifest: Mapping[str, Any], out: Path) -> dict[str, Any]:
    """The summary that a run wrote into a folder."""
    path = out / manifest["outputs"]["summary"]
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def refuse_file(
    path: Path, version: str, out: Path, options: Options, error: CustomerClustersError
) -> Path:
    """Write down in `failed.json` of the run's folder why a file was refused."""
    found = local_input(path)
    folder = out / found.name / run_id(found.identity, version, options)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_json(folder / FAILED, failure(found.name, found.identity, version, error))
    except OSError as trouble:
        raise Temporary("write", str(folder), trouble.strerror or str(trouble)) from trouble
    return folder / FAILED


def failure(name: str, identity: str, version: str, error: CustomerClustersError) -> dict[str, Any]:
    """What `failed.json` says."""
    return {
        "input": {"name": name, "identity": identity},
        "model_version": version,
        "error": type(error).__name__,
        "reason": str(error),
    }


def score_into(
    folder: Path,
    found: Input,
    model: ClusterModel,
    version: str,
    options: Options,
    progress: Progress = lambda rows: None,
) -> dict[str, Any]:
    """Score an input into an empty folder, the manifest last; return the manifest."""
    with checked_afterwards(found.refuse_changed):
        with ExitStack() as stack:
            with readable(found.path):
                file = stack.enter_context(options.opened(found.path, model))
            format = options.format or file.format
            names = outputs(format)
            every = needs_all_columns(file, format, safe=options.safe_csv)
            scorer = Scorer(model, file, all_columns=every, challenger=options.challenger)
            assigned = folder / names["assigned"]
            rejects = stack.enter_context(reject_writer(folder / names["rejected"]))
            written = open_sink(assigned, file, scorer, format, safe=options.safe_csv)
            ids = stack.enter_context(RepeatedIds())
            with written as sink:
                tally = _write_rows(file, scorer, sink, rejects, ids, progress)
            totals = totals_of(model, tally, options, ids)
        most = options.max_rejected_share
        refuse_too_many_rejects(found.path, totals, most, lambda: rejects.first)
        facts = found.facts
    size = {names["assigned"]: assigned.stat().st_size}
    return conclude(folder, facts, scorer, version, options, totals, size)


def outputs(format: Format) -> dict[str, str]:
    """The names of a run's files by what they are."""
    names = {"assigned": f"assigned.{format}", "rejected": "rejected.csv"}
    return names | {"clusters": "clusters.csv", "summary": "summary.json", "report": REPORT}


def totals_of(
    model: ClusterModel, tally: Tally, options: Options, ids: RepeatedIds
) -> dict[str, Any]:
    """The summary of everything that was counted."""
    totals = summarise(model, tally) | {"repeated_ids": ids.summary()}
    if options.challenger is not None and tally.versus is not None:
        totals["challenger"] = disagreement(model, options.challenger, tally.versus)
    return totals


def conclude(
    folder: Path,
    found: Mapping[str, Any],
    scorer: Scorer,
    version: str,
    options: Options,
    totals: dict[str, Any],
    assigned: Mapping[str, int],
) -> dict[str, Any]:
    """Write what follows from the rows, the manifest last; return the manifest.

    `found` has the input's name, identity and bytes, `assigned` the bytes of each file of rows.
    """
    model, file = scorer.model, scorer.file
    names = outputs(options.format or file.format)
    write_clusters(folder / names["clusters"], totals["clusters"])
    write_json(folder / names["summary"], totals)
    run = run_id(found["identity"], version, options)
    manifest: dict[str, Any] = {
        "run": run,
        "input": {**found, **file.facts},
        "model_version": version,
        "contract_sha256": model.contract.digest,
        "options": options.facts,
        "rows_in": totals["rows_in"],
        "rows_assigned": totals["rows_assigned"],
        "rows_rejected": totals["rows_rejected"],
        "columns": scorer.appended,
        "outputs": {role: f"{found['name']}/{run}/{name}" for role, name in names.items()},
    }
    write_report(folder / names["report"], model, manifest, totals)
    here = [name for role, name in names.items() if role != "assigned"]
    manifest["bytes"] = {**assigned, **{name: (folder / name).stat().st_size for name in here}}
    write_json(folder / MANIFEST, manifest)
    return manifest


def _write_rows(
    file: CustomerFile,
    scorer: Scorer,
    sink: Sink,
    rejects: RejectWriter,
    ids: RepeatedIds,
    progress: Progress,
) -> Tally:
    """Read in one thread, parse and score in others, write in this one, in order."""

    def work(raw: Any) -> tuple[int, Any, Any, Any, Any]:
        block = file.reader.parse(raw, scorer.columns)
        scored = scorer.score(block)
        return block.row_count, scored.rejects, scored.tally, scored.ids, sink.shape(scored)

    tally, read = Tally.empty(scorer.model), 0
    for rows, refused, counted, found, shaped in in_order(work, _raw(file)):
        sink.write(shaped)
        rejects.write(refused)
        tally.add(counted)
        ids.add(found)
        read += rows
        progress(read)
    if int(tally.customers.sum()) + tally.rejected.total() != read:
        raise AssertionError(f"{file.path}: {read} rows read, another number counted")
    if not read:
        raise WrongFile(file.path, "has a header but no customers")
    return tally


def _raw(file: CustomerFile) -> Iterator[Any]:
    """The file's blocks; an error of reading names the file, not the results."""
    with readable(file.path):
        yield from file.reader.raw(CHUNK)


def refuse_too_many_rejects(
    path: object, totals: dict[str, Any], most: float, first: Callable[[], Reject | None]
) -> None:
    """WrongFile when more of a file's rows are rejects than may be; it shows the first one."""
    rejected, rows = totals["rows_rejected"], totals["rows_in"]
    if rejected > most * rows:
        reasons = ", ".join(f"{why}: {n:,}" for why, n in list(totals["rejected_for"].items())[:3])
        example = first()
        shown = ""
        if example is not None:
            line = "" if example.line is None else f" (line {example.line})"
            shown = f", first in row {example.row}{line}: {example.reason}"
        raise WrongFile(
            path,
            f"{rejected:,} of {rows:,} rows cannot be scored ({reasons}){shown}; "
            f"at most {most:.0%} may be (option max_rejected_share)",
        )


@contextmanager
def _prepared(out: Path) -> Iterator[Path]:
    """A folder to write in, on the disk of the results; it goes unless it was moved at the end."""
    try:
        with unfinished(out) as aside:
            aside.chmod(0o755)
            yield aside
    except CustomerClustersError:  # which may be an OSError as well, and says more
        raise
    except OSError as error:
        raise Temporary("write", str(out), error.strerror or str(error)) from error


def _commit(aside: Path, folder: Path) -> None:
    if not (folder / MANIFEST).exists():
        shutil.rmtree(folder, ignore_errors=True)  # of a run that was refused
        folder.parent.mkdir(parents=True, exist_ok=True)
        aside.rename(folder)
