"""A scored file as a workbook for people: a sheet of groups, one of customers, one of rejects."""

import dataclasses
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet

from pipeline.model.contract import Contract, Feature, is_missing
from pipeline.model.numbers import NumberFormat
from pipeline.reading.customer_file import CustomerFile
from pipeline.reading.delimited.reader import DelimitedReader
from pipeline.reading.delimited.streams import CHUNK
from pipeline.scoring.documents import ClusterSummary, Summary
from pipeline.scoring.rejects import Reject
from pipeline.scoring.scorer import ScoredBlock, Scorer
from pipeline.scoring.sinks.columns import AppendedColumns, unique_names
from pipeline.scoring.writing.cells import Cells, kinds_of_appended
from pipeline.scoring.writing.csv_dialect import CsvDialect
from pipeline.scoring.writing.workbook import (
    CUSTOMERS,
    GROUPS,
    MOST_ROWS,
    REJECTS,
    Cell,
    Column,
    Kind,
    Sheet,
    Workbook,
    refuse_more_columns,
    refuse_more_rows,
)

_REJECT_KINDS: dict[str, Kind] = {"row": "whole", "line": "whole"}


class WorkbookSink:
    """Writes customers and rejects as they come, and the groups at the end."""

    def __init__(self, book: Workbook, file: CustomerFile, scorer: Scorer) -> None:
        """Begin the sheets; the first customers decide which columns of text are numbers."""
        self._book, self._contract = book, scorer.model.contract
        self._appended = AppendedColumns(scorer)
        self._names = unique_names([*file.header, *scorer.appended.values()])
        self._cells = _cells(file, scorer)
        book.reserve(GROUPS, CUSTOMERS, REJECTS)
        fields = [field.name for field in dataclasses.fields(Reject)]
        columns = [Column(name, _REJECT_KINDS.get(name, "text")) for name in fields]
        self._rejects = book.add(REJECTS, columns)
        self._customers: Sheet | None = None
        self._empty: pa.RecordBatch | None = None
        self.rows = 0

    def prepare(self, block: ScoredBlock) -> pa.RecordBatch:
        """The columns of the block, those appended last."""
        columns = [*block.columns, *self._appended.arrays(block)]
        return pa.RecordBatch.from_arrays(columns, self._names)

    def write(self, prepared: pa.RecordBatch) -> None:
        """Append customers."""
        if not prepared.num_rows:
            self._empty = prepared
            return
        if self._customers is None:
            self._customers = self._book.add(CUSTOMERS, self._cells.columns(prepared))
        self._customers.write(self._cells.rows(prepared))
        self.rows += prepared.num_rows

    def add_rejects(self, rejects: Sequence[Reject]) -> None:
        """Append rows that could not be scored."""
        self._rejects.write(dataclasses.astuple(reject) for reject in rejects)

    def add_summary(self, summary: Summary) -> None:
        """Write the sheet of groups."""
        columns, rows = groups(self._contract, summary)
        self._book.add(GROUPS, columns).write(rows)

    def finish(self) -> None:
        """Give a file without any assigned customer its header."""
        if self._customers is None and self._empty is not None:
            self._book.add(CUSTOMERS, self._cells.columns(self._empty))


def refuse_oversized(file: CustomerFile) -> None:
    """Count the rows of a file before they are scored; WrongFile where a sheet cannot hold them."""
    refuse_more_columns(file.path, len(file.header) + 16)
    refuse_more_rows(file.path, _rows_at_most(file))


def groups(contract: Contract, summary: Summary) -> tuple[list[Column], list[list[Cell]]]:
    """The sheet of groups: its columns by what people call them, and a row for each group.

    Args:
        contract: Says what features and churned customers are called.
        summary: Of the run.
    """
    observed = summary["observed_churn"] is not None
    expected = any(group["training_churn_rate"] is not None for group in summary["clusters"])
    columns = [
        Column("Group", "whole"),
        Column("Name"),
        Column("Customers", "count"),
        Column("Share", "share"),
        Column("Share in training", "share"),
    ]
    if observed:
        word = contract.churned_word.capitalize()
        counts = (Column(word, "count"), Column("Of those known", "count"))
        columns += [*counts, Column(f"{word}, rate", "share")]
        columns += [Column("From (95 %)", "share"), Column("To (95 %)", "share")]
    if expected:
        columns += [Column("Rate in training", "share"), Column("Expected to churn", "count")]
    columns.append(Column("Outliers", "count"))
    numeric = [feature for feature in contract.features if feature.numeric]
    columns += [Column(f"Median of {_named(feature)}", "number") for feature in numeric]
    rows = [
        _group(group, numeric, observed=observed, expected=expected)
        for group in summary["clusters"]
    ]
    return columns, rows


def _group(
    group: ClusterSummary, numeric: Sequence[Feature], *, observed: bool, expected: bool
) -> list[Cell]:
    cells: list[Cell] = [group["cluster"], group["cluster_name"], group["customers"]]
    cells += [group["share"], group["training_share"]]
    if observed:
        churn = group["observed_churn"]
        if churn is None:
            cells += [None] * 5
        else:
            cells += [churn["churned"], churn["customers"], churn["rate"]]
            cells += [churn["low"], churn["high"]]
    if expected:
        cells += [group["training_churn_rate"], group["expected_churners"]]
    return [*cells, group["outliers"], *(group["medians"][feature.name] for feature in numeric)]


def _named(feature: Feature) -> str:
    return f"{feature.label} ({feature.unit})" if feature.unit else feature.label


def _cells(file: CustomerFile, scorer: Scorer) -> Cells:
    """What is known of the columns: features are numbers, ids and the label are text."""
    contract, own = scorer.model.contract, len(file.header)
    known: dict[int, Kind] = {}
    readers: dict[int, Callable[[str], Cell]] = {}
    text = (contract.id_column, contract.label.column if contract.label else None)
    for index in map(file.optional_column, text):
        if index is not None:
            known[index] = "text"
    for feature in contract.features:
        index = file.column(feature.name)
        if feature.numeric:
            known[index] = "whole" if feature.type == "integer" else "number"
            readers[index] = partial(_number, feature, file.numbers)
        else:
            known[index] = "text"
    known |= kinds_of_appended(dict(enumerate(scorer.appended, own)))
    return Cells(known, CsvDialect.of(file.facts).decimal, readers)


def _number(feature: Feature, numbers: NumberFormat, text: str) -> Cell:
    """A feature's number as the model has read it; a word for a missing one stays what it is."""
    if is_missing(text):
        return text
    value = feature.parse(text, numbers)
    return value if isinstance(value, int | float) else text


def _rows_at_most(file: CustomerFile) -> int:
    """The rows of a file, or enough of them to know that they are too many."""
    if not isinstance(file.reader, DelimitedReader):
        return _parquet_rows(file.path)
    rows = 0
    for chunk in file.reader.raw(CHUNK):
        rows += chunk.records.row_count
        if rows >= MOST_ROWS:
            break
    return rows


def _parquet_rows(path: Path) -> int:
    rows: int = pa.parquet.read_metadata(path).num_rows
    return rows
