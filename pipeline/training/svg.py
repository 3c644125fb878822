"""Charts as inline SVG: the style that all of training's charts share, and their markup.

The same figure gives the same bytes every time.

Text stays text, in the page's own font and colour, so that it can be selected and follows light
and dark mode. Every chart carries a title and a description for those who cannot see it.
"""

import hashlib
import io
import math
import re
import warnings
from xml.etree import ElementTree

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text

from pipeline.pages.drawing import on_paper

INK = "#010203"
"""Draw text, axes and grids in this colour: it becomes the colour of the page's text."""
WIDTH = 3.6
"""Inches of a chart that still reads on a telephone."""
_SVG = "{http://www.w3.org/2000/svg}"
_HREF = "{http://www.w3.org/1999/xlink}href"
_FAMILY = re.compile(r" ?font-family: [^;]*;")


def new_figure(width: float = WIDTH, height: float = 2.1) -> tuple[Figure, Axes]:
    """An empty chart in the style of all charts; sizes in inches."""
    figure = _figure(width, height)
    axes = figure.add_subplot()
    _style(axes)
    return figure, axes


def new_pair(width: float = WIDTH, height: float = 3.4) -> tuple[Figure, Axes, Axes]:
    """Two empty charts, one above the other, on the same horizontal axis; sizes in inches."""
    figure = _figure(width, height)
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3, 2))
    _style(upper)
    _style(lower)
    return figure, upper, lower


def _figure(width: float, height: float) -> Figure:
    figure = Figure(figsize=(width, height), layout="constrained")
    figure.patch.set_visible(False)
    return figure


def _style(axes: Axes) -> None:
    axes.patch.set_visible(False)
    axes.set_axisbelow(True)
    for name, spine in axes.spines.items():
        spine.set_visible(name == "bottom")
        spine.set(color=INK, alpha=0.4)
    axes.tick_params(colors=INK, labelsize=9, length=0)


def name_axis(axes: Axes, text: str) -> None:
    """Say what the horizontal axis shows."""
    axes.set_xlabel(text, color=INK, fontsize=9)


def minus(text: str) -> str:
    """Put minus signs in place of hyphens."""
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


def standalone(svg: str) -> str:
    """A chart as a file of its own, on white, or on near-black where its reader prefers dark."""
    return on_paper(svg.replace("<svg", '<svg xmlns="http://www.w3.org/2000/svg"', 1)) + "\n"


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
    texts = (("title", "title", title), ("desc", "description", description))
    for index, (tag, name, text) in enumerate(texts):
        element = ElementTree.Element(tag, {"id": f"{prefix}-{name}"})
        element.text = text
        root.insert(index, element)
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
