"""What the page with the upload form shows."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from functions.http.problems import ProblemError
from functions.live_model import LoadedModel
from pipeline.reading.options import OPTIONS

_OPTION = re.compile(
    rf"(?<![^\s(])--({'|'.join(OPTIONS).replace('_', '-')})(?![^\s,:;)])",
)
"""How an error names an option about reading."""
_SHOWN = "As the file shows"


@dataclass(frozen=True, slots=True)
class Field:
    """A field that says how the file is written, where it does not show that itself."""

    name: str
    label: str
    hint: str = ""
    values: tuple[tuple[str, str], ...] = ()
    """What can be chosen, and its words; none: it is typed."""
    numeric: bool = False
    lines: bool = False
    """Whether more lines than one may be typed."""


FIELDS = (
    Field(
        "decimal",
        "Decimal mark",
        values=(("", _SHOWN), (".", "Point, as in 4604.5"), (",", "Comma, as in 4604,5")),
    ),
    Field(
        "thousands",
        "Between thousands",
        values=(
            ("", _SHOWN),
            ("none", "Nothing, as in 4604"),
            (",", "Comma, as in 4,604"),
            (".", "Point, as in 4.604"),
            ("space", "Space, as in 4 604"),
            ("apostrophe", "Apostrophe, as in 4'604"),
        ),
    ),
    Field(
        "delimiter",
        "Between columns of a text file",
        values=(
            ("", _SHOWN),
            ("comma", "Comma"),
            ("semicolon", "Semicolon"),
            ("tab", "Tab"),
            ("pipe", "Vertical bar |"),
            ("space", "Space"),
        ),
    ),
    Field("encoding", "Encoding of a text file", "Such as utf-8, cp1250 or shift_jis."),
    Field("sheet", "Sheet of a workbook", "Its name. Empty: the visible one with the columns."),
    Field(
        "header_row",
        "Row with the names of the columns",
        "The first row of the file is 1. Empty: the first one that has them.",
        numeric=True,
    ),
    Field(
        "map",
        "Columns by other names",
        "Each on a line: its name in the file=our name.",
        lines=True,
    ),
)
FORMATS = (
    ("", "As they came: CSV, for a workbook too, or Parquet"),
    ("xlsx", "Excel workbook"),
    ("csv", "CSV"),
    ("parquet", "Parquet"),
)
"""What the rows can come back as, and its words."""
LABELS = {field.name: f"“{field.label}” below" for field in FIELDS}
"""What the page calls an option about reading."""


def files_view(
    loaded: LoadedModel, limit: int, names: Mapping[str, str], problem: ProblemError | None
) -> dict[str, object]:
    """What every such page has.

    Args:
        loaded: The model that answers.
        limit: Bytes that a file may have; 0 where no files are taken.
        names: What the page calls each option about reading.
        problem: Why the last file was not scored.
    """
    contract = loaded.model.contract
    named = _OPTION.search(problem.detail) if problem else None
    return {
        "features": contract.features,
        "id_column": contract.id_column,
        "label": contract.label.column if contract.label else None,
        "limit": bytes_text(limit),
        "error": sentence(problem, names) if problem and limit else "",
        "decides": _option(named) if named else "",
    }


def sentence(problem: ProblemError, names: Mapping[str, str]) -> str:
    """What is wrong, by the page's names of options; a file's name at the beginning stays."""
    detail = _OPTION.sub(lambda match: names[_option(match)], problem.detail)
    return detail if problem.of_file else detail[0].upper() + detail[1:]


def _option(match: re.Match[str]) -> str:
    return match[1].replace("-", "_")


def bytes_text(count: int) -> str:
    """20 MB; empty for nothing."""
    for unit, factor in (("GB", 1_000_000_000), ("MB", 1_000_000), ("kB", 1_000)):
        if count >= factor:
            return f"{count / factor:.3g} {unit}"
    return f"{count} bytes" if count else ""
