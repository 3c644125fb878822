"""The assigned rows of a committed run, in blocks of bounded size, whatever they are written in."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipeline.errors import WrongFile
from pipeline.model.numbers import DECIMAL_MARKS, NumberFormat
from pipeline.reading.arrow_columns import as_text, is_text, without_dictionary, without_view
from pipeline.reading.arrow_numpy import column_of, null_of, text_column
from pipeline.reading.blocks import Block
from pipeline.reading.customer_file import TYPED, CustomerFile
from pipeline.reading.delimited.streams import CHUNK
from pipeline.reading.open import open_customers
from pipeline.reading.options import AUTODETECT, ReadingOptions
from pipeline.runs.committed import CommittedRun
from pipeline.runs.store import Checkpoint
from pipeline.scoring.documents import Manifest
from pipeline.scoring.parallel import map_in_order
from pipeline.scoring.sinks.columns import unique_names
from pipeline.scoring.writing.cells import kind_of_appended
from pipeline.scoring.writing.workbook import CUSTOMERS

Result = TypeVar("Result")
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class RunRows:
    """The columns of a run's assigned rows, and the rows themselves as often as they are asked."""

    run: CommittedRun
    paths: Sequence[Path]
    names: Sequence[str]
    """Of the columns; each is there once."""
    written: Sequence[str]
    """The names as they stand in the file."""
    encoding: str | None = None
    """Of the text, where somebody said so."""
    checkpoint: Checkpoint = lambda: None
    """Called with each block; what it raises ends the reading."""

    def position(self, name: str | None) -> int | None:
        """Where a column of the input stands, by its name in the contract; None: it is not there.

        One that scoring appended is no column of the input, whatever it is called.
        """
        if name is None:
            return None
        matched = self.run.manifest["input"].get("matched", {})
        own = next((own for own, meant in matched.items() if meant == name), name)
        appended = {*self.run.manifest["columns"].values()}
        named = [index for index, each in enumerate(self.written) if each == own]
        return named[0] if named and own not in appended else None

    def appended(self, role: str) -> int | None:
        """Where a column stands that scoring appended, by what it is; None: the run has none."""
        name = self.run.manifest["columns"].get(role)
        return self.names.index(name) if name in self.names else None

    @property
    def roles(self) -> dict[int, str]:
        """The position of each appended column → what it is."""
        named = {name: role for role, name in self.run.manifest["columns"].items()}
        return {index: named[name] for index, name in enumerate(self.names) if name in named}

    def map(
        self, function: Callable[[pa.RecordBatch], Result], columns: Sequence[int] | None = None
    ) -> Iterator[Result]:
        """What a function makes of each block, in the order of the rows; it runs in threads.

        Args:
            function: It is given the rows of a block.
            columns: The positions of those that it needs, in its order; by default all.

        Raises:
            WrongFile: There are other rows than the run has written.
        """
        read, wanted = 0, range(len(self.names)) if columns is None else columns
        for path in self.paths:
            with opened_part(self.run, path, self.encoding) as file:
                work = partial(self._work, file, function, wanted)
                for rows, result in map_in_order(work, file.reader.raw(CHUNK)):
                    self.checkpoint()
                    read += rows
                    yield result
        written = self.run.manifest["rows_assigned"]
        if not written - self.run.forgotten <= read <= written:
            raise _changed(self.run, f"{read:,} rows, and its manifest says {written:,}")

    def _work(
        self,
        file: CustomerFile,
        function: Callable[[pa.RecordBatch], Result],
        wanted: Sequence[int],
        raw: Any,
    ) -> tuple[int, Result]:
        block = file.reader.parse(raw, wanted)
        if block.broken:
            raise _changed(self.run, f"a broken row {block.broken[0].row:,}")
        columns = [without_view(without_dictionary(column)) for column in block.columns]
        batch = pa.RecordBatch.from_arrays(columns, [self.names[index] for index in wanted])
        return batch.num_rows, function(batch)


@contextmanager
def open_rows(
    run: CommittedRun, encoding: str | None = None, checkpoint: Checkpoint = lambda: None
) -> Iterator[RunRows]:
    """Open the assigned rows of a run; what lies in S3 is brought to this machine before.

    Args:
        run: The run.
        encoding: Of its text, where the file did not show it.
        checkpoint: Called with each block that is read; what it raises ends the reading.

    Raises:
        WrongFile: The run has no assigned rows, or they are not what it has written.
    """
    if not run.assigned:
        raise WrongFile(run.address, "has no assigned customers")
    with ExitStack() as stack:
        paths = [stack.enter_context(run.on_disk(name)) for name in run.assigned]
        with opened_part(run, paths[0], encoding) as file:
            names = file.header
        missing = [name for name in run.manifest["columns"].values() if name not in names]
        if missing:
            raise _changed(run, f"no column {missing[0]}")
        yield RunRows(run, paths, unique_names(names), names, encoding, checkpoint)


def typed(column: pa.Array, role: str) -> pa.Array:
    """An appended column with its type, which text does not have; an empty cell is null."""
    kind = kind_of_appended(role)
    if kind in (None, "text") or not is_text(column):
        return column
    if kind == "flag":
        return pc.equal(pc.utf8_lower(column), text_column(["true"])[0].cast(column.type))
    nothing = pc.equal(column, text_column([""])[0].cast(column.type))
    numbers = pc.replace_substring(column, ",", ".")
    numbers = pc.if_else(nothing, null_of(column.type), numbers).cast(pa.float64())
    return numbers.cast(pa.int64()) if kind == "whole" else numbers


def numbers_of(manifest: Manifest) -> NumberFormat:
    """How numbers of a run's input are written: as was stated or, of a text, as it showed."""
    reading = manifest["options"].get("reading", {})
    stated = {name: str(value) for name, value in reading.items()}
    options = ReadingOptions(decimal=stated.get("decimal"), thousands=stated.get("thousands"))
    numbers = options.numbers
    shown = manifest["input"].get("decimal")
    if shown is None:  # a table, which has types
        return numbers if numbers.decimal else TYPED
    return NumberFormat(shown if shown in DECIMAL_MARKS else numbers.decimal, numbers.thousands)


def texts_of(column: pa.Array) -> list[Any]:
    """The cells of a column of the input; those of bytes as text."""
    cells: list[Any] = as_text(column).to_pylist()
    return cells


@contextmanager
def opened_part(
    run: CommittedRun, path: Path, encoding: str | None = None, *, keep_bytes: bool = False
) -> Iterator[CustomerFile]:
    """A file of assigned rows, which is written as its run says.

    Args:
        run: The run.
        path: One of its files.
        encoding: Of its text, where the file did not show it.
        keep_bytes: Leave text in another encoding than Unicode as it is.

    Raises:
        WrongFile: It is no longer what the run wrote; also while it is read.
    """
    try:
        options = _options(run, path, encoding)
        with open_customers(path, None, options, keep_bytes=keep_bytes) as file:
            yield file
    except WrongFile as error:
        raise error.about(run.address) from error


def text_rows(
    file: CustomerFile,
    newline: str,
    columns: Sequence[int],
    keep: Callable[[Block], NDArray[np.bool_]],
    *,
    header: bool = True,
) -> Iterator[bytes]:
    """Some rows of a text file as the bytes that stand there, in pieces.

    Args:
        file: The file, opened with its bytes kept.
        newline: What ends each line.
        columns: Those of the blocks that are handed on.
        keep: Which rows of a block.
        header: Whether the header comes first.
    """
    if header:
        mark = "\ufeff" if file.facts.get("encoding") == "utf-8-sig" else ""
        yield _as_written(file, f"{mark}{file.header_text}{newline}")
    for block in file.blocks(columns):
        assert block.text is not None
        kept = block.text.filter(column_of(keep(block)))
        lines = (line.strip("\r\n") for line in kept.to_pylist())
        yield _as_written(file, "".join(f"{line}{newline}" for line in lines))


def _as_written(file: CustomerFile, text: str) -> bytes:
    """Text as the bytes that it was read from."""
    form = file.text_format
    return text.encode(form.codec) if form is not None and form.undecoded else text.encode()


def _options(run: CommittedRun, path: Path, stated: str | None) -> ReadingOptions:
    with path.open("rb") as file:
        start = file.read(4)
    if start.startswith(b"PAR1"):
        return AUTODETECT
    if start.startswith(b"PK\x03\x04"):
        return ReadingOptions(sheet=CUSTOMERS, header_row=1)
    facts = run.manifest["input"]
    encoding: str | None = stated or facts.get("encoding", "utf-8")
    if start.startswith(_BOM):
        encoding = "utf-8"
    elif encoding == "unknown":
        encoding = None  # what the rows show, or it is asked for
    return ReadingOptions(facts.get("delimiter", ","), encoding=encoding, header_row=1)


def _changed(run: CommittedRun, found: str) -> WrongFile:
    problem = f"has assigned rows that are not what was written: found {found}"
    return WrongFile(run.address, f"{problem}; delete the run and score the file again")
