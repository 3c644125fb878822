"""Processes that score into a folder, and die on demand: run as a module, by tests only.

It reads one line of JSON at a time, a job, and does it in a child of its own. What the child does
to the disk is counted: folders that it makes, files that it opens for writing, links, renames and
removes. It dies before the one that the job names; the answer is how it ended.
"""

import json
import os
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from functions.webhook import Webhook
from pipeline.runs import FolderRuns, LocalInput, score
from pipeline.runs.notices import Notices
from pipeline.scoring.spec import ScoringSpec
from tests.support.notices import SECRET, Clock, small_engine

_WRITES = {"os.rename", "os.link", "os.remove", "os.mkdir"}


def main() -> None:
    for line in sys.stdin:
        job = json.loads(line)
        child = os.fork()
        if not child:
            status = 70
            try:
                status = _work(job)
            finally:
                os._exit(status)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        print(json.dumps(status), flush=True)


def _work(job: dict[str, Any]) -> int:
    sys.addaudithook(_Writes(job["results"], job["die_at"]))
    work(Path(job["file"]), Path(job["results"]), job["hook"])
    return 0


def work(file: Path, results: Path, hook: str, clock: Clock | None = None) -> None:
    """Score a file in small, and tell the hook of it and of what waits."""
    clock = clock or Clock(datetime.now(UTC))
    notices = Notices((Webhook(hook, secrets=(SECRET,)),), clock=clock)
    spec = ScoringSpec(cast(Any, None), "v")  # the small engine asks no model
    runs = FolderRuns(results)
    score(LocalInput.at(file), spec, runs, small_engine, notices=notices)
    notices.deliver_quietly(runs)


class _Writes:
    """Counts writes below a folder, and kills this process before one of them."""

    def __init__(self, folder: str, die_at: int) -> None:
        self.folder, self.die_at, self.count = folder, die_at, 0

    def __call__(self, event: str, given: tuple[Any, ...]) -> None:
        opened = event == "open" and isinstance(given[1], str) and set(given[1]) & set("wxa")
        if (opened or event in _WRITES) and str(given[0]).startswith(self.folder):
            self.count += 1
            if self.count == self.die_at:
                os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    main()
