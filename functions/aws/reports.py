"""What the batch function says of a run that it made or found: a line in the log, and figures."""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from functions import logs
from functions.aws.handover import JobFailed, JobNotStarted, PartsFailed
from functions.aws.metrics import Measure
from functions.aws.parts.plan import PartScored
from model_store import CustomerClustersError, Temporary, WrongArtifact
from pipeline.errors import Gone
from pipeline.runs import RunResult, read_summary
from pipeline.runs.notices import Rule, verdicts_on
from pipeline.runs.s3 import S3Runs

_NOT_THE_FILE = {each.code for each in (Gone, WrongArtifact, JobFailed, JobNotStarted, PartsFailed)}
"""Why a file failed that was not refused for what it is."""
Say = Callable[..., None]
"""Writes a line of a level and a message, with further facts by their names."""


@dataclass(frozen=True, slots=True)
class Reporter:
    """Says what became of runs."""

    runs: S3Runs
    measure: Measure
    say: Say

    def report(self, result: RunResult | PartScored | None, seconds: float, run: str = "") -> None:
        """One line, and figures for what is new.

        Args:
            result: What became of a run, or of a part after which others are missing; None of a
                part that nobody wants any more.
            seconds: How long this call took over it.
            run: The run of the part.
        """
        if result is None:
            self.say("info", "skipped: the run of this part has ended", run=run)
        elif isinstance(result, PartScored):
            facts = {"part": result.name, "parts": result.parts, "rows": result.rows}
            self.say("info", "part scored", run=run, seconds=round(seconds, 3), **facts)
        elif result.state == "pending":
            self._pending(result)
        elif result.state == "failed":
            if result.new:
                by_itself = result.failure.get("code") not in _NOT_THE_FILE
                self.measure({"FilesFailed": 1} | ({"FilesRefused": 1} if by_itself else {}))
            self.say("error", "failed for good", run=result.run, code=result.failure["code"])
        else:
            self._committed(result, seconds)

    def given_back(self, error: Exception, *, counts: bool = True) -> None:
        """One line about what has to be delivered again.

        Args:
            error: Why.
            counts: Whether it is a figure as well, which an alarm looks at.
        """
        if counts:
            self.measure({"FilesGivenBack": 1})
        level = "warning" if isinstance(error, Temporary) else "error"
        self.say(level, "given back, to be delivered again", error=logs.cause(error))

    def _pending(self, result: RunResult) -> None:
        job = result.job
        facts: dict[str, Any] = {"run": result.run, "state": job["state"]}
        if "parts" in job:
            message = "handed out in parts" if result.new else "its parts are being scored"
            self.say("info", message, **facts, parts=job["parts"])
            return
        message = "handed to Spark" if result.new else "Spark is at it"
        self.say("info", message, **facts, job_run=job.get("job_run"))
        if result.new:
            self.measure({"FilesHandedToSpark": 1})

    def _committed(self, result: RunResult, seconds: float) -> None:
        manifest = result.manifest
        rows = {
            "rows_in": manifest["rows_in"],
            "rows_assigned": manifest["rows_assigned"],
            "rows_rejected": manifest["rows_rejected"],
        }
        if result.new:
            self.measure(
                {
                    "FilesScored": 1,
                    "RowsIn": rows["rows_in"],
                    "RowsAssigned": rows["rows_assigned"],
                    "RowsRejected": rows["rows_rejected"],
                    "ScoringSeconds": seconds,
                    **self._watched(result),
                }
            )
        message = "scored" if result.new else "done before"
        version = manifest["model_version"]
        took = round(seconds, 3)
        self.say("info", message, run=result.run, model_version=version, seconds=took, **rows)

    def _watched(self, result: RunResult) -> dict[str, float]:
        """What alarms look at: whether customers are unlike training's, and who was rejected."""
        manifest = result.manifest
        share = manifest["rows_rejected"] / manifest["rows_in"] if manifest["rows_in"] else 0.0
        figures = {"RejectedShare": share}
        with contextlib.suppress(CustomerClustersError):  # no run fails for want of a figure
            summary = read_summary(self.runs, manifest)
            verdicts = verdicts_on(manifest, summary, Rule(most_rejected=1.0))
            figures["DriftVerdict"] = float(any(True for _ in verdicts))
        return figures
