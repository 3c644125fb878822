"""What customers are scored with: a model, its version and the options of a run."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from pipeline.errors import MAX_REJECTED_SHARE
from pipeline.reading.options import AUTODETECT, ReadingOptions
from pipeline.scoring.documents import (
    ExplainingDocument,
    OptionsDocument,
    OutputFormat,
    ScoredRows,
)
from pipeline.scoring.period import DEFAULT_PERIODS, PeriodPattern

if TYPE_CHECKING:  # options are read before a model is
    from pipeline.model.cluster_model import ClusterModel
    from pipeline.scoring.inputs import InputFile

Progress = Callable[[int], None]
"""Told the number of rows read so far; what it raises ends the run."""


@dataclass(frozen=True, slots=True)
class Challenger:
    """A second model, and its version."""

    model: "ClusterModel"
    version: str
    related: bool
    """Whether its ids were matched with the first model's: else the same id means nothing."""

    @property
    def ids(self) -> list[int | None]:
        """Its clusters' ids, and None for customers that it cannot assign."""
        return [*(cluster.id for cluster in self.model.clusters), None]


@dataclass(frozen=True, slots=True)
class Explaining:
    """What the rows of a run say of why they are where they are."""

    why: int = 0
    """So many reasons a customer, the weightiest first."""
    sentences: bool = False
    """Each of them in words too."""
    what_if: bool = False
    """The smallest change that leads to another cluster."""

    @property
    def facts(self) -> ExplainingDocument:
        """What is asked for, as the manifest has it; empty for nothing."""
        facts: ExplainingDocument = {}
        if self.why:
            facts["why"] = self.why
        if self.why and self.sentences:
            facts["sentences"] = True
        if self.what_if:
            facts["what_if"] = True
        return facts


NOTHING = Explaining()
"""Rows say where they are, and not why."""


@dataclass(frozen=True, slots=True)
class Options:
    """What a user may choose about a run; part of its identity."""

    format: OutputFormat | None = None
    """Of the assigned file; None keeps the input's, and writes CSV for a workbook."""
    max_rejected_share: float = MAX_REJECTED_SHARE
    reading: ReadingOptions = AUTODETECT
    """How files are written, where they do not show it."""
    safe_csv: bool = False
    """Cells that a spreadsheet would run as a formula get an apostrophe before them."""
    challenger: Challenger | None = None
    """A second model that assigns the customers as well."""
    explaining: Explaining = NOTHING
    """Why and what if, as further columns."""
    as_of: date | None = None
    """The date of the period that the input belongs to, where somebody said it."""

    @property
    def facts(self) -> OptionsDocument:
        """The options as the manifest has them; the run's id follows from them."""
        facts: OptionsDocument = {
            "format": self.format,
            "max_rejected_share": self.max_rejected_share,
            "safe_csv": self.safe_csv,
        }
        if self.reading != AUTODETECT:
            facts["reading"] = self.reading.facts
        if self.challenger is not None:
            facts["challenger"] = self.challenger.version
        if explaining := self.explaining.facts:
            facts["explaining"] = explaining
        if self.as_of is not None:
            facts["as_of"] = self.as_of.isoformat()
        return facts


@dataclass(frozen=True, slots=True)
class ScoringSpec:
    """Everything that decides about the results of an input, but for the input itself."""

    model: "ClusterModel"
    version: str
    """The version of the model."""
    options: Options = field(default_factory=Options)
    periods: PeriodPattern = DEFAULT_PERIODS
    """How a name says to which period its file belongs."""
    index_key: str = field(default="", repr=False)
    """A secret text: the run gets an index of its customers, hashed with it. Empty: none."""

    def as_of(self, name: str) -> date | None:
        """The date of the period that an input belongs to, as far as it was said.

        Args:
            name: What the input is called.
        """
        return self.options.as_of or self.periods.day(name)

    def run_id(self, identity: str) -> str:
        """The id of the run over an input: the same input, model and options have the same id.

        Args:
            identity: What tells the input from all others.
        """
        text = json.dumps([identity, self.version, self.options.facts], sort_keys=True)
        return f"{self.version}-{hashlib.sha256(text.encode()).hexdigest()[:12]}"


class FileEngine(Protocol):
    """Writes a file's assigned rows and its rejects; returns what the other files follow from.

    In this process it is `pipeline.scoring.engine.score_rows`, in another one
    `pipeline.scoring.process.isolated.Isolated`.
    """

    def __call__(
        self, folder: Path, source: "InputFile", spec: ScoringSpec, progress: Progress = ..., /
    ) -> ScoredRows:
        """Score a file."""
        ...
