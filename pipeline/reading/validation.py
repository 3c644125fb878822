"""Checking many customers against the contract at once.

Fast where values are plainly right; every other value is decided by `Feature.parse`, the one place
that knows the rules, so a file and a single look-up refuse the same values with the same words.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipeline.errors import Problem, WrongFile
from pipeline.model.contract import AMBIGUOUS, LARGEST, Contract, Feature, is_missing
from pipeline.model.numbers import NumberFormat
from pipeline.model.spelling import alphanumeric
from pipeline.reading.arrow_columns import as_text, is_text, without_dictionary
from pipeline.reading.arrow_numpy import null_of, text_column, values_of
from pipeline.reading.customer_file import TYPED, CustomerFile

Numbers = Sequence[int] | NDArray[np.int64]
_NUMBER = r"^[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?$"
_GROUPED = r"^[+-]?[1-9][0-9]{0,2}(,[0-9]{3})+(\.[0-9]*)?$"
REPEATED_HEADER = "repeated_header"
"""The code of a row that names the columns once more."""


@dataclass(frozen=True, slots=True)
class Checked:
    """What `ClusterModel.assign_many` reads, for the customers that are `good`."""

    features: Mapping[str, NDArray[Any]]
    good: NDArray[np.bool_]
    problems: Mapping[int, list[Problem]]
    """By position in the block, for every customer that is not good."""
    filled: Mapping[str, int] = field(default_factory=dict)
    """Feature → good customers for whom the contract fills in what is missing."""


def check(
    contract: Contract, columns: Mapping[str, pa.Array], numbers: NumberFormat = TYPED
) -> Checked:
    """Parse the features of a block of customers.

    Args:
        contract: What the values may be.
        columns: A column for each feature, by its name; equally long.
        numbers: How numbers are written that come as text.

    Returns:
        The features of the good customers, and the problems of the others.
    """
    problems: dict[int, list[Problem]] = {}
    filled: dict[str, list[int]] = {}
    parsed = {}
    for feature in contract.features:
        column = as_text(without_dictionary(columns[feature.name]))
        values, sure = (
            _numbers(feature, column, numbers) if feature.numeric else _texts(feature, column)
        )
        for position in np.flatnonzero(~sure).tolist():
            cell = column[position].as_py()
            value = feature.parse(cell, numbers)
            if isinstance(value, Problem):
                problems.setdefault(position, []).append(value)
                continue
            values[position] = value
            if is_missing(cell):
                filled.setdefault(feature.name, []).append(position)
        parsed[feature.name] = values
    good = np.ones(len(next(iter(parsed.values()))), bool)
    good[list(problems)] = False
    counts = {name: int(good[positions].sum()) for name, positions in filled.items()}
    kept = {name: values[good] for name, values in parsed.items()} if problems else parsed
    return Checked(kept, good, problems, {name: count for name, count in counts.items() if count})


def refuse_ambiguous(
    file: CustomerFile, checked: Checked, rows: Numbers, lines: Numbers | None = None
) -> None:
    """Refuse a number that can be read in two ways: a row that is read wrong is worse than none.

    Args:
        file: Where the customers come from.
        checked: The customers, as `check` gives them.
        rows: The number of each customer's row.
        lines: Of each row, where it begins in a text.

    Raises:
        WrongFile: There is such a number.
    """
    for position, problems in checked.problems.items():
        for problem in problems:
            if problem.code == AMBIGUOUS:
                line = "" if lines is None else f" (line {lines[position]})"
                raise WrongFile(
                    file.path,
                    f"row {rows[position]}{line}: {problem}, and no other value shows which; "
                    "say which mark is decimal with --decimal",
                )


def is_repeated_header(
    file: CustomerFile, contract: Contract, cells: Sequence[str], row: int, line: int | None = None
) -> bool:
    """Whether a row names the columns once more, as where several files were put together.

    Args:
        file: Where the row comes from.
        contract: The columns that a header has to name.
        cells: The cells of the row.
        row: Its number; 1 is the first.
        line: Where it begins in a text.

    Raises:
        WrongFile: The columns stand in another order: whatever follows would be read wrong.
    """
    names = [alphanumeric(cell) for cell in cells]
    columns = dict(zip(file.schema.names, file.header, strict=True))
    features = {alphanumeric(columns.get(it.name, it.name)) for it in contract.features}
    if not features <= set(names):
        return False
    if names != [alphanumeric(name) for name in file.header]:
        where = f"row {row}" if line is None else f"row {row} (line {line})"
        raise WrongFile(
            file.path,
            f"has a second header in {where} with other columns or another order; "
            "cut the file there and score each part",
        )
    return True


def _numbers(
    feature: Feature, column: pa.Array, numbers: NumberFormat
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """The column as float64, and which elements are certainly acceptable."""
    kind = column.type
    if is_text(column):
        column = _cast_text(column, numbers)
    elif pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        column = column.cast(pa.float64(), safe=False)
    else:
        column = pa.nulls(len(column), pa.float64())
    values = values_of(column)
    low, high = feature.valid.low, feature.valid.high
    sure = np.abs(values) <= LARGEST  # false for NaN
    if low is not None:
        sure &= values >= low
    if high is not None:
        sure &= values <= high
    if feature.type == "integer":
        sure &= np.floor(values) == values
    return values, sure


def _cast_text(column: pa.Array, numbers: NumberFormat) -> pa.Array:
    """Numbers that are plainly written; null where somebody has to look closer."""
    if not numbers.decimal:
        marked = pc.match_substring_regex(column, "[.,]")
        column = pc.if_else(marked, null_of(column.type), column)
    elif numbers.decimal == ",":
        pointed = pc.match_substring(column, ".")
        column = pc.if_else(pointed, null_of(column.type), pc.replace_substring(column, ",", "."))
    try:
        return column.cast(pa.float64())
    except pa.ArrowInvalid:
        if numbers.decimal == "." and numbers.groups(","):
            grouped = pc.match_substring_regex(column, _GROUPED)
            column = pc.if_else(grouped, pc.replace_substring(column, ",", ""), column)
        numeric = pc.match_substring_regex(column, _NUMBER)
        return pc.if_else(numeric, column, null_of(column.type)).cast(pa.float64())


def _texts(feature: Feature, column: pa.Array) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    if not is_text(column):
        return np.full(len(column), "", object), np.zeros(len(column), bool)
    known = pc.is_in(column, text_column(feature.values).cast(column.type))
    return values_of(column), values_of(known)
