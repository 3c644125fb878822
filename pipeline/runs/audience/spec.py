"""What an audience is made by, and what was counted on the way."""

from collections.abc import Collection
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime
from typing import Any, Literal, get_args

from pipeline.hashing import CONTROL_KEY
from pipeline.reading.options import WrongOption
from pipeline.scoring.documents import OUTPUT_FORMATS, OutputFormat

Order = Literal["risk", "churn_rate", "margin", "distance"]
ORDERS: tuple[Order, ...] = get_args(Order)
"""Columns that a list may be ordered by: the highest first, of distances the smallest."""
ORDERED_AT_MOST = 100_000
"""A longer list without `top` keeps the order of the file: it is not held in memory."""


def today() -> date:
    """The day in UTC."""
    return datetime.now(UTC).date()


@dataclass(frozen=True, slots=True)
class AudienceSpec:
    """Which customers of a run are listed, in which order, with which columns."""

    clusters: tuple[int, ...] = ()
    """Ids; none means all."""
    top: int | None = None
    """How many at most; None lists all."""
    by: Order | None = None
    """What orders them; None: `risk` where the run has it, else the churn rate of the group."""
    min_margin: float = 0.0
    """Customers nearer to a border are left out."""
    include_churned: bool = False
    """Whether customers stay in of whom the file says that they have churned."""
    exclude_outliers: bool = False
    columns: tuple[str, ...] = ()
    """Of the assigned file; none means all."""
    control: float = 0.0
    """Share of the customers that form the control group."""
    control_key: str = CONTROL_KEY
    """Another key draws another control group."""
    day: date = field(default_factory=today)
    """When the list was made, as its column `date` says."""
    format: OutputFormat = "csv"
    encoding: str | None = None
    """Of the run's text, where the file did not show it."""

    def __post_init__(self) -> None:
        """Check every value.

        Raises:
            WrongOption: One of them cannot be meant.
        """
        if self.top is not None and self.top < 1:
            raise WrongOption("top", "1 or more", str(self.top))
        if self.by not in (None, *ORDERS):
            raise WrongOption("by", f"one of {', '.join(ORDERS)}", str(self.by))
        if not 0 <= self.min_margin <= 1:
            raise WrongOption("min_margin", "a margin from 0 to 1", str(self.min_margin))
        if not 0 <= self.control < 1:
            raise WrongOption("control", "a share such as 10% or 0.1", str(self.control))
        if not self.control_key:
            raise WrongOption("control_key", "a text", "")
        if self.format not in OUTPUT_FORMATS:
            raise WrongOption("format", f"one of {', '.join(OUTPUT_FORMATS)}", self.format)


@dataclass(slots=True)
class AudienceCounts:
    """Every customer of the run is counted once: in the list, or under why it is not there."""

    assigned: int = 0
    """Customers of the run; the sum of those that follow, up to `listed`."""
    other_clusters: int = 0
    churned: int = 0
    """Left out, as the file says that they have churned."""
    outliers: int = 0
    near_border: int = 0
    """Left out for a margin below the least."""
    beyond_top: int = 0
    listed: int = 0
    control: int = 0
    """Of the listed."""
    churn_unknown: int = 0
    """Of all in the clusters: the file does not say whether they have churned."""

    @property
    def contact(self) -> int:
        """Of the listed: those that are no control."""
        return self.listed - self.control


@dataclass(frozen=True, slots=True)
class Audience:
    """What was written."""

    run: str
    model_version: str
    input: str
    """The name of the file that was scored."""
    day: date
    clusters: tuple[int, ...]
    """That it is of."""
    by: Order | None
    """What orders it; None where it has the order of the file."""
    counts: AudienceCounts
    churned_word: str | None
    """What people say of customers who churned; None where the file does not say who has."""
    implausible: tuple[str, ...] = ()
    """Features whose unit in the file is probably another one than training's."""

    def to_dict(self) -> dict[str, Any]:
        """As JSON for machines."""
        return {
            "run": self.run,
            "model_version": self.model_version,
            "input": self.input,
            "date": self.day.isoformat(),
            "clusters": list(self.clusters),
            "by": self.by,
            "implausible": list(self.implausible),
            "has_label": self.churned_word is not None,
            "counts": {**asdict(self.counts), "contact": self.counts.contact},
        }


def format_of(name: str) -> OutputFormat:
    """The format that a file's name ends in; CSV where it ends in none of them."""
    ending = name.rpartition(".")[2].lower()
    return next((each for each in OUTPUT_FORMATS if each == ending), "csv")


def share_of(text: str) -> float:
    """A share as people write it: 10% or 0.1.

    Raises:
        WrongOption: It is another text, or could be meant in two ways, as 10.
    """
    body, percent = text.strip().removesuffix("%"), text.strip().endswith("%")
    try:
        share = float(body) / (100 if percent else 1)
    except ValueError:
        share = -1.0
    if not 0 <= share < 1:
        raise WrongOption("control", "a share such as 10% or 0.1", text)
    return share


def unknown(wanted: Collection[Any], known: Collection[Any]) -> list[Any]:
    """What is wanted and not known, in its own order."""
    return [each for each in wanted if each not in known]
