"""The plan of a run in parts: `pending.json` in its folder, from before the first part to the end.

It says which object is scored, with which model and options, and how many parts there are. A run
is what was planned: whoever scores a part of it uses the planned model, whatever answers now.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from functions.aws.deadline import Deadline
from functions.aws.handover import PENDING, PartsFailed, pending
from functions.aws.job_arguments import JobArguments
from functions.aws.page_runs import PageRun
from model_store import Conflict, CustomerClustersError, Temporary
from pipeline.reading.input_files import Tell
from pipeline.runs import RunKey
from pipeline.runs.notices import Notices
from pipeline.runs.objects import ObjectInput
from pipeline.runs.s3 import S3Runs
from pipeline.runs.store import PendingJob, as_json
from pipeline.scoring.parts.locations import WORKING
from pipeline.scoring.spec import ScoringSpec

IN_PARTS = "IN_PARTS"
"""The state of a run whose parts are being scored."""
_AT_ONCE = 8
_OTHER_RELEASE = "was planned by another release; delete failed.json and drop the file again"


@dataclass(frozen=True, slots=True)
class PartCall:
    """What a call of the function knows, as far as parts of a file need it."""

    runs: S3Runs
    spec_of: Callable[[JobArguments], ScoringSpec]
    """What a planned run is scored with."""
    deadline: Deadline
    notices: Notices
    """Who is told of a run once it is concluded."""
    tell: Tell


@dataclass(frozen=True, slots=True)
class PartScored:
    """A part after which others are missing."""

    name: str
    rows: int
    parts: int
    """How many there are."""


def announced(
    key: RunKey,
    source: ObjectInput,
    spec: ScoringSpec,
    runs: S3Runs,
    store: str,
    notices: Notices,
    *,
    parts: int,
    part_bytes: int,
) -> tuple[PendingJob, bool]:
    """The plan of a run: the one that is there, or a new one; and whether it is new.

    Args:
        key: The run.
        source: The object.
        spec: What it is scored with.
        runs: Where results are and go.
        store: The address of the model store.
        notices: Who is told of the run.
        parts: How many parts there are.
        part_bytes: How large they are, about.
    """
    arguments = JobArguments.of(source, spec, store, str(runs), notices)
    document: PendingJob = {
        "state": IN_PARTS,
        "input": {"name": source.name, "identity": source.identity, "bytes": source.ref.size or 0},
        "model_version": spec.version,
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "parts": parts,
        "part_bytes": part_bytes,
        "arguments": arguments.to_list(),
    }
    try:
        runs.files.create(f"{key.folder}/{PENDING}", as_json(document))
    except Conflict as error:  # an earlier attempt, or another worker
        planned = pending(key, runs)
        if planned is None:
            raise Temporary("plan", source.address, "another one just ended it") from error
        return planned, False
    return document, True


def unfinished(source: ObjectInput, runs: S3Runs) -> Iterator[tuple[RunKey, PendingJob]]:
    """The runs of an object that are planned and have not ended, whatever their model."""
    for run in runs.files.names(source.name):
        key = run_key(f"{source.name}/{run}")
        document = pending(key, runs)
        if document is None or "parts" not in document:
            continue
        if document["input"]["identity"] == source.identity and not runs.find(key):
            yield key, document


def arguments_of(plan: PendingJob) -> JobArguments:
    """What is to be scored, and how; PartsFailed where this release does not understand it."""
    try:
        return JobArguments.from_list(plan["arguments"])
    except (KeyError, SystemExit) as error:
        raise PartsFailed(_OTHER_RELEASE) from error


def refuse_other_run(key: RunKey, spec: ScoringSpec, arguments: JobArguments) -> None:
    """PartsFailed where this release would not make the run that was planned."""
    if spec.run_id(arguments.identity) != key.id:
        raise PartsFailed(_OTHER_RELEASE)


def run_key(folder: str) -> RunKey:
    """The run that lies in a folder below all results."""
    name, _, run = folder.rpartition("/")
    return RunKey(name, lambda: run)


def sweep(key: RunKey, runs: S3Runs, *, unwanted: bool = False) -> None:
    """Remove what only the parts of a run needed, once it has ended; the plan goes last.

    Args:
        key: The run.
        runs: Where results are.
        unwanted: Nobody wants its results: it counts as ended.
    """
    ended = runs.find(key)
    if ended is None and not unwanted:
        return
    counts = ended.manifest["bytes"] if ended and ended.state == "committed" else {}
    with suppress(CustomerClustersError):  # the run has ended, whether this can be done or not
        folders = [
            name
            for name in runs.files.names(key.folder)
            if name == WORKING or name.startswith("assigned.")
        ]
        names = [
            f"{it}/{name}" for it in folders for name in runs.files.names(f"{key.folder}/{it}")
        ]
        doomed = [f"{key.folder}/{name}" for name in names if name not in counts]
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            list(pool.map(runs.files.delete, doomed))
        PageRun(runs.files, key).end()
        runs.files.delete(f"{key.folder}/{PENDING}")
