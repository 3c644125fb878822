"""One audience of one committed run, written whole or not at all."""

import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pyarrow as pa

from model_store import CustomerClustersError, S3Address, Temporary, open_storage
from model_store.storage.scratch import unfinished
from pipeline.errors import WrongFile
from pipeline.model.contract import Contract, Label
from pipeline.reading.arrow_numpy import column_of, text_column
from pipeline.reading.options import WrongOption
from pipeline.runs.audience.lists import ListForm, open_list
from pipeline.runs.audience.selection import Best, Selected, Selection, add_counts
from pipeline.runs.audience.spec import ORDERED_AT_MOST, Audience, AudienceCounts, AudienceSpec
from pipeline.runs.committed import CommittedRun
from pipeline.runs.rows import open_rows
from pipeline.runs.store import Checkpoint
from pipeline.scoring.scorer import free_names
from pipeline.scoring.writing.csv_dialect import CsvDialect
from pipeline.scoring.writing.workbook import refuse_more_columns, refuse_more_rows

ContractOf = Callable[[str], Contract]
"""The contract of a model by its version, for runs whose manifest names neither id nor label."""
ListTarget = Path | S3Address | BinaryIO
"""A file, which appears whole; an object; or a stream."""
RankedBatch = tuple[pa.RecordBatch, pa.Array]
_LAST = ("run", "model_version", "input", "date")


def write_audience(
    run: CommittedRun,
    spec: AudienceSpec,
    target: ListTarget,
    contract_of: ContractOf | None = None,
    checkpoint: Checkpoint = lambda: None,
) -> Audience:
    """Write the customers of a run that a campaign is for.

    Those who have churned are left out unless they are asked for, and everybody is counted. The
    list is ordered where it has no more than `top` customers, or than `ORDERED_AT_MOST` without;
    a longer one keeps the order of the file. Memory is bounded by these numbers.

    Args:
        run: The run.
        spec: Which customers, in which order, with which columns.
        target: Where the list goes, in place of one that may be there.
        contract_of: Asked where the run is of before manifests named the id and the label.
        checkpoint: Called again and again while customers are read and written; may raise.

    Raises:
        WrongFile: The run has not what was asked for, or nobody is left, or too many for a sheet.
        WrongOption: The run has not what is to order the list.
        Temporary: The list cannot be written.
    """
    id_column, label = _roles(run, contract_of)
    with open_rows(run, spec.encoding) as rows:
        selection = Selection.of(spec, rows, id_column, label)
        best, counts = _best(selection, checkpoint)
        if not counts.listed:
            raise WrongFile(run.address, f"leaves nobody to list: {_why_nobody(counts)}")
        if spec.format == "xlsx":
            refuse_more_rows(run.address, counts.listed)
            refuse_more_columns(run.address, len(_names(selection)))
        ordered = not best.overflowed
        audience = _audience(selection, counts, ordered=ordered)
        batches = _ordered(best) if ordered else _streamed(selection)
        with written(target) as path:
            _write(path, selection, audience, batches, checkpoint)
    return audience


def as_target(text: str) -> ListTarget:
    """What people write as a target: a path, or the address of an object.

    Raises:
        WrongOption: It is the address of a bucket or of a prefix.
        WrongAddress: It begins with s3:// and names no bucket.
    """
    if not text.startswith(S3Address.SCHEME):
        return Path(text)
    address = S3Address.from_string(text)
    if not address.key or address.key.endswith("/"):
        raise WrongOption("out", "the address of a file, s3://bucket/name.csv", text)
    return address


def _roles(run: CommittedRun, contract_of: ContractOf | None) -> tuple[str | None, Label | None]:
    """The id column and the label, as the manifest or else the model's contract says."""
    manifest = run.manifest
    if "id_column" in manifest and "label" in manifest:
        return manifest["id_column"], run.label
    if contract_of is None:
        raise WrongFile(
            run.address,
            "does not say who has churned, for it was scored by an earlier release; "
            f"name the store of model {manifest['model_version']}",
        )
    contract = contract_of(manifest["model_version"])
    return contract.id_column, contract.label


def _best(selection: Selection, checkpoint: Checkpoint) -> tuple[Best, AudienceCounts]:
    """The first customers, and the counts of all."""
    top, counts = selection.spec.top, AudienceCounts()
    best = Best(top or ORDERED_AT_MOST, cut=top is not None)
    for selected in selection.rows.map(selection.select):
        checkpoint()
        counts = add_counts(counts, selected.counts)
        best.add(selected)
    if top is not None and counts.listed > top:
        counts.beyond_top, counts.listed = counts.listed - top, top
        if selection.spec.control:
            counts.control = sum(batch.column(0).true_count for batch in best.batches())
    return best, counts


def _ordered(best: Best) -> Iterator[RankedBatch]:
    """The batches of an ordered list, each with the ranks of its customers."""
    rank = 1
    for batch in best.batches():
        yield batch, column_of(np.arange(rank, rank + batch.num_rows))
        rank += batch.num_rows


def _streamed(selection: Selection) -> Iterator[RankedBatch]:
    """The batches in the order of the file, without ranks."""

    def unranked(selected: Selected) -> RankedBatch:
        return selected.batch, pa.nulls(selected.batch.num_rows, pa.int64())

    return map(unranked, selection.rows.map(selection.select))


def _names(selection: Selection) -> list[str]:
    """The columns of the list; those added get another name where one of the run has theirs."""
    own = [selection.rows.names[index] for index in selection.columns]
    first = ["rank", *(["control"] if selection.spec.control else [])]
    free = free_names([*first, *_LAST], own, "audience")
    return [*free[: len(first)], *own, *free[len(first) :]]


def _write(
    path: Path,
    selection: Selection,
    audience: Audience,
    batches: Iterable[RankedBatch],
    checkpoint: Checkpoint,
) -> None:
    rows, manifest = selection.rows, selection.rows.run.manifest
    names, first = _names(selection), 2 if selection.spec.control else 1
    places = {index: first + place for place, index in enumerate(selection.columns)}
    ids = [] if selection.id is None else [selection.id]
    roles = {places[index]: role for index, role in rows.roles.items() if index in places}
    form = ListForm(
        names,
        roles,
        [places[index] for index in ids if index in places],
        CsvDialect.of(manifest["input"]),
    )
    said = [audience.run, audience.model_version, audience.input, audience.day.isoformat()]
    with open_list(path, selection.spec.format, audience, form, checkpoint) as writer:
        for batch, ranks in batches:
            last = [_repeated(text, batch.num_rows) for text in said]
            columns = [ranks, *batch.columns, *last]
            writer.write(pa.RecordBatch.from_arrays(columns, names))


def _repeated(text: str, rows: int) -> pa.Array:
    return text_column([text]).take(column_of(np.zeros(rows, np.int32)))


def _audience(selection: Selection, counts: AudienceCounts, *, ordered: bool) -> Audience:
    manifest = selection.rows.run.manifest
    return Audience(
        manifest["run"],
        manifest["model_version"],
        manifest["input"]["name"],
        selection.spec.day,
        selection.clusters,
        selection.by if ordered else None,
        counts,
        None if selection.label is None else selection.label[1].churned_word,
        selection.rows.run.implausible,
    )


def _why_nobody(counts: AudienceCounts) -> str:
    reasons: Sequence[tuple[int, str]] = (
        (counts.other_clusters, "in other groups"),
        (counts.churned, "gone already"),
        (counts.outliers, "outliers"),
        (counts.near_border, "with a smaller margin"),
    )
    parts = [f"{number:,} {reason}" for number, reason in reasons if number]
    return f"of {counts.assigned:,} customers {', '.join(parts)}"


@contextmanager
def written(target: ListTarget) -> Iterator[Path]:
    """A path to write to, whose file becomes the target when all went well."""
    try:
        beside = target.absolute().parent if isinstance(target, Path) else None
        with unfinished(beside) as folder:
            path = folder / "list"
            yield path
            if isinstance(target, Path):
                path.replace(target)
            elif isinstance(target, S3Address):
                bucket = open_storage(f"{S3Address.SCHEME}{target.bucket}")
                bucket.upload(path, target.key)
            else:
                with path.open("rb") as file:
                    shutil.copyfileobj(file, target)
    except CustomerClustersError:  # which may be an OSError as well, and says more
        raise
    except OSError as error:
        where = str(target) if isinstance(target, Path | S3Address) else "the folder for lists"
        raise Temporary("write", where, error.strerror or str(error)) from error
