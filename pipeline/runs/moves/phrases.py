"""What moves come to, in sentences for page and terminal."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from pipeline.runs.moves.result import Moves, RunSide

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
    return f"{line}: {counts} (exact sign test, p {_chance(direction.p)})"


def expected_line(moves: Moves) -> str | None:
    """Churners to expect then and now; None where a rate is not known."""
    direction = moves.direction
    before, after = direction.expected_before, direction.expected_after
    if before is None or after is None or direction.p is None:
        return None
    line = (
        f"By the churn rates of their groups {before:,.0f} of the customers in both files were "
        f"expected to leave, and now {after:,.0f}"
    )
    steps = direction.steps
    if moves.old.implausible or moves.new.implausible:
        return None
    if steps.verdict == "unknown" or steps.p is None:
        return line
    if steps.verdict == "no clear difference":
        return f"{line}: no clear difference"
    against = {
        ("more risk", "more away from risk"): ", for those who moved towards risk moved further",
        ("less risk", "more towards risk"): ", for those who moved away from risk moved further",
    }.get((steps.verdict, direction.verdict), "")
    chance = _chance(steps.p) if steps.p < 0.0001 else f"at most {_chance(steps.p)}"
    return f"{line}: a larger difference than chance makes (p {chance}){against}"


def _chance(p: float) -> str:
    return "below 0.0001" if p < 0.0001 else f"{p:.2g}"


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


def notes_of(moves: Moves) -> Moves:
    """The same moves with what a reader has to know."""
    return replace(
        moves,
        notes=(
            *_about_units(moves),
            *_about_groups(moves),
            *_about_ids(moves),
            *_about_dates(moves),
        ),
    )


def _about_units(moves: Moves) -> Iterator[str]:
    for side, word in ((moves.old, "older"), (moves.new, "newer")):
        if side.implausible:
            yield (
                f"The unit of {', '.join(side.implausible)} is probably another one in the {word} "
                "run, such as cents: its groups, and so these moves, mean nothing until it is "
                "scored in the right one"
            )


def _about_groups(moves: Moves) -> Iterator[str]:
    grouping = moves.grouping
    if grouping.crosswalk is not None:
        yield (
            f"Two models: {moves.old.model_version} and {moves.new.model_version}, whose groups "
            f"training matched. Between them alone {grouping.crosswalk.moved_share:.1%} of its "
            "customers changed their group, so there is no verdict; --reassign lets the newer "
            "model assign both"
        )
    elif grouping.by == "assigned again":
        yield (
            f"Model {moves.new.model_version} assigned the older customers again, who had been "
            f"scored by {moves.old.model_version}: whoever moves has changed, and not the model"
        )
    elif grouping.model is None and moves.moved:
        yield (
            f"Which feature moved customers is not known: the store has no model "
            f"{moves.new.model_version}; name its store with --store"
        )


def _about_ids(moves: Moves) -> Iterator[str]:
    if moves.near_ids:
        ids = "id of the newer run is" if moves.near_ids == 1 else "ids of the newer run are"
        yield (
            f"{moves.near_ids:,} {ids} in the older one but for leading zeros, "
            "such as 001 and 1: they count as gone and come; --ids number takes them for the same"
        )
    for side, word in ((moves.old, "older"), (moves.new, "newer")):
        yield from _about_side(side, word)
    if not moves.matched:
        yield "No customer is in both runs; look whether both files mean the same ids"


def _about_side(side: RunSide, word: str) -> Iterator[str]:
    if side.repeated_ids:
        some = "id stands" if side.repeated_ids == 1 else "ids stand"
        yield (
            f"{side.repeated_ids:,} {some} more than once in the {word} run "
            f"({side.repeated_rows:,} rows): left out, for nobody knows which row is meant"
        )
    if side.without_id:
        rows = "row has" if side.without_id == 1 else "rows have"
        yield f"{side.without_id:,} {rows} no id in the {word} run: left out"
    if side.forgotten:
        rows = "row was" if side.forgotten == 1 else "rows were"
        other = "come" if word == "older" else "gone"
        yield (
            f"Up to {side.forgotten:,} {rows} removed from the {word} run, as people asked to be "
            f"forgotten: whoever of them is in the other run counts as {other}"
        )
    if side.unassigned:
        other = "newer" if word == "older" else "older"
        were = "customer" if side.unassigned == 1 else "customers"
        yield (
            f"{side.unassigned:,} {were} of the {other} run could not be assigned in the {word} "
            "one: left out, for that is neither a move nor a customer who went or came"
        )


def _about_dates(moves: Moves) -> Iterator[str]:
    old, new = moves.old.as_of, moves.new.as_of
    if old and new and old > new:
        yield f"The first run is of {old} and the second of {new}: did you mean it the other way?"
    elif old and old == new:
        yield f"Both runs are of {old}: one may be a second delivery of the same period"
