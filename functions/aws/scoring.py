"""Scoring for a person, with files or results or both in S3: what the command line calls."""

import json
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from functions.aws.deadline import UNLIMITED
from functions.aws.objects import Source, found, listed
from functions.aws.runs import Beat, Place, Task, score_source, score_task
from model_store import S3Address
from model_store.storage.s3 import S3Storage
from model_store.storage.scratch import unfinished
from pipeline.errors import WrongFile
from pipeline.reading.listing import LocalFile, Tell
from pipeline.runs.jobs import Job, LocalScoring
from pipeline.scoring import (
    Engine,
    Input,
    Progress,
    local_input,
    score_input,
    score_into,
    summary_of,
)

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class Scoring:
    """Scores files of this machine and objects in S3 into a folder or a prefix."""

    def __init__(self, out: str, engine: Engine = score_into) -> None:
        """`out` is a folder, or s3://bucket/prefix; WrongAddress when it can be neither."""
        self._engine = engine
        in_s3 = out.startswith(S3Address.SCHEME)
        self._out: S3Address | Path = S3Address.from_string(out) if in_s3 else Path(out)

    def sources(self, address: str, tell: Tell = lambda note: None) -> list[Source]:
        """What s3://bucket/key or s3://bucket/prefix/ means; WrongFile when that is nothing."""
        return listed(self._client, S3Address.from_string(address), tell)

    def score(
        self, source: Source | LocalFile, job: Job, progress: Progress = lambda rows: None
    ) -> dict[str, Any]:
        """The manifest of the run, which is done now or was already.

        A run that failed before is tried again: a person asks for it. Errors are those of
        `score_file` and `functions.aws.runs.score_source`.
        """
        if isinstance(self._out, Path):
            if isinstance(source, LocalFile):
                return LocalScoring(str(self._out), self._engine).score(source, job, progress)
            return self._fetched(source, job, self._out, progress)
        place = Place(S3Storage(self._client, self._out), engine=self._engine)
        if isinstance(source, Source):
            return score_source(source, place, job, progress, retry_failed=True).document
        here = local_input(source.path, source.name)

        def fetch(folder: Path, beat: Beat) -> Path:
            return here.path

        task = Task(here.name, str(here.path), here.identity, fetch, here.state)
        return score_task(task, place, job, progress, retry_failed=True).document

    def summary(self, manifest: Mapping[str, Any]) -> dict[str, Any]:
        """The summary that a run wrote."""
        if isinstance(self._out, Path):
            return summary_of(manifest, self._out)
        content = S3Storage(self._client, self._out).read(manifest["outputs"]["summary"])
        found: dict[str, Any] = json.loads(content)
        return found

    def _fetched(self, source: Source, job: Job, out: Path, progress: Progress) -> dict[str, Any]:
        with unfinished() as folder, found(self._client, source) as opened:
            path = folder / "input"
            opened.save(path, UNLIMITED, lambda: None)
            here = Input(path, source.name, opened.identity)
            try:
                model, version = job.model, job.version
                return score_input(here, model, version, out, job.options, progress, self._engine)
            except WrongFile as error:
                raise error.about(source.address) from error

    @cached_property
    def _client(self) -> "S3Client":
        return self._files.client

    @cached_property
    def _files(self) -> S3Storage:
        """Any place will do: one client reaches every bucket."""
        return S3Storage.at(S3Address("any-bucket"))
