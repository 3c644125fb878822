"""What the page shows on which somebody says which columns of a file are meant."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pipeline.errors import UnchosenSheet, UnmatchedColumns, map_pair
from pipeline.model.contract import Contract
from pipeline.reading.columns.names import KnownNames
from pipeline.reading.columns.nearness import WantedColumn, sure_names

PREFIX = "map."
"""What the fields of the form begin with that stand for a column of the contract."""
Unclear = UnmatchedColumns | UnchosenSheet
"""What makes the page ask."""


@dataclass(frozen=True, slots=True)
class ColumnField:
    """A column of the contract, and which name of the file is proposed for it."""

    column: str
    label: str
    unit: str = ""
    proposed: str = ""
    """Empty where nobody can tell."""
    required: bool = True
    hint: str = ""

    @property
    def name(self) -> str:
        """The name of its field in the form."""
        return f"{PREFIX}{self.column}"


def matching_view(
    contract: Contract,
    error: Unclear,
    stated: Iterable[str] = (),
    remembered: Mapping[str, str] | None = None,
) -> dict[str, object]:
    """What `match.html.j2` names about a file.

    Args:
        contract: What declares the columns that are read.
        error: Why the file was not scored.
        stated: What was said about its columns before, each as `its name=our name`.
        remembered: What was chosen for another file of the same names: column → name.
    """
    view = {"file": error.file, "sheets": error.sheets, "remembered": bool(remembered)}
    if isinstance(error, UnchosenSheet):
        return {**view, "problem": error.problem, "columns": [], "names": [], "header_row": None}
    return {
        **view,
        "problem": "",
        "columns": _columns(contract, error, stated, remembered or {}),
        "names": [*dict.fromkeys(name for name in error.names if name.strip())],
        "header_row": error.header_row,
    }


def _columns(
    contract: Contract,
    error: UnmatchedColumns,
    stated: Iterable[str],
    remembered: Mapping[str, str],
) -> list[ColumnField]:
    features = {feature.name: feature for feature in contract.features}
    sure = sure_names(contract, error.near)
    fields = []
    for column, near in {**error.claimed, **error.near}.items():
        feature = features.get(column)
        proposed = remembered.get(column) or sure.get(column, "")
        fields.append(
            ColumnField(
                column,
                feature.label if feature else column,
                feature.unit if feature else "",
                proposed if proposed in error.names else "",
                hint=_hint(near, proposed),
            )
        )
    return [*fields, *_others(contract, error, stated, remembered)]


def _hint(near: Iterable[str], proposed: str) -> str:
    names = " or ".join(f"“{name}”" for name in near)
    return f"Perhaps {names}." if names and not proposed else ""


def _others(
    contract: Contract,
    error: UnmatchedColumns,
    stated: Iterable[str],
    remembered: Mapping[str, str],
) -> Iterable[ColumnField]:
    """The id and the label, where the file has none: it is scored without them as well."""
    there = KnownNames.of(error.file, contract, tuple(stated)).meanings(error.names)
    special = {
        contract.id_column: "What tells customers apart",
        contract.label and contract.label.column: f"Who {contract.churned_word}",
    }
    for wanted in WantedColumn.all_of(contract)[len(contract.features) :]:
        if wanted.name in there or wanted.name in {**error.near, **error.claimed}:
            continue
        proposed = remembered.get(wanted.name) or error.also.get(wanted.name, "")
        yield ColumnField(
            wanted.name,
            special[wanted.name],
            proposed=proposed if proposed in error.names else "",
            required=False,
        )


def undeclared(contract: Contract, matched: Mapping[str, str]) -> list[str]:
    """The names that were said to be columns of a contract, which it does not know by itself.

    Args:
        contract: What declares the columns.
        matched: Column in the file → column of the contract.

    Returns:
        Each as `"its name=our name"`, quoted for a shell.
    """
    known = KnownNames.of("", contract)
    return [
        map_pair(name, column) for name, column in matched.items() if known.meaning(name) != column
    ]
