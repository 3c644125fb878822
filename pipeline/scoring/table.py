"""A table of customers scored into one table: every row in its place, whatever became of it.

What a program sends and waits for. The rows are those of `score_rows`: a rejected one has its id,
and says why it has nothing else.
"""

import csv
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, Self, get_args

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet

from pipeline.errors import TooLarge, WrongFile, first_line
from pipeline.model.contract import Contract
from pipeline.reading import kinds
from pipeline.reading.arrow_columns import without_dictionary, without_view
from pipeline.reading.arrow_numpy import column_of, text_column
from pipeline.reading.delimited.compression import packing_of
from pipeline.scoring.documents import ScoredRows
from pipeline.scoring.engine import score_rows
from pipeline.scoring.inputs import InputFile
from pipeline.scoring.scorer import free_names
from pipeline.scoring.spec import Progress, ScoringSpec
from pipeline.scoring.writing.outputs import csv_line

TableFormat = Literal["csv", "arrow", "parquet"]
"""Text in UTF-8 with commas and decimal points; a stream of Arrow's IPC format; Parquet."""
TABLE_FORMATS: tuple[TableFormat, ...] = get_args(TableFormat)
ANSWER = "answer"
"""The file with the whole table, in the folder of the results."""
REJECTED = "rejected"
"""The last column: why a row could not be scored, and nothing where it could."""
ID = "id"
"""Stands for the id column in a request for some columns, whatever a table calls it."""
_REQUEST = "request.json"
_LONGEST_CELL = 1 << 30


@dataclass(frozen=True, slots=True)
class TableRequest:
    """What somebody wants of a table; lies in the folder where the results go."""

    kind: TableFormat
    """What it is written in."""
    format: TableFormat
    """What the answer is written in."""
    most_rows: int
    """A table with more of them is refused."""
    columns: tuple[str, ...] | None = None
    """Those of what scoring appends that are wanted, and `ID`; None for them all, behind the
    table's own columns."""

    def write(self, folder: Path) -> None:
        """Put it where `score_table` finds it."""
        (folder / _REQUEST).write_text(json.dumps(asdict(self)), encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> Self:
        """What `write` has put there."""
        given = json.loads((folder / _REQUEST).read_bytes())
        columns = given.pop("columns")
        return cls(**given, columns=None if columns is None else tuple(columns))


def score_table(
    folder: Path, source: InputFile, spec: ScoringSpec, progress: Progress = lambda rows: None
) -> ScoredRows:
    """As `FileEngine`: makes the file `ANSWER` in a folder that holds a `TableRequest`.

    The options must have assigned rows written as Parquet, whatever the answer is written in.

    Raises:
        WrongFile: It is no table of the kind that it was said to be, or has too many rows.
    """
    request = TableRequest.read(folder)

    def watched(rows: int) -> None:
        _refuse_long(source.path, rows, request.most_rows)
        progress(rows)

    as_file, own = source, None
    with source.path.open("rb") as file:
        start = file.read(kinds.SIZE)
    if request.kind == "arrow":
        path = folder / "input.parquet"
        own = _to_parquet(source.path, path, request.most_rows)
        as_file = InputFile(path, source.name)
    elif request.kind == "parquet" and not start.startswith(kinds.PARQUET):
        raise WrongFile(source.path, "is no Parquet, though its content type says so")
    elif request.kind == "csv" and _is_binary(start):
        what_to_do = "say so with Content-Encoding where it is packed"
        raise WrongFile(source.path, f"is no text, though its content type says so; {what_to_do}")
    run = folder / "run"
    run.mkdir()
    scored = score_rows(run, as_file, spec, watched)
    (assigned,) = scored["assigned"]
    table = pa.parquet.read_table(run / assigned)
    whole = _with_rejects(table, run / "rejected.csv", scored, spec.model.contract)
    if own is not None:
        whole = _in_own_types(whole, own)
    if request.columns is not None:
        known = _id_name(whole, scored, spec.model.contract)
        names = {ID: known, REJECTED: whole.column_names[-1], **scored["columns"]}
        wanted = (names.get(name) for name in (*request.columns, REJECTED))
        whole = whole.select([name for name in wanted if name is not None])
    about = {"model_version": spec.version, "contract_sha256": spec.model.contract.digest}
    _write(source.path, whole.replace_schema_metadata(about), folder / ANSWER, request.format)
    return scored


def _is_binary(start: bytes) -> bool:
    return start.startswith((kinds.PARQUET, kinds.OLE)) or packing_of(start) != "none"


def _refuse_long(path: Path, rows: int, most: int) -> None:
    if rows > most:
        raise TooLarge(path, f"has more than {most:,} rows; cut it into parts")


def _to_parquet(path: Path, target: Path, most_rows: int) -> pa.Schema:
    """A stream of Arrow as Parquet, which the readers of files know; gives its own types."""
    try:
        with pa.OSFile(str(path)) as file, pa.ipc.open_stream(file) as stream:
            rows, schema = 0, stream.schema
            with pa.parquet.ParquetWriter(target, schema, compression="none") as writer:
                for batch in stream:
                    batch.validate(full=True)  # what it says of itself may be anything
                    rows += batch.num_rows
                    _refuse_long(path, rows, most_rows)
                    writer.write_batch(batch)
            return schema
    except MemoryError:
        raise
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        problem = f"is not readable as an Arrow stream ({first_line(error)})"
        raise WrongFile(path, problem) from error


def _with_rejects(
    table: pa.Table, rejected: Path, scored: ScoredRows, contract: Contract
) -> pa.Table:
    """The assigned rows with the rejected ones between them, where they stood."""
    rejects = _read_rejects(rejected, scored["input"].get("delimiter", ","))
    rows = table.num_rows + len(rejects)
    (name,) = free_names([REJECTED], table.column_names)
    if not rejects:
        return table.append_column(name, pa.nulls(rows, pa.string()))
    missing = np.zeros(rows, bool)
    missing[[int(reject["row"]) - 1 for reject in rejects]] = True
    positions = np.cumsum(~missing) - 1
    whole = table.take(column_of(positions, missing))
    reasons = iter(reject["reason"] for reject in rejects)
    why = text_column(next(reasons) if gone else None for gone in missing.tolist())
    known = _id_name(table, scored, contract)
    if known is not None:
        index = table.column_names.index(known)
        ids = iter(reject["id"] or None for reject in rejects)
        texts = text_column(next(ids) if gone else None for gone in missing.tolist())
        column = without_dictionary(whole.column(index).combine_chunks())
        whole = whole.set_column(index, known, _filled(column, texts))
    return whole.append_column(name, why)


def _filled(column: pa.Array, texts: pa.Array) -> pa.Array:
    """A column of ids with those of rejected rows, as far as they are of its type."""
    try:
        return pc.coalesce(column, texts.cast(column.type))
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return column


def _read_rejects(path: Path, delimiter: str) -> list[dict[str, str]]:
    csv.field_size_limit(_LONGEST_CELL)
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file, delimiter=delimiter))


def _id_name(table: pa.Table, scored: ScoredRows, contract: Contract) -> str | None:
    """What a table calls the id column; None where it has none."""
    matched = scored["input"].get("matched", {})
    names = [own for own, known in matched.items() if known == contract.id_column]
    candidates: Sequence[str | None] = [*names, contract.id_column]
    return next((name for name in candidates if name in table.column_names), None)


def _in_own_types(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """The columns that came with a table, in the types that they came with."""
    for index, field in enumerate(schema):
        if table.schema.field(index).type != field.type:
            try:
                column: Any = table.column(index).cast(field.type)
            except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
                continue
            table = table.set_column(index, table.column_names[index], column)
    return table


def _write(path: Path, table: pa.Table, target: Path, written: TableFormat) -> None:
    try:
        if written == "parquet":
            pa.parquet.write_table(table, target, compression="zstd")
        elif written == "arrow":
            with pa.ipc.new_stream(target, table.schema) as stream:
                stream.write_table(table)
        else:
            _write_csv(table, target)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise WrongFile(path, f"cannot be written as {written} ({first_line(error)})") from error


def _write_csv(table: pa.Table, target: Path) -> None:
    names = table.column_names
    columns = [
        without_view(without_dictionary(table.column(index).combine_chunks()))
        for index in range(len(names))
    ]
    options = pa.csv.WriteOptions(include_header=False, quoting_style="needed")
    with target.open("wb") as file:
        file.write(f"{csv_line(names)}\n".encode())
        pa.csv.write_csv(pa.Table.from_arrays(columns, names), file, options)
