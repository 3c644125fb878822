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
from dataclasses import replace
from typing import Any

from functions import logs
from functions.aws.handover import PENDING, JobFailed
from functions.aws.job_arguments import JobArguments
from functions.logs import Log
from functions.settings import Settings
from model_store import CustomerClustersError, S3Address, Temporary, WrongArtifact, open_store
from pipeline.errors import Gone, WrongFile
from pipeline.model.published.loading import load_model
from pipeline.runs import RunResult, record_failure, score
from pipeline.runs.challengers import load_challenger
from pipeline.runs.in_parts import InParts
from pipeline.runs.notices import SILENT, Notices
from pipeline.runs.objects import Skipped, open_object
from pipeline.runs.s3 import S3Runs
from pipeline.scoring.parts.distributed import Runner
from pipeline.scoring.parts.part_plan import PART_BYTES
from pipeline.scoring.spec import ScoringSpec

_TRIES = 4
_WAIT_SECONDS = 60.0


def perform(
    arguments: JobArguments,
    run: Runner,
    trusted: tuple[str, ...] = (),
    log: Log = logs.write,
    sleep: Callable[[float], None] = time.sleep,
    part_bytes: int = PART_BYTES,
) -> RunResult:
    """Score the object, or write why it will never be; what may succeed later is tried again."""
    runs = S3Runs.at(S3Address.from_string(arguments.results))
    spec = _spec(arguments, trusted)
    notices = SILENT
    if arguments.rule is not None:  # the batch function sends what is kept here
        notices = Notices(rule=arguments.rule, keep_only=True)

    def failed(error: CustomerClustersError) -> RunResult:
        ref, name = arguments.ref, arguments.name
        return record_failure(
            name, arguments.identity, ref.address, spec, runs, error, notices=notices
        )

    for tries in range(1, _TRIES + 1):
        try:
            with open_object(runs.files.client, arguments.ref, arguments.name) as source:
                result = score(source, spec, runs, InParts(run, part_bytes), notices=notices)
        except (WrongFile, WrongArtifact) as error:
            result = failed(error)
        except Skipped as error:
            result = failed(Gone(arguments.ref.address, str(error)))
        except Temporary as error:
            log({"level": "warning", "message": "tried in vain", "error": str(error)})
            if tries < _TRIES:
                sleep(_WAIT_SECONDS)
                continue
            result = failed(JobFailed(str(error)))
        break
    key = f"{arguments.name}/{spec.run_id(arguments.identity)}"
    runs.files.delete(f"{key}/{PENDING}")
    return result


def _spec(arguments: JobArguments, trusted: tuple[str, ...]) -> ScoringSpec:
    store = open_store(arguments.store, trusted)
    artifact, challenger = store.open(arguments.model), None
    if arguments.challenger is not None:
        challenger = load_challenger(store, arguments.challenger, artifact.version)
    options = replace(arguments.options, challenger=challenger)
    return ScoringSpec(load_model(artifact), artifact.version, options)


def main(arguments: Sequence[str]) -> int:
    """0 when results were written, 1 when a failure was."""
    from pipeline.scoring.parts.spark import OnSpark, spark

    given = JobArguments.from_list(arguments)
    settings = Settings.from_environment(os.environ)
    try:
        with spark(None, os.environ) as session:
            result = perform(given, OnSpark(session), settings.trusted_keys)
    except CustomerClustersError as error:
        logs.write({"level": "error", "message": "given up", "error": str(error)})
        return 1
    facts: dict[str, Any] = {"run": result.run}
    if result.state == "failed":
        logs.write({"level": "error", "message": "failed for good", **facts})
        return 1
    logs.write({"level": "info", "message": "scored", **facts})
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
