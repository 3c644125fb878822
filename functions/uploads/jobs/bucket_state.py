"""Jobs in S3: what tells that there is one, how far it is, and what takes it away.

Nothing is written down but the options beside the file, that somebody has deleted the job, and
what the batch function writes: all else is looked up.
"""

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from functions.aws.page_runs import DELETED, PAGE, RUNNING, STALE_SECONDS
from functions.aws.prefix_options import OPTIONS_FILE
from functions.uploads.bucket import BucketFiles, Run
from functions.uploads.jobs.idempotency import other_body
from model_store import Conflict, NotFound
from model_store.storage.s3 import S3Storage
from model_store.storage.s3_errors import translate_errors
from pipeline.runs.store import as_json

_PENDING = "pending.json"
_AT_ONCE = 1000
"""So many objects are removed by one request."""


@dataclass(frozen=True, slots=True)
class BucketJob:
    """A job that is there."""

    run: Run | None
    """Once it has ended."""
    running: bool = False
    rows: int | None = None
    name: str | None = None
    """What the file is called, once it has come."""
    created: datetime | None = None


class BucketState:
    """The jobs of two buckets."""

    def __init__(self, files: BucketFiles) -> None:
        self._files = files
        self._input = S3Storage(files.results.client, files.input.below(PAGE))

    def announce(self, job: str, options: bytes, *, by_key: bool) -> None:
        """Write the options of a job down, before its file can come.

        Args:
            job: Its id.
            options: The content of its `_options.toml`.
            by_key: Whether the id is that of a client's key, and may have come before.

        Raises:
            ProblemError: The key came with other options.
        """
        name = f"{job}/{OPTIONS_FILE}"
        if by_key:
            deleted = f"{PAGE}/{job}/{DELETED}"
            if self._files.results.exists(deleted):
                self._files.results.delete(deleted)
        try:
            self._input.create(name, options)
        except Conflict:
            with suppress(NotFound):
                if self._input.read(name) != options:
                    raise other_body() from None

    def find(self, job: str) -> BucketJob | None:
        """A job; None where there is none, or no longer."""
        if not self._files.is_id(job):
            return None
        entries = self._files.entries(job)
        if entries is None:
            return None
        if (run := self._files.ended(entries)) is not None:
            return BucketJob(run, name=run.name)
        under_way = [found for entry in entries if (found := self._running(entry)) is not None]
        if under_way:  # of a file in parts the plan is there as well, and says nothing of rows
            return next((each for each in under_way if each.rows is not None), under_way[0])
        return self._waiting(job)

    def remove(self, job: str) -> bool:
        """Remove the file of a job and its results, and end it if it runs; whether it was there."""
        if self.find(job) is None:
            return False
        results = self._files.results
        results.replace(f"{PAGE}/{job}/{DELETED}", as_json({"time": _now()}))
        self._delete(self._input, f"{job}/")
        self._delete(results, f"{PAGE}/{job}/", but=DELETED)
        return True

    def _running(self, entry: Any) -> BucketJob | None:
        """A run that is under way, by what the batch function has written of it."""
        below = str(entry["Key"]).removeprefix(self._files.results.address.folder)
        *folders, _, name = below.split("/")  # page, the job, what its file is called, the run
        file = "/".join(folders[2:])
        if name == _PENDING:  # Spark is at it, or many calls
            return BucketJob(None, running=True, name=file)
        age = datetime.now(UTC) - entry["LastModified"]
        if name != RUNNING or age > timedelta(seconds=STALE_SECONDS):
            return None
        rows = None
        with suppress(NotFound):  # it has ended this moment
            rows = int(json.loads(self._files.results.read(below))["rows"])
        return BucketJob(None, running=True, rows=rows, name=file)

    def _waiting(self, job: str) -> BucketJob | None:
        """A job whose file has not come, or was not looked at yet."""
        names = self._input.times(job)
        marker = names.pop(f"{job}/{OPTIONS_FILE}", None)
        if marker is None and not names:
            return None
        file = next((name.removeprefix(f"{job}/") for name in names), None)
        return BucketJob(None, name=file, created=marker)

    def _delete(self, storage: S3Storage, prefix: str, but: str = "") -> None:
        root = storage.address
        keys = [
            key
            for key in self._keys(storage, prefix)
            if not but or key != f"{root.folder}{prefix}{but}"
        ]
        with translate_errors("delete", prefix, str(root)):
            for start in range(0, len(keys), _AT_ONCE):
                storage.client.delete_objects(
                    Bucket=root.bucket,
                    Delete={
                        "Objects": [{"Key": key} for key in keys[start : start + _AT_ONCE]],
                        "Quiet": True,
                    },
                )

    @staticmethod
    def _keys(storage: S3Storage, prefix: str) -> Iterator[str]:
        root = storage.address
        with translate_errors("list", prefix, str(root)):
            pages = storage.client.get_paginator("list_objects_v2").paginate(
                Bucket=root.bucket, Prefix=f"{root.folder}{prefix}"
            )
            for page in pages:
                yield from (entry["Key"] for entry in page.get("Contents", []))


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
