"""What moves come to, in sentences for page and terminal."""

from collections.abc import Mapping

from pipeline.runs.moves.result import Moves

_VERDICTS = {
    "more towards risk": "More moved towards risk than away from it",
    "more away from risk": "More moved away from risk than towards it",
    "no clear difference": "No clear difference between those who moved towards risk and away",
    "too few to tell": "Too few moved to tell a direction",
    "unknown": "Whether more moved towards risk cannot be told",
}


def headline(moves: Moves) -> str:
    """The one sentence: how many of the customers in both files are in another group."""
    share = moves.moved_share
    if share is None:
        return "No customer is in both files"
    return (
        f"{moves.moved:,} of {moves.matched:,} customers changed their group: {share[0]:.1%} "
        f"(95 % interval {share[1]:.1%} to {share[2]:.1%})"
    )


def size_line(moves: Moves) -> str:
    """Which files, and who is in one of them only."""
    return (
        f"From {moves.old.input} ({moves.old.customers:,}) to {moves.new.input} "
        f"({moves.new.customers:,}): {moves.came:,} came, {moves.went:,} went"
    )


def verdict_line(moves: Moves) -> str:
    """The verdict with its numbers."""
    direction = moves.direction
    line = _VERDICTS[direction.verdict]
    if direction.p is None:
        return line
    counts = f"{direction.towards:,} towards, {direction.away:,} away"
    if direction.verdict in ("unknown", "too few to tell"):
        return f"{line}: {counts}"
    chance = "below 0.0001" if direction.p < 0.0001 else f"{direction.p:.2g}"
    return f"{line}: {counts} (exact sign test, p {chance})"


def expected_line(moves: Moves) -> str | None:
    """Churners to expect then and now; None where a rate is not known."""
    before, after = moves.direction.expected_before, moves.direction.expected_after
    if before is None or after is None or moves.direction.p is None:
        return None
    return (
        f"By the churn rates of their groups {before:,.0f} of the customers in both files were "
        f"expected to leave, and now {after:,.0f}"
    )


def main_feature(moves: Moves, features: Mapping[str, int]) -> str:
    """The feature that moved most of some customers, and the share of them."""
    if not features:
        return "–"
    name, count = next(iter(features.items()))
    label = moves.labels.get(name, name)
    return f"{label} ({count / sum(features.values()):.0%})"


def main_features(moves: Moves, features: Mapping[str, int], most: int = 3) -> list[str]:
    """The features that moved most of some customers, each with the share of them."""
    total = sum(features.values())
    return [
        f"{moves.labels.get(name, name)} ({count / total:.0%})"
        for name, count in list(features.items())[:most]
    ]
