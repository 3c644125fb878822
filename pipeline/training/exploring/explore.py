"""Exploring a customer file before anything is trained: columns, values, and who churned.

A value that the contract refuses is counted and left out of its own feature only; the other
features of that customer still count.
"""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from pipeline.errors import Problem, shortened
from pipeline.model.churn import ChurnRate
from pipeline.model.contract import Contract, Feature
from pipeline.reading.arrow_columns import is_text
from pipeline.reading.memory import MemoryTable
from pipeline.reading.options import AUTODETECT, ReadingOptions
from pipeline.training.cleaning import CustomerTable, read_customers
from pipeline.training.exploring.exploration import (
    GROUPS,
    Column,
    Exploration,
    Labels,
    RefusedValues,
    Role,
)
from pipeline.training.exploring.leaks import evidence
from pipeline.training.exploring.profiles import (
    FeatureValues,
    Groups,
    category_profile,
    number_profile,
)
from pipeline.training.statistics.redundancy import correlate, near_duplicates

_EXAMPLES = 3
_ANY = Feature("any", "number", "any")
"""A feature that parses any text: only `Feature.parse` knows which texts mean a missing value."""


def explore(
    path: Path | MemoryTable, contract: Contract, reading: ReadingOptions = AUTODETECT
) -> Exploration:
    """Describe a file.

    Args:
        path: The customers.
        contract: What their columns mean; any of them may be missing.
        reading: What somebody said about how the file is written.

    Raises:
        WrongFile: It is no table or has no customers.
    """
    table = read_customers(path, contract, reading)
    broken = Counter(row.code for row in table.broken_rows)
    ids = table.repeated_ids(contract)
    refused = _RefusedCounter()
    features = [refused.read(table, contract, name) for name in _present(table, contract)]
    labels, groups = _labels(table, contract, refused)
    numbers = [values for values in features if values.feature.numeric]
    categories = [values for values in features if not values.feature.numeric]
    frame = pd.DataFrame({values.feature.name: values.with_gaps() for values in numbers})
    correlation = correlate(frame)
    return Exploration(
        file=path.name,
        sha256=table.sha256,
        contract=contract.name,
        title=contract.title,
        rows=len(table.rows) + table.duplicate_rows + broken.total(),
        broken_rows=dict(sorted(broken.items())),
        duplicate_rows=table.duplicate_rows,
        customers=len(table.rows),
        repeated_ids=len(ids),
        repeated_id_examples=tuple(shortened(customer) for customer in ids[:_EXAMPLES]),
        columns=tuple(_columns(table, contract)),
        missing_columns=tuple(name for name in _declared(contract) if not table.has(name)),
        leaking_columns=tuple(name for name in contract.never_features if table.has(name)),
        evidence=evidence(table, contract, _is_missing, tuple(groups.values())),
        labels=labels,
        refused=refused.values(),
        numbers=tuple(number_profile(values, groups) for values in numbers),
        categories=tuple(category_profile(values, groups) for values in categories),
        correlation=correlation,
        near_duplicates=near_duplicates(frame, correlation),
    )


class _RefusedCounter:
    """Reads columns by the contract and counts the values that it refuses."""

    def __init__(self) -> None:
        self._values: dict[tuple[str, str, str], Counter[str]] = {}

    def read(self, table: CustomerTable, contract: Contract, name: str) -> FeatureValues:
        narrowed = contract.select([name])
        checked = table.check(narrowed)
        table.refuse_ambiguous(checked)
        for problems in checked.problems.values():
            for problem in problems:
                self.add(problem)
        return FeatureValues(narrowed.features[0], checked.features[name], checked.good)

    def add(self, problem: Problem) -> None:
        key = problem.column, problem.code, problem.expected
        self._values.setdefault(key, Counter())[problem.value] += 1

    def values(self) -> tuple[RefusedValues, ...]:
        """By column and code, in the order of the contract; the commonest values as examples."""
        listed = []
        for (column, code, expected), values in self._values.items():
            commonest = sorted(values, key=lambda value: (-values[value], value))
            examples = () if code == "missing" else tuple(commonest[:_EXAMPLES])
            listed.append(RefusedValues(column, code, values.total(), expected, examples))
        return tuple(listed)


def _present(table: CustomerTable, contract: Contract) -> list[str]:
    return [feature.name for feature in contract.features if table.has(feature.name)]


def _declared(contract: Contract) -> Iterator[str]:
    if contract.id_column:
        yield contract.id_column
    if contract.label:
        yield contract.label.column
    yield from (feature.name for feature in contract.features)


def _columns(table: CustomerTable, contract: Contract) -> Iterator[Column]:
    features = {feature.name: feature for feature in contract.features}
    for name, column in zip(table.rows.column_names, table.rows.columns, strict=True):
        missing, feature = _missing(column), features.get(name)
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


def _missing(column: pa.ChunkedArray) -> int:
    if not is_text(column):
        return int(column.null_count)
    counts = Counter(column.to_pylist())
    return sum(rows for text, rows in counts.items() if _is_missing(text))


def _is_missing(text: str | None) -> bool:
    parsed = _ANY.parse(text)
    return isinstance(parsed, Problem) and parsed.code == "missing"


def _labels(
    table: CustomerTable, contract: Contract, refused: _RefusedCounter
) -> tuple[Labels | None, Groups]:
    label = contract.label
    if label is None or not table.has(label.column):
        return None, {}
    cells = table.column(label.column).to_pylist()
    meaning = {cell: label.parse(cell) for cell in set(cells)}
    expected = f"one of {', '.join(label.churned + label.stayed)}"
    for cell in (cell for cell in cells if meaning[cell] is None):
        code = "missing" if cell is None or _is_missing(str(cell)) else "unknown_value"
        refused.add(Problem(label.column, code, shortened(cell), expected))
    churned = np.array([meaning[cell] is True for cell in cells], bool)
    stayed = np.array([meaning[cell] is False for cell in cells], bool)
    left, known = int(churned.sum()), int(churned.sum() + stayed.sum())
    rate = ChurnRate.of(left, known)
    labels = Labels(label.column, left, known - left, len(cells) - known, rate)
    return labels, dict(zip(GROUPS, (stayed, churned), strict=True))
