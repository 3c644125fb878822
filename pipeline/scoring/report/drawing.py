"""The one chart of a run as an SVG file, for a presentation or a mail."""

import textwrap

from pipeline.model.cluster_model import ClusterModel
from pipeline.pages.drawing import on_paper
from pipeline.pages.rendering import render_page
from pipeline.scoring.documents import Summary
from pipeline.scoring.report.charts import group_chart
from pipeline.scoring.report.headline import headline

_WIDTH, _MARGIN, _STEP = 960, 24, 58
_LETTERS = 84
"""In a line of the heading."""


def draw_chart(model: ClusterModel, summary: Summary, note: str) -> str:
    """The chart under its headline, on white, or on near-black for readers who prefer dark.

    Args:
        model: The model that scored the customers.
        summary: What the run says of them.
        note: Which file, when and by what, in a line.
    """
    chart, sentence = group_chart(summary), headline(model, summary).sentence
    lines = textwrap.wrap(sentence, _LETTERS)
    first = 42 + 28 * len(lines) + 28
    return on_paper(
        render_page(
            "scoring/chart.svg.j2",
            chart=chart,
            word=model.contract.churned_word,
            heading=sentence,
            lines=lines,
            note=note,
            width=_WIDTH,
            room=_WIDTH - 2 * _MARGIN,
            height=first + _STEP * len(chart.bars),
            first=first,
            step=_STEP,
        )
    )
