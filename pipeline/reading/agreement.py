"""Whether a file has what a contract declares: everything that it lacks, at once."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pyarrow as pa

from pipeline.errors import MAX_REJECTED_SHARE, Problem, WrongFile, map_option, shortened
from pipeline.model.contract import AMBIGUOUS, MEDIAN, Contract, Feature, Finding, Label
from pipeline.reading.blocks import BrokenRow
from pipeline.reading.columns.names import Binding, KnownNames, bind
from pipeline.reading.columns.nearness import WantedColumn, nearest
from pipeline.reading.customer_file import CustomerFile
from pipeline.reading.open import open_customers
from pipeline.reading.options import AUTODETECT, ReadingOptions
from pipeline.reading.validation import check


def find_disagreements(
    path: Path, contract: Contract, reading: ReadingOptions = AUTODETECT
) -> list[Finding]:
    """What a file of customers lacks, in the order of the contract.

    Args:
        path: The file.
        contract: What its columns are declared to be.
        reading: What somebody said about how the file is written.

    Returns:
        Errors, which make values unusable or the file unfit for training; and warnings.
    """
    try:
        with open_customers(path, contract, reading) as file:
            table, broken = file.read_all()
    except WrongFile as error:
        return _of_header(path, contract, reading) or [_unreadable(path, error)]
    rows = len(table) + len(broken)
    if not rows:
        return [Finding(path.name, "a row for each customer", "a header and no rows")]
    binding = Binding(tuple(file.schema.names), file.claimed)
    findings = [*_missing_columns(binding, contract)]
    present = [feature for feature in contract.features if feature.name in file.schema.names]
    rejected = {-1 - number for number in range(len(broken))}
    for feature in present:
        column = table.column(file.column(feature.name)).combine_chunks()
        checked = check(_alone(contract, feature), {feature.name: column}, file.numbers)
        problems = checked.problems
        if feature.stand_in == MEDIAN and checked.filled.get(feature.name) == len(table):
            where = f"features.{feature.name}"
            findings.append(Finding(where, "a value somewhere, for a median", "none in any row"))
        rejected |= set(problems)
        findings += _refused_values(feature, [(at, p[0]) for at, p in problems.items()], rows)
    findings += [*_broken_rows(broken), *_repeated_ids(file, table, contract)]
    if contract.label is not None and contract.label.column in file.schema.names:
        column = table.column(file.column(contract.label.column))
        findings += _label_values(contract.label, column.to_pylist())
    if len(rejected) > MAX_REJECTED_SHARE * rows:
        found = f"{len(rejected):,} of {rows:,} rows with a value that is refused"
        findings.append(Finding(path.name, f"at most {MAX_REJECTED_SHARE:.0%}", found))
    return findings


def _alone(contract: Contract, feature: Feature) -> Contract:
    """The contract of a feature; where a median will stand in, no value is missing."""
    if feature.stand_in == MEDIAN and feature.missing is None:
        feature = replace(feature, missing=0.0)
    return replace(contract, features=(feature,))


def _of_header(path: Path, contract: Contract, reading: ReadingOptions) -> list[Finding]:
    """The columns that a file lacks which cannot be opened as what the contract declares."""
    try:
        with open_customers(path, None, reading) as file:
            known = KnownNames.of(path, contract, reading.map)
            return [*_missing_columns(bind(path, file.header, known), contract)]
    except WrongFile:
        return []


def _unreadable(path: Path, error: WrongFile) -> Finding:
    return Finding(path.name, "a table of customers", error.problem)


def _missing_columns(binding: Binding, contract: Contract) -> Iterator[Finding]:
    label, names = contract.label.column if contract.label else None, binding.names
    missing = [it for it in WantedColumn.all_of(contract) if it.name not in names]
    near = nearest(missing, [name for name in names if name not in contract.columns])
    near |= binding.claimed
    for column, where, without in (
        (contract.id_column, "id_column", "rows have no id, and none can repeat another"),
        (label, "label.column", "nothing is known of churn"),
    ):
        if column is not None and column not in names:
            hint = "; ".join(filter(None, [without, _hint(column, near[column])]))
            yield Finding(where, _a_column(column), "none", hint, "warning")
    for feature in contract.features:
        if names.count(feature.name) != 1:
            count = names.count(feature.name) or len(binding.claimed.get(feature.name, ()))
            found, hint = f"{count or 'none'}", _hint(feature.name, near.get(feature.name, ()))
            yield Finding(f"features.{feature.name}", _a_column(feature.name), found, hint)


def _hint(column: str, near: Sequence[str]) -> str:
    """What may be meant by a column that is missing, and how to say so."""
    if not near:
        return ""
    options = " or ".join(map_option(name, column) for name in near)
    names = " or ".join(shortened(name) for name in near)
    return f"did you mean {names}? Say so by {options}, or in aliases"


def _a_column(name: str) -> str:
    return f"one column {name} in the file"


def _refused_values(
    feature: Feature, problems: list[tuple[int, Problem]], rows: int
) -> Iterator[Finding]:
    """One finding for each code; a missing value is a warning, for to reject it is a policy."""
    where = f"features.{feature.name}"
    for code, count in Counter(problem.code for _, problem in problems).most_common():
        row, first = next((at, problem) for at, problem in problems if problem.code == code)
        if code == "missing":
            either = f'"{MEDIAN}" or a value' if feature.numeric else "one of its values"
            hint = f"such customers are rejected, unless missing = {either}"
            found = f"nothing in {_of(count, rows)}"
            yield Finding(where, "a value in each row", found, hint, "warning")
        else:
            hint = "say which mark is decimal with --decimal" if code == AMBIGUOUS else ""
            found = f"{first.value!r} in row {row + 1:,}, and such in {_of(count, rows)}"
            yield Finding(where, first.expected, found, hint)


def _of(count: int, rows: int) -> str:
    return f"{count:,} of {rows:,} rows"


def _broken_rows(broken: Iterable[BrokenRow]) -> Iterator[Finding]:
    for row in list(broken)[:1]:
        found = f"{len(list(broken)):,} that are not, the first in row {row.row:,}: {row.message}"
        yield Finding("the file", "rows that can be read", found)


def _repeated_ids(file: CustomerFile, table: pa.Table, contract: Contract) -> Iterator[Finding]:
    """Ids that come again with other values; a row that is there twice is only left out."""
    if contract.id_column not in file.schema.names:
        return
    first: dict[object, int] = {}
    repeated = []
    for row, customer in enumerate(table.column(file.column(str(contract.id_column))).to_pylist()):
        before = first.setdefault(customer, row)
        if before != row and not table.slice(row, 1).equals(table.slice(before, 1)):
            repeated.append(customer)
    if repeated:
        found = f"{len(repeated):,} rows repeat one with other values ({shortened(repeated[0])})"
        yield Finding("id_column", "another id in each row", found)


def _label_values(label: Label, cells: list[object]) -> Iterator[Finding]:
    expected = f"one of {', '.join(label.churned + label.stayed)}"
    meanings = {cell: label.parse(cell) for cell in set(cells)}
    unknown = [cell for cell in cells if meanings[cell] is None]
    if unknown:
        found = f"{shortened(unknown[0])!r}, and such in {_of(len(unknown), len(cells))}"
        yield Finding("label", expected, found)
    elif len(set(meanings.values())) < 2:
        found = f"{shortened(cells[0])!r} in each row"
        yield Finding("label", "customers that churned and others that stayed", found)
