"""Where the marks of the report's charts are, in per cent; the templates draw them as SVG."""

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.model.churn import ChurnRate
from pipeline.model.contract import Feature, show
from pipeline.pages.scale import Interval, Scale, share_scale
from pipeline.scoring.documents import (
    ChurnDriftDocument,
    ClusterSummary,
    NumericDistribution,
    Summary,
)
from pipeline.scoring.summary.verdict import MOVED, SHIFTED

Ticks = Sequence[tuple[float, float]]
"""Value and position."""
_PSI = Scale(0, 2 * SHIFTED)
PSI_TICKS = [(value, _PSI.at(value)) for value in (0, MOVED, SHIFTED, 2 * SHIFTED)]


@dataclass(frozen=True, slots=True)
class ShareBars:
    """A share in the file beside the same share in training: two bars, and how long they are."""

    name: str
    id: int | None
    """The cluster's; None for a value of a category."""
    share: float
    training_share: float
    length: float
    training_length: float


@dataclass(frozen=True, slots=True)
class ChurnMarks:
    """A cluster's observed churn rate with its interval, and training's rate."""

    cluster: ClusterSummary
    interval: Interval | None
    """None where nobody's label is known."""
    training_at: float
    comparison: str
    """With training, in words; empty where one of the two is unknown."""


@dataclass(frozen=True, slots=True)
class ChurnersBar:
    """A bar of the churners to be expected in a cluster."""

    cluster: ClusterSummary
    length: float


@dataclass(frozen=True, slots=True)
class GroupBar:
    """A cluster's customers as a bar, and of these who left or is expected to."""

    cluster: ClusterSummary
    length: float
    leavers: int | None
    """Who left, where the file says it; else who is to be expected; None where nothing is known."""
    leavers_length: float
    rate: float | None
    """The share of the leavers."""


@dataclass(frozen=True, slots=True)
class GroupChart:
    """Every cluster's customers, the riskiest on top where that is known."""

    bars: Sequence[GroupBar]
    observed: bool
    """Whether the leavers left, and are not expected to."""

    @property
    def has_leavers(self) -> bool:
        """Whether anything is known of leavers."""
        return any(bar.leavers is not None for bar in self.bars)


@dataclass(frozen=True, slots=True)
class Bin:
    """A bin of a histogram: where it is, and how high its bars are for the file and training."""

    left: float
    width: float
    height: float
    training_height: float
    interval: str
    """The values in it, in words."""
    share: float
    training_share: float


@dataclass(frozen=True, slots=True)
class Histogram:
    """Where a numeric feature's customers are, in the bins of training."""

    bins: Sequence[Bin]
    ticks: Sequence[tuple[str, float]]
    """Label and position."""


def group_chart(summary: Summary) -> GroupChart:
    """The one chart of a run: how many customers each cluster has, and how many of them leave.

    Nobody is expected to where a unit is wrong, and customers likely are in wrong clusters.
    """
    clusters, observed = summary["clusters"], summary["observed_churn"] is not None
    scale = Scale(0, max(cluster["customers"] for cluster in clusters) or 1)
    bars = []
    for cluster in clusters:
        churn = cluster["observed_churn"]
        expected = None if summary["drift"]["implausible"] else cluster["expected_churners"]
        leavers = (churn["churned"] if churn else None) if observed else expected
        customers = churn["customers"] if churn else cluster["customers"]
        rate = leavers / customers if leavers is not None and customers else None
        count = None if leavers is None else round(leavers)
        bars.append(
            GroupBar(cluster, scale.at(cluster["customers"]), count, scale.at(leavers or 0), rate)
        )
    bars.sort(key=lambda bar: (-(bar.rate or 0.0), bar.cluster["cluster"]))
    return GroupChart(bars, observed)


def share_bars(
    rows: Sequence[tuple[str, float, float, int | None]],
) -> tuple[list[ShareBars], Ticks]:
    """Pairs of bars on one scale.

    Args:
        rows: Name, share in the file, share in training, and the id of a cluster.
    """
    scale, ticks = share_scale(max(max(share, training) for _, share, training, _ in rows))
    bars = [
        ShareBars(name, number, share, training, scale.at(share), scale.at(training))
        for name, share, training, number in rows
    ]
    return bars, ticks


def churn_rates(
    clusters: Sequence[ClusterSummary],
    training: Sequence[ChurnRate | None],
    drift: ChurnDriftDocument | None,
) -> tuple[list[ChurnMarks], Ticks]:
    """Observed rates on one scale beside training's; a cluster without labels has none.

    Args:
        clusters: The clusters of a run.
        training: The same clusters' rates in training.
        drift: What their comparison came to; None where there is none.
    """
    highest = [churn["high"] for cluster in clusters if (churn := cluster["observed_churn"])]
    highest += [rate.high for rate in training if rate]
    scale, ticks = share_scale(max(highest, default=0.0))
    verdicts = {each["cluster"]: each["verdict"] for each in drift["clusters"]} if drift else {}
    marks = []
    for cluster, rate in zip(clusters, training, strict=True):
        churn = cluster["observed_churn"]
        interval = scale.interval(churn["rate"], churn["low"], churn["high"]) if churn else None
        training_at = scale.at(rate.rate) if rate else 0.0
        comparison = verdicts.get(cluster["cluster"], "") if churn else ""
        marks.append(ChurnMarks(cluster, interval, training_at, comparison))
    return marks, ticks


def expected_churners(clusters: Sequence[ClusterSummary]) -> list[ChurnersBar]:
    """Bars of the churners to be expected, the longest across the whole chart."""
    scale = Scale(0, max(cluster["expected_churners"] or 0 for cluster in clusters) or 1.0)
    return [
        ChurnersBar(cluster, scale.at(cluster["expected_churners"] or 0)) for cluster in clusters
    ]


def psi_length(psi: float) -> float:
    """The length of a PSI's bar; one that is too long ends at the edge."""
    return _PSI.at(psi)


def histogram(feature: Feature, distribution: NumericDistribution) -> Histogram:
    """A numeric feature's customers, without the bins at both ends that are empty everywhere."""
    edges, shares = distribution["edges"], distribution["shares"]
    training = distribution["training_shares"]
    used = [index for index in range(len(shares)) if shares[index] or training[index]]
    shown = range(used[0], used[-1] + 1)
    scale, width = Scale(0, max(*shares, *training)), 100 / len(shown)
    bins = [
        Bin(
            left=round(column * width, 2),
            width=round(width, 2),
            height=scale.at(shares[index]),
            training_height=scale.at(training[index]),
            interval=_interval(feature, edges, index),
            share=shares[index],
            training_share=training[index],
        )
        for column, index in enumerate(shown)
    ]
    inner = [index for index in shown if index < len(edges) and index + 1 in shown]
    labelled = sorted({inner[0], inner[len(inner) // 2], inner[-1]}) if inner else []
    ticks = [
        (show(edges[index], ""), round((index + 1 - shown[0]) * width, 2)) for index in labelled
    ]
    return Histogram(bins, ticks)


def _interval(feature: Feature, edges: Sequence[float], index: int) -> str:
    if index == 0:
        return f"below {feature.show(edges[0])}"
    if index == len(edges):
        return f"{feature.show(edges[-1])} and more"
    return f"{feature.show(edges[index - 1])} to {feature.show(edges[index])}"
