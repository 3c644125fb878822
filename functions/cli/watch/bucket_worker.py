"""The worker over a bucket, made of the environment and of what the command line says over it."""

import os
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from functions import logs
from functions.cli.watch.drop_bucket import DropBucket
from functions.cli.watch.said_once import SaidOnce
from functions.live_models import LiveModels
from functions.notices import logged, notices_from
from functions.s3 import Batch
from functions.settings import BatchSettings, Settings
from functions.settings.models import NamedModel
from functions.settings.variables import variables_of
from functions.telemetry import SILENT, Telemetry
from functions.telemetry.files import observed
from functions.telemetry.models import facts_of
from model_store import CustomerClustersError, S3Address
from model_store.extras import needs_extra
from pipeline.errors import WrongFile
from pipeline.reading.options import ReadingOptions
from pipeline.runs import WholeFile
from pipeline.runs.challengers import Challengers
from pipeline.scoring.process.isolated import isolated

_PLAIN = ("format", "safe_csv", "max_rejected_share", "challenger")
_EXPLAINING = ("why", "sentences", "what_if")


def bucket_worker(
    inbox: str,
    interval: float,
    lease: float,
    stated: Collection[str],
    chosen: Mapping[str, Any],
    telemetry: Telemetry = SILENT,
) -> DropBucket:
    """A worker that has looked at nothing yet.

    Args:
        inbox: The address of what is watched.
        interval: Seconds between looks.
        lease: Seconds that a lease holds.
        stated: The names of the options that the command line says.
        chosen: Every option, with its default where it is not stated.
        telemetry: Takes figures and spans.

    Raises:
        WrongSetting: A variable cannot be used.
        WrongAddress: An address names no bucket.
        WrongFile: The results would come back as input.
        MissingExtra: boto3 is not installed.
    """
    with needs_extra(inbox, "aws"):
        from pipeline.runs.s3 import S3Runs
    log = SaidOnce(logs.write)
    known = _settings(chosen)
    batch = _batch_settings(inbox, stated, chosen)
    models, challengers = LiveModels.from_settings(known), None

    def without(why: CustomerClustersError) -> None:
        log({"level": "warning", "message": f"scored without a challenger: {why}"})

    if batch.challenger is not None:
        challengers = Challengers(models.default.store, batch.challenger, without)
    worker = Batch(
        batch,
        S3Runs.at(batch.output),
        models.default,
        observed(WholeFile(isolated()), telemetry, "s3", counts=False),
        model_ttl_seconds=known.model_ttl_seconds,
        challengers=challengers,
        periods=known.as_of_pattern,
        index_key=known.index_key,
        log=log,
        measure=telemetry.measure,
        notices=notices_from(os.environ, logged(log)),
        models=models if known.models else None,
    )
    telemetry.watch(lambda: [facts_of(each, models.named(each)) for each in models.names])
    return DropBucket(worker, log, interval, lease)


def _settings(chosen: Mapping[str, Any]) -> Settings:
    """The settings, with another default model where the options say one."""
    known = Settings.from_environment(os.environ)
    store, reference = chosen["store"], chosen["reference"]
    if (store, reference) == (known.store, known.model):
        return known
    models = known.models
    if models:
        models = (NamedModel(models[0].name, store, reference), *models[1:])
    return replace(known, store=store, model=reference, models=models)


def _batch_settings(
    inbox: str, stated: Collection[str], chosen: Mapping[str, Any]
) -> BatchSettings:
    dropped, results = S3Address.from_string(inbox), S3Address.from_string(chosen["out"])
    if dropped.overlaps(results):
        raise WrongFile(inbox, f"is watched; results need another place than {results}")
    names = variables_of(BatchSettings)
    both = {names["input"].name: inbox, names["output"].name: chosen["out"]}
    settings = BatchSettings.from_environment({**os.environ, **both})
    over = {name: chosen[name] for name in _PLAIN if name in stated}
    if any(name in stated for name in _EXPLAINING):
        explaining = chosen["explaining"]
        over |= {name: getattr(explaining, name) for name in _EXPLAINING}
    reading = {**settings.reading.texts, **chosen["reading"].texts}
    return replace(settings, reading=ReadingOptions.from_texts(reading), **over)
