"""What a job answers, wherever its file is scored."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, cast

from pydantic_core import to_json
from starlette.requests import Request
from starlette.responses import Response

from functions.http.problems import ProblemError, problem_document
from functions.http.schemas import (
    JobAnswer,
    JobCluster,
    JobNotice,
    JobOutput,
    JobState,
    OutputRole,
)
from functions.web.rendering import link
from functions.web.run import ScoredFile
from pipeline.scoring.documents import Failure, Manifest
from pipeline.scoring.report.highlights import notices
from pipeline.scoring.writing.outputs import MANIFEST

JOBS_PATH = "/v1/jobs"
_MEDIA_TYPES = {
    "csv": "text/csv",
    "html": "text/html",
    "json": "application/json",
    "parquet": "application/vnd.apache.parquet",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
_ROLES: tuple[OutputRole, ...] = ("assigned", "rejected", "report", "clusters", "summary")


def job_answer(job: str, state: JobState, **known: Any) -> JobAnswer:
    """What is known of a job; null for what is not.

    Args:
        job: Its id.
        state: Where it stands.
        known: The other fields of `JobAnswer`.
    """
    answer: JobAnswer = {
        "id": job,
        "state": state,
        "name": None,
        "created_at": None,
        "ended_at": None,
        "expires_at": None,
        "model_version": None,
        "rows": None,
        "counts": None,
        "clusters": [],
        "notices": [],
        "outputs": [],
        "page": None,
        "problem": None,
        "upload": None,
    }
    return cast(JobAnswer, {**answer, **known})


def succeeded(request: Request, file: ScoredFile, created_at: str | None) -> JobAnswer:
    """A job whose results can be had.

    Args:
        request: The request that it answers.
        file: What was scored.
        created_at: When the job was.
    """
    manifest = file.manifest
    expires = file.scored + timedelta(minutes=file.minutes) if file.minutes is not None else None
    return job_answer(
        file.id,
        "succeeded",
        name=file.name,
        created_at=created_at,
        ended_at=_time(file.scored),
        expires_at=expires and _time(expires),
        model_version=manifest["model_version"],
        rows=manifest["rows_in"],
        counts={
            "rows_in": manifest["rows_in"],
            "rows_assigned": manifest["rows_assigned"],
            "rows_rejected": manifest["rows_rejected"],
        },
        clusters=_clusters(file),
        notices=_notices(file),
        outputs=_outputs(request, file.id, manifest),
        page=link(request, f"/files/{file.id}"),
    )


def failed(request: Request, job: str, failure: Failure | Mapping[str, Any]) -> JobAnswer:
    """A job that has failed for good.

    Args:
        request: The request that it answers.
        job: Its id.
        failure: What `failed.json` says, with `name` for the file's own name and `reason` without
            our address of it.
    """
    said = cast(Mapping[str, Any], failure)
    status, code = said.get("status", 422), said.get("code", "invalid_file")
    problem = ProblemError(
        status, said["reason"], code=code if "status" in said else "invalid_file"
    )
    return job_answer(
        job,
        "failed",
        name=said.get("name") or said["input"]["name"],
        created_at=said.get("created_at"),
        ended_at=said.get("time"),
        expires_at=said.get("expires_at"),
        model_version=said.get("model_version"),
        problem=problem_document(problem, str(request.scope["request_id"])),
    )


def answered(
    request: Request, answer: JobAnswer, status: int = 200, seconds: int | None = None
) -> Response:
    """The response.

    Args:
        request: The request that it answers.
        answer: The document.
        status: The status.
        seconds: When to ask again; None where that is of no use.
    """
    headers = {}
    if status != 200:
        headers["Location"] = link(request, f"{JOBS_PATH}/{answer['id']}")
    if seconds is not None:
        headers["Retry-After"] = str(seconds)
    return Response(to_json(answer), status, headers, "application/json")


def no_job() -> ProblemError:
    """What is answered where there is no job of an id, or no longer."""
    return ProblemError(404, "there is no such job, or no longer", code="job_gone")


def media_type(name: str) -> str:
    """The media type of a file of a run, by its name."""
    return _MEDIA_TYPES.get(name.rpartition(".")[2], "application/octet-stream")


def _clusters(file: ScoredFile) -> list[JobCluster]:
    return [
        {
            "id": each["cluster"],
            "name": each["cluster_name"],
            "customers": each["customers"],
            "share": each["share"],
        }
        for each in file.summary["clusters"]
    ]


def _notices(file: ScoredFile) -> list[JobNotice]:
    return [
        {
            "level": each.level,
            "heading": each.heading,
            "text": each.text,
            "advice": each.advice,
        }
        for each in notices(file.loaded.model, file.summary)
    ]


def _outputs(request: Request, job: str, manifest: Manifest) -> list[JobOutput]:
    outputs: list[tuple[OutputRole, str]] = [
        (role, manifest["outputs"][role].rpartition("/")[2]) for role in _ROLES
    ]
    return [
        {
            "role": role,
            "name": name,
            "href": link(request, f"{JOBS_PATH}/{job}/outputs/{name}"),
            "bytes": manifest["bytes"].get(name),
            "media_type": media_type(name),
        }
        for role, name in [*outputs, ("manifest", MANIFEST)]
    ]


def _time(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")
