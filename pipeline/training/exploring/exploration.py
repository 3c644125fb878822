"""The result of an exploration: plain values that become JSON or a page."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

from pipeline.model.churn import ChurnRate
from pipeline.model.contract import Value
from pipeline.training.exploring.leaks import Evidence
from pipeline.training.statistics.effects import Histogram, Spread
from pipeline.training.statistics.redundancy import Correlation, NearDuplicate
from pipeline.training.statistics.shapes import ChurnShape

Role = Literal["id", "label", "number", "category", "leaking", "other"]
GROUPS = ("stayed", "churned")


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the file: what the contract makes of it, and its gaps."""

    name: str
    role: Role
    missing: int
    stand_in: Value | None
    """What the contract reads where a value is missing."""


@dataclass(frozen=True, slots=True)
class RefusedValues:
    """Values of one column that the contract refuses for the same reason."""

    column: str
    code: str
    rows: int
    expected: str
    examples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Labels:
    """How many customers churned."""

    column: str
    churned: int
    stayed: int
    unknown: int
    churn: ChurnRate | None


@dataclass(frozen=True, slots=True)
class NumberProfile:
    """A numeric feature, of everyone and of both groups."""

    name: str
    label: str
    unit: str
    everyone: Spread | None
    stayed: Spread | None
    churned: Spread | None
    cohens_d: float | None
    """Mean of the churned less that of the stayed, in pooled standard deviations."""
    skewness: float | None
    flag: bool
    """Whether it has two values only: it says yes or no, and no shape is asked of it."""
    shape: ChurnShape | None
    """The churn rate by tenth; None without a label."""
    outside_typical: float
    """Share of the customers."""
    histogram: Histogram | None


@dataclass(frozen=True, slots=True)
class CategoryCount:
    """One value of a category."""

    value: str
    customers: int
    share: float
    stayed: int
    stayed_share: float | None
    """Of all that stayed."""
    churned: int
    churned_share: float | None
    """Of all that churned."""
    churn: ChurnRate | None


@dataclass(frozen=True, slots=True)
class CategoryProfile:
    """A categorical feature, in the contract's order of values."""

    name: str
    label: str
    values: tuple[CategoryCount, ...]
    cramers_v: float | None


@dataclass(frozen=True, slots=True)
class Exploration:
    """What one customer file holds, before anything is trained on it."""

    file: str
    sha256: str
    contract: str
    title: str
    rows: int
    broken_rows: dict[str, int]
    """Code → rows that the format breaks; they are in `rows` and nowhere else."""
    duplicate_rows: int
    """Rows that equal an earlier one in every column; they are in `rows` and nowhere else."""
    customers: int
    """The rows that everything below is about."""
    repeated_ids: int
    repeated_id_examples: tuple[str, ...]
    columns: tuple[Column, ...]
    missing_columns: tuple[str, ...]
    """Declared by the contract and not in the file."""
    leaking_columns: tuple[str, ...]
    """Those of the file that the contract keeps from being a feature, whatever they hold."""
    evidence: tuple[Evidence, ...]
    """Of every column but the label, whether or not the contract knows it."""
    labels: Labels | None
    refused: tuple[RefusedValues, ...]
    numbers: tuple[NumberProfile, ...]
    categories: tuple[CategoryProfile, ...]
    correlation: Correlation
    near_duplicates: tuple[NearDuplicate, ...]

    def to_dict(self) -> dict[str, Any]:
        """Ready for JSON; no value is NaN or infinite."""
        return asdict(self)
