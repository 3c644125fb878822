"""The shapes of answers about whole files; as in `schemas`, for machines."""

import sys
from typing import Literal

from functions.http.schemas import ProblemDocument

if sys.version_info >= (3, 12):
    from typing import TypedDict
else:  # pydantic reads only this one before 3.12
    from typing_extensions import TypedDict

JobState = Literal["queued", "running", "succeeded", "failed"]
"""Where a job stands. The first two go on by themselves, the others are for good."""
OutputRole = Literal["assigned", "rejected", "report", "clusters", "summary", "manifest"]
NoticeLevel = Literal["alarm", "warning", "note", "fine"]


class JobCounts(TypedDict):
    """The rows of a file; `rows_in` is the sum of the other two."""

    rows_in: int
    rows_assigned: int
    rows_rejected: int


class JobCluster(TypedDict):
    """How many of the file's customers belong to a cluster."""

    id: int
    name: str
    customers: int
    share: float


class JobNotice(TypedDict):
    """What to know before the results are used; `alarm` means that they should not be."""

    level: NoticeLevel
    heading: str
    text: str
    advice: str


class JobOutput(TypedDict):
    """A file of the results; `href` is an address on this server, which may lead to another."""

    role: OutputRole
    name: str
    href: str
    bytes: int | None
    media_type: str


class JobUpload(TypedDict):
    """Where the file is sent: a POST of `fields`, and then the file as `file`, as a form."""

    url: str
    fields: dict[str, str]
    max_bytes: int
    expires_at: str


class JobAnswer(TypedDict):
    """A file that is scored, and what became of it.

    `rows` are those read so far. `counts`, `clusters`, `notices` and `outputs` say something once
    the job has succeeded, `problem` once it has failed, and `upload` while a bucket waits for the
    file.
    """

    id: str
    state: JobState
    name: str | None
    created_at: str | None
    ended_at: str | None
    expires_at: str | None
    model_version: str | None
    rows: int | None
    counts: JobCounts | None
    clusters: list[JobCluster]
    notices: list[JobNotice]
    outputs: list[JobOutput]
    page: str | None
    problem: ProblemDocument | None
    upload: JobUpload | None


JOB_ANSWERS = (JobAnswer,)
"""What `openapi` describes."""
