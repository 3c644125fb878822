"""Other names of a contract's columns: each belongs to one column alone."""

from collections.abc import Iterator, Mapping
from typing import Any

from pipeline.model.contract.findings import Findings
from pipeline.model.spelling import normalised


def refuse_shared_names(fields: Mapping[str, Any], findings: Findings) -> None:
    """Add a finding for every alias that is, but for case and spaces, the name of another column.

    Args:
        fields: Those of a contract.
        findings: What gathers them.
    """
    owners = {normalised(name): name for name in _columns(fields)}
    if fields["id_aliases"] and not fields["id_column"]:
        findings.add("id_aliases", "an id_column that they are other names of", "none")
    for where, column, aliases in _declared(fields):
        for alias in aliases:
            owner = owners.setdefault(normalised(alias), column)
            if owner != column:
                found = f"{alias!r}, by which {owner} is found"
                findings.add(where, f"names that no other column than {column} has", found)


def _columns(fields: Mapping[str, Any]) -> Iterator[str]:
    yield from (feature.name for feature in fields["features"])
    yield from fields["never_features"] or ()
    if fields["id_column"]:
        yield fields["id_column"]
    if fields["label"]:
        yield fields["label"].column


def _declared(fields: Mapping[str, Any]) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    for feature in fields["features"]:
        yield f"features.{feature.name}.aliases", feature.name, feature.aliases
    if fields["id_column"]:
        yield "id_aliases", fields["id_column"], fields["id_aliases"]
    if fields["label"]:
        yield "label.aliases", fields["label"].column, fields["label"].aliases
