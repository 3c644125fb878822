"""Charts over the number of clusters."""

import math
from collections.abc import Callable, Sequence

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from pipeline.pages.colours import PALETTE
from pipeline.training.statistics.gap import Gap
from pipeline.training.svg import INK, minus, name_axis, new_figure, to_svg


def elbow_curve(gaps: Sequence[Gap], chosen: int) -> str:
    """The share of a single group's inertia that k clusters leave, the model's k large."""
    figure, axes = new_figure(height=2.5)
    left = [math.exp(gap.log_inertia - gaps[0].log_inertia) for gap in gaps]
    axes.plot([gap.k for gap in gaps], left, color=PALETTE[0], linewidth=1.5)
    _points(axes, gaps, left, chosen)
    _style(axes, "Inertia within clusters", lambda share: f"{share:.0%}")
    axes.set_ylim(0, 1.08)
    shares = ", ".join(f"{gap.k}: {share:.1%}" for gap, share in zip(gaps, left, strict=True))
    return to_svg(figure, "Inertia by number of clusters", f"Of a single group’s, {shares}.")


def gap_curve(gaps: Sequence[Gap], chosen: int) -> str:
    """The gap statistic over k with its standard errors, the model's k large."""
    figure, axes = new_figure(height=2.5)
    ks, values = [gap.k for gap in gaps], [gap.gap for gap in gaps]
    errors = [gap.standard_error for gap in gaps]
    axes.errorbar(ks, values, errors, color=PALETTE[0], linewidth=1.5, capsize=3, elinewidth=1)
    _points(axes, gaps, values, chosen)
    _style(axes, "Gap", lambda value: minus(f"{value:g}"))
    figures = ", ".join(f"{g.k}: {minus(f'{g.gap:.3f}')} ± {g.standard_error:.3f}" for g in gaps)
    return to_svg(figure, "Gap statistic by number of clusters", f"{figures}.")


def _points(axes: Axes, gaps: Sequence[Gap], values: Sequence[float], chosen: int) -> None:
    for gap, value in zip(gaps, values, strict=True):
        size, colour = (9, PALETTE[1]) if gap.k == chosen else (4, PALETTE[0])
        axes.plot(gap.k, value, "o", markersize=size, color=colour)


def _style(axes: Axes, label: str, show: Callable[[float], str]) -> None:
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: show(value)))
    axes.grid(True, color=INK, alpha=0.15, linewidth=0.8)
    axes.set_ylabel(label, color=INK, fontsize=9)
    name_axis(axes, "Number of clusters (large: this model’s)")
