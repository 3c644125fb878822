"""Charts as markup in the middle of a page."""

import re
from itertools import combinations

import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from pipeline.pages.colours import PALETTE, group_colour
from pipeline.training import svg


def test_charts_carry_their_text_and_leave_no_trace() -> None:
    def draw(title: str) -> str:
        figure, axes = svg.new_figure()
        axes.plot([1, 2], [3, 4], marker="o", color=PALETTE[0])
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


def linear(colour: str) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    channels = np.array(to_rgb(colour))
    low = channels / 12.92
    return np.where(channels <= 0.04045, low, ((channels + 0.055) / 1.055) ** 2.4)


def contrast(one: str, other: str) -> float:
    """As WCAG 2 counts it."""
    weights = np.array([0.2126, 0.7152, 0.0722])
    dark, light = sorted(float(weights @ linear(colour)) for colour in (one, other))
    return (light + 0.05) / (dark + 0.05)


def test_there_is_a_colour_for_each_of_twenty_clusters_on_light_and_on_dark() -> None:
    colours = [group_colour(cluster) for cluster in range(1, 21)]
    assert len(set(colours)) == 20
    for colour in colours:
        assert contrast(colour, "#ffffff") >= 3
        assert contrast(colour, "#1b1f23") >= 3
    apart = [np.linalg.norm(linear(a) - linear(b)) for a, b in combinations(colours, 2)]
    assert min(apart) > 0.05
