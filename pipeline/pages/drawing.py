"""Charts as SVG files of their own, which may stand on a page or in a presentation."""

_PAPER = (
    "<style>:root{color:#1d2327;background:#fff}"
    "@media screen and (prefers-color-scheme:dark){:root{color:#e6e8ea;background:#1b1f23}}</style>"
)
_WHITE = 'style="background: #fff; '
"""How files of earlier releases say that they stand on white alone."""


def on_paper(svg: str) -> str:
    """An SVG file whose own text and ground are light or dark, as its reader prefers.

    Args:
        svg: A drawing whose text takes the colour that is around it.
    """
    if _PAPER in svg:
        return svg
    start = svg.index(">", svg.index("<svg")) + 1
    return svg[:start].replace(_WHITE, 'style="', 1) + _PAPER + svg[start:]
