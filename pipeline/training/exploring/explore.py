"""Exploring a customer file before anything is trained: what is in it, and what sets those apart
who left.

A value that the contract refuses is counted and left out of its own feature only; the other
features of that customer still count.
"""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from pipeline.errors import Problem, WrongFile, shortened
from pipeline.hashing import sha256_of_file
from pipeline.model.churn import ChurnRate
from pipeline.model.contract import Contract, Feature
from pipeline.reading.arrow_columns import is_text, without_dictionary
from pipeline.reading.customer_file import CustomerFile
from pipeline.reading.open import open_customers
from pipeline.reading.options import AUTODETECT, ReadingOptions
from pipeline.reading.validation import check, refuse_ambiguous
from pipeline.training.cleaning import duplicate_rows
from pipeline.training.exploring.exploration import (
    GROUPS,
    Column,
    Exploration,
    Labels,
    Refusal,
    Role,
)
from pipeline.training.exploring.profiles import Groups, Values, category_profile, number_profile
from pipeline.training.statistics.redundancy import correlate, near_duplicates

_EXAMPLES = 3
_ANY = Feature("any", "number", "any")
"""Asked which texts mean that a value is missing: only `Feature.parse` knows."""


def explore(path: Path, contract: Contract, reading: ReadingOptions = AUTODETECT) -> Exploration:
    """Look through a file; WrongFile when it is no table or has no customers."""
    file, table, broken, duplicates = _read(path, contract, reading)
    ids = _repeated_ids(file, table, contract)
    refusals = _Refusals()
    features = [refusals.read(file, table, contract, name) for name in _present(file, contract)]
    labels, groups = _labels(file, table, contract, refusals)
    numbers = [found for found in features if found.feature.numeric]
    categories = [found for found in features if not found.feature.numeric]
    frame = pd.DataFrame({found.feature.name: found.with_gaps() for found in numbers})
    correlation = correlate(frame)
    return Exploration(
        file=path.name,
        sha256=sha256_of_file(path),
        contract=contract.name,
        title=contract.title,
        rows=len(table) + duplicates + broken.total(),
        broken_rows=dict(sorted(broken.items())),
        duplicate_rows=duplicates,
        customers=len(table),
        repeated_ids=len(ids),
        repeated_id_examples=tuple(shortened(found) for found in ids[:_EXAMPLES]),
        columns=tuple(_columns(table, contract)),
        missing_columns=tuple(n for n in _declared(contract) if n not in file.schema.names),
        leaking_columns=tuple(n for n in contract.never_features if n in file.schema.names),
        labels=labels,
        refused=refusals.counted(),
        numbers=tuple(number_profile(found, groups) for found in numbers),
        categories=tuple(category_profile(found, groups) for found in categories),
        correlation=correlation,
        near_duplicates=near_duplicates(frame, correlation),
    )


def _read(
    path: Path, contract: Contract, reading: ReadingOptions
) -> tuple[CustomerFile, pa.Table, Counter[str], int]:
    """The rows without repetitions; broken ones by code, and how many were repetitions."""
    with open_customers(path, contract, reading, keep_bytes=contract.ascii) as file:
        table, rows = file.read_all()
    if not len(table):
        raise WrongFile(path, "has a header but no customers")
    broken = Counter(row.code for row in rows)
    duplicate = duplicate_rows(table)
    return file, table.filter(pa.array(~duplicate)), broken, int(duplicate.sum())


class _Refusals:
    """Reads columns by the contract and counts what it refuses."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str, str], Counter[str]] = {}

    def read(self, file: CustomerFile, table: pa.Table, contract: Contract, name: str) -> Values:
        narrowed = contract.select([name])
        column = _column(table, file.column(name))
        checked = check(narrowed, {name: column}, file.numbers)
        refuse_ambiguous(file, checked, range(1, len(table) + 1))
        for problems in checked.problems.values():
            for problem in problems:
                self.add(problem)
        return Values(narrowed.features[0], checked.features[name], checked.good)

    def add(self, problem: Problem) -> None:
        key = problem.column, problem.code, problem.expected
        self._found.setdefault(key, Counter())[problem.value] += 1

    def counted(self) -> tuple[Refusal, ...]:
        """By column and code, in the order of the contract; the commonest values as examples."""
        refused = []
        for (column, code, expected), values in self._found.items():
            commonest = sorted(values, key=lambda value: (-values[value], value))
            examples = () if code == "missing" else tuple(commonest[:_EXAMPLES])
            refused.append(Refusal(column, code, values.total(), expected, examples))
        return tuple(refused)


def _present(file: CustomerFile, contract: Contract) -> list[str]:
    return [feature.name for feature in contract.features if feature.name in file.schema.names]


def _declared(contract: Contract) -> Iterator[str]:
    if contract.id_column:
        yield contract.id_column
    if contract.label:
        yield contract.label.column
    yield from (feature.name for feature in contract.features)


def _column(table: pa.Table, index: int) -> pa.Array:
    return without_dictionary(table.column(index).combine_chunks())


def _repeated_ids(file: CustomerFile, table: pa.Table, contract: Contract) -> list[object]:
    """The ids of all rows whose id an earlier row has; whole repeated rows are gone already."""
    if contract.id_column not in file.schema.names:
        return []
    ids = pd.Series(_column(table, file.column(str(contract.id_column))).to_pylist(), dtype=object)
    return ids[ids.duplicated()].tolist()


def _columns(table: pa.Table, contract: Contract) -> Iterator[Column]:
    features = {feature.name: feature for feature in contract.features}
    for index, name in enumerate(table.column_names):
        missing, feature = _missing(_column(table, index)), features.get(name)
        stand_in = feature.missing if feature else None
        yield Column(name, _role(name, feature, contract), missing, stand_in)


def _role(name: str, feature: Feature | None, contract: Contract) -> Role:
    if feature:
        return "number" if feature.numeric else "category"
    if name in contract.never_features:
        return "leaking"
    if contract.label and name == contract.label.column:
        return "label"
    return "id" if name == contract.id_column else "other"


def _missing(column: pa.Array) -> int:
    if not is_text(column):
        return int(column.null_count)
    counts = Counter(column.to_pylist())
    return sum(rows for text, rows in counts.items() if _is_missing(text))


def _is_missing(text: str | None) -> bool:
    found = _ANY.parse(text)
    return isinstance(found, Problem) and found.code == "missing"


def _labels(
    file: CustomerFile, table: pa.Table, contract: Contract, refusals: _Refusals
) -> tuple[Labels | None, Groups]:
    label = contract.label
    if label is None or label.column not in file.schema.names:
        return None, {}
    cells = _column(table, file.column(label.column)).to_pylist()
    meaning = {cell: label.parse(cell) for cell in set(cells)}
    expected = f"one of {', '.join(label.churned + label.stayed)}"
    for cell in (cell for cell in cells if meaning[cell] is None):
        code = "missing" if cell is None or _is_missing(str(cell)) else "unknown_value"
        refusals.add(Problem(label.column, code, shortened(cell), expected))
    churned = np.array([meaning[cell] is True for cell in cells], bool)
    stayed = np.array([meaning[cell] is False for cell in cells], bool)
    left, known = int(churned.sum()), int(churned.sum() + stayed.sum())
    rate = ChurnRate.of(left, known)
    labels = Labels(label.column, left, known - left, len(cells) - known, rate)
    return labels, dict(zip(GROUPS, (stayed, churned), strict=True))
