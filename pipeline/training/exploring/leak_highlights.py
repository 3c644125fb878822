"""What the evidence against single columns says, in sentences."""

from collections.abc import Iterator, Sequence

from pipeline.training.exploring.exploration import Exploration
from pipeline.training.exploring.leaks import Evidence, Nature

_MOST = 8
_OF_LEAVING = "a time may be that of leaving itself, and "
_UNFIT: dict[Nature, tuple[str, str]] = {
    "time": (
        "holds times|hold times",
        "it moves on with every new file. Count how long ago it was, up to the same day for "
        "everybody",
    ),
    "row counter": ("counts rows|count rows", "the order of a file says nothing of a customer"),
    "identifier": (
        "is another one for nearly every customer|are others for nearly every customer",
        "a name tells nothing of a group",
    ),
}


def leak_highlights(exploration: Exploration) -> Iterator[str]:
    """Columns that give the answer away, that may, and that are no property of a customer."""
    roles = {column.name: column.role for column in exploration.columns}
    kept_out = [each for each in exploration.evidence if roles[each.column] == "leaking"]
    others = [each for each in exploration.evidence if roles[each.column] not in ("leaking", "id")]
    known = [each for each in kept_out if each.gives_answer]
    unsaid = [each for each in others if each.gives_answer]
    yield from _giving(unsaid, "No model may read {it}: name {it} under never_features.")
    yield from _giving(known, "The contract keeps {it} from being a feature.")
    yield from _without_evidence([each for each in kept_out if not each.gives_answer])
    suspects = [each for each in others if each.suspect]
    if suspects:
        yield (
            f"Close to giving the answer away (AUC alone {_aucs(suspects)}): {_names(suspects)}. "
            "Make sure that it was measured before customers left."
        )
    unfit = [each for each in others if not each.gives_answer]
    yield from _unfit(unfit, labelled=exploration.labels is not None)


def _giving(columns: Sequence[Evidence], then: str) -> Iterator[str]:
    if not columns:
        return
    one = len(columns) == 1
    subject = "1 column gives" if one else f"{len(columns)} columns give"
    it = "it" if one else "them"
    alone = "it alone tells" if one else "each alone tells"
    yield (
        f"{subject} the answer away, as {alone} who left (AUC {_aucs(columns)}): "
        f"{_names(columns)}. {then.format(it=it)}"
    )


def _without_evidence(columns: Sequence[Evidence]) -> Iterator[str]:
    """What the contract keeps out, though by what is in it there is no need to."""
    if not columns:
        return
    measured = [each for each in columns if each.shape]
    alone = "it tells" if len(measured) == 1 else "they tell"
    little = f"; alone {alone} little of who left (AUC {_aucs(measured)})" if measured else ""
    yield f"The contract keeps from being a feature: {_names(columns)}{little}."


def _unfit(columns: Sequence[Evidence], *, labelled: bool) -> Iterator[str]:
    for nature, (verbs, why) in _UNFIT.items():
        such = [each for each in columns if each.nature == nature]
        if such:
            one, several = verbs.split("|")
            danger = _OF_LEAVING if nature == "time" and labelled else ""
            yield f"{_names(such)} {one if len(such) == 1 else several}: {danger}{why}."


def _names(columns: Sequence[Evidence]) -> str:
    shown = ", ".join(each.column for each in columns[:_MOST])
    return f"{shown} and {len(columns) - _MOST} more" if len(columns) > _MOST else shown


def _aucs(columns: Sequence[Evidence]) -> str:
    """The lowest and the highest of them."""
    aucs = [f"{each.shape.auc:.2f}" for each in columns if each.shape]
    return min(aucs) if min(aucs) == max(aucs) else f"{min(aucs)} to {max(aucs)}"
