"""A whole file that the server scores: what is said of it, and what becomes of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal, TypedDict

State = Literal["queued", "running", "succeeded", "failed"]
"""Where a job stands. The first two go on by themselves, the others are for good."""


class JobOptions(TypedDict, total=False):
    """What may be said of a file; each means what it means for the command `score`."""

    format: Literal["csv", "parquet", "xlsx"]
    """What the rows come back as; without it, as they came."""
    delimiter: str
    decimal: str
    thousands: str
    encoding: str
    sheet: str
    header_row: int
    map: Mapping[str, str]
    """Names of columns in the file → those of the contract."""
    safe_csv: bool
    """Whether cells that a spreadsheet would run are made harmless."""
    max_rejected_share: float
    why: int
    """So many of the weightiest reasons of each row."""
    sentences: bool
    what_if: bool
    as_of: date | str
    """The day of the period that the file belongs to."""


@dataclass(frozen=True, slots=True)
class JobCounts:
    """The rows of a file; `rows_in` is the sum of the other two."""

    rows_in: int
    rows_assigned: int
    rows_rejected: int


@dataclass(frozen=True, slots=True)
class JobCluster:
    """How many of the file's customers belong to a cluster."""

    id: int
    name: str
    customers: int
    share: float


@dataclass(frozen=True, slots=True)
class JobNotice:
    """What to know before the results are used; `alarm` means that they should not be."""

    level: Literal["alarm", "warning", "note", "fine"]
    heading: str
    text: str
    advice: str


@dataclass(frozen=True, slots=True)
class JobOutput:
    """A file of the results; `role` is assigned, rejected, clusters, summary, report, manifest."""

    role: str
    name: str
    href: str
    bytes: int | None
    media_type: str


@dataclass(frozen=True, slots=True)
class JobUpload:
    """Where a file is sent that goes into a bucket: the fields, and then the file, as a form."""

    url: str
    fields: Mapping[str, str]
    max_bytes: int
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Job:
    """A file that is scored, and what became of it.

    `rows` are those read so far. `counts`, `clusters`, `notices` and `outputs` say something once
    the job has succeeded, and `problem` once it has failed.
    """

    id: str
    state: State
    name: str | None = None
    created_at: datetime | None = None
    ended_at: datetime | None = None
    expires_at: datetime | None = None
    """When the results go."""
    model_version: str | None = None
    rows: int | None = None
    counts: JobCounts | None = None
    clusters: tuple[JobCluster, ...] = ()
    notices: tuple[JobNotice, ...] = ()
    outputs: tuple[JobOutput, ...] = ()
    page: str | None = None
    """Where people see the results."""
    problem: Mapping[str, Any] | None = None
    """Why it failed, as a problem document."""
    upload: JobUpload | None = None

    @property
    def ended(self) -> bool:
        """Whether it has succeeded or failed."""
        return self.state in ("succeeded", "failed")


def option_texts(options: JobOptions) -> list[tuple[str, str]]:
    """Options as the parameters of an address have them.

    Example:
        >>> option_texts({"why": 3, "safe_csv": True, "map": {"Spend": "Total_Trans_Amt"}})
        [('why', '3'), ('safe_csv', 'true'), ('map', 'Spend=Total_Trans_Amt')]
    """
    texts: list[tuple[str, str]] = []
    for name, value in options.items():
        if isinstance(value, Mapping):
            texts += [(name, f"{theirs}={ours}") for theirs, ours in value.items()]
        elif isinstance(value, bool):
            texts.append((name, "true" if value else "false"))
        elif value is not None:
            texts.append((name, str(value)))
    return texts
