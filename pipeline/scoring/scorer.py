"""Scoring one block: a pure function from rows to assigned rows, rejects and counts."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipeline.errors import Problem, shortened
from pipeline.model.cluster_model import Assignments, ClusterModel
from pipeline.reading.arrow_columns import as_text, filtered, without_dictionary
from pipeline.reading.blocks import Block, BrokenRow
from pipeline.reading.column_names import alphanumeric
from pipeline.reading.customer_file import CustomerFile
from pipeline.reading.delimited.fields import fields_of
from pipeline.reading.delimited.reader import DelimitedReader
from pipeline.reading.validation import REPEATED_HEADER, check, is_repeated_header, refuse_ambiguous
from pipeline.scoring.challenger import COLUMN, ChallengerScorer
from pipeline.scoring.rejects import Reject
from pipeline.scoring.repeated_ids import IdBlock, id_block
from pipeline.scoring.spec import Challenger
from pipeline.scoring.tally import Tally

_AGAIN = "expected a customer, found the header once more"
APPENDED = ("cluster", "cluster_name", "churn_rate", "distance", "margin", "outlier")


@dataclass(frozen=True, slots=True)
class Scored:
    """A block's customers: those assigned, and the rest."""

    columns: Sequence[pa.Array]
    """Those that were read, of the assigned rows."""
    text: pa.StringArray | None
    """The assigned rows as they stood in a text file."""
    positions: NDArray[np.intp]
    """Of each assigned row's cluster in the model."""
    assignments: Assignments
    rejects: Sequence[Reject]
    tally: Tally
    ids: IdBlock | None = None
    """What is compared of the assigned rows' ids, where the file has ids."""
    second: NDArray[np.intp] | None = None
    """The same in the challenger, where there is one."""


class Scorer:
    """Scores the blocks of one file with one model. Columns are bound by name, once."""

    def __init__(
        self,
        model: ClusterModel,
        file: CustomerFile,
        *,
        all_columns: bool,
        challenger: Challenger | None = None,
    ) -> None:
        contract = model.contract
        self.model, self.file = model, file
        k = len(model.clusters)
        self.second = None if challenger is None else ChallengerScorer(challenger, file, k)
        features = {feature.name: file.column(feature.name) for feature in contract.features}
        self._id = file.optional_column(contract.id_column)
        self._header = {alphanumeric(shortened(name)) for name in file.header}
        self._delimiter = ","  # of a workbook's text
        if isinstance(file.reader, DelimitedReader):
            self._delimiter = file.reader.dialect.delimiter
        label = file.optional_column(contract.label.column if contract.label else None)
        needed = [*features.values(), *([] if label is None else [label])]
        needed += [] if self._id is None else [self._id]
        needed += [] if self.second is None else self.second.columns.values()
        self.columns = list(range(len(file.schema))) if all_columns else list(dict.fromkeys(needed))
        self._place = place = {column: position for position, column in enumerate(self.columns)}
        self._features = {name: place[column] for name, column in features.items()}
        self._label = None if label is None else place[label]
        self._id_place = None if self._id is None else place.get(self._id)
        wanted = APPENDED if self.second is None else (*APPENDED, COLUMN)
        free = _free_names(wanted, [*file.header, *file.schema.names])
        self.appended = dict(zip(wanted, free, strict=True))
        ids = [cluster.id for cluster in model.clusters]
        self._positions = np.zeros(max(ids) + 1, np.intp)
        self._positions[ids] = range(len(ids))

    def score(self, block: Block) -> Scored:
        """Assign a block's customers; every row ends as assigned or as a reject."""
        columns = {name: block.columns[place] for name, place in self._features.items()}
        checked = check(self.model.contract, columns, self.file.numbers)
        refuse_ambiguous(self.file, checked, block.rows, block.lines)
        rejects = [self._broken(row) for row in block.broken]
        rejects += [
            self._rejected(block, position, problems)
            for position, problems in checked.problems.items()
        ]
        rejects.sort(key=lambda reject: reject.row)
        kept, text = list(block.columns), block.text
        if not checked.good.all():
            good = pa.array(checked.good)
            kept = [filtered(column, good) for column in kept]
            text = None if text is None else text.filter(good)
        assignments = self.model.assign_many(checked.features)
        positions = self._positions[assignments.cluster]
        churned = self._churned(kept)
        tally = Tally.of(
            self.model,
            positions,
            assignments,
            checked.features,
            churned,
            [(f"{reject.column} {reject.code}".strip(), reject.row) for reject in rejects],
        )
        second = None
        if self.second is not None:
            second, tally.versus = self.second.assign(kept, self._place, positions, churned)
        ids = None
        if self._id_place is not None:
            ids = id_block(kept[self._id_place], block.rows[checked.good])
        return Scored(kept, text, positions, assignments, rejects, tally, ids, second)

    def _churned(self, columns: Sequence[pa.Array]) -> NDArray[np.float64] | None:
        """1 churned, 0 stayed, NaN unknown; None where the file has no label."""
        label = self.model.contract.label
        if label is None or self._label is None:
            return None
        coded = as_text(without_dictionary(columns[self._label])).dictionary_encode()
        meanings = [label.parse(value) for value in coded.dictionary.to_pylist()]
        rates = np.array([np.nan if m is None else float(m) for m in [*meanings, None]])
        codes = coded.indices.fill_null(len(meanings)).to_numpy(zero_copy_only=False)
        churned: NDArray[np.float64] = rates[codes]
        return churned

    def _id_of(self, block: Block, position: int) -> str:
        if self._id_place is None:
            return ""
        cell = block.columns[self._id_place].slice(position, 1)
        value = as_text(without_dictionary(cell))[0].as_py()
        return "" if value is None else self.file.display(str(value))

    def _cells(self, block: Block, position: int) -> list[str]:
        """The cells of a row of a text."""
        assert block.text is not None
        line = block.text[position].as_py().lstrip("\r\n")
        return fields_of(line, self._delimiter) or []

    def _rejected(self, block: Block, position: int, problems: Sequence[Problem]) -> Reject:
        """A row with values that the contract refuses, as a reject."""
        row, line = int(block.rows[position]), _line(block, position)
        if block.text is not None and any(
            alphanumeric(problem.value) in self._header for problem in problems
        ):
            cells = self._cells(block, position)
            if is_repeated_header(self.file, self.model.contract, cells, row, line):
                return Reject(row, line, "", "", REPEATED_HEADER, "", _AGAIN, "")
        shown = [replace(it, value=self.file.display(it.value)) for it in problems]
        first, reason = shown[0], "; ".join(map(str, shown))
        customer = self._id_of(block, position)
        return Reject(row, line, customer, first.column, first.code, first.value, reason, "")

    def _broken(self, row: BrokenRow) -> Reject:
        """A row that the file's format breaks, as a reject; WrongFile for a header that differs."""
        cells = fields_of(row.text, self._delimiter) or []
        again = is_repeated_header(self.file, self.model.contract, cells, row.row, row.line)
        code, message = (REPEATED_HEADER, _AGAIN) if again else (row.code, row.message)
        return Reject(row.row, row.line, "", "", code, "", message, self.file.display(row.text))


def _line(block: Block, position: int) -> int | None:
    return None if block.lines is None else int(block.lines[position])


def _free_names(wanted: Sequence[str], taken: Sequence[str]) -> list[str]:
    names = []
    for name in wanted:
        free = name
        while free in taken:
            free = f"assigned_{free}"
        names.append(free)
    return names
