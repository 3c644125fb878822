"""What a reader of moves has to know, as sentences."""

from collections.abc import Iterator
from dataclasses import replace

from pipeline.runs.moves.result import Moves, RunSide


def notes_of(moves: Moves) -> Moves:
    """The same moves with what a reader has to know."""
    return replace(moves, notes=(*_about_groups(moves), *_about_ids(moves), *_about_dates(moves)))


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
        yield (
            f"{moves.near_ids:,} ids of the newer run are in the older one but for leading zeros, "
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
    if side.unassigned:
        yield f"{side.unassigned:,} customers of the {word} run cannot be assigned again: left out"
    if side.rejected:
        rows = "row was" if side.rejected == 1 else "rows were"
        other = "come" if word == "older" else "gone"
        yield (
            f"{side.rejected:,} {rows} rejected in the {word} run: whoever that is and is in the "
            f"other run counts as {other}"
        )


def _about_dates(moves: Moves) -> Iterator[str]:
    old, new = moves.old.as_of, moves.new.as_of
    if old and new and old > new:
        yield f"The first run is of {old} and the second of {new}: did you mean it the other way?"
    elif old and old == new:
        yield f"Both runs are of {old}: one may be a second delivery of the same period"
