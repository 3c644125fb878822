"""Guesses about a file: which column is the id, which the churn label, and why."""

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.errors import WrongFile, shortened
from pipeline.training.drafting.columns import Column
from pipeline.training.drafting.words import means_churned, names_an_id, names_churn

_FEW = 50
"""Rows from which on it says something that each has another text."""


@dataclass(frozen=True, slots=True)
class IdGuess:
    """The column that tells customers apart."""

    column: str | None
    reason: str


@dataclass(frozen=True, slots=True)
class LabelGuess:
    """The column that says who left, and what its values mean."""

    column: str | None
    churned: tuple[str, ...]
    stayed: tuple[str, ...]
    reason: str
    """Why this column, or why none."""
    meaning: str = ""
    """Why these values mean churned."""


def guess_id(columns: Sequence[Column]) -> IdGuess:
    """The column with another value in each row whose name is most like that of an id."""
    unique = [column for column in columns if column.unique and column.kind != "number"]
    best = max(unique, key=lambda column: names_an_id(column.name), default=None)
    if best is not None and names_an_id(best.name):
        reason = f"each of {best.rows:,} rows has another value, and its name is that of an id"
        return IdGuess(best.name, reason)
    codes = [it for it in unique if it.kind == "text" and it.rows >= _FEW and _is_code(it)]
    if codes:
        return IdGuess(codes[0].name, f"each of {codes[0].rows:,} rows has another code")
    named = [column for column in columns if names_an_id(column.name) == 2]
    if named:
        repeats = named[0].present - len(named[0].texts)
        return IdGuess(
            None,
            f"{named[0].name} is called so, but {repeats + named[0].missing:,} rows have no id or "
            "one of another row; where a row is a purchase, use: init --transactions",
        )
    return IdGuess(None, "no column has another value in each row and the name of an id")


def _is_code(column: Column) -> bool:
    """Whether its texts are codes and not sentences or names."""
    some = column.texts[:_FEW]
    return all(" " not in text and any(char.isdigit() for char in text) for text in some)


def check_id(columns: Sequence[Column], name: str) -> IdGuess:
    """The id that somebody has named."""
    column = named(columns, name, "the id")
    repeated = column.present - len(column.texts)
    lacking = f"; {repeated:,} rows have one of another row, which training refuses"
    return IdGuess(column.name, f"as you said{lacking if repeated else ''}")


def guess_label(columns: Sequence[Column], taken: str | None) -> LabelGuess:
    """The column with two values whose name or values speak of churn.

    Args:
        columns: The columns of the file.
        taken: The id, which is no label.
    """
    pairs = [it for it in columns if len(it.texts) == 2 and it.name != taken]
    by_name = [column for column in pairs if names_churn(column.name)]
    by_values = [column for column in pairs if _speak_of_churn(column)]
    for column, why in [(it, "its name speaks of customers who left") for it in by_name] + [
        (it, "its values speak of customers who left and who stayed") for it in by_values
    ]:
        return label_of(column, f"it has two values, and {why}")
    speaking = [it.name for it in columns if names_churn(it.name)]
    if speaking:
        reason = f"{speaking[0]} speaks of customers who left, but has not two values"
        return LabelGuess(None, (), (), reason)
    return LabelGuess(None, (), (), "no column with two values speaks of customers who left")


def label_of(column: Column, reason: str, churned: str | None = None) -> LabelGuess:
    """The label that a column is, and what its values mean.

    Args:
        column: It has a few values.
        reason: Why it is the label.
        churned: The value that means churned, where somebody has said so.

    Raises:
        WrongFile: It has no such value, or only one.
    """
    if not 2 <= len(column.texts) <= 10:
        problem = f"column {column.name} has {len(column.texts):,} values; a label has two"
        raise WrongFile("the label", problem)
    left, why = _churned(column) if churned is None else (churned, "as you said")
    if left not in column.texts:
        held = ", ".join(map(shortened, column.texts))
        raise WrongFile("the label", f"{column.name} has no value {left}; it has {held}")
    share = column.counts[left] / column.present
    meaning = f"{why}; {column.counts[left]:,} of {column.present:,} customers ({share:.1%})"
    if column.missing:
        meaning += (
            f". Of {column.missing:,} more it is not known, and training refuses that: leave them "
            "out of the file, or declare no label"
        )
    stayed = tuple(text for text in column.texts if text != left)
    return LabelGuess(column.name, (left,), stayed, reason, meaning)


def _speak_of_churn(column: Column) -> bool:
    """Whether the values are words for those who left and stayed, not only yes and no."""
    said = {means_churned(text) for text in column.texts}
    plain = {"yes", "no", "true", "false", "y", "n", "t", "f", "0", "1", "active", "inactive"}
    telling = not {text.lower() for text in column.texts} <= plain | {"open", "closed"}
    return said == {True, False} and telling and column.kind == "category"


def _churned(column: Column) -> tuple[str, str]:
    """The value that means churned, and why."""
    meanings = {text: means_churned(text) for text in column.texts}
    said = [text for text, churned in meanings.items() if churned]
    if len(said) == 1 and list(meanings.values()).count(None) == 0:
        return said[0], f"{shortened(said[0])} means that the customer left"
    rarest = column.texts[-1]
    return (rarest, "no value says which, and this one is the rarest: look whether that is right")


def named(columns: Sequence[Column], name: str, what: str) -> Column:
    """A column that somebody has named; WrongFile where there is none."""
    for column in columns:
        if column.name == name:
            return column
    listed = ", ".join(shortened(column.name) for column in columns[:12])
    raise WrongFile(what, f"no column {name}; there are {listed}")
