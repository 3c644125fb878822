"""Large files scored in parts, by as many calls of this function: a message a part.

Whoever scores a part keeps what became of it in the run's folder, and then looks whether that of
all parts is there: who finds it concludes the run. Two may find it at once; the manifest commits
one of them. A message that comes twice, or again after its call was killed, finds what is there
and goes on.
"""

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from errno import ENOSPC
from tempfile import gettempdir
from typing import Self

from functions.aws.handover import PartsFailed, pending
from functions.aws.page_runs import PageRun, Unwanted, refuse_deleted
from functions.aws.parts.plan import (
    PartCall,
    PartScored,
    announced,
    arguments_of,
    refuse_other_run,
    run_key,
    sweep,
    unfinished,
)
from functions.aws.parts.queue import PartOrder, PartsQueue, SqsPartsQueue
from functions.settings import FanOutSettings
from model_store import CustomerClustersError, NotFound, WrongArtifact
from pipeline.errors import Gone, TooLarge, WrongFile
from pipeline.runs import RunKey, RunResult, key_of, score
from pipeline.runs.objects import ObjectInput, Skipped, open_object
from pipeline.runs.parts.engine import FromParts
from pipeline.runs.parts.isolated import IsolatedWork
from pipeline.runs.parts.work import ObjectParts, PartWork, Plan
from pipeline.runs.s3 import S3Runs
from pipeline.runs.store import PendingJob, failure
from pipeline.scoring.parts.kept import PartsMissing, keep, kept, part_from, result_of
from pipeline.scoring.parts.locations import WORKING
from pipeline.scoring.parts.part import PartResult
from pipeline.scoring.parts.part_plan import PART_BYTES, CannotSplit, Part
from pipeline.scoring.spec import ScoringSpec

_AT_ONCE = 8
_RESULT = ".json"
_MORE_SPACE = "give the function more ephemeral storage"


@dataclass(frozen=True, slots=True)
class FanOut:
    """Files above a size are scored in parts."""

    queue: PartsQueue
    threshold_bytes: int
    store: str
    """The address of the model store."""
    work: PartWork
    part_bytes: int = PART_BYTES

    @classmethod
    def of(cls, settings: FanOutSettings, store: str) -> Self:
        """As the settings say, with the model store at an address."""
        queue = SqsPartsQueue(settings.queue)
        return cls(queue, settings.threshold_bytes, store, IsolatedWork())

    def takes(self, source: ObjectInput, spec: ScoringSpec) -> bool:
        """Whether an object is large enough; a workbook is one file, and is written whole."""
        return (source.ref.size or 0) > self.threshold_bytes and spec.options.format != "xlsx"

    def hand_out(self, source: ObjectInput, spec: ScoringSpec, call: PartCall) -> RunResult | None:
        """Plan the run of an object, and send a message for each part that is missing.

        The message of the object itself is done with afterwards: if this call is killed it comes
        again, and goes on with the plan that is there, whatever model answers then.

        Args:
            source: The object.
            spec: What it is scored with.
            call: What this call of the function knows.

        Returns:
            The pending run; None where the object has no parts, or its run has ended.

        Raises:
            WrongFile: The object is refused.
            Temporary: The storage or the queue does not answer.
        """
        runs, key = call.runs, key_of(source, spec)
        if runs.find(key):
            return None
        for planned, document in unfinished(source, runs):
            with suppress(NotFound, PartsFailed):  # its own parts tell of that
                as_planned = call.spec_of(arguments_of(document))
                parts = _parts(planned, source, as_planned, runs, document["part_bytes"])
                self._send(planned, source, self._cut(parts).parts, runs)
                return RunResult(planned.folder, document, new=False, state="pending")
        try:
            cut = self._cut(_parts(key, source, spec, runs, self.part_bytes))
        except CannotSplit:
            return None
        # somebody waits for one file, and the parts of Parquet cannot become one
        whole = cut.format == "parquet" and PageRun(runs.files, key).awaited
        if len(cut.parts) < 2 or whole:
            return None
        document, new = announced(
            key, source, spec, runs, self.store, call.notices,
            parts=len(cut.parts), part_bytes=self.part_bytes,
        )  # fmt: skip
        if "parts" in document:  # else a job on Spark is at it
            self._send(key, source, cut.parts, runs)
        return RunResult(key.folder, document, new=new, state="pending")

    def _cut(self, parts: ObjectParts) -> Plan:
        try:
            return self.work.plan(parts)
        except CannotSplit:
            raise
        except WrongFile as error:
            raise error.about(parts.ref.address) from error

    def _send(self, key: RunKey, source: ObjectInput, parts: Sequence[Part], runs: S3Runs) -> None:
        """Send a message for each part that is missing.

        Where none is, nobody concluded the run: the last part brings somebody who does.
        """
        there = _kept_names(key, runs)
        missing = [part for part in parts if result_of(part.name) not in there]
        wanted = missing or parts[-1:]
        self.queue.send([PartOrder.of(key.folder, source.ref, part) for part in wanted])

    def _send_wave(self, order: PartOrder, parts: Sequence[Part]) -> None:
        """Send a message for each part of a run that is read again; the last one concludes."""
        wave = [part.name for part in parts]
        self.queue.send([PartOrder.of(order.run, order.ref, part, wave) for part in parts])

    def score_part(self, order: PartOrder, call: PartCall) -> RunResult | PartScored | None:
        """Score a part of a run, and conclude the run if no part is missing after it.

        Args:
            order: The part.
            call: What this call of the function knows.

        Returns:
            The run where it has ended, else the part; None where nobody wants it any more.

        Raises:
            Temporary: It may succeed later.
        """
        runs, key = call.runs, run_key(order.run)
        plan, unwanted = pending(key, runs), _is_unwanted(key, runs)
        if plan is None or unwanted:
            sweep(key, runs, unwanted=unwanted)
            return None
        result: RunResult | PartScored
        try:
            result = self._scored(order, key, plan, call)
        except (WrongFile, WrongArtifact, PartsFailed) as error:
            result = _failed(key, plan, call, error)
        except Unwanted:
            sweep(key, runs, unwanted=True)
            return None
        except OSError as error:
            if error.errno != ENOSPC:
                raise
            full = f"leaves no space in {gettempdir()} with its rejects: {_MORE_SPACE}"
            result = _failed(key, plan, call, TooLarge(plan["input"]["name"], full))
        if isinstance(result, RunResult):
            sweep(key, runs)
        return result

    def _scored(
        self, order: PartOrder, key: RunKey, plan: PendingJob, call: PartCall
    ) -> RunResult | PartScored:
        arguments, client = arguments_of(plan), call.runs.files.client
        try:
            spec = call.spec_of(arguments)
        except NotFound as error:
            raise PartsFailed(f"its model is not there any more: {error}") from error
        refuse_other_run(key, spec, arguments)
        try:
            with open_object(client, arguments.ref, arguments.name) as source:
                parts = _parts(key, source, spec, call.runs, plan["part_bytes"])
                if call.runs.find(key) is not None:
                    return self._concluded(key, source, parts, call)
                scored = self._part(parts, part_from(order.part), plan["parts"], call)
                if _is_missing(key, order, plan["parts"], call.runs) and not call.runs.find(key):
                    _told_rows(key, parts, call.runs)
                    return scored
                try:
                    return self._concluded(key, source, parts, call)
                except PartsMissing as missing:  # they have to be read again
                    self._send_wave(order, [part_from(part) for part in missing.parts])
                    return scored
        except Unwanted:
            raise
        except Skipped as error:
            raise Gone(arguments.ref.address, str(error)) from error

    def _part(self, parts: ObjectParts, part: Part, count: int, call: PartCall) -> PartScored:
        """Score a part, unless that was done."""
        known = kept(parts.target, part)
        if known is None:
            call.deadline.check(f"{parts.ref.address}, {part.name}")
            try:
                known = self.work.score(parts, part)
            except WrongFile as error:  # it ended its reader; who concludes says what that means
                known = PartResult(part.index, part.round, -1, -1, 0, 0, 0, 0, (), error.problem)
                keep(parts.target, part, known)
        return PartScored(part.name, known.rows, count)

    def _concluded(
        self, key: RunKey, source: ObjectInput, parts: ObjectParts, call: PartCall
    ) -> RunResult:
        """The run of which all parts are there; or the one that was committed before."""
        run = _told_rows(key, parts, call.runs)

        def check() -> None:
            call.deadline.check(source.address)
            run.check()

        return score(
            source, parts.spec, call.runs, FromParts(self.work, parts),
            progress=run.reached, checkpoint=check, notices=call.notices, tell=call.tell,
        )  # fmt: skip


def _parts(
    key: RunKey, source: ObjectInput, spec: ScoringSpec, runs: S3Runs, part_bytes: int
) -> ObjectParts:
    folder = runs.files.address.below(key.folder)
    return ObjectParts(source.ref, source.name, spec, folder, part_bytes)


def _kept_names(key: RunKey, runs: S3Runs) -> set[str]:
    """The names of what was kept of parts."""
    names = runs.files.names(f"{key.folder}/{WORKING}")
    return {f"{WORKING}/{name}" for name in names if name.endswith(_RESULT)}


def _is_missing(key: RunKey, order: PartOrder, parts: int, runs: S3Runs) -> bool:
    """Whether a part is missing of those that are scored at once: all, or some read again."""
    there = _kept_names(key, runs)
    names = order.wave or [Part(index, 0, 0).name for index in range(parts)]
    return any(result_of(name) not in there for name in names)


def _is_unwanted(key: RunKey, runs: S3Runs) -> bool:
    try:
        refuse_deleted(runs.files, key.name)
    except Unwanted:
        return True
    return False


def _told_rows(key: RunKey, parts: ObjectParts, runs: S3Runs) -> PageRun:
    """A run that shows how many rows were scored so far, where somebody waits for them."""
    run, target = PageRun(runs.files, key), parts.target
    if run.awaited:
        with suppress(NotFound), ThreadPoolExecutor(_AT_ONCE) as pool:
            contents = pool.map(target.read, _kept_names(key, runs))
            run.reached(sum(json.loads(content)["result"]["rows"] for content in contents))
    return run


def _failed(
    key: RunKey, plan: PendingJob, call: PartCall, error: CustomerClustersError
) -> RunResult:
    """Write down why a planned run will never be made."""
    planned = plan["input"]
    document = failure(planned["name"], planned["identity"], plan["model_version"], error)
    with call.notices.of_failure(call.runs, key, document):
        return call.runs.fail(key, document)
