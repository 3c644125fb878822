"""From a customer file to the rows that training may use, with a count of what was left out."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from pipeline.errors import MAX_REJECTED_SHARE, WrongFile, refuse_unreadable, shortened
from pipeline.hashing import sha256_of_file
from pipeline.model.contract import MEDIAN, Contract, Feature, Label
from pipeline.reading.blocks import BrokenRow
from pipeline.reading.customer_file import CustomerFile
from pipeline.reading.memory import MemoryTable
from pipeline.reading.open import open_customers, open_table
from pipeline.reading.options import AUTODETECT, ReadingOptions
from pipeline.reading.validation import Checked, check, is_repeated_header, refuse_ambiguous


@dataclass(frozen=True, slots=True)
class CustomerTable:
    """A customer file, read whole and once; where it has ids, without repeated rows."""

    file: CustomerFile
    sha256: str
    rows: pa.Table
    """All columns of the file; no row repeats an earlier one in every column, its id among them."""
    duplicate_rows: int
    broken_rows: tuple[BrokenRow, ...]

    def has(self, name: str | None) -> bool:
        """Whether the file has a column of this name."""
        return name in self.file.schema.names

    def column(self, name: str) -> pa.Array:
        """A column by its name; WrongFile when it is missing or there twice."""
        return self.rows.column(self.file.column(name)).combine_chunks()

    def check(self, contract: Contract) -> Checked:
        """Check the columns of a contract's features, row by row."""
        columns = {feature.name: self.column(feature.name) for feature in contract.features}
        return check(contract, columns, self.file.numbers)

    def refuse_ambiguous(self, checked: Checked) -> None:
        """WrongFile where a number can be read in two ways."""
        refuse_ambiguous(self.file, checked, range(1, len(self.rows) + 1))

    def with_medians(self, contract: Contract) -> Contract:
        """The contract with the medians of these customers, where it says that they stand in.

        Raises:
            WrongFile: No value of such a feature can be used.
        """
        found = [
            self._with_median(feature, contract)
            if feature.stand_in == MEDIAN and self.has(feature.name)
            else feature
            for feature in contract.features
        ]
        return replace(contract, features=tuple(found))

    def _with_median(self, feature: Feature, contract: Contract) -> Feature:
        unfilled = replace(feature, missing=None)
        values = self.check(replace(contract, features=(unfilled,))).features[feature.name]
        if not len(values):
            problem = f"has no usable value of {feature.name}, so there is no median to fill in"
            raise WrongFile(self.file.path, problem)
        whole = feature.type == "integer"  # where the median lies between two, the lower one
        median = np.quantile(values, 0.5, method="lower" if whole else "linear")
        return replace(feature, missing=float(median))

    def repeated_ids(self, contract: Contract) -> list[object]:
        """The ids of all rows whose id an earlier row has, with other values."""
        if contract.id_column is None or not self.has(contract.id_column):
            return []
        ids = pd.Series(self.column(contract.id_column).to_pylist(), dtype=object)
        return ids[ids.duplicated()].tolist()


def read_customers(
    path: Path | MemoryTable,
    contract: Contract,
    reading: ReadingOptions = AUTODETECT,
    required: Iterable[str] = (),
    sha256: str | None = None,
) -> CustomerTable:
    """Read a customer file: the only place where training opens one.

    Args:
        path: The file, or a table in memory that stands for one.
        contract: The columns that are looked for.
        reading: What somebody said about how the file is written.
        required: The columns that must be there.
        sha256: The digest of the file, where it is known already.

    Raises:
        WrongFile: It is no table, lacks a column, or has no customers.
    """
    if isinstance(path, MemoryTable):
        return _from_memory(path, contract, required)
    with open_customers(path, contract, reading, keep_bytes=contract.ascii) as file:
        file.indexes(required)
        table, broken = file.read_all()
    if not len(table):
        raise WrongFile(path, "has a header but no customers")
    with refuse_unreadable(path):
        digest = sha256 or sha256_of_file(path)
    rows, repeats = _without_repeats(table, contract)
    return CustomerTable(file, digest, rows, repeats, tuple(broken))


def _from_memory(source: MemoryTable, contract: Contract, required: Iterable[str]) -> CustomerTable:
    file = open_table(source, contract)
    file.indexes(required)
    table, _ = file.read_all()
    if not len(table):
        raise WrongFile(source.name, "has columns but no customers")
    rows, repeats = _without_repeats(table, contract)
    return CustomerTable(file, source.sha256, rows, repeats, ())


def _without_repeats(table: pa.Table, contract: Contract) -> tuple[pa.Table, int]:
    """The rows that repeat no earlier one, and how many do.

    Without ids equal rows are different customers who are alike.
    """
    if contract.id_column not in table.schema.names:
        return table, 0
    duplicate = _duplicates(table)
    return table.filter(pa.array(~duplicate)), int(duplicate.sum())


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
    filled: dict[str, int] = field(default_factory=dict)
    """Feature → customers for whom the contract filled in a missing value."""

    def to_facts(self) -> dict[str, Any]:
        """What a manifest states of it."""
        facts = asdict(self)
        if not self.filled:  # as in the manifests from before there was such a count
            del facts["filled"]
        return facts


@dataclass(frozen=True, slots=True)
class Customers:
    """Training customers: one row each in `features` and, where there is a label, `churned`."""

    contract: Contract
    """Of the features that are trained on."""
    features: pd.DataFrame
    churned: NDArray[np.bool_] | None
    cleaning: Cleaning
    unread: tuple[Feature, ...]
    """Other features that the file has: no model input, but they help to describe clusters."""
    others: pd.DataFrame
    """Their values; NaN or "" where a value is unusable."""

    def select(self, names: Sequence[str]) -> Self:
        """The same customers with fewer features to train on, in the given order."""
        kept = list(names)
        moved = [feature for feature in self.contract.features if feature.name not in kept]
        others = [self.others, self.features[[feature.name for feature in moved]]]
        return replace(
            self,
            contract=self.contract.select(kept),
            features=self.features[kept],
            unread=(*self.unread, *moved),
            others=pd.concat(others, axis=1),
        )

    def take(self, rows: NDArray[np.intp]) -> Self:
        """Some of the customers, by position."""
        return replace(
            self,
            features=self.features.iloc[rows].reset_index(drop=True),
            churned=None if self.churned is None else self.churned[rows],
            others=self.others.iloc[rows].reset_index(drop=True),
        )


def clean(table: CustomerTable, declared: Contract, names: Sequence[str]) -> Customers:
    """The customers of a file that can be trained on.

    Args:
        table: The file.
        declared: What its columns mean.
        names: The features to train on; the others of the contract only describe.

    Raises:
        WrongFile: Too little of it is usable, an id is there twice, or the label is unclear.
    """
    declared = table.with_medians(declared)
    contract = declared.select(names)
    _refuse_repeated_ids(table, contract)
    checked = table.check(contract)
    table.refuse_ambiguous(checked)
    for position in checked.problems:
        cells = [str(column[position].as_py()) for column in table.rows.columns]
        is_repeated_header(table.file, contract, cells, position + 1)  # which refuses another order
    cleaning = _counted(table, contract, checked)
    churned = _churned(table, contract.label)
    unread = tuple(
        feature
        for feature in declared.features
        if table.has(feature.name) and feature.name not in names
    )
    others = {feature.name: _usable(table, feature, contract) for feature in unread}
    return Customers(
        contract,
        pd.DataFrame(checked.features),
        None if churned is None else churned[checked.good],
        cleaning,
        unread,
        pd.DataFrame(others, index=range(len(table.rows)))[checked.good].reset_index(drop=True),
    )


def _duplicates(table: pa.Table) -> NDArray[np.bool_]:
    """Which rows repeat an earlier one in every column: the same customer once more."""
    frame = table.to_pandas()
    nested = [name for name in frame if frame[name].map(_unhashable).any()]
    return np.asarray(frame.astype(dict.fromkeys(nested, str)).duplicated())


def _unhashable(value: object) -> bool:
    return isinstance(value, list | dict | np.ndarray)


def _counted(table: CustomerTable, contract: Contract, checked: Checked) -> Cleaning:
    file, broken = table.file, table.broken_rows
    rejected = len(checked.problems) + len(broken)
    read = len(checked.good) + table.duplicate_rows + len(broken)
    reasons = Counter(f"{p[0].column} {p[0].code}" for p in checked.problems.values())
    reasons.update(row.code for row in broken)
    if rejected > MAX_REJECTED_SHARE * read:
        listed = ", ".join(f"{reason}: {count:,}" for reason, count in reasons.most_common(3))
        raise WrongFile(file.path, f"{rejected:,} of {read:,} rows are unusable ({listed})")
    return Cleaning(
        file=file.path.name,
        sha256=table.sha256,
        rows_read=read,
        rows_used=int(checked.good.sum()),
        duplicate_rows=table.duplicate_rows,
        rejected_rows=rejected,
        rejected_for=dict(reasons.most_common()),
        dropped_columns=tuple(name for name in contract.never_features if table.has(name)),
        filled=dict(checked.filled),
    )


def _usable(table: CustomerTable, feature: Feature, contract: Contract) -> NDArray[Any]:
    """A feature's values, with NaN or "" where the contract refuses one."""
    checked = table.check(replace(contract, features=(feature,)))
    values: NDArray[Any] = np.full(
        len(table.rows), np.nan if feature.numeric else "", float if feature.numeric else object
    )
    values[checked.good] = checked.features[feature.name]
    return values


def _refuse_repeated_ids(table: CustomerTable, contract: Contract) -> None:
    repeated = table.repeated_ids(contract)
    if repeated:
        raise WrongFile(
            table.file.path,
            f"{len(repeated):,} rows repeat an id of {contract.id_column} with other values "
            f"(first: {repeated[0]}); expected one row for each customer",
        )


def _churned(table: CustomerTable, label: Label | None) -> NDArray[np.bool_] | None:
    if label is None or not table.has(label.column):
        return None
    path, texts = table.file.path, table.column(label.column).to_pylist()
    counts = Counter(texts)
    meaning = {text: label.parse(text) for text in counts}
    unknown = sorted(
        repr(text) if text is not None else "nothing"
        for text, churned in meaning.items()
        if churned is None
    )
    if unknown:
        rows = sum(counts[text] for text, churned in meaning.items() if churned is None)
        raise WrongFile(
            path,
            f"label {label.column} holds {', '.join(map(shortened, unknown[:3]))} in {rows:,} of "
            f"{len(texts):,} rows; expected one of {', '.join(label.churned + label.stayed)}: "
            "leave those customers out of the file, or declare no label",
        )
    if len(set(meaning.values())) < 2:
        only = "churned" if any(meaning.values()) else "stayed"
        raise WrongFile(path, f"label {label.column} says that all customers {only}")
    return np.array([meaning[text] for text in texts], bool)
