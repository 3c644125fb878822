"""What customers are scored with: a model, its version and the options of a run."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from pipeline.errors import MAX_REJECTED_SHARE
from pipeline.model.cluster_model import ClusterModel
from pipeline.reading.options import AUTODETECT, ReadingOptions
from pipeline.scoring.documents import Manifest

if TYPE_CHECKING:
    from pipeline.reading.customer_file import Format
    from pipeline.scoring.inputs import InputFile

Progress = Callable[[int], None]
"""Told the number of rows read so far; what it raises ends the run."""


@dataclass(frozen=True, slots=True)
class Challenger:
    """A second model, and its version."""

    model: ClusterModel
    version: str
    related: bool
    """Whether its ids were matched with the first model's: else the same id means nothing."""

    @property
    def ids(self) -> list[int | None]:
        """Its clusters' ids, and None for customers that it cannot assign."""
        return [*(cluster.id for cluster in self.model.clusters), None]


@dataclass(frozen=True, slots=True)
class Options:
    """What a user may choose about a run; part of its identity."""

    format: "Format | None" = None
    """Of the assigned file; None keeps the input's, and writes CSV for a workbook."""
    max_rejected_share: float = MAX_REJECTED_SHARE
    reading: ReadingOptions = AUTODETECT
    """How files are written, where they do not show it."""
    safe_csv: bool = False
    """Cells that a spreadsheet would run as a formula get an apostrophe before them."""
    challenger: Challenger | None = None
    """A second model that assigns the customers as well."""

    @property
    def facts(self) -> dict[str, Any]:
        """For the manifest and the run's id: without a challenger nothing tells of one."""
        apart = ("challenger", "reading")
        names = (field.name for field in fields(self) if field.name not in apart)
        own = {name: getattr(self, name) for name in names}
        if self.reading != AUTODETECT:
            own["reading"] = self.reading.facts
        second = self.challenger
        return own if second is None else {**own, "challenger": second.version}


@dataclass(frozen=True, slots=True)
class ScoringSpec:
    """Everything that decides about the results of an input, but for the input itself."""

    model: ClusterModel
    version: str
    """The version of the model."""
    options: Options = field(default_factory=Options)

    def run_id(self, identity: str) -> str:
        """The id of the run over an input: the same input, model and options have the same id.

        Args:
            identity: What tells the input from all others.
        """
        text = json.dumps([identity, self.version, self.options.facts], sort_keys=True)
        return f"{self.version}-{hashlib.sha256(text.encode()).hexdigest()[:12]}"


class FileEngine(Protocol):
    """Scores a file into an empty folder, the manifest last; returns the manifest.

    In this process it is `pipeline.scoring.score_into`, in another one
    `pipeline.scoring.process.isolated.Isolated`.
    """

    def __call__(
        self, folder: Path, source: "InputFile", spec: ScoringSpec, progress: Progress = ..., /
    ) -> Manifest: ...
