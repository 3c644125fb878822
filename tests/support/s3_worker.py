"""Processes that answer events, and die on demand: run as a module, by tests only.

It reads one line of JSON at a time: a list of jobs. Each is done by a child of its own, all at
once; the answer is a line with how each ended. The children are forks, so that twenty deaths cost
no more than one start.
"""

import json
import os
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jinja2  # noqa: F401  (these are loaded here once, and not by each child anew)
import pandas as pd  # noqa: F401  (pyarrow loads it where it is installed)
import pyarrow.csv
import pyarrow.parquet  # noqa: F401

from functions.aws.parts.fan_out import FanOut
from functions.aws.parts.queue import PartOrder
from functions.live_model import LiveModel
from functions.s3 import Batch
from functions.settings import BatchSettings
from functions.webhook import Webhook
from model_store import BUNDLED, S3Address, open_store
from model_store.storage.s3 import S3Storage, connect
from pipeline.runs import objects
from pipeline.runs.notices import SILENT, Notice, Notices
from pipeline.runs.parts.work import InThisProcess
from pipeline.runs.s3 import S3Runs
from tests.support.notices import SECRET

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

DONE, GIVEN_BACK = 0, 3


def main() -> None:
    live_model = LiveModel(open_store(BUNDLED), "champion", log=lambda line: None)
    live_model.refresh()
    client = connect()  # without a connection yet: so it may be shared with children
    objects._client()  # and that of parts
    for line in sys.stdin:
        children = [_fork(live_model, client, job) for job in json.loads(line)]
        statuses = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
        print(json.dumps(statuses), flush=True)


def _fork(live_model: LiveModel, client: "S3Client", job: dict[str, Any]) -> int:
    if child := os.fork():
        return child
    status = 70
    try:
        status = _work(live_model, client, job)
    finally:
        os._exit(status)


def _work(live_model: LiveModel, client: "S3Client", job: dict[str, Any]) -> int:
    place = S3Address.from_string(job["output"])
    settings = BatchSettings(S3Address.from_string(job["input"]), place)
    runs = S3Runs(S3Storage(client, place.below("results")))
    requests = _Requests(job.get("die_at"), job.get("when"))
    for each in (client, objects._client()):
        each.meta.events.register("before-send.s3", requests.leave)
        each.meta.events.register("response-received.s3", requests.arrive)
    quiet = Batch(
        settings, runs, live_model, notices=_notices(job, requests),
        in_parts=_in_parts(job, requests),
        log=lambda line: None, measure=lambda figures: None,
    )  # fmt: skip
    answer = quiet(job["event"], None)
    if "count_to" in job:
        Path(job["count_to"]).write_text(str(requests.sent))
    return GIVEN_BACK if answer["batchItemFailures"] else DONE


def _in_parts(job: dict[str, Any], requests: "_Requests") -> FanOut | None:
    """What has files scored in parts, where the job names a file for the messages of parts."""
    if "post" not in job:
        return None

    class InAFile:
        def send(self, orders: Sequence[PartOrder]) -> None:
            for order in orders:  # each counts as a request
                requests.leave()
                with Path(job["post"]).open("a") as file:
                    file.write(order.to_message() + "\n")
                requests.arrive()

    return FanOut(InAFile(), 500, str(BUNDLED), InThisProcess(), 400)


def _notices(job: dict[str, Any], requests: "_Requests") -> Notices:
    """Who is told, where the job names a hook: a notice that is sent counts as a request."""
    if "hook" not in job:
        return SILENT

    class Counted(Webhook):
        def send(self, notice: Notice) -> None:
            requests.leave()
            super().send(notice)
            requests.arrive()

    return Notices((Counted(job["hook"], secrets=(SECRET,)),))


class _Requests:
    """Counts the requests to S3, and kills this process before or after one of them."""

    def __init__(self, die_at: int | None, when: str | None) -> None:
        self.die_at, self.when, self.sent = die_at, when, 0
        self._one_at_a_time = threading.Lock()

    def leave(self, **_: Any) -> None:
        with self._one_at_a_time:
            self.sent += 1
            self._die("before")

    def arrive(self, **_: Any) -> None:
        self._die("after")

    def _die(self, when: str) -> None:
        if (self.sent, when) == (self.die_at, self.when):
            os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    main()
