"""Gains and lift: who of those that left is reached by turning to the riskiest clusters first."""

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axis import Axis
from matplotlib.ticker import FuncFormatter

from pipeline.model.cluster import Cluster
from pipeline.pages.colours import group_colour
from pipeline.training.svg import INK, name_axis, new_figure, to_svg


@dataclass(frozen=True, slots=True)
class Gain:
    """A cluster, and all those with a higher churn rate before it."""

    cluster: Cluster
    customers: float
    """Share of all customers that are in the clusters up to this one."""
    leavers: float
    """Share of all those who left that are in them."""
    lift: float
    """The churn rate of this cluster over that of all customers."""

    @property
    def cumulative_lift(self) -> float:
        """The churn rate of the clusters up to this one over that of all customers."""
        return self.leavers / self.customers


def gains(clusters: Sequence[Cluster]) -> list[Gain]:
    """From the highest churn rate to the lowest; none where nobody left or it is not known.

    A cluster counts as its share of the customers at its churn rate, whoever its rate was
    counted on.
    """
    rates = [cluster.churn.rate if cluster.churn else 0.0 for cluster in clusters]
    sizes = [cluster.share for cluster in clusters]
    everybody = sum(sizes)
    left = sum(rate * size for rate, size in zip(rates, sizes, strict=True))
    if not left:
        return []
    listed: list[Gain] = []
    customers = leavers = 0.0
    for index in sorted(range(len(clusters)), key=lambda index: -rates[index]):
        customers += sizes[index] / everybody
        leavers += rates[index] * sizes[index] / left
        if sizes[index]:
            lift = rates[index] * everybody / left
            listed.append(Gain(clusters[index], customers, leavers, lift))
    return listed


def gains_curve(steps: Sequence[Gain]) -> str:
    """The share of the leavers over the share of the customers, a point a cluster."""
    figure, axes = new_figure(height=3.2)
    x, y = [0.0, *(s.customers for s in steps)], [0.0, *(s.leavers for s in steps)]
    axes.plot(x, y, color=INK, linewidth=1.2, alpha=0.6)
    axes.plot([0, 1], [0, 1], color=INK, linewidth=1, linestyle=(0, (4, 3)), alpha=0.6)
    axes.text(0.62, 0.56, "at random", color=INK, fontsize=8, ha="left", va="top")
    for step in steps:
        colour = group_colour(step.cluster.id)
        axes.plot(step.customers, step.leavers, "o", color=colour, markersize=8, clip_on=False)
        axes.annotate(str(step.cluster.id), (step.customers, step.leavers), (-5, 4),
                      textcoords="offset points", ha="right", va="bottom", fontsize=9,
                      color=INK)  # fmt: skip
    axes.set(xlim=(-0.02, 1.02), ylim=(0, 1.06))
    _shares(axes.xaxis)
    _shares(axes.yaxis)
    axes.set_ylabel("Share of those who left", color=INK, fontsize=9)
    name_axis(axes, "Share of the customers, the riskiest clusters first")
    described = "; ".join(
        f"up to cluster {s.cluster.id} {s.customers:.1%} of the customers and {s.leavers:.1%} of "
        "those who left"
        for s in steps
    )
    return to_svg(figure, "Gains by cluster", f"{described}.")


def _shares(axis: Axis) -> None:
    axis.set_ticks([0, 0.25, 0.5, 0.75, 1])
    axis.set_major_formatter(FuncFormatter(lambda share, _: f"{share:.0%}"))
    axis.grid(True, color=INK, alpha=0.15, linewidth=0.8)
