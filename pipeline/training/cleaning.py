"""From a customer file to the rows that training may use, with a count of what was left out."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from pipeline.errors import MAX_REJECTED_SHARE, WrongFile
from pipeline.hashing import sha256_of_file
from pipeline.model.contract import Contract, Feature, Label
from pipeline.reading.blocks import BrokenRow
from pipeline.reading.customer_file import CustomerFile
from pipeline.reading.open import open_customers
from pipeline.reading.options import AUTODETECT, ReadingOptions
from pipeline.reading.validation import Checked, check, is_repeated_header, refuse_ambiguous


@dataclass(frozen=True, slots=True)
class Cleaning:
    """What cleaning read, and what it left out and why."""

    file: str
    sha256: str
    rows_read: int
    rows_used: int
    duplicate_rows: int
    rejected_rows: int
    rejected_for: dict[str, int]
    """Column and code → number of rows."""
    dropped_columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Customers:
    """Training customers: one row each in `features` and, where there is a label, `churned`."""

    contract: Contract
    features: pd.DataFrame
    churned: NDArray[np.bool_] | None
    cleaning: Cleaning
    unread: tuple[Feature, ...]
    """Other features that the file has: no model input, but they help to describe clusters."""
    others: pd.DataFrame
    """Their values; NaN or "" where a value is unusable."""


def load_customers(
    path: Path, declared: Contract, names: Sequence[str], reading: ReadingOptions = AUTODETECT
) -> Customers:
    """Read and clean the features to train on; WrongFile when too little is usable."""
    contract = declared.select(names)
    with open_customers(path, declared, reading, keep_bytes=declared.ascii) as file:
        indexes = {feature.name: file.column(feature.name) for feature in contract.features}
        table, broken = file.read_all()
    if not len(table):
        raise WrongFile(path, "has a header but no customers")
    duplicate = duplicate_rows(table)
    table = table.filter(pa.array(~duplicate))
    _refuse_repeated_ids(file, table, contract)
    columns = {name: _column(table, index) for name, index in indexes.items()}
    checked = check(contract, columns, file.numbers)
    refuse_ambiguous(file, checked, range(1, len(table) + 1))
    for position in checked.problems:
        cells = [str(column[position].as_py()) for column in table.columns]
        is_repeated_header(file, contract, cells, position + 1)  # which refuses another order
    cleaning = _counted(file, contract, broken, int(duplicate.sum()), checked)
    churned = _churned(file, table, contract.label)
    unread = tuple(
        feature
        for feature in declared.features
        if feature.name in file.schema.names and feature.name not in names
    )
    others = {feature.name: _usable(file, table, feature, contract) for feature in unread}
    return Customers(
        contract,
        pd.DataFrame(checked.features),
        None if churned is None else churned[checked.good],
        cleaning,
        unread,
        pd.DataFrame(others, index=range(len(table)))[checked.good].reset_index(drop=True),
    )


def duplicate_rows(table: pa.Table) -> NDArray[np.bool_]:
    """Which rows repeat an earlier one in every column."""
    frame = table.to_pandas()
    nested = [name for name in frame if frame[name].map(_unhashable).any()]
    return np.asarray(frame.astype(dict.fromkeys(nested, str)).duplicated())


def _unhashable(value: object) -> bool:
    return isinstance(value, list | dict | np.ndarray)


def _counted(
    file: CustomerFile,
    contract: Contract,
    broken: Sequence[BrokenRow],
    duplicates: int,
    checked: Checked,
) -> Cleaning:
    rejected = len(checked.problems) + len(broken)
    read = len(checked.good) + duplicates + len(broken)
    reasons = Counter(f"{p[0].column} {p[0].code}" for p in checked.problems.values())
    reasons.update(row.code for row in broken)
    if rejected > MAX_REJECTED_SHARE * read:
        listed = ", ".join(f"{what}: {count:,}" for what, count in reasons.most_common(3))
        raise WrongFile(file.path, f"{rejected:,} of {read:,} rows are unusable ({listed})")
    return Cleaning(
        file=file.path.name,
        sha256=sha256_of_file(file.path),
        rows_read=read,
        rows_used=int(checked.good.sum()),
        duplicate_rows=duplicates,
        rejected_rows=rejected,
        rejected_for=dict(reasons.most_common()),
        dropped_columns=tuple(n for n in contract.never_features if n in file.schema.names),
    )


def _usable(
    file: CustomerFile, table: pa.Table, feature: Feature, contract: Contract
) -> NDArray[Any]:
    """A feature's values, with NaN or "" where the contract refuses one."""
    alone = replace(contract, features=(feature,))
    column = _column(table, file.column(feature.name))
    checked = check(alone, {feature.name: column}, file.numbers)
    values: NDArray[Any] = np.full(
        len(table), np.nan if feature.numeric else "", float if feature.numeric else object
    )
    values[checked.good] = checked.features[feature.name]
    return values


def _column(table: pa.Table, index: int) -> pa.Array:
    return pa.concat_arrays(table.column(index).chunks)


def _refuse_repeated_ids(file: CustomerFile, table: pa.Table, contract: Contract) -> None:
    if contract.id_column not in file.schema.names:
        return
    ids = pd.Series(_column(table, file.column(str(contract.id_column))).to_pylist())
    repeated = ids[ids.duplicated()]
    if len(repeated):
        raise WrongFile(
            file.path,
            f"{len(repeated):,} rows repeat an id of {contract.id_column} with other values "
            f"(first: {repeated.iloc[0]}); expected one row for each customer",
        )


def _churned(file: CustomerFile, table: pa.Table, label: Label | None) -> NDArray[np.bool_] | None:
    if label is None or label.column not in file.schema.names:
        return None
    texts = _column(table, file.column(label.column)).to_pylist()
    meaning = {text: label.parse(text) for text in set(texts)}
    unknown = sorted(repr(text) for text, churned in meaning.items() if churned is None)
    if unknown:
        raise WrongFile(
            file.path,
            f"label {label.column} holds {', '.join(unknown[:3])}; "
            f"expected one of {', '.join(label.churned + label.stayed)}",
        )
    if len(set(meaning.values())) < 2:
        only = "churned" if any(meaning.values()) else "stayed"
        raise WrongFile(file.path, f"label {label.column} says that all customers {only}")
    return np.array([meaning[text] for text in texts], bool)
