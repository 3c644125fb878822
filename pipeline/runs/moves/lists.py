"""The list of customers who moved, came or went: CSV, Parquet, or a workbook."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipeline.errors import WrongFile, first_line
from pipeline.model.cluster_model import ClusterModel
from pipeline.reading.arrow_numpy import column_of, text_column
from pipeline.runs.audience.lists import CsvList, ListForm, ParquetList
from pipeline.runs.audience.spec import ORDERED_AT_MOST
from pipeline.runs.committed import CommittedRun
from pipeline.runs.moves.features import Causes, texts_of_values
from pipeline.runs.moves.result import GroupMoves
from pipeline.runs.moves.spec import Change, MovesSpec
from pipeline.scoring.scorer import free_names
from pipeline.scoring.writing.cells import Cells
from pipeline.scoring.writing.csv_dialect import CsvDialect
from pipeline.scoring.writing.workbook import MOST_ROWS, Column, Kind, Sheet, Workbook, new_workbook

SHEET, ABOUT = "Moves", "About"
_WAYS = ("towards risk", "away from risk", "same rate", "")
Indices = NDArray[np.intp]
_KINDS: Mapping[str, Kind] = {
    "old_cluster": "whole",
    "new_cluster": "whole",
    "old_churn_rate": "share",
    "new_churn_rate": "share",
    "feature_share": "share",
}


class MovesWriter(Protocol):
    """Writes the rows of a list, a batch at a time."""

    dialect: CsvDialect

    def write(self, batch: pa.RecordBatch) -> None:
        """Append customers."""
        ...


@dataclass(frozen=True, slots=True)
class Movers:
    """Customers of a block: one element a customer."""

    change: Change
    ids: pa.Array
    own: Indices
    """The index of the old group."""
    other: Indices
    """That of the new one."""
    causes: Causes | None = None


class MoverList:
    """Makes the rows of the list, and has them written."""

    def __init__(
        self, spec: MovesSpec, groups: Sequence[GroupMoves], id_column: str, writer: MovesWriter
    ) -> None:
        """Begin without rows."""
        self.spec, self.rows = spec, 0
        self._waiting: list[pa.RecordBatch] = []
        self._rises: list[NDArray[np.float64]] = []
        self._writer, self._id = writer, id_column
        nothing = [""]
        self._ids = np.array([group.cluster for group in groups] + [0], np.int64)
        self._names = text_column([group.name for group in groups] + nothing)
        self._before = _rates([group.rate_before for group in groups])
        self._after = _rates([group.rate_after for group in groups])
        self._decimal = writer.dialect.decimal or "."

    def add(self, movers: Movers, model: ClusterModel | None) -> None:
        """Write customers."""
        count = len(movers.own)
        self.rows += count
        own, other = movers.own, movers.other
        columns = {
            "change": _constant(movers.change, count),
            "old_cluster": column_of(self._ids[own], own < 0),
            "old_cluster_name": self._names.take(column_of(own % len(self._names))),
            "new_cluster": column_of(self._ids[other], other < 0),
            "new_cluster_name": self._names.take(column_of(other % len(self._names))),
            "old_churn_rate": _known(self._before[own]),
            "new_churn_rate": _known(self._after[other]),
            "direction": text_column(_WAYS).take(column_of(self._ways(own, other))),
            **self._causes(movers, model),
        }
        names = [self._id, *free_names([*columns], [self._id], "moves")]
        batch = pa.RecordBatch.from_arrays([movers.ids, *columns.values()], names)
        self._keep(batch, self._after[other] - self._before[own])

    def _keep(self, batch: pa.RecordBatch, rises: NDArray[np.float64]) -> None:
        """Hold customers back for as long as the list can be ordered."""
        if self.rows <= ORDERED_AT_MOST:
            self._waiting.append(batch)
            self._rises.append(rises)
            return
        for each in (*self._waiting, batch):
            self._writer.write(each)
        self._waiting = []

    def finish(self) -> None:
        """Write those who wait, in order; the header at least.

        Whose rate rises most stands first, then who came and who went; of equal ones, who stands
        first in the file.
        """
        if not self.rows:
            nobody = np.zeros(0, np.intp)
            self.add(Movers("moved", text_column([]), nobody, nobody), None)
        if self._waiting:
            order = np.argsort(-np.concatenate(self._rises), kind="stable")  # unknown comes last
            batch = pa.Table.from_batches(self._waiting).combine_chunks().take(column_of(order))
            names, columns = batch.column_names, batch.columns
            ordered = [pa.concat_arrays(column.chunks) for column in columns]
            self._writer.write(pa.RecordBatch.from_arrays(ordered, names))

    def _ways(self, own: Indices, other: Indices) -> NDArray[np.int64]:
        was, now = self._before[own], self._after[other]
        unknown = np.isnan(was) | np.isnan(now)
        ways = np.where(now > was, 0, np.where(now < was, 1, 2))
        return np.where(unknown, 3, ways)

    def _causes(self, movers: Movers, model: ClusterModel | None) -> dict[str, pa.Array]:
        count, causes = len(movers.own), movers.causes
        if causes is None or model is None:
            nothing = _constant("", count)
            share = column_of(np.zeros(count), np.ones(count, bool))
            return {
                "feature": nothing,
                "feature_before": nothing,
                "feature_after": nothing,
                "feature_share": share,
            }
        names = text_column([feature.name for feature in model.contract.features])
        texts = [
            text_column(texts_of_values(model, causes.feature, values, self._decimal))
            for values in (causes.before, causes.after)
        ]
        return {
            "feature": names.take(column_of(causes.feature)),
            "feature_before": texts[0],
            "feature_after": texts[1],
            "feature_share": column_of(causes.share),
        }


class _Flat:
    """As CSV in the dialect of the newer run, or as Parquet."""

    def __init__(self, target: BinaryIO, spec: MovesSpec, dialect: CsvDialect) -> None:
        self.dialect = dialect
        self._target, self._spec = target, spec
        self._list: CsvList | ParquetList | None = None

    def write(self, batch: pa.RecordBatch) -> None:
        """Append customers; the first ones have the names of the columns."""
        if self._list is None:
            form = ListForm(batch.schema.names, {}, [0], self.dialect)
            self._list = (
                CsvList(self._target, form, lambda: None)
                if self._spec.format == "csv"
                else ParquetList(self._target, form)
            )
        self._list.write(batch if self._spec.format == "parquet" else self._as_text(batch))

    def _as_text(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """The same customers, with the decimal mark of the newer run's input."""
        if self.dialect.decimal != ",":
            return batch
        point, mark = ".", self.dialect.decimal
        columns = [
            pc.replace_substring(column.cast(pa.string()), point, mark)
            if pa.types.is_floating(column.type)
            else column
            for column in batch.columns
        ]
        return pa.RecordBatch.from_arrays(columns, batch.schema.names)

    def finish(self) -> None:
        """Write what comes after the last row."""
        if self._list is not None:
            self._list.finish()


class _Sheets:
    """As a workbook for people."""

    def __init__(self, book: Workbook, dialect: CsvDialect, old: str, new: str) -> None:
        self.dialect = dialect
        self._book, self._about = book, [("Old run", old), ("New run", new)]
        self._sheet: Sheet | None = None
        self._cells: Cells | None = None
        self._rows = 0

    def write(self, batch: pa.RecordBatch) -> None:
        """Append customers."""
        self._rows += batch.num_rows
        if self._rows >= MOST_ROWS:
            raise WrongFile(
                "the list",
                f"has more customers than a sheet has rows ({MOST_ROWS:,}); "
                "take --format csv or parquet",
            )
        if self._cells is None or self._sheet is None:
            names = batch.schema.names
            kinds = {at: _KINDS.get(name, "text") for at, name in enumerate(names)}
            self._cells = Cells(kinds, self.dialect.decimal)
            self._sheet = self._book.add(SHEET, self._cells.columns(batch))
        self._sheet.write(self._cells.rows(batch))

    def finish(self) -> None:
        """Add the sheet that says what was compared."""
        about = self._book.add(ABOUT, [Column("What"), Column("Value")])
        about.write(self._about)


@contextmanager
def open_moves_list(
    path: Path, spec: MovesSpec, old: CommittedRun, new: CommittedRun
) -> Iterator[MovesWriter]:
    """A new list, finished when all went well.

    Raises:
        WrongFile: There are more customers than a sheet has rows.
    """
    dialect = CsvDialect.of(new.manifest["input"])
    try:
        if spec.format == "xlsx":
            runs = [
                f"{run.manifest['input']['name']}, run {run.manifest['run']}" for run in (old, new)
            ]
            with new_workbook(path, f"Moves of {new.manifest['input']['name']}") as book:
                sheets = _Sheets(book, dialect, *runs)
                yield sheets
                sheets.finish()
            return
        with path.open("wb") as file:
            flat = _Flat(file, spec, dialect)
            yield flat
            flat.finish()
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        problem = f"cannot be listed as {spec.format} ({first_line(error)})"
        raise WrongFile(new.manifest["input"]["name"], problem) from error


def _rates(rates: Sequence[float | None]) -> NDArray[np.float64]:
    """By group; the last one is of no group."""
    return np.array([*(np.nan if rate is None else rate for rate in rates), np.nan])


def _known(values: NDArray[np.float64]) -> pa.Array:
    return column_of(values, np.isnan(values))


def _constant(text: str, rows: int) -> pa.Array:
    return text_column([text]).take(column_of(np.zeros(rows, np.int32)))
