"""One run in S3: claim it, score the file here, put the results there, the manifest last."""

import contextlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from functions.aws.deadline import UNLIMITED
from functions.aws.lease import Claim, Clock, claimed
from functions.aws.objects import Source, Unscorable, found
from model_store import Conflict, Temporary, WrongArtifact
from model_store.storage.s3 import S3Storage
from model_store.storage.scratch import unfinished
from pipeline.errors import WrongFile
from pipeline.reading.file_state import FileState
from pipeline.runs.jobs import Job
from pipeline.scoring import (
    FAILED,
    MANIFEST,
    Engine,
    Input,
    Progress,
    failure,
    run_id,
    score_into,
)

if TYPE_CHECKING:
    from functions.aws.handover import Handover

Beat = Callable[[], None]


class TimeIsUp(Temporary):
    """Raised when a run could not be finished before this process is stopped; it is given back."""

    code = "time_is_up"

    def __init__(self, what: str, seconds: float) -> None:
        self.what, self.seconds = what, seconds
        super().__init__(f"finish {what}", "this call", f"{max(seconds, 0):.0f} s are left of it")


@dataclass(frozen=True, slots=True)
class Place:
    """Where results go, and what holds for every run there."""

    results: S3Storage
    max_input_bytes: float = UNLIMITED
    lease_seconds: float = 300.0
    deadline_seconds: float = 0.0
    """So much time must be left, or a run is given back."""
    remaining: Callable[[], float] = lambda: UNLIMITED
    """Seconds until this process is stopped."""
    clock: Clock = lambda: datetime.now(UTC)
    handover: "Handover | None" = None
    """What takes the files that are too large for this process."""
    engine: Engine = score_into
    """What reads and scores a file; by default this process does."""

    def check_time(self, what: str) -> None:
        if (left := self.remaining()) < self.deadline_seconds:
            raise TimeIsUp(what, left)


@dataclass(frozen=True, slots=True)
class Task:
    """An input that is told from all others, and how to bring it here."""

    name: str
    shown: str
    """What people call it: its address."""
    identity: str
    fetch: Callable[[Path, Beat], Path]
    """Brings the file into a folder and says where it is; calls the beat now and then."""
    state: FileState | None = None
    """Of a file of this machine, as `Input` has it."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a run."""

    run: str
    """Its folder, below the results."""
    document: dict[str, Any]
    """Its manifest; of a run that failed for good, its failure."""
    new: bool
    """Whether it was done now, and not found done."""
    failed: bool = False
    pending: bool = False
    """Whether a job elsewhere is at it; then the document tells of the job."""


def score_source(
    source: Source, place: Place, job: Job, progress: Progress, *, retry_failed: bool = False
) -> Outcome:
    """Score an object, or find it done.

    Unscorable when it never can be, Skipped when it is empty or replaced; Temporary when the same
    call may succeed later: another worker is at it, too little time is left, S3 did not answer.
    """
    place.check_time(source.address)
    with found(place.results.client, source) as opened:
        if place.handover and place.handover.takes(opened):
            return place.handover.hand_over(opened, place, job)

        def fetch(folder: Path, beat: Beat) -> Path:
            opened.save(folder / "input", place.max_input_bytes, beat)
            return folder / "input"

        task = Task(source.name, source.address, opened.identity, fetch)
        return score_task(task, place, job, progress, retry_failed=retry_failed)


def score_task(
    task: Task, place: Place, job: Job, progress: Progress, *, retry_failed: bool = False
) -> Outcome:
    """Score an input, or find it done; one that failed for good is tried again on request only."""
    run = run_folder(task.name, task.identity, job)

    def score(folder: Path, beat: Beat) -> dict[str, Any]:
        def count(rows: int) -> None:
            beat()
            progress(rows)

        path, outputs = task.fetch(folder, beat), folder / "outputs"
        outputs.mkdir()
        return _score(task, path, outputs, job, count, place.engine)

    return score_once(run, task.shown, place, score, retry_failed=retry_failed)


def score_once(
    run: str,
    shown: str,
    place: Place,
    score: Callable[[Path, Beat], dict[str, Any]],
    *,
    retry_failed: bool = False,
) -> Outcome:
    """Let `score` write a run's files into `outputs` of a folder, unless it is done; commit them.

    It calls the beat now and then, which raises when it has to stop.
    """
    if done := find_done(run, place.results, retry_failed=retry_failed):
        return done
    with claimed(place.results, run, place.lease_seconds, place.clock) as claim:
        if claim.taken_over and (done := find_done(run, place.results, retry_failed=retry_failed)):
            return done
        with unfinished() as folder:

            def beat() -> None:
                place.check_time(shown)
                claim.renew_in_time()

            manifest = score(folder, beat)
            outcome = _committed_now(manifest, folder / "outputs", place, claim, beat)
    if retry_failed and place.results.exists(f"{run}/{FAILED}"):
        place.results.delete(f"{run}/{FAILED}")
    return outcome


def record_failure(source: Source, place: Place, job: Job, why: Unscorable) -> Outcome:
    """Write why an object will never be scored, unless its run was done before it went.

    Without a word about which object it was there is no run: then only the log tells.
    """
    identity = why.identity or source.identity
    run = run_folder(source.name, identity, job) if identity else ""
    if run and (done := find_done(run, place.results)):
        return done
    document = failure(source.name, identity or source.address, job.version, why) | {
        "error": type(why.__cause__ or why).__name__,
        "code": why.code,
        "time": place.clock().isoformat(timespec="seconds"),
        "remedy": "to try again, delete this file and drop the input again",
    }
    if why.problem is not None:
        document["problem"] = why.problem
    if run:
        content = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
        with contextlib.suppress(Conflict):  # another delivery of the same event told it
            place.results.create(f"{run}/{FAILED}", content.encode())
    return Outcome(run, document, new=True, failed=True)


def run_folder(name: str, identity: str, job: Job) -> str:
    """Where the results of a run are, below all results."""
    return f"{name}/{run_id(identity, job.version, job.options)}"


def find_done(run: str, results: S3Storage, *, retry_failed: bool = False) -> Outcome | None:
    """A run that was committed, or that failed for good."""
    there = results.names(run)
    if MANIFEST in there:
        return _committed(run, results)
    if FAILED in there and not retry_failed:
        return Outcome(run, json.loads(results.read(f"{run}/{FAILED}")), new=False, failed=True)
    return None


def _committed(run: str, results: S3Storage) -> Outcome:
    return Outcome(run, json.loads(results.read(f"{run}/{MANIFEST}")), new=False)


def _committed_now(
    manifest: dict[str, Any], outputs: Path, place: Place, claim: Claim, beat: Beat
) -> Outcome:
    """Put the results where they belong, by the right of the claim."""
    for output in sorted(outputs.iterdir()):
        if output.name != MANIFEST:
            beat()
            place.results.upload(output, f"{claim.run}/{output.name}")
    claim.renew()  # only who still holds it may commit
    try:
        place.results.create(f"{claim.run}/{MANIFEST}", (outputs / MANIFEST).read_bytes())
    except Conflict:
        return _committed(claim.run, place.results)
    return Outcome(claim.run, manifest, new=True)


def _score(
    task: Task, path: Path, outputs: Path, job: Job, count: Progress, engine: Engine
) -> dict[str, Any]:
    found_here = Input(path, task.name, task.identity, task.state)
    try:
        return engine(outputs, found_here, job.model, job.version, job.options, count)
    except WrongFile as error:
        raise Unscorable.because(error.about(task.shown), task.identity) from error
    except WrongArtifact as error:
        raise Unscorable.because(error, task.identity) from error
