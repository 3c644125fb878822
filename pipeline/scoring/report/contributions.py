"""What keeps each group's customers in it, for the report: bars and a sentence a group."""

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.model.contract import Contract
from pipeline.model.reasons import NEGLIGIBLE
from pipeline.pages.scale import Scale
from pipeline.scoring.documents import ClusterContributions, FeatureContribution, Summary

_MOST_BARS = 6
_ONE_WAY = 0.5
"""A feature speaks for a group, or against it, where its mean is at least this share of the mean
size: three quarters of what it adds are on that side. Else it speaks for some customers only."""


@dataclass(frozen=True, slots=True)
class ContributionBar:
    """What a feature adds in a group: a bar of what speaks for the group, and against it."""

    label: str
    contribution: FeatureContribution
    length: float
    length_for: float
    """Of the whole length, what speaks for the group."""


@dataclass(frozen=True, slots=True)
class GroupContributions:
    """What keeps a group's customers in it."""

    id: int
    name: str
    sentence: str
    bars: Sequence[ContributionBar]
    """The weightiest feature first; empty without customers."""
    further: int
    """Features without a bar."""


def group_contributions(contract: Contract, summary: Summary) -> list[GroupContributions]:
    """The groups of a run that says why; none of another."""
    clusters = summary.get("contributions", [])
    labels = {feature.name: feature.label for feature in contract.features}
    shares = [each["share"] for cluster in clusters for each in cluster["features"].values()]
    scale = Scale(0, max(shares, default=0.0) or 1.0)
    return [
        GroupContributions(
            cluster["cluster"],
            cluster["cluster_name"],
            _sentence(cluster, labels),
            [
                _bar(scale, labels[name], contribution)
                for name, contribution in [*cluster["features"].items()][:_MOST_BARS]
            ],
            max(0, len(cluster["features"]) - _MOST_BARS),
        )
        for cluster in clusters
    ]


def _bar(scale: Scale, label: str, contribution: FeatureContribution) -> ContributionBar:
    length = scale.at(contribution["share"])
    size, mean = contribution["mean_size"], contribution["mean"]
    share_for = (size + mean) / (2 * size) if size else 0.0
    return ContributionBar(label, contribution, length, round(length * share_for, 2))


def _sentence(cluster: ClusterContributions, labels: dict[str, str]) -> str:
    """What speaks for a group, what against it, and what for some of its customers only."""
    number, features = cluster["cluster"], cluster["features"]
    if not features:
        return "No customers."
    named: dict[int, list[str]] = {1: [], 0: [], -1: []}
    for name, each in features.items():
        if each["share"] >= NEGLIGIBLE:
            named[_side(each)].append(f"{labels[name]} ({each['share']:.0%})")
    sentence = f"No feature speaks for nearly all of group {number}."
    if named[1]:
        sentence = f"What keeps group {number} together: {', '.join(named[1])}."
    if named[0]:
        sentence += f" For some of its customers, against others: {', '.join(named[0])}."
    if named[-1]:
        sentence += f" Against it: {', '.join(named[-1])}."
    return sentence


def _side(contribution: FeatureContribution) -> int:
    """1 where a feature speaks for its group, -1 against it, 0 for some customers only."""
    mean = contribution["mean"]
    if abs(mean) < _ONE_WAY * contribution["mean_size"]:
        return 0
    return 1 if mean > 0 else -1
