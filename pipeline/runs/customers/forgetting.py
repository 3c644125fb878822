"""Removes people from committed runs, and from lists that were made of them.

A run stays committed, and its manifest says what was scored. `forgotten.json` says how many of its
rows are gone, and is written before any of them goes: whoever reads meanwhile finds as many rows as
it allows. Every file is replaced whole. So a kill leaves a run that can be read, and the same call
goes on where it ended.
"""

import csv
from collections.abc import Callable, Iterator, Set
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from model_store.storage.scratch import unfinished
from pipeline.errors import WrongFile
from pipeline.reading.arrow_numpy import column_of
from pipeline.reading.blocks import Block
from pipeline.reading.customer_file import CustomerFile
from pipeline.runs.committed import FORGOTTEN, CommittedRun
from pipeline.runs.customers.index import IndexKey, id_text, is_index
from pipeline.runs.customers.indexing import write_index
from pipeline.runs.rows import opened_part, text_rows, texts_of
from pipeline.runs.store import as_json
from pipeline.scoring.writing.csv_dialect import CsvDialect
from pipeline.scoring.writing.outputs import csv_writer, without_formula

REJECTED = "rejected.csv"
_ROW_GROUP = 65_536


@dataclass(slots=True)
class Forgotten:
    """What was removed from one run."""

    run: str
    """Its address."""
    assigned: int = 0
    rejected: int = 0
    old_versions: int = 0
    """Earlier versions of its files, which a bucket had kept."""
    removed_indexes: list[str] = field(default_factory=list)
    """Indexes that went with them; that under the key is written anew."""


def forget(
    run: CommittedRun,
    ids: Set[str],
    key: IndexKey | None = None,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Forgotten:
    """Remove people from a committed run: assigned and rejected rows, indexes, old versions.

    Args:
        run: The run.
        ids: The ids, as `id_text` writes them.
        key: What its index was hashed with; that is written anew, and one under another key is not.
        clock: What time it is.

    Raises:
        WrongFile: The run cannot be searched for them; it is as it was before.
        Temporary: It cannot be written now; the same call goes on.
    """
    done = Forgotten(run.address)
    counted = {name: _count(run, name, ids) for name in run.assigned}
    done.assigned = sum(theirs for _, theirs in counted.values())
    done.rejected = sum(theirs for _, theirs in _rejected(run, ids))
    if done.assigned:
        _refuse_workbook(run)
        left = sum(rows - theirs for rows, theirs in counted.values())
        gone = run.manifest["rows_assigned"] - left
        document = {"rows": gone, "time": clock().isoformat(timespec="seconds")}
        run.files.replace(FORGOTTEN, as_json(document))
        done.removed_indexes = _remove_indexes(run)
        for name, (_, theirs) in counted.items():
            if theirs:
                with _replaced(run, name) as (old, new):
                    _write_without(run, old, new, ids)
    if done.rejected:
        with _replaced(run, REJECTED) as (_, new):
            _write_rejected(run, new, ids)
    if key is not None and not run.files.exists(key.file) and run.files.exists(FORGOTTEN):
        write_index(replace(run), key)  # with what forgotten.json says now
    done.old_versions = run.delete_old_versions("")
    return done


def rows_with(run: CommittedRun, ids: Set[str]) -> int:
    """How many rows of a run are of these people: none, once they are forgotten.

    Raises:
        WrongFile: The run cannot be searched for them.
    """
    assigned = sum(_count(run, name, ids)[1] for name in run.assigned)
    return assigned + sum(theirs for _, theirs in _rejected(run, ids))


def _count(run: CommittedRun, name: str, ids: Set[str]) -> tuple[int, int]:
    """The rows of a file of assigned rows, and how many of them are theirs."""
    with run.on_disk(name) as path, opened_part(run, path, keep_bytes=True) as file:
        return count_rows(file, _id_position(run, file), ids)


def count_rows(file: CustomerFile, at: int, ids: Set[str]) -> tuple[int, int]:
    """The rows of a file, and how many of them are of some people.

    Raises:
        WrongFile: A row cannot be read, and would be lost.
    """
    rows = theirs = 0
    for block in file.blocks([at]):
        if block.broken:
            problem = f"has a broken row {block.broken[0].row:,}; mend it first"
            raise WrongFile(file.path, problem)
        rows += len(block.rows)
        theirs += int(of_them(block.columns[0], ids).sum())
    return rows, theirs


def _id_position(run: CommittedRun, file: CustomerFile) -> int:
    """Where the id stands in a file of assigned rows."""
    column = run.manifest.get("id_column")
    matched = run.manifest["input"].get("matched", {})
    own = next((own for own, meant in matched.items() if meant == column), column)
    if own is None or own not in file.header or own in run.manifest["columns"].values():
        raise WrongFile(
            run.address, "has no id column, by which people could be found; delete the run instead"
        )
    return file.header.index(own)


def of_them(column: pa.Array, ids: Set[str]) -> NDArray[np.bool_]:
    """Which cells are one of the ids."""
    return np.array([id_text(cell) in ids for cell in texts_of(column)], bool)


def _refuse_workbook(run: CommittedRun) -> None:
    if any(name.endswith(".xlsx") for name in run.assigned):
        raise WrongFile(
            run.address,
            "is a workbook, from which rows cannot be taken; delete the run and score the file "
            "without them",
        )


@contextmanager
def _replaced(run: CommittedRun, name: str) -> Iterator[tuple[Path, Path]]:
    """A file of a run as it is, and where the one goes that takes its place at the end."""
    with run.on_disk(name) as old, unfinished() as folder:
        new = folder / Path(name).name
        yield old, new
        run.files.upload(new, name)


def _write_without(run: CommittedRun, old: Path, new: Path, ids: Set[str]) -> None:
    with opened_part(run, old, keep_bytes=True) as file:
        newline = run.manifest["input"].get("newline", "\n")
        write_without(file, new, _id_position(run, file), newline, ids)


def write_without(file: CustomerFile, new: Path, at: int, newline: str, ids: Set[str]) -> None:
    """Write a file without the rows of some people; all others stay as they are.

    Args:
        file: A text file, opened with its bytes kept, or one of Parquet.
        new: Where the other file goes.
        at: The position of the id.
        newline: What ends each line of text.
        ids: Their ids.
    """
    if file.format != "csv":
        _write_parquet(file.path, new, at, ids)
        return
    with new.open("wb") as target:
        for piece in text_rows(file, newline, [at], partial(_others, ids)):
            target.write(piece)


def _others(ids: Set[str], block: Block) -> NDArray[np.bool_]:
    return ~of_them(block.columns[0], ids)


def _write_parquet(old: Path, new: Path, at: int, ids: Set[str]) -> None:
    source = pq.ParquetFile(old)
    with pq.ParquetWriter(new, source.schema_arrow, compression="zstd") as target:
        for batch in source.iter_batches(_ROW_GROUP):
            theirs = of_them(batch.column(at), ids)
            target.write_batch(batch.filter(column_of(~theirs)))


def _rejected(run: CommittedRun, ids: Set[str]) -> Iterator[tuple[list[str], bool]]:
    """Each line of the rejected rows, its header first, and whether it is of one of these people.

    A row that is no row of the table has no id: it is theirs where one of its cells is.
    """
    if REJECTED not in run.manifest["bytes"]:
        return
    dialect = CsvDialect.of(run.manifest["input"])
    spelled = {*ids, *map(without_formula, ids)}
    with run.on_disk(REJECTED) as path, path.open(encoding="utf-8-sig", newline="") as file:
        lines = csv.reader(file, delimiter=dialect.delimiter)
        header = next(lines)
        yield header, False
        own, value, text = (header.index(name) for name in ("id", "value", "text"))
        for line in lines:
            cells = [line[own], line[value], *line[text].replace('"', "").split(dialect.delimiter)]
            yield line, any(id_text(cell) in spelled for cell in cells)


def _write_rejected(run: CommittedRun, new: Path, ids: Set[str]) -> None:
    dialect = CsvDialect.of(run.manifest["input"])
    with new.open("w", encoding="utf-8", newline="") as file:
        file.write(dialect.mark)
        others = (line for line, theirs in _rejected(run, ids) if not theirs)
        csv_writer(file, dialect.delimiter).writerows(others)


def _remove_indexes(run: CommittedRun) -> list[str]:
    indexes = [name for name in run.files.names() if is_index(name)]
    for name in indexes:
        run.files.delete(name)
    return indexes
