"""Makes the index of a committed run, in bounded memory, from its assigned rows."""

from collections.abc import Iterable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from model_store import CustomerClustersError
from model_store.storage.scratch import unfinished
from pipeline.errors import WrongFile
from pipeline.reading.arrow_numpy import values_of
from pipeline.reading.input_files import Tell
from pipeline.runs.committed import CommittedRun, open_run
from pipeline.runs.customers.index import DIGEST, RECORD, UNKNOWN, IndexKey, id_text
from pipeline.runs.rows import RunRows, open_rows, texts_of, typed
from pipeline.runs.store import RunResult, RunStore

_TYPE = np.dtype(
    [
        ("high", ">u8"),
        ("low", ">u8"),
        ("cluster", ">u2"),
        ("outlier", "u1"),
        ("churned", "u1"),
        ("risk", ">f4"),
    ]
)
assert _TYPE.itemsize == RECORD.size
_CHURNED = {False: 0, True: 1, None: UNKNOWN}
_IN_MEMORY = 16 << 20
"""Bytes of records that are sorted at once."""
_BLOCK = 65_536
Records = NDArray[np.void]


def index_run(runs: RunStore, result: RunResult, secret: str, tell: Tell) -> None:
    """Write the index of a run that was committed, unless it is there; it never raises.

    Args:
        runs: Where the run is.
        result: What became of the run; of one that is not committed nothing is written.
        secret: What ids are hashed with.
        tell: Called with a sentence where the index cannot be written.
    """
    key = IndexKey(secret)
    if result.state != "committed":
        return
    try:
        if not runs.files.exists(f"{result.run}/{key.file}"):
            write_index(open_run(f"{runs}/{result.run}"), key)
    except Exception as error:  # the run is committed, whatever happens to its index
        why = str(error) if isinstance(error, CustomerClustersError) else type(error).__name__
        tell(
            f"{result.run} is scored, and its customers are not found by id: {why}; "
            "`customer-clusters customer --index` adds the index"
        )


def write_index(run: CommittedRun, key: IndexKey) -> int:
    """Write the index of a run beside its files, in place of one that is there.

    The same run and key give the same bytes.

    Args:
        run: The run.
        key: What ids are hashed with.

    Returns:
        Rows that have an id.

    Raises:
        WrongFile: The run has no id column, or its rows are not what it has written.
        Temporary: The index cannot be written.
    """
    with unfinished() as folder:
        path = folder / key.file
        with_id = 0
        if not run.assigned:
            path.write_bytes(b"")
        else:
            with open_rows(run, _encoding(run)) as rows:
                with_id = _write(path, rows, key)
        run.files.upload(path, key.file)
    return with_id


def _encoding(run: CommittedRun) -> str | None:
    """What reads ids of a text in an unknown encoding: all that is ASCII is right."""
    return "latin-1" if run.manifest["input"].get("encoding") == "unknown" else None


def _write(path: Path, rows: RunRows, key: IndexKey) -> int:
    total = rows.run.manifest["rows_assigned"]
    parts = _Parts(path.parent, max(1, -(-total * RECORD.size // _IN_MEMORY)))
    numbers, with_id, read = count(1), 0, 0
    blocks = _Blocks(rows, key)
    for made, missing in rows.map(blocks.records):
        # numbered in order, which threads know nothing of
        made[missing] = blocks.nobody([next(numbers) for _ in missing])
        with_id += len(made) - len(missing)
        parts.add(made)
        read += len(made)
    for start in range(read, total, _BLOCK):  # in place of rows that were forgotten
        parts.add(blocks.nobody([next(numbers) for _ in range(min(_BLOCK, total - start))]))
    with path.open("wb") as file:
        for records in parts.sorted():
            file.write(records.tobytes())
    return with_id


class _Blocks:
    """Makes records of blocks of rows; columns are bound by name, once."""

    def __init__(self, rows: RunRows, key: IndexKey) -> None:
        manifest = rows.run.manifest
        self._key, self._rows = key, rows
        self._id = rows.position(manifest.get("id_column"))
        if self._id is None:
            raise WrongFile(
                rows.run.address, "has no id column, by which a customer could be found again"
            )
        label = rows.run.label
        found = None if label is None else rows.position(label.column)
        self._label = None if label is None or found is None else (found, label)

    def records(self, batch: pa.RecordBatch) -> tuple[Records, list[int]]:
        """The records of a block, and the rows of it that have no id."""
        assert self._id is not None
        made: Records = np.zeros(batch.num_rows, _TYPE)
        ids = [id_text(each) for each in texts_of(batch.column(self._id))]
        digests = (bytes(DIGEST) if each is None else self._key.digest(each) for each in ids)
        made["high"], made["low"] = _halves(digests)
        made["cluster"] = self._numbers(batch, "cluster")
        made["outlier"] = self._numbers(batch, "outlier")
        made["churned"] = self._churned(batch)
        made["risk"] = np.nan
        if self._rows.appended("risk") is not None:
            made["risk"] = self._numbers(batch, "risk")
        return made, [row for row, each in enumerate(ids) if each is None]

    def nobody(self, numbers: list[int]) -> Records:
        """Records that no id finds."""
        made: Records = np.zeros(len(numbers), _TYPE)
        made["high"], made["low"] = _halves([self._key.nobody(number) for number in numbers])
        return made

    def _numbers(self, batch: pa.RecordBatch, role: str) -> NDArray[Any]:
        position = self._rows.appended(role)
        assert position is not None
        return np.asarray(values_of(typed(batch.column(position), role)))

    def _churned(self, batch: pa.RecordBatch) -> NDArray[np.uint8]:
        if self._label is None:
            return np.full(batch.num_rows, UNKNOWN, np.uint8)
        position, label = self._label
        words = texts_of(batch.column(position))
        meanings = {word: label.parse(word) for word in set(words)}
        return np.array([_CHURNED[meanings[word]] for word in words], np.uint8)


def _halves(digests: Iterable[bytes]) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    halves = np.frombuffer(b"".join(digests), ">u8").reshape(-1, 2)
    return halves[:, 0], halves[:, 1]


class _Parts:
    """Records by the beginning of their hash, each part small enough to be sorted in memory."""

    def __init__(self, folder: Path, parts: int) -> None:
        self._paths = [folder / f"part-{number}" for number in range(parts)]

    def add(self, records: Records) -> None:
        """Put records to their parts."""
        if len(self._paths) == 1:
            self._append(self._paths[0], records)
            return
        part = (records["high"] >> np.uint64(32)) * np.uint64(len(self._paths)) >> np.uint64(32)
        order = np.argsort(part, kind="stable")
        ends = np.searchsorted(part[order], np.arange(1, len(self._paths) + 1, dtype=np.uint64))
        start = 0
        for path, end in zip(self._paths, ends.tolist(), strict=True):
            if end > start:
                self._append(path, records[order[start:end]])
            start = end

    def sorted(self) -> Iterator[Records]:
        """All records in the order of their hashes; those of the same id as the file has them."""
        for path in filter(Path.exists, self._paths):
            records = np.fromfile(path, _TYPE)
            path.unlink()
            yield records[np.lexsort((records["low"], records["high"]))]

    def _append(self, path: Path, records: Records) -> None:
        with path.open("ab") as file:
            file.write(records.tobytes())
