"""Jobs where there are buckets, as on Lambda: a form takes the file there, S3 calls what scores it.

Where a job stands is what the batch function and the buckets show: no file and no state is here.
"""

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

from starlette.requests import Request
from starlette.responses import Response

from functions.http.problems import ProblemError
from functions.http.routes import model_for
from functions.http.schemas import JobAnswer, JobUpload
from functions.settings import Settings
from functions.uploads.bucket_uploads import BucketUploads
from functions.uploads.jobs.answers import answered, failed, job_answer, no_job, succeeded
from functions.uploads.jobs.body import NAME, options_of, said_in_query
from functions.uploads.jobs.idempotency import HEADER, idempotency_key, job_id
from functions.uploads.jobs.options_file import options_file
from functions.uploads.upload import Upload, shown_name

if TYPE_CHECKING:
    from functions.uploads.bucket import BucketFiles
    from functions.uploads.jobs.bucket_state import BucketJob, BucketState

T = TypeVar("T")
_ASK_SECONDS = 5
_OURS = {"wrong_artifact", "job_failed", "job_not_started"}
"""Why a run failed that the file is not to blame for."""


class BucketJobs:
    """Answers for the jobs of two buckets."""

    def __init__(self, uploads: BucketUploads, settings: Settings) -> None:
        self._uploads, self._settings = uploads, settings

    def stop(self) -> None:
        """Nothing of it runs here."""

    async def jobs(self, request: Request) -> Response:
        """Make a job, and a form that takes its file."""
        model_for(request, self._uploads.live_model)
        _refuse_name(request)
        key, said = idempotency_key(request), said_in_query(request)
        _refuse_body(request)
        name = shown_name(said.pop(NAME).encode(errors="replace")) if NAME in said else None
        upload = Upload.of(name or "", said)
        options_of(upload)
        options = options_file(upload)
        job = job_id(request, key, self._secret if key else b"")

        def make(files: "BucketFiles") -> JobUpload:
            self._state(files).announce(job, options, by_key=key is not None)
            return _form(files, job, name)

        form = await self._uploads.from_s3(request, make)
        answer = job_answer(job, "queued", name=name, upload=form)
        return answered(request, answer, 201, _ASK_SECONDS)

    async def job(self, request: Request) -> Response:
        """Where a job stands; or its end."""
        job = request.path_params["id"]
        if request.method == "DELETE":
            if not await self._ask(request, lambda state: state.remove(job)):
                raise no_job()
            return Response(status_code=204)
        found = await self._ask(request, lambda state: state.find(job))
        if found is None:
            raise no_job()
        answer = await self._answer(request, job, found)
        return answered(request, answer, seconds=None if found.run else _ASK_SECONDS)

    async def output(self, request: Request) -> Response:
        """To a file of the results, in S3."""
        return await self._uploads.download(request)

    async def _answer(self, request: Request, job: str, found: "BucketJob") -> JobAnswer:
        run = found.run
        if run is None:
            return job_answer(
                job,
                "running" if found.running else "queued",
                name=found.name,
                created_at=found.created and found.created.isoformat(timespec="seconds"),
                rows=found.rows,
            )
        if not run.failed:
            return succeeded(request, await self._uploads.scored_file(request, run), None)
        ours = run.document.get("code") in _OURS
        status, code = (500, "internal_error") if ours else (422, "invalid_file")
        said = {"name": run.name, "reason": run.reason, "status": status, "code": code}
        return failed(request, job, {**run.document, **said})

    async def _ask(self, request: Request, ask: "Callable[[BucketState], T]") -> T:
        return await self._uploads.from_s3(request, lambda files: ask(self._state(files)))

    @staticmethod
    def _state(files: "BucketFiles") -> "BucketState":
        from functions.uploads.jobs.bucket_state import BucketState  # it brings boto3

        return BucketState(files)

    @cached_property
    def _secret(self) -> bytes:
        """What ids are made with; ProblemError where nothing kept them from being guessed."""
        text = self._settings.job_key or ",".join(sorted(map(str, self._settings.api_keys)))
        if not text:
            needed = "CUSTOMER_CLUSTERS_JOB_KEY or keys of the API"
            raise ProblemError(422, f"{HEADER} is taken where {needed} are set")
        return hashlib.sha256(f"jobs {text}".encode()).digest()


def _form(files: "BucketFiles", job: str, name: str | None) -> JobUpload:
    from functions.uploads.bucket import ANY_NAME, UPLOAD_SECONDS

    form = files.form(job, name=name or ANY_NAME)
    expires = datetime.now(UTC) + timedelta(seconds=UPLOAD_SECONDS)
    return {
        "url": form.address,
        "fields": dict(form.fields),
        "max_bytes": files.max_bytes,
        "expires_at": expires.isoformat(timespec="seconds"),
    }


def _refuse_name(request: Request) -> None:
    """ProblemError for a model that the batch function would not know of."""
    if name := request.scope.get("model_name"):
        words = f"with buckets a file for the model {name} is dropped into the folder {name}/"
        raise ProblemError(422, words)


def _refuse_body(request: Request) -> None:
    """ProblemError for a file that is sent here and not to the bucket."""
    headers = request.headers
    if headers.get("content-length", "0") != "0" or "transfer-encoding" in headers:
        words = "send no file here: the answer has the form that takes it to the bucket"
        raise ProblemError(422, words)
