"""The charts of an exploration: pure functions from numbers to SVG."""

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.ticker import FuncFormatter, MaxNLocator

from pipeline.pages.colours import PALETTE
from pipeline.training.cells import shaded_cell
from pipeline.training.statistics.shapes import ChurnShape
from pipeline.training.svg import INK, minus, name_axis, new_figure, new_pair, to_svg


def histogram(
    edges: Sequence[float],
    groups: Mapping[str, Sequence[int]],
    label: str,
    title: str,
    description: str,
    shape: ChurnShape | None = None,
) -> str:
    """Groups of any size on the same bins, each as shares of its own customers.

    Args:
        edges: Of the bins.
        groups: What a group is called → its customers in each bin.
        label: What the numbers are.
        title: Of the chart.
        description: For those who cannot see it.
        shape: The churn rates to draw below, on the same axis.
    """
    figure, axes, lower = new_pair() if shape else (*new_figure(), None)
    for index, (name, counts) in enumerate(groups.items()):
        total = sum(counts) or 1
        shares, colour = [count / total for count in counts], PALETTE[index]
        if index == 0:
            axes.stairs(shares, edges, fill=True, color=colour, alpha=0.5, label=name)
            axes.stairs(shares, edges, color=colour, linewidth=1)
        else:
            axes.stairs(shares, edges, color=colour, linewidth=2, label=name)
    _percent(axes.yaxis)
    if shape and lower:
        _churn_rates(lower, shape, edges)
    lowest = lower or axes
    lowest.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
    lowest.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.10g}"))
    name_axis(lowest, label)
    _legend(axes)
    return to_svg(figure, title, description)


def _churn_rates(axes: Axes, shape: ChurnShape, edges: Sequence[float]) -> None:
    """Each tenth's churn rate as a line over its numbers, with its interval as a band."""
    first, last = edges[0], edges[-1]
    for level in shape.levels:
        if level.low is None or level.high is None or level.low > last or level.high < first:
            continue
        churn, low, high = level.churn, max(level.low, first), min(level.high, last)
        if high - low < (last - first) / 50:  # a single number, or nearly
            low, high = low - (last - first) / 80, high + (last - first) / 80
        axes.fill_between([low, high], churn.low, churn.high, color=PALETTE[1], alpha=0.3, lw=0)
        axes.plot([low, high], [churn.rate] * 2, color=PALETTE[1], linewidth=2)
    axes.set_ylim(bottom=0)
    axes.set_title("Churn rate (95 % interval)", loc="left", fontsize=9, color=INK, pad=4)
    _percent(axes.yaxis)


def bars(
    values: Sequence[str],
    groups: Mapping[str, Sequence[float]],
    label: str,
    title: str,
    description: str,
) -> str:
    """Horizontal bars of shares, one for each value and group, the first value on top."""
    thick = 0.76 / len(groups)
    figure, axes = new_figure(height=0.9 + len(values) * (0.14 + 0.17 * len(groups)))
    for index, (name, shares) in enumerate(groups.items()):
        offset = (index - (len(groups) - 1) / 2) * thick
        positions = [row + offset for row in range(len(values))]
        drawn = axes.barh(positions, shares, thick * 0.92, color=PALETTE[index], label=name)
        texts = [f"{share:.1%}" for share in shares]
        axes.bar_label(drawn, texts, padding=3, fontsize=8, color=INK)
    axes.set_yticks(range(len(values)), values)
    axes.set_ylim(len(values) - 0.45, -0.55)
    axes.set_xlim(0, max(map(max, groups.values()), default=0) * 1.15 or 1)
    _percent(axes.xaxis)
    name_axis(axes, label)
    _legend(axes)
    return to_svg(figure, title, description)


def heat_map(
    names: Sequence[str], matrix: Sequence[Sequence[float | None]], title: str, description: str
) -> str:
    """Correlations from -1 to 1; the half below the diagonal, since the other one repeats it."""
    size = len(names) - 1
    figure, axes = new_figure(2.1 + 0.5 * size, 1.7 + 0.36 * size)
    for row in range(1, len(names)):
        for column in range(row):
            r = matrix[row][column]
            text = "–" if r is None else minus(f"{r:.2f}".replace("-0.00", "0.00"))
            shaded_cell(axes, column, row - 1, r, text)
    axes.set(xlim=(0, size), ylim=(size, 0))
    axes.set_yticks([row + 0.5 for row in range(size)], names[1:])
    axes.set_xticks([column + 0.5 for column in range(size)], names[:-1])
    for tick in axes.get_xticklabels():
        tick.set(rotation=40, ha="right", rotation_mode="anchor")
    axes.spines["bottom"].set_visible(False)
    return to_svg(figure, title, description)


def _percent(axis: Axis) -> None:
    axis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10]))
    axis.set_major_formatter(FuncFormatter(lambda share, _: f"{round(share * 100, 6):g}%"))
    axis.grid(True, color=INK, alpha=0.15, linewidth=0.8)


def _legend(axes: Axes) -> None:
    """Above the chart, beside no data."""
    names = axes.get_legend_handles_labels()[1]
    if len(names) > 1:
        axes.legend(
            loc="lower left",
            bbox_to_anchor=(0, 1),
            ncols=len(names),
            frameon=False,
            labelcolor=INK,
            fontsize=9,
            borderpad=0.2,
            borderaxespad=0,
            handlelength=1.2,
        )
