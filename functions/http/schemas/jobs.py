"""Answers about whole files."""

from typing import Literal

from functions.http.schemas.forms import ClusterId, Count, Share, Timestamp, TypedDict
from functions.http.schemas.problems import ProblemDocument

JobState = Literal["queued", "running", "succeeded", "failed"]
OutputRole = Literal["assigned", "rejected", "report", "clusters", "summary", "manifest"]


class JobCounts(TypedDict):
    """The rows of a file."""

    rows_in: Count
    """All of them: the sum of the other two."""
    rows_assigned: Count
    """Those that belong to a cluster now."""
    rows_rejected: Count
    """Those that could not be scored; the output `rejected` says why."""


class JobCluster(TypedDict):
    """How many of the file's customers belong to a cluster."""

    id: ClusterId
    """As in `/v1/clusters`."""
    name: str
    """A few words for people."""
    customers: Count
    """How many of them."""
    share: Share
    """Their share in all assigned customers of the file."""


class JobNotice(TypedDict):
    """What to know before the results are used."""

    level: Literal["alarm", "warning", "note", "fine"]
    """`alarm`: do not use them yet; `warning`: look first; `fine`: nothing is unusual."""
    heading: str
    """It in a few words."""
    text: str
    """What was found."""
    advice: str
    """What to do; empty where nothing need be done."""


class JobOutput(TypedDict):
    """A file of the results."""

    role: OutputRole
    """What it is; the same for every job."""
    name: str
    """What it is called, after the kind of file: `assigned.csv`."""
    href: str
    """Its address on this server, which may lead on to another one."""
    bytes: Count | None
    """How large it is; null where that is not known."""
    media_type: str
    """Its content type."""


class JobUpload(TypedDict):
    """Where the file of a job is sent: a form as `multipart/form-data`, which holds for a while."""

    url: str
    """Where the form is posted to."""
    fields: dict[str, str]
    """The fields of the form, all of them; the file comes last, as the field `file`."""
    max_bytes: Count
    """How large the file may be."""
    expires_at: Timestamp
    """Until when the form is taken."""


class JobAnswer(TypedDict):
    """A file that is scored, and what became of it."""

    id: str
    """It cannot be guessed: whoever has it, and a key where keys are set, may look."""
    state: JobState
    """Where it stands; `succeeded` and `failed` are for good."""
    name: str | None
    """What the file is called; null while a bucket waits for it."""
    created_at: Timestamp | None
    """When the file was taken; null where that is not known any more."""
    ended_at: Timestamp | None
    """When it succeeded or failed."""
    expires_at: Timestamp | None
    """Until when it can be asked for; null while it goes on, and where a bucket decides that."""
    model_version: str | None
    """The version of the model that scores it; null until that is known."""
    rows: Count | None
    """How many rows were read so far; null while it waits."""
    counts: JobCounts | None
    """Once it has succeeded."""
    clusters: list[JobCluster]
    """Once it has succeeded: every cluster, by id."""
    notices: list[JobNotice]
    """Once it has succeeded: the most urgent first, and at least one."""
    outputs: list[JobOutput]
    """Once it has succeeded: every file of the results."""
    page: str | None
    """Once it has succeeded: the address of the results for people."""
    problem: ProblemDocument | None
    """Once it has failed: why."""
    upload: JobUpload | None
    """Where there are buckets, in the answer that made the job: what takes its file."""
