"""What a job on Spark is told: one object, and where its results belong."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self
from urllib.parse import quote, unquote

from functions.aws.objects import Found, Source
from model_store import S3Address
from pipeline.reading.options import AUTODETECT, OPTIONS, ReadingOptions
from pipeline.runs.jobs import Job

_SAFE = "/:"


@dataclass(frozen=True, slots=True)
class Order:
    """One object to score."""

    source: Source
    identity: str
    results: str
    store: str
    model: str
    challenger: str | None = None
    """The version of a second model that assigns as well."""
    reading: ReadingOptions = AUTODETECT
    """How the object is written, where it does not show it."""

    @classmethod
    def of(cls, opened: Found, job: Job, store: str, results: str) -> Self:
        """The order to score an object that was looked at."""
        found = opened.source
        source = Source(found.bucket, found.key, found.name, opened.version, opened.etag)
        second = job.options.challenger
        theirs = None if second is None else second.version
        reading = job.options.reading
        return cls(source, opened.identity, results, store, job.version, theirs, reading)

    @property
    def arguments(self) -> list[str]:
        """As `from_arguments` reads them: in ASCII, for Java reads others by the locale it has."""
        told = {
            "bucket": self.source.bucket,
            "key": self.source.key,
            "name": self.source.name,
            "version-id": self.source.version,
            "etag": self.source.etag,
            "identity": self.identity,
            "results": self.results,
            "store": self.store,
            "model": self.model,
            "challenger": self.challenger,
            **{name.replace("_", "-"): text for name, text in self.reading.texts.items()},
        }
        return [f"--{name}={quote(value, safe=_SAFE)}" for name, value in told.items() if value]

    @classmethod
    def from_arguments(cls, arguments: Sequence[str]) -> Self:
        """SystemExit when they are others; WrongAddress when the results have none, WrongOption
        when an option about reading cannot be meant."""
        parser = argparse.ArgumentParser(description="Score one large object on Spark.")
        for name in ("bucket", "key", "name", "etag", "identity", "results", "store", "model"):
            parser.add_argument(f"--{name}", type=unquote, required=True)
        for name in ("version-id", "challenger", *(name.replace("_", "-") for name in OPTIONS)):
            parser.add_argument(f"--{name}", type=unquote)
        told = parser.parse_args(arguments)
        S3Address.from_string(told.results)
        source = Source(told.bucket, told.key, told.name, told.version_id, told.etag)
        reading = ReadingOptions.from_texts(vars(told))
        return cls(
            source, told.identity, told.results, told.store, told.model, told.challenger, reading
        )
