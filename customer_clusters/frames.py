"""Tables as notebooks have them, with one face for all kinds: pandas, Polars, DuckDB, Arrow."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import narwhals as nw
import numpy as np
import pyarrow as pa
from narwhals.exceptions import DuplicateError
from numpy.typing import NDArray

from customer_clusters.columns import FRAME, open_columns
from pipeline.errors import WrongFile
from pipeline.model.contract import Contract
from pipeline.reading.validation import Checked, check

_EAGER = ("pandas", "polars", "pyarrow")


@dataclass(frozen=True, slots=True)
class Frame:
    """A table of customers, and how to give back one of the same kind."""

    data: nw.DataFrame[Any]
    restore: Callable[[nw.DataFrame[Any]], Any]
    """Makes the user's kind of table."""

    @property
    def names(self) -> list[str]:
        """The names of the columns as text, in their order."""
        return [str(name) for name in self.data.columns]

    def array(self, index: int) -> pa.Array:
        """A column as Arrow has it; one of mixed objects as their texts."""
        series = self.data[:, index]
        if self.data.implementation.is_polars() and series.dtype == nw.Object:
            return _texts(series)  # of which Arrow is told no more than addresses
        try:
            column = series.to_arrow()
        except (pa.ArrowException, TypeError, ValueError, OverflowError):
            return _texts(series)
        if isinstance(column.type, pa.BaseExtensionType):
            return _texts(series)  # as of a period, which Arrow has as a bare number
        return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column

    def check(self, contract: Contract) -> Checked:
        """Check the columns of a contract's features, row by row.

        Raises:
            WrongFile: One of them is missing.
        """
        file = open_columns(self.names, contract)
        indexes = file.indexes(feature.name for feature in contract.features)
        return check(contract, {name: self.array(index) for name, index in indexes.items()})

    def table(self) -> pa.Table:
        """All columns as one Arrow table."""
        arrays = [self.array(index) for index in range(len(self.names))]
        return pa.Table.from_arrays(arrays, self.names)

    def with_columns(self, appended: pa.Table) -> Any:
        """The user's table with more columns; pandas keeps its index."""
        return self.restore(self.data.with_columns(*self._alike(appended).iter_columns()))

    def expanded(self, table: pa.Table, rows: NDArray[np.intp]) -> Any:
        """Another table of the user's kind; in pandas each row has the index that its own had."""
        made = self._alike(table)
        if self.data.implementation.is_pandas():
            native = made.to_native()
            native.index = self.data.to_native().index.take(rows)
            made = nw.from_native(native, eager_only=True)
        return self.restore(made)

    def _alike(self, table: pa.Table) -> nw.DataFrame[Any]:
        """Arrow columns in the library of this table."""
        if self.data.implementation.is_pandas():
            return nw.from_native(_to_pandas(table), eager_only=True)
        return nw.from_arrow(table, backend=self.data.implementation)


def open_frame(native: object) -> Frame:
    """Take a table of any kind that is known here.

    Args:
        native: A DataFrame of pandas, a DataFrame or LazyFrame of Polars, a relation of DuckDB, a
            table of Arrow, or anything else with the Arrow C interface, which is given back as a
            table of Arrow. What is lazy is computed.

    Raises:
        WrongFile: It is no such table, a name is there twice or has several levels, or what is
            lazy cannot be computed.
    """
    try:
        frame = nw.from_native(_opened(native), pass_through=True)
    except DuplicateError:
        raise WrongFile(FRAME, _duplicated(native)) from None
    if isinstance(frame, nw.LazyFrame):
        return _computed(frame)
    if not isinstance(frame, nw.DataFrame) or frame.implementation.value not in _EAGER:
        raise WrongFile(FRAME, _unknown(native))
    names: Any = getattr(native, "columns", None)
    if frame.implementation.is_pandas() and getattr(names, "nlevels", 1) > 1:
        raise WrongFile(
            FRAME,
            f"its columns have {names.nlevels} levels, the first is {names[0]}; expected one name "
            "each: give it frame.droplevel(0, axis=1), or new names",
        )
    return Frame(frame, lambda made: made.to_native())


def _opened(native: object) -> object:
    """What has the Arrow C interface and nothing else, as a table of Arrow."""
    if isinstance(native, pa.RecordBatch | pa.RecordBatchReader) or (
        hasattr(native, "__arrow_c_stream__") and not hasattr(type(native), "columns")
    ):
        try:
            table = pa.table(native)
        except (pa.ArrowException, TypeError, ValueError):  # as of a single column
            raise WrongFile(FRAME, _unknown(native)) from None
    elif isinstance(native, pa.Table):
        table = native
    else:
        return native
    if len(set(table.column_names)) < len(table.column_names):
        raise WrongFile(FRAME, _twice(table.column_names))
    return table


def _computed(frame: nw.LazyFrame[Any]) -> Frame:
    """A lazy table, with its rows."""
    native, kind = frame.to_native(), frame.implementation
    if not (kind.is_polars() or kind.is_duckdb()):
        raise WrongFile(FRAME, _unknown(native))
    try:
        rows = frame.collect() if kind.is_polars() else frame.collect("pyarrow")
    except Exception as error:  # whatever the library says of the query that somebody wrote
        reason = str(error).strip().partition("\n")[0]
        raise WrongFile(FRAME, f"cannot be computed: {type(error).__name__}: {reason}") from error
    if kind.is_polars():
        return Frame(rows, lambda made: made.to_native().lazy())
    return Frame(rows, lambda made: _relation(made.to_native(), native))


def _relation(table_of_customer_clusters: pa.Table, like: Any) -> Any:
    """A relation on the connection of another one, so that queries can have both.

    DuckDB finds the table by the name of its variable, where no table of the user has that name.
    """
    return like.query("customer_clusters_answer", "FROM table_of_customer_clusters")


def _unknown(native: object) -> str:
    kind = f"{type(native).__module__}.{type(native).__qualname__}"
    if kind.startswith("pyspark."):
        return "is a table of Spark: use customer_clusters.spark.assign"
    return f"expected a table of pandas, Polars, DuckDB or Arrow, found {kind}"


def _duplicated(native: Any) -> str:
    return _twice([str(name) for name in native.columns])


def _twice(names: Sequence[str]) -> str:
    name = next(name for name in names if names.count(name) > 1)
    return f"column {name} is there {names.count(name)} times, expected once"


def _texts(series: nw.Series[Any]) -> pa.Array:
    """Objects of any kinds as people write them; what is missing stays so."""
    cells = zip(series.to_list(), series.is_null().to_list(), strict=True)
    return pa.array([None if gone else str(cell) for cell, gone in cells], pa.string())


def _to_pandas(table: pa.Table) -> Any:
    """Columns of pandas in which a missing whole number does not make all others fractions."""
    import pandas as pd

    nullable = {pa.int64(): pd.Int64Dtype(), pa.bool_(): pd.BooleanDtype()}
    return table.to_pandas(types_mapper=nullable.get)
