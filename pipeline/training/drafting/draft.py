"""From a stranger's file to a draft of its contract."""

import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pipeline.errors import WrongFile, shortened
from pipeline.reading.options import AUTODETECT, ReadingOptions
from pipeline.training.drafting.columns import Column, read_columns
from pipeline.training.drafting.features import (
    FeatureDraft,
    LeftOut,
    draft_feature,
    reason_to_leave_out,
)
from pipeline.training.drafting.guesses import (
    IdGuess,
    LabelGuess,
    check_id,
    guess_id,
    guess_label,
    label_of,
    named,
)
from pipeline.training.drafting.leaks import churned_rows, leak_reason
from pipeline.training.drafting.words import for_people

NONE = ""
"""What somebody says where there is no such column."""


@dataclass(frozen=True, slots=True)
class Answers:
    """What somebody has said of a file; None where it is to be guessed."""

    id_column: str | None = None
    """The column, or NONE."""
    label: str | None = None
    """The column, or NONE."""
    churned: str | None = None
    """The value of the label that means churned."""


Ask = Callable[[str, Sequence[str], str], str]
"""Asks a question: what for, what may be said, and the guess. Gives what was said."""


@dataclass(frozen=True, slots=True)
class Draft:
    """The draft of a contract, and the reason for each guess."""

    file: str
    name: str
    title: str
    rows: int
    id: IdGuess
    label: LabelGuess
    features: tuple[FeatureDraft, ...]
    left_out: tuple[LeftOut, ...]

    def to_dict(self) -> dict[str, Any]:
        """The guesses, as JSON can hold them: an open end of a range is None."""
        document = asdict(self)
        for feature in document["features"]:
            if feature["valid"] is not None:
                feature["valid"] = [
                    None if abs(end) == float("inf") else end for end in feature["valid"]
                ]
        return document


def draft_contract(
    path: Path,
    reading: ReadingOptions = AUTODETECT,
    answers: Answers = Answers(),
    ask: Ask | None = None,
) -> Draft:
    """Draft a contract from a file.

    Args:
        path: The file, of any kind that can be read.
        reading: What somebody said about how it is written.
        answers: What somebody has said of its columns.
        ask: Asks somebody about what is not said; None: guesses are taken.

    Raises:
        WrongFile: It is no table, or no column of it can be a feature.
    """
    columns = read_columns(path, reading)
    id_guess = _id(columns, answers, ask)
    label = _label(columns, answers, ask, id_guess.column)
    features, left_out = _sorted_out(columns, id_guess, label)
    if not features:
        raise WrongFile(path, _nothing_to_read(left_out))
    name, title = names_of(path)
    return Draft(
        file=path.name,
        name=name,
        title=title,
        rows=columns[0].rows,
        id=id_guess,
        label=label,
        features=tuple(features),
        left_out=tuple(left_out),
    )


def _nothing_to_read(left_out: Sequence[LeftOut]) -> str:
    """What is wrong with a file without features, and what stands in its columns instead."""
    reasons = "; ".join(f"{shortened(it.column)}: {it.reason}" for it in left_out[:3])
    more = "; …" if len(left_out) > 3 else ""
    found = f" ({reasons}{more})" if reasons else ""
    return f"has no column that can be a feature{found}; expected numbers or categories"


def names_of(path: Path) -> tuple[str, str]:
    """The name and the title of the customers of a file, after the file's name."""
    title = for_people(path.stem)
    name = re.sub(r"\W+", "_", path.stem.lower()).strip("_") or "customers"
    return name, title if "customer" in title.lower() else f"{title} customers"


def _id(columns: Sequence[Column], answers: Answers, ask: Ask | None) -> IdGuess:
    guess, said = guess_id(columns), answers.id_column
    if said is None and ask is not None:
        names = [column.name for column in columns]
        said = ask("Which column is the customer's id?", names, guess.column or NONE)
    if said is None or said == (guess.column or NONE):
        return guess
    return check_id(columns, said) if said else IdGuess(None, "as you said")


def _label(
    columns: Sequence[Column], answers: Answers, ask: Ask | None, taken: str | None
) -> LabelGuess:
    guess, said = guess_label(columns, taken), answers.label
    if said is None and ask is not None:
        names = [column.name for column in columns if column.name != taken]
        said = ask("Which column says who left?", names, guess.column or NONE)
    if said == NONE:
        return LabelGuess(None, (), (), "as you said")
    if said is not None and said != guess.column:
        guess = label_of(named(columns, said, "the label"), "as you said")
    if guess.column is None:
        return guess
    column, churned = named(columns, guess.column, "the label"), answers.churned
    if churned is None and ask is not None:
        churned = ask(f"Which value of {column.name} means left?", column.texts, guess.churned[0])
    if churned == NONE:
        return LabelGuess(None, (), (), "as you said")
    if churned is None or churned == guess.churned[0]:
        return guess
    return label_of(column, guess.reason, churned)


def _sorted_out(
    columns: Sequence[Column], id_guess: IdGuess, label: LabelGuess
) -> tuple[list[FeatureDraft], list[LeftOut]]:
    """The features, and the columns that are none."""
    features, left_out = [], []
    churned, known = churned_rows(columns, label)
    for column in columns:
        if column.name in (id_guess.column, label.column):
            continue
        leak = leak_reason(column, churned, known) if label.column else ""
        reason = reason_to_leave_out(column)
        if leak:
            left_out.append(LeftOut(column.name, leak, never=True))
        elif reason is not None:
            left_out.append(reason)
        else:
            features.append(draft_feature(column))
    return features, left_out
