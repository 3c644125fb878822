"""What a job on Spark runs for one large object: the entry point of EMR Serverless.

spark-submit functions/spark_job.py --bucket=… --key=… --results=s3://… --store=s3://… --model=…

It writes the manifest, or failed.json; then pending.json goes.
"""

import sys
from pathlib import Path

if Path(sys.path[0]).resolve() == Path(__file__).resolve().parent:
    del sys.path[0]  # run as a script: functions/http would stand for Python's own http

import os
import time
from collections.abc import Callable, Sequence
from typing import Any

from functions import logs
from functions.aws.handover import PENDING
from functions.aws.job_arguments import Order
from functions.aws.objects import Skipped, Unscorable
from functions.aws.parts import s3_data, score_parts
from functions.aws.runs import Outcome, Place, record_failure, run_folder, score_source
from functions.logs import Log
from functions.settings import Settings
from model_store import CustomerClustersError, S3Address, Temporary, open_store
from model_store.storage.s3 import S3Storage
from pipeline.model.loading import load_model
from pipeline.runs.challengers import load_challenger
from pipeline.runs.jobs import Job
from pipeline.scoring import Options
from pipeline.scoring.parts.distributed import Runner
from pipeline.scoring.parts.splitting import PART_BYTES, CannotSplit

_TRIES = 4
_WAIT_SECONDS = 60.0


def perform(
    order: Order,
    run: Runner,
    trusted: tuple[str, ...] = (),
    log: Log = logs.write,
    sleep: Callable[[float], None] = time.sleep,
    part_bytes: int = PART_BYTES,
) -> Outcome:
    """Score the object, or write why it will never be; what may succeed later is tried again."""
    place = Place(S3Storage.at(S3Address.from_string(order.results)))
    job = _job(order, trusted)
    for tries in range(1, _TRIES + 1):
        try:
            outcome = _scored(order, place, job, run, part_bytes)
        except (Unscorable, Skipped) as error:
            code = error.code if isinstance(error, Unscorable) else "gone"
            why = Unscorable(code, str(error), order.identity)
            outcome = record_failure(order.source, place, job, why)
        except Temporary as error:
            log({"level": "warning", "message": "tried in vain", "error": str(error)})
            if tries < _TRIES:
                sleep(_WAIT_SECONDS)
                continue
            why = Unscorable("spark_failed", str(error), order.identity)
            outcome = record_failure(order.source, place, job, why)
        break
    here = run_folder(order.source.name, order.identity, job)
    place.results.delete(f"{here}/{PENDING}")
    return outcome


def _job(order: Order, trusted: tuple[str, ...]) -> Job:
    store = open_store(order.store, trusted)
    artifact, second = store.open(order.model), None
    model = load_model(artifact)
    if order.challenger is not None:
        second = load_challenger(store, order.challenger, artifact.version)
    return Job(model, artifact.version, Options(reading=order.reading, challenger=second))


def _scored(order: Order, place: Place, job: Job, run: Runner, part_bytes: int) -> Outcome:
    data = s3_data(place.results.client, order.source)
    try:
        return score_parts(data, place, job, run, part_bytes)
    except CannotSplit:
        return score_source(order.source, place, job, lambda rows: None)


def main(arguments: Sequence[str]) -> int:
    """0 when results were written, 1 when a failure was."""
    from pipeline.scoring.parts.spark import OnSpark, spark

    order = Order.from_arguments(arguments)
    settings = Settings.from_environment(os.environ)
    try:
        with spark(None, os.environ) as session:
            outcome = perform(order, OnSpark(session), settings.trusted_keys)
    except CustomerClustersError as error:
        logs.write({"level": "error", "message": "given up", "error": str(error)})
        return 1
    facts: dict[str, Any] = {"run": outcome.run}
    if outcome.failed:
        logs.write({"level": "error", "message": "failed for good", **facts})
        return 1
    logs.write({"level": "info", "message": "scored", **facts})
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
