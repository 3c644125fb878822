"""The colour of each group: the same on every page, in every chart, light and dark."""

PALETTE = (
    "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#8484FC", "#783CFC", "#606C60", "#CC0C9C",
    "#CC243C", "#F06060", "#5484CC", "#FC24D8", "#B40CD8", "#007884", "#789048", "#C03C78",
    "#9060FC", "#249CC0", "#0C9C9C", "#6C6C30",
)  # fmt: skip
"""As many colours as a model may have clusters, 3:1 on white and on near-black.

Those of Okabe and Ito (2008) that are, then each time the colour farthest from all before it, in
OKLab and for the dichromat's eye (Machado et al. 2009) too. The first eight are well apart; no
twenty are, so every chart writes the number of a cluster beside its colour.
"""


def group_colour(cluster_id: int) -> str:
    """The colour of a cluster by its id, which is stable: it stays when others come and go."""
    return PALETTE[_index(cluster_id)]


def group_class(cluster_id: int) -> str:
    """The class of a page's elements that take this colour, as `--group`."""
    return f"g{_index(cluster_id) + 1}"


def group_classes() -> list[tuple[str, str]]:
    """Every class and its colour, for a stylesheet."""
    return [(f"g{index}", colour) for index, colour in enumerate(PALETTE, start=1)]


def _index(cluster_id: int) -> int:
    return (cluster_id - 1) % len(PALETTE)
