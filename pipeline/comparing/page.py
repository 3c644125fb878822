"""A comparison as a page that stands alone; it looks like the pages of training."""

from pipeline.comparing.compare import Comparison
from pipeline.pages.rendering import render_page


def render(comparison: Comparison) -> str:
    """The same comparison gives the same bytes."""
    return render_page("comparing/comparison.html.j2", comparison=comparison)
