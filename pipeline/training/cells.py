"""Shaded cells with a figure in each: the squares of a heat map."""

from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, to_rgb
from matplotlib.patches import Rectangle

from pipeline.training.svg import INK

_DIVERGING = LinearSegmentedColormap.from_list("diverging", ["#00507d", "#f4f4f2", "#a34700"])


def shaded_cell(axes: Axes, column: int, row: int, shade: float | None, text: str) -> None:
    """Fill one cell and write into it.

    Args:
        axes: Where; each cell is one unit wide and high, from its column and row on.
        column: From 0.
        row: From 0.
        shade: From -1 (blue) over 0 (near white) to 1 (orange); None leaves the cell empty.
        text: What stands in the middle.
    """
    if shade is None:
        axes.text(column + 0.5, row + 0.5, text, color=INK, ha="center", va="center", fontsize=9)
        return
    colour = _DIVERGING((min(max(shade, -1.0), 1.0) + 1) / 2)
    square = Rectangle((column + 0.03, row + 0.03), 0.94, 0.94, color=colour, lw=0)
    axes.add_artist(square)  # not add_patch: with thousands of cells each would scale anew
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)]
    bright = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2] > 0.18
    ink = "#111111" if bright else "#ffffff"
    axes.text(column + 0.5, row + 0.5, text, color=ink, ha="center", va="center", fontsize=8)
