"""Where the marks of the report's charts go, in per cent; the templates draw them as SVG."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.model.contract import Feature, show
from pipeline.pages.scale import Scale, share_scale
from pipeline.scoring.drift import MOVED, SHIFTED

Ticks = Sequence[tuple[float, float]]
"""Value and place."""
_PSI = Scale(0, 2 * SHIFTED)
PSI_TICKS = [(value, _PSI.at(value)) for value in (0, MOVED, SHIFTED, 2 * SHIFTED)]


@dataclass(frozen=True, slots=True)
class Pair:
    """A share in the file beside the same share in training."""

    name: str
    id: int | None
    here: float
    usual: float
    here_at: float
    usual_at: float


@dataclass(frozen=True, slots=True)
class Churn:
    """A cluster's churn: observed with its interval, or the churners to be expected."""

    cluster: Mapping[str, Any]
    usual_at: float
    rate_at: float
    low_at: float
    high_at: float
    verdict: str


@dataclass(frozen=True, slots=True)
class Bin:
    """A bar of a histogram over training's bins: its place, and how high file and training are."""

    left: float
    width: float
    here: float
    usual: float
    words: str
    here_share: float
    usual_share: float


@dataclass(frozen=True, slots=True)
class Histogram:
    """Where a numeric feature's customers are, by training's tenths."""

    bins: Sequence[Bin]
    ticks: Sequence[tuple[str, float]]


def pairs(rows: Sequence[tuple[str, int | None, float, float]]) -> tuple[list[Pair], Ticks]:
    """Bars side by side on one scale: name, id, share in the file, share in training."""
    scale, ticks = share_scale(max(max(here, usual) for *_, here, usual in rows))
    drawn = [
        Pair(name, number, here, usual, scale.at(here), scale.at(usual))
        for name, number, here, usual in rows
    ]
    return drawn, ticks


def churn_rates(
    clusters: Sequence[Mapping[str, Any]], trained: Sequence[Any]
) -> tuple[list[Churn], Ticks]:
    """Observed rates with their intervals beside training's; a cluster without labels has none."""
    observed = [cluster["observed_churn"] for cluster in clusters]
    highest = [found["high"] for found in observed if found]
    highest += [known.high for known in trained if known]
    scale, ticks = share_scale(max(highest, default=0.0))
    drawn = []
    for cluster, found, known in zip(clusters, observed, trained, strict=True):
        rate, low, high = (
            scale.at(found[part] if found else 0.0) for part in ("rate", "low", "high")
        )
        usual = scale.at(known.rate) if known else 0.0
        drawn.append(Churn(cluster, usual, rate, low, high, _compared(found, known)))
    return drawn, ticks


def expected_churners(clusters: Sequence[Mapping[str, Any]]) -> list[Churn]:
    """Bars of the churners to be expected."""
    most = max(cluster["expected_churners"] or 0 for cluster in clusters) or 1.0
    scale = Scale(0, most)
    return [
        Churn(cluster, 0.0, scale.at(cluster["expected_churners"] or 0), 0.0, 0.0, "")
        for cluster in clusters
    ]


def _compared(found: Mapping[str, Any] | None, known: Any) -> str:
    """In words, and only where the two intervals do not overlap more than that."""
    if not found or not known:
        return ""
    if found["low"] > known.high:
        return "higher than in training"
    return "lower than in training" if found["high"] < known.low else "as in training"


def psi_at(psi: float) -> float:
    """Where a PSI ends; far ones are drawn at the edge, and their number stands beside."""
    return _PSI.at(psi)


def histogram(feature: Feature, found: Mapping[str, Any]) -> Histogram:
    """Bins where nobody is, here or in training, are left out at both ends."""
    edges, here, usual = found["edges"], found["shares"], found["training_shares"]
    there = [index for index in range(len(here)) if here[index] or usual[index]]
    shown = range(there[0], there[-1] + 1)
    scale, width = Scale(0, max(*here, *usual)), 100 / len(shown)
    bins = [
        Bin(
            left=round(place * width, 2),
            width=round(width, 2),
            here=scale.at(here[index]),
            usual=scale.at(usual[index]),
            words=_range(feature, edges, index),
            here_share=here[index],
            usual_share=usual[index],
        )
        for place, index in enumerate(shown)
    ]
    inner = [index for index in shown if index < len(edges) and index + 1 in shown]
    marked = sorted({inner[0], inner[len(inner) // 2], inner[-1]}) if inner else []
    ticks = [(show(edges[index], ""), round((index + 1 - shown[0]) * width, 2)) for index in marked]
    return Histogram(bins, ticks)


def _range(feature: Feature, edges: Sequence[float], index: int) -> str:
    if index == 0:
        return f"below {feature.show(edges[0])}"
    if index == len(edges):
        return f"{feature.show(edges[-1])} and more"
    return f"{feature.show(edges[index - 1])} to {feature.show(edges[index])}"
