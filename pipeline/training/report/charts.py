"""Charts as inline SVG: pure functions from numbers to markup, the same bytes every time.

Text stays text, in the page's own font and colour, so that it can be selected and follows light
and dark mode. Every chart carries a title and a description for those who cannot see it.
"""

import hashlib
import io
import math
import re
import warnings
from collections.abc import Mapping, Sequence
from xml.etree import ElementTree

import matplotlib
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, to_rgb
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.ticker import FuncFormatter, MaxNLocator

PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
"""Okabe and Ito 2008: apart for every kind of colour vision, and 3:1 on white and on near-black."""
INK = "#010203"
"""Draw text, axes and grids in this colour: it becomes the colour of the page's text."""
WIDTH = 3.6
"""Inches of a chart that still reads on a telephone."""
_DIVERGING = LinearSegmentedColormap.from_list("diverging", ["#00507d", "#f4f4f2", "#a34700"])
_SVG = "{http://www.w3.org/2000/svg}"
_HREF = "{http://www.w3.org/1999/xlink}href"
_FAMILY = re.compile(r" ?font-family: [^;]*;")


def new_figure(width: float = WIDTH, height: float = 2.1) -> tuple[Figure, Axes]:
    """An empty chart in the style of all charts; sizes in inches."""
    figure = Figure(figsize=(width, height), layout="constrained")
    figure.patch.set_visible(False)
    axes = figure.add_subplot()
    axes.patch.set_visible(False)
    axes.set_axisbelow(True)
    for name, spine in axes.spines.items():
        spine.set_visible(name == "bottom")
        spine.set(color=INK, alpha=0.4)
    axes.tick_params(colors=INK, labelsize=9, length=0)
    return figure, axes


def colour(index: int) -> str:
    """That of a cluster, from 0; it is the same in every chart."""
    return PALETTE[index % len(PALETTE)]


def name_axis(axes: Axes, text: str) -> None:
    """What the horizontal axis shows."""
    axes.set_xlabel(text, color=INK, fontsize=9)


def minus(text: str) -> str:
    """With minus signs in place of hyphens."""
    return text.replace("-", "−")


def to_svg(figure: Figure, title: str, description: str) -> str:
    """A figure as markup for the middle of a page; its ids differ from those of any other."""
    for text in figure.findobj(Text):
        text.set(parse_math=False)  # a dollar is a dollar
    drawn = io.BytesIO()
    settings = matplotlib.rc_context(
        {"svg.fonttype": "none", "svg.hashsalt": "customer-clusters", "text.parse_math": False}
    )
    with settings, warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing")  # the reader's browser draws the text
        nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
        figure.savefig(drawn, format="svg", metadata=nothing)
    digest = hashlib.sha256(drawn.getvalue() + f"{title}\0{description}".encode()).hexdigest()
    return _inline(drawn.getvalue(), f"c{digest[:12]}", title, description)


def histogram(
    edges: Sequence[float],
    groups: Mapping[str, Sequence[int]],
    label: str,
    title: str,
    description: str,
) -> str:
    """Groups of any size on the same bins, each as shares of its own customers."""
    figure, axes = new_figure()
    for index, (name, counts) in enumerate(groups.items()):
        total = sum(counts) or 1
        shares, colour = [count / total for count in counts], PALETTE[index]
        if index == 0:
            axes.stairs(shares, edges, fill=True, color=colour, alpha=0.5, label=name)
            axes.stairs(shares, edges, color=colour, linewidth=1)
        else:
            axes.stairs(shares, edges, color=colour, linewidth=2, label=name)
    _percent(axes, "y")
    axes.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.10g}"))
    name_axis(axes, label)
    _legend(axes)
    return to_svg(figure, title, description)


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
        places = [place + offset for place in range(len(values))]
        drawn = axes.barh(places, shares, thick * 0.92, color=PALETTE[index], label=name)
        texts = [f"{share:.1%}" for share in shares]
        axes.bar_label(drawn, texts, padding=3, fontsize=8, color=INK)
    axes.set_yticks(range(len(values)), values)
    axes.set_ylim(len(values) - 0.45, -0.55)
    axes.set_xlim(0, max(map(max, groups.values()), default=0) * 1.15 or 1)
    _percent(axes, "x")
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
            _cell(axes, column, row - 1, matrix[row][column])
    axes.set(xlim=(0, size), ylim=(size, 0))
    axes.set_yticks([place + 0.5 for place in range(size)], names[1:])
    axes.set_xticks([place + 0.5 for place in range(size)], names[:-1])
    for text in axes.get_xticklabels():
        text.set(rotation=40, ha="right", rotation_mode="anchor")
    axes.spines["bottom"].set_visible(False)
    return to_svg(figure, title, description)


def _cell(axes: Axes, column: int, row: int, r: float | None) -> None:
    if r is None:
        axes.text(column + 0.5, row + 0.5, "–", color=INK, ha="center", va="center", fontsize=9)
        return
    shade = _DIVERGING((r + 1) / 2)
    axes.fill_between([column + 0.03, column + 0.97], row + 0.03, row + 0.97, color=shade, lw=0)
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(shade)]
    bright = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2] > 0.18
    ink = "#111111" if bright else "#ffffff"
    text = minus(f"{r:.2f}".replace("-0.00", "0.00"))
    axes.text(column + 0.5, row + 0.5, text, color=ink, ha="center", va="center", fontsize=8)


def _percent(axes: Axes, which: str) -> None:
    axis = axes.xaxis if which == "x" else axes.yaxis
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


def _inline(drawn: bytes, prefix: str, title: str, description: str) -> str:
    """Standalone SVG made fit for a page: no namespaces, no styles for others, its own ids."""
    root = ElementTree.fromstring(drawn)
    for parent in list(root.iter()):
        for child in [c for c in parent if c.tag in (f"{_SVG}metadata", f"{_SVG}style")]:
            parent.remove(child)
    for element in root.iter():
        element.tag = element.tag.removeprefix(_SVG)
        element.attrib = {
            name.removeprefix("{http://www.w3.org/1999/xlink}"): _attribute(name, value, prefix)
            for name, value in element.attrib.items()
        }
    _drop_idle_ids(root)
    left, top, width, height = (float(number) for number in root.attrib["viewBox"].split())
    root.attrib = {
        "role": "img",
        "aria-labelledby": f"{prefix}-title {prefix}-description",
        "width": str(math.ceil(width * 4 / 3)),  # from points to CSS pixels
        "height": str(math.ceil(height * 4 / 3)),
        "viewBox": f"{left:g} {top:g} {width:g} {height:g}",
        "style": "font-family: system-ui, sans-serif; stroke-linejoin: round; stroke-linecap: butt",
    }
    for place, (tag, text) in enumerate((("title", title), ("desc", description))):
        name = "title" if tag == "title" else "description"
        element = ElementTree.Element(tag, {"id": f"{prefix}-{name}"})
        element.text = text
        root.insert(place, element)
    return ElementTree.tostring(root, encoding="unicode")


def _attribute(name: str, value: str, prefix: str) -> str:
    if name == "id":
        return f"{prefix}-{value}"
    if name == _HREF:
        return value.replace("#", f"#{prefix}-", 1)
    value = value.replace("url(#", f"url(#{prefix}-")
    return _FAMILY.sub("", value).replace(INK, "currentColor")


def _drop_idle_ids(root: ElementTree.Element) -> None:
    """Keep the ids that something points to; matplotlib numbers everything else as well."""
    used: set[str] = set()
    for element in root.iter():
        for value in element.attrib.values():
            used.update(re.findall(r"#([\w-]+)", value))
    for element in root.iter():
        if element.attrib.get("id") not in used:
            element.attrib.pop("id", None)
