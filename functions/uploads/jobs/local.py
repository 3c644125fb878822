"""Jobs where there is a disk: a file waits its turn, and its results are kept for a while.

The file is scored by what scores those of the page, and its results are those of the page too: the
id of a job is the id under which `/files` shows them.
"""

import asyncio
import hashlib
import json
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from functions.http.routes import model_for
from functions.http.schemas import JobAnswer
from functions.live_model import LoadedModel
from functions.logs import Log
from functions.uploads.jobs.answers import answered, failed, job_answer, no_job, succeeded
from functions.uploads.jobs.body import said_in_query, save_file
from functions.uploads.jobs.folders import (
    INPUT,
    JobFolders,
    JobRecord,
    Unfinished,
    now,
)
from functions.uploads.jobs.idempotency import idempotency_key, job_id, other_body, secret_in
from functions.uploads.jobs.worker import JobWorker, QueuedJob
from functions.uploads.local_uploads import RECEIVE_SECONDS, LocalUploads
from functions.uploads.results import JOBS, RECORD
from functions.uploads.upload import Upload
from pipeline.hashing import identity_of_file
from pipeline.runs.notices import Notices
from pipeline.runs.store import FAILED

_ASK_SECONDS = 1
"""So soon a client may ask again: most files take no longer."""


class LocalJobs:
    """Answers for the jobs of this machine, whichever of its processes took them."""

    def __init__(
        self, uploads: LocalUploads, make_notices: Callable[[], Notices], log: Log
    ) -> None:
        """Nothing runs yet.

        Args:
            uploads: The page for files, whose room, turn and results are those of jobs.
            make_notices: Makes who is told, of the settings.
            log: Gets a line for each job.
        """
        self._uploads, self._results = uploads, uploads.results
        self._folders = JobFolders(uploads.results)
        self._worker = JobWorker(uploads, self._folders, make_notices, log)

    def stop(self) -> None:
        """End the jobs of this process."""
        self._worker.stop()

    async def jobs(self, request: Request) -> Response:
        """Take a file, and have it wait its turn."""
        loaded = model_for(request, self._uploads.live_model)
        key, said = idempotency_key(request), said_in_query(request)
        limit = self._uploads.settings.max_upload_bytes
        await asyncio.to_thread(self._folders.refuse_if_full)
        async with self._uploads.room() as folder:
            path = folder / INPUT
            upload = await save_file(request, path, said, limit, RECEIVE_SECONDS)
            job = await asyncio.to_thread(self._add, request, path, upload, loaded, key)
        return answered(request, await self._answer(request, job), 202, _ASK_SECONDS)

    async def job(self, request: Request) -> Response:
        """Where a job stands; or its end."""
        job = request.path_params["id"]
        if request.method == "DELETE":
            if not await asyncio.to_thread(self._remove, job):
                raise no_job()
            return Response(status_code=204)
        answer = await self._answer(request, job)
        goes_on = answer["state"] in ("queued", "running")
        return answered(request, answer, seconds=_ASK_SECONDS if goes_on else None)

    async def output(self, request: Request) -> Response:
        """A file of the results."""
        return await self._uploads.kept.download(request)

    def _add(
        self, request: Request, path: Path, upload: Upload, loaded: LoadedModel, key: str | None
    ) -> str:
        """Have a file wait, unless its key came before; the id of its job.

        Raises:
            ProblemError: The key came with another file, or with other options.
        """
        name = str(request.scope.get("model_name", ""))
        job, digest = job_id(request, key, self._secret if key else b""), ""
        if key:
            said = [identity_of_file(path), upload.name, upload.choices, name]
            digest = hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()
        record = JobRecord(upload.name, loaded.version, now(), name, digest)
        before = self._before(job) if key else None
        if before is None:
            hold = self._folders.add(job, path, record)
            if hold is not None:
                request_id = str(request.scope["request_id"])
                trace = self._uploads.telemetry.carrier()
                self._worker.put(QueuedJob(hold, upload, loaded, request_id, trace))
                return job
            before = self._before(job)  # another request with the key was faster
        if before is not None and before.digest != digest:
            raise other_body()
        return job

    def _before(self, job: str) -> JobRecord | None:
        """What is known of a job that a client may have sent before."""
        ended, unfinished = self._find(job)
        if unfinished is not None:
            return unfinished.record
        return None if ended is None else JobRecord.read(ended)

    def _find(self, job: str) -> tuple[Path | None, Unfinished | None]:
        """The folder of a job that has ended, or how far it is; neither where there is none.

        What has ended is looked for once more at the end: it may have ended meanwhile.
        """
        if (ended := self._ended_folder(job)) is not None:
            return ended, None
        if (unfinished := self._folders.find(job)) is not None:
            return None, unfinished
        return self._ended_folder(job), None

    def _ended_folder(self, job: str) -> Path | None:
        folder = self._results.folder_of(job)
        return folder if folder is not None and (folder / RECORD).exists() else None

    async def _answer(self, request: Request, job: str) -> JobAnswer:
        """Where a job stands; ProblemError where there is none."""
        return await asyncio.to_thread(self._read, request, job)

    def _read(self, request: Request, job: str) -> JobAnswer:
        folder, unfinished = self._find(job)
        if unfinished is not None:
            return _unfinished(job, unfinished)
        record = JobRecord.read(folder) if folder is not None else None
        if folder is None or record is None:
            raise no_job()
        with suppress(FileNotFoundError):
            failure = json.loads((folder / FAILED).read_text(encoding="utf-8"))
            return self._failed(request, job, failure, record)
        kept = self._uploads.kept.read(job)
        if kept is None:  # it is swept away this moment
            raise no_job()
        request.scope["model_version"] = record.model_version
        return succeeded(request, kept[1], record.created_at)

    def _failed(
        self, request: Request, job: str, failure: dict[str, Any], record: JobRecord
    ) -> JobAnswer:
        expires = datetime.fromisoformat(failure["time"]).astimezone(UTC)
        expires += timedelta(seconds=self._results.seconds)
        said = {"created_at": record.created_at, "expires_at": expires.isoformat()}
        return failed(request, job, {**failure, **said})

    def _remove(self, job: str) -> bool:
        """End a job, or remove what is kept of it; whether there was one."""
        if self._find(job) == (None, None):
            return False
        self._folders.remove(job)
        self._results.remove(job)
        return True

    @cached_property
    def _secret(self) -> bytes:
        return secret_in(self._results.shared(JOBS))


def _unfinished(job: str, unfinished: Unfinished) -> JobAnswer:
    record, rows = unfinished.record, unfinished.rows
    return job_answer(
        job,
        "queued" if rows is None else "running",
        name=record.name,
        created_at=record.created_at,
        model_version=record.model_version,
        rows=rows,
    )
