"""Moves as a page that stands alone; it shows groups and never a customer."""

from pipeline.pages.rendering import render_page
from pipeline.runs.moves.phrases import expected_line, headline, main_features, verdict_line
from pipeline.runs.moves.result import Moves

MOST_WAYS, MOST_FEATURES = 12, 10
"""So many ways and features are shown."""


def render(
    moves: Moves,
    *,
    back: str | None = None,
    listing: str | None = None,
    minutes: int | None = None,
) -> str:
    """The same moves give the same bytes.

    Args:
        moves: What two runs say.
        back: Where a link to the results of the newer one leads; None where there is nowhere to go.
        listing: Where a link to the list of customers leads; None without a list.
        minutes: How long page and list are kept; None where that is not for us to say.
    """
    features = [*moves.features.items()]
    largest = max(moves.features.values(), default=0)
    return render_page(
        "moves/moves.html.j2",
        moves=moves,
        back=back,
        listing=listing,
        minutes=minutes,
        names={group.cluster: group.name for group in moves.groups},
        headline=headline(moves),
        verdict=verdict_line(moves),
        expected=expected_line(moves),
        ways=moves.transitions[:MOST_WAYS],
        more_ways=max(0, len(moves.transitions) - MOST_WAYS),
        causes=[main_features(moves, each.features) for each in moves.transitions[:MOST_WAYS]],
        features=[
            (moves.labels.get(name, name), name, count, count / moves.moved, 100 * count / largest)
            for name, count in features[:MOST_FEATURES]
        ],
        more_features=max(0, len(features) - MOST_FEATURES),
    )
