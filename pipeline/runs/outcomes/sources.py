"""The rows that are joined: those of the run, of the labels and of an audience."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipeline.errors import WrongFile
from pipeline.model.contract import Contract, Label
from pipeline.reading.arrow_numpy import values_of
from pipeline.reading.customer_file import CustomerFile
from pipeline.reading.open import open_customers
from pipeline.reading.options import AUTODETECT, ReadingOptions
from pipeline.runs.audience.lists import SHEET
from pipeline.runs.committed import CommittedRun
from pipeline.runs.outcomes.ids import IdHashes, id_hashes
from pipeline.runs.outcomes.parts import IdParts
from pipeline.runs.rows import RunRows, open_rows, texts_of, typed

UNKNOWN, STAYED, CHURNED = -1, 0, 1
"""What is known of a customer."""
NO_RISK = -1
MILLION = 1_000_000
"""Risks are kept in millionths: scoring writes fewer digits as text."""
CUSTOMERS = {"cluster": "<i4", "state": "i1", "risk": "<i4"}
LABELS = {"state": "i1"}
LISTED = {"control": "i1"}
_LOOK = "cp1252"
"""What text in an unknown encoding is read in: ids and words of labels seldom need more."""
_CHANGED = (
    "has assigned rows that are not what was written; delete the run and score the file again"
)
_YES = frozenset({"true", "1", "yes", "wahr", "vrai", "verdadero", "vero"})
_NO = frozenset({"false", "0", "no", "falsch", "faux", "falso"})
"""What spreadsheets make of a flag in some languages."""


def read_run(
    run: CommittedRun, contract: Contract, clusters: Sequence[int], parts: IdParts
) -> None:
    """Add the customers of a run.

    Args:
        run: The run.
        contract: What names the id and the label.
        clusters: The ids that they may have.
        parts: Of `CUSTOMERS`.

    Raises:
        WrongFile: It has no ids, or its rows are no longer what it has written.
    """
    unknown = run.manifest["input"].get("encoding") == "unknown"
    with open_rows(run, _LOOK if unknown else None) as rows:
        id_at = rows.position(contract.id_column)
        if id_at is None:
            name = contract.id_column or "for ids"
            raise WrongFile(run.address, f"has no column {name}: customers cannot be told apart")
        label = contract.label
        label_at = None if label is None else rows.position(label.column)
        read = _reader(rows, id_at, label_at, label)
        try:
            for ids, columns in rows.map(read):
                if not np.isin(columns["cluster"], clusters).all():
                    raise WrongFile(run.address, _CHANGED)
                parts.add(ids, **columns)
        except pa.ArrowInvalid as error:
            raise WrongFile(run.address, _CHANGED) from error


def _reader(
    rows: RunRows, id_at: int, label_at: int | None, label: Label | None
) -> Callable[[pa.RecordBatch], tuple[IdHashes, dict[str, NDArray[Any]]]]:
    cluster_at, risk_at = rows.appended("cluster"), rows.appended("risk")
    assert cluster_at is not None

    def read(batch: pa.RecordBatch) -> tuple[IdHashes, dict[str, NDArray[Any]]]:
        count = batch.num_rows
        clusters = values_of(typed(batch.column(cluster_at), "cluster"))
        states = np.full(count, UNKNOWN)
        if label_at is not None and label is not None:
            states = _states(batch.column(label_at), label)
        risks = np.full(count, np.nan)
        if risk_at is not None:
            risks = values_of(typed(batch.column(risk_at), "risk")).astype(float)
        within = np.rint(np.clip(risks, 0, 1) * MILLION)
        millionths = np.where(np.isnan(risks), NO_RISK, within).astype(np.int64)
        columns = {"cluster": clusters, "state": states, "risk": millionths}
        return id_hashes(batch.column(id_at)), columns

    return read


class LabelsRead(NamedTuple):
    """What was found in a file of labels, besides its customers."""

    broken: int
    """Rows that are no row of the table."""
    has_words: bool
    """Whether it has the label's column; else it lists those who churned."""


def read_labels(
    path: Path, contract: Contract, options: ReadingOptions, parts: IdParts, *, all_churned: bool
) -> LabelsRead:
    """Add the customers of a file that says who has churned.

    Args:
        path: The file.
        contract: What names the id and the label, and their values.
        options: What somebody stated about how it is written.
        parts: Of `LABELS`.
        all_churned: Whether a file without the label's column lists those who churned.

    Raises:
        WrongFile: It is no table, lacks a column, or its words are others than the contract's.
    """
    label, broken, known = contract.label, 0, {UNKNOWN}
    assert label is not None
    with open_customers(path, contract, options) as file:
        id_at = _id_in(file, contract)
        label_at = file.optional_column(label.column)
        near = label.column in file.facts.get("near", {})  # which may be meant
        if label_at is None and (near or not all_churned):
            raise _no_label(file, label)
        for block in file.blocks([id_at] if label_at is None else [id_at, label_at]):
            broken += len(block.broken)
            states = np.full(len(block.rows), CHURNED)
            if label_at is not None:
                states = _states(block.columns[1], label)
                known.update(np.unique(states).tolist())
            parts.add(id_hashes(block.columns[0]), state=states)
    if not all_churned:
        _refuse_one_sided(path, label, known)
    return LabelsRead(broken, label_at is not None)


def _refuse_one_sided(path: Path, label: Label, known: set[int]) -> None:
    """Refuse labels that tell nothing, or that list those who churned and nobody else."""
    if known == {UNKNOWN}:
        raise WrongFile(
            path,
            f"says of nobody in column {label.column} whether they {label.churned_word}; expected "
            f"{' or '.join(map(repr, label.churned))}, and {' or '.join(map(repr, label.stayed))}",
        )
    if STAYED not in known:
        raise WrongFile(
            path,
            "says of nobody that they stayed; where it lists those who "
            f"{label.churned_word} and all others stayed, say --others-stayed",
        )


def _no_label(file: CustomerFile, label: Label) -> Exception:
    try:
        file.column(label.column)
    except WrongFile as error:  # names what is near
        problem = f"{error.problem}; or say --others-stayed where it lists those who have churned"
        return WrongFile(file.path, problem)
    raise AssertionError(label.column)


def read_audience(path: Path, run: str, contract: Contract, parts: IdParts) -> None:
    """Add the customers of a list that `audience` wrote.

    Args:
        path: The list.
        run: The id of the run that it must be of.
        contract: What names the id.
        parts: Of `LISTED`.

    Raises:
        WrongFile: It is no such list, has no control group, or is of another run.
    """
    with open_customers(path, contract, _as_written(path)) as file:
        id_at, control_at = _id_in(file, contract), _named(file, "control")
        if control_at is None:
            problem = "has no column control; write the list with --control 10%, or leave it out"
            raise WrongFile(path, problem)
        run_at = _named(file, "run")
        columns = [id_at, control_at, *([] if run_at is None else [run_at])]
        for block in file.blocks(columns):
            if run_at is not None:
                _refuse_other_runs(path, block.columns[2], run)
            parts.add(id_hashes(block.columns[0]), control=_flags(path, block.columns[1]))


def _as_written(path: Path) -> ReadingOptions:
    with path.open("rb") as file:
        workbook = file.read(4).startswith(b"PK\x03\x04")
    return ReadingOptions(sheet=SHEET, header_row=1) if workbook else AUTODETECT


def _named(file: CustomerFile, name: str) -> int | None:
    """A column that `audience` added; it has another name where one of the run had its own."""
    names = [*file.schema.names]
    found = [each for each in (f"audience_{name}", name) if each in names]
    return names.index(found[0]) if found else None


def _id_in(file: CustomerFile, contract: Contract) -> int:
    assert contract.id_column is not None
    return file.column(contract.id_column)


def _states(column: pa.Array, label: Label) -> NDArray[np.int64]:
    """What the words of a column of labels mean."""
    words = texts_of(column)
    meanings = {word: label.parse(word) for word in set(words)}
    states = {word: UNKNOWN if it is None else int(it) for word, it in meanings.items()}
    return np.fromiter((states[word] for word in words), np.int64, len(words))


def _flags(path: Path, column: pa.Array) -> NDArray[np.int64]:
    words = [str(word).strip().lower().removesuffix(".0") for word in texts_of(column)]
    other = next((word for word in words if word not in _YES and word not in _NO), None)
    if other is not None:
        raise WrongFile(path, f"column control: expected true or false, found {other[:40]!r}")
    return np.fromiter((word in _YES for word in words), np.int64, len(words))


def _refuse_other_runs(path: Path, column: pa.Array, run: str) -> None:
    others = sorted({str(text).lstrip("'") for text in texts_of(column)} - {run})
    if others:
        raise WrongFile(path, f"is a list of run {others[0][:80]}, expected one of run {run}")
