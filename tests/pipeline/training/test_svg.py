"""Charts as markup in the middle of a page."""

import re

from matplotlib.figure import Figure

from pipeline.training import svg


def test_charts_carry_their_text_and_leave_no_trace() -> None:
    def draw(title: str) -> str:
        figure, axes = svg.new_figure()
        axes.plot([1, 2], [3, 4], marker="o", color=svg.PALETTE[0])
        axes.set_ylabel("$a$ & 顧客")
        return svg.to_svg(figure, title, "up & <up>")

    one, other = draw("One"), draw("Other")
    assert one == draw("One")
    own_ids, other_ids = (set(re.findall(r' id="([^"]+)"', chart)) for chart in (one, other))
    assert not own_ids & other_ids
    assert set(re.findall(r"#(c[\w-]+)", one)) <= own_ids
    assert re.search(r'<svg role="img" aria-labelledby="(\S+) (\S+)"', one)
    assert ">One</title>" in one
    assert ">up &amp; &lt;up&gt;</desc>" in one
    assert "$a$ &amp; 顧客</text>" in one
    assert "currentColor" in one
    assert svg.INK not in one
    assert "<style" not in one
    assert "http" not in one
    assert svg.to_svg(Figure(figsize=(1, 1)), "Bare", "") != ""
