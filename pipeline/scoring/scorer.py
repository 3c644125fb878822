"""Scoring one block: a pure function from rows to assigned rows, rejects and counts."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipeline.errors import Problem, shortened
from pipeline.model.cluster_model import Assignments, ClusterModel
from pipeline.model.risk import Risks
from pipeline.model.spelling import alphanumeric
from pipeline.reading.arrow_columns import as_text, filtered, without_dictionary
from pipeline.reading.arrow_numpy import column_of, missing_in, values_of
from pipeline.reading.blocks import Block, BrokenRow
from pipeline.reading.customer_file import CustomerFile
from pipeline.reading.delimited.fields import fields_of
from pipeline.reading.delimited.reader import DelimitedReader
from pipeline.reading.validation import REPEATED_HEADER, check, is_repeated_header, refuse_ambiguous
from pipeline.scoring.challenger import ChallengerScorer
from pipeline.scoring.documents import APPENDED_COLUMNS, CHALLENGER_COLUMN, RISK_COLUMNS
from pipeline.scoring.rejects import Reject
from pipeline.scoring.spec import NOTHING, Explaining, Options
from pipeline.scoring.summary.repeated_ids import IdBlock, id_block
from pipeline.scoring.summary.tally import Tally

if TYPE_CHECKING:
    from pipeline.scoring.explainer import Explainer

_REPEATED_HEADER_REASON = "expected a customer, found the header once more"


class ScoredBlock(NamedTuple):
    """A block's customers: those assigned, and the rest."""

    columns: Sequence[pa.Array]
    """The columns that were read, of the assigned rows."""
    text: pa.StringArray | None
    """The assigned rows as they stood in a text file."""
    positions: NDArray[np.intp]
    """Each assigned row's cluster, as an index of the model's clusters."""
    assignments: Assignments
    rejects: Sequence[Reject]
    tally: Tally
    ids: IdBlock | None = None
    """The ids of the assigned rows, where the file has ids."""
    challenger_positions: NDArray[np.intp] | None = None
    """Each assigned row's cluster in the challenger, as an index of `ChallengerScorer.ids`."""
    explained: Sequence[pa.Array] = ()
    """What explains each assigned row, as columns."""
    risks: Risks | None = None
    """The assigned rows' risk, where the model has a risk score."""


class Scorer:
    """Scores the blocks of one file with one model. Columns are bound by name, once."""

    def __init__(
        self,
        model: ClusterModel,
        file: CustomerFile,
        options: Options,
        *,
        all_columns: bool,
    ) -> None:
        """Bind the columns.

        Args:
            model: The model that assigns customers.
            file: The file whose blocks are scored.
            options: What more than the clusters is wanted.
            all_columns: Read all columns, and not only those that scoring needs.
        """
        contract, challenger = model.contract, options.challenger
        self.model, self.file = model, file
        self.challenger: ChallengerScorer | None = None
        if challenger is not None:
            self.challenger = ChallengerScorer(challenger, file, len(model.clusters))
        self._header = {alphanumeric(shortened(name)) for name in file.header}
        self._delimiter = ","  # of a workbook's text
        if isinstance(file.reader, DelimitedReader):
            self._delimiter = file.reader.dialect.delimiter
        features = file.indexes(feature.name for feature in contract.features)
        label = file.optional_column(contract.label.column if contract.label else None)
        id_column = file.optional_column(contract.id_column)
        needed = [*features.values(), *(c for c in (label, id_column) if c is not None)]
        needed += [] if self.challenger is None else self.challenger.columns.values()
        self.columns = list(range(len(file.schema))) if all_columns else list(dict.fromkeys(needed))
        """The columns of the file to read, by their index there."""
        self._index_of = {column: index for index, column in enumerate(self.columns)}
        self._features = {name: self._index_of[column] for name, column in features.items()}
        self._label = None if label is None else self._index_of[label]
        self._id = None if id_column is None else self._index_of[id_column]
        self._explainer = _explainer(model, options.explaining)
        self.explained = self._explainer.columns if self._explainer else []
        """The columns that explain."""
        names = [*APPENDED_COLUMNS, *(() if model.risk is None else RISK_COLUMNS)]
        names += [] if challenger is None else [CHALLENGER_COLUMN]
        names += [column.name for column in self.explained]
        free = free_names(names, [*file.header, *file.schema.names])
        self.appended = dict(zip(names, free, strict=True))
        """Appended column → its name in this file."""
        ids = [cluster.id for cluster in model.clusters]
        self._positions = np.zeros(max(ids) + 1, np.intp)
        self._positions[ids] = range(len(ids))

    def score(self, block: Block) -> ScoredBlock:
        """Assign a block's customers; every row ends as assigned or as a reject.

        Raises:
            WrongFile: The block shows that the whole file must be refused: its numbers can be read
                in two ways, or another header stands among its rows.
        """
        columns = {name: block.columns[index] for name, index in self._features.items()}
        checked = check(self.model.contract, columns, self.file.numbers)
        refuse_ambiguous(self.file, checked, block.rows, block.lines)
        rejects = [self._broken_row(row) for row in block.broken]
        rejects += [
            self._invalid_row(block, position, problems)
            for position, problems in checked.problems.items()
        ]
        rejects.sort(key=lambda reject: reject.row)
        kept, text = list(block.columns), block.text
        if not checked.good.all():
            good = column_of(checked.good)
            kept = [filtered(column, good) for column in kept]
            text = None if text is None else text.filter(good)
        points = self.model.points(checked.features)
        assignments = self.model.assign_points(checked.features, points)
        positions = self._positions[assignments.cluster]
        risk = self.model.risk
        risks = None if risk is None else risk.assess_many(checked.features)
        churned = self._churned(kept)
        reasons = [(reject.key, reject.row) for reject in rejects]
        tally = Tally.of(self.model, positions, assignments, checked.features, churned, reasons)
        tally.filled.update(checked.filled)
        if risks is not None:
            tally.count_risk(positions, risks.rate, churned)
        ids = challenger_positions = None
        if self._id is not None:
            ids = id_block(kept[self._id], block.rows[checked.good])
        if self.challenger is not None:
            challenger_positions, tally.challenger = self.challenger.assign(
                kept, self._index_of, positions, churned
            )
        explained: list[pa.Array] = []
        if self._explainer is not None:
            explained, tally.contributions = self._explainer.explain(checked.features, points)
        return ScoredBlock(
            kept,
            text,
            positions,
            assignments,
            rejects,
            tally,
            ids,
            challenger_positions,
            explained,
            risks,
        )

    def _churned(self, columns: Sequence[pa.Array]) -> NDArray[np.float64] | None:
        """1 churned, 0 stayed, NaN unknown; None where the file has no label."""
        label = self.model.contract.label
        if label is None or self._label is None:
            return None
        coded = as_text(without_dictionary(columns[self._label])).dictionary_encode()
        meanings = [label.parse(value) for value in coded.dictionary.to_pylist()]
        rates = np.array([np.nan if m is None else float(m) for m in [*meanings, None]])
        codes = np.where(missing_in(coded), len(meanings), values_of(coded.indices))
        churned: NDArray[np.float64] = rates[codes]
        return churned

    def _id_of(self, block: Block, position: int) -> str:
        if self._id is None:
            return ""
        cell = block.columns[self._id].slice(position, 1)
        value = as_text(without_dictionary(cell))[0].as_py()
        return "" if value is None else self.file.display(str(value))

    def _cells(self, block: Block, position: int) -> list[str]:
        """The cells of a row of a text file."""
        assert block.text is not None
        line = block.text[position].as_py().lstrip("\r\n")
        return fields_of(line, self._delimiter) or []

    def _invalid_row(self, block: Block, position: int, problems: Sequence[Problem]) -> Reject:
        """A row with values that the contract refuses, as a reject."""
        row, line = int(block.rows[position]), _line(block, position)
        if block.text is not None and any(
            alphanumeric(problem.value) in self._header for problem in problems
        ):
            cells = self._cells(block, position)
            if is_repeated_header(self.file, self.model.contract, cells, row, line):
                return Reject(row, line, "", "", REPEATED_HEADER, "", _REPEATED_HEADER_REASON, "")
        shown = [each._replace(value=self.file.display(each.value)) for each in problems]
        first, reason = shown[0], "; ".join(map(str, shown))
        customer = self._id_of(block, position)
        return Reject(row, line, customer, first.column, first.code, first.value, reason, "")

    def _broken_row(self, row: BrokenRow) -> Reject:
        """A row that the file's format breaks, as a reject; WrongFile for a header that differs."""
        cells = fields_of(row.text, self._delimiter) or []
        again = is_repeated_header(self.file, self.model.contract, cells, row.row, row.line)
        code, message = row.code, row.message
        if again:
            code, message = REPEATED_HEADER, _REPEATED_HEADER_REASON
        return Reject(row.row, row.line, "", "", code, "", message, self.file.display(row.text))


def _line(block: Block, position: int) -> int | None:
    return None if block.lines is None else int(block.lines[position])


def free_names(wanted: Sequence[str], taken: Sequence[str], prefix: str = "assigned") -> list[str]:
    """The names, each with as many prefixes as it takes to differ from those that are taken."""
    names = []
    for name in wanted:
        free = name
        while free in taken:
            free = f"{prefix}_{free}"
        names.append(free)
    return names


def _explainer(model: ClusterModel, explaining: Explaining) -> "Explainer | None":
    """What explains rows, where somebody asked for it: it takes a while to load."""
    if explaining == NOTHING:
        return None
    from pipeline.scoring.explainer import Explainer

    return Explainer(model, explaining)
