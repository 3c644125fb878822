"""Two versions side by side, whether or not one descends from the other."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from model_store import Artifact
from pipeline.comparing.crosswalks import count_customers, known_crosswalk
from pipeline.comparing.outcomes import Evidence, read_evidence
from pipeline.comparing.promotion import objections
from pipeline.model.crosswalk import Crosswalk
from pipeline.model.published.facts import Metrics, facts_of, figure
from pipeline.model.published.loading import load_model
from pipeline.scoring.summary.drift import Drift, measure

FIGURES = (
    "customers",
    "churn_rate",
    "silhouette_model_space",
    "silhouette_standardised_space",
    "weakest_jaccard",
    "churn_auc",
    "lowest_churn",
    "highest_churn",
    "smallest_share",
)


@dataclass(frozen=True, slots=True)
class FigureChange:
    """One figure of two versions; None where it is unknown."""

    old: float | None
    new: float | None

    @property
    def change(self) -> float | None:
        """The new figure less the old one; None where one is unknown."""
        return None if self.old is None or self.new is None else self.new - self.old

    @property
    def known(self) -> bool:
        """Whether either version has it: figures about churn are unknown without a label."""
        return self.old is not None or self.new is not None

    def to_dict(self) -> dict[str, float | None]:
        """Ready for JSON."""
        return {"old": self.old, "new": self.new, "change": self.change}


@dataclass(frozen=True, slots=True)
class Comparison:
    """An old and a new version."""

    old: str
    new: str
    figures: Mapping[str, FigureChange]
    """By name; see `FIGURES`."""
    crosswalk: Crosswalk | None
    """None where training did not count and no customers were given to count."""
    drift: tuple[Drift, ...]
    """Of the new training customers from the old, feature by feature."""
    objections: tuple[str, ...]
    """Why the new one should not replace the old one."""
    evidence: tuple[Evidence, ...] = ()
    """What became of customers that one of them had scored."""

    def to_dict(self) -> dict[str, Any]:
        """What comparison.json states."""
        return {
            "old": self.old,
            "new": self.new,
            "metrics": {name: change.to_dict() for name, change in self.figures.items()},
            "crosswalk": self.crosswalk.to_dict() if self.crosswalk else None,
            "drift": {drift.name: drift.to_dict() for drift in self.drift},
            "outcomes": [each.to_dict() for each in self.evidence],
            "objections": list(self.objections),
        }


def compare(
    old: Artifact, new: Artifact, data: Path | None = None, outcomes: Iterable[str] = ()
) -> Comparison:
    """Compare two versions.

    Args:
        old: One of them.
        new: The other one.
        data: A customer file to count on who moves.
        outcomes: Addresses of `outcomes.json`, of runs with either of them.

    Raises:
        WrongFile: The file has no customers that both models can read, or outcomes are of neither.
        WrongArtifact: One of the versions is damaged.
    """
    crosswalk = count_customers(data, old, new) if data else known_crosswalk(old, new)
    evidence = read_evidence(outcomes, old, new)
    before, after = (facts_of(artifact).get("metrics", Metrics()) for artifact in (old, new))
    return Comparison(
        old.version,
        new.version,
        {name: FigureChange(figure(before, name), figure(after, name)) for name in FIGURES},
        crosswalk,
        tuple(_drift(old, new)),
        tuple(objections(old, new, crosswalk, evidence=evidence)),
        evidence,
    )


def _drift(old: Artifact, new: Artifact) -> list[Drift]:
    before, after = (load_model(a).baseline for a in (old, new))
    return [
        measure(name, known["shares"], _counts(known, after, name), int(before["customers"]))
        for name, known in before["features"].items()
        if name in after["features"] and known.keys() == after["features"][name].keys()
    ]


def _counts(known: Mapping[str, Any], after: Mapping[str, Any], name: str) -> list[int]:
    """The new training customers in the bins of the old ones."""
    own = after["features"][name]
    if "edges" in known:
        shares = rebinned(known["edges"], own["edges"], own["shares"])
    else:
        by_value = dict(zip(own["values"], own["shares"], strict=True))
        shares = [by_value.get(value, 0.0) for value in known["values"]]
    return [round(share * int(after["customers"])) for share in shares]


def rebinned(
    edges: Sequence[float], own_edges: Sequence[float], shares: Sequence[float]
) -> list[float]:
    """Shares in other bins, as if customers lay evenly within their own bins.

    Of the outer bins only one end is known; they are taken to be as wide as all others together.
    """
    width = (own_edges[-1] - own_edges[0]) or 1.0
    ends = [own_edges[0] - width, *own_edges, own_edges[-1] + width]
    below = np.interp(edges, ends, np.concatenate([[0.0], np.cumsum(shares)]))
    return [float(share) for share in np.diff([0.0, *below.tolist(), 1.0])]
