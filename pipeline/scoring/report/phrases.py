"""Phrases for what a run says in codes: reasons, verdicts, how a file is written."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from pipeline.model.contract import Contract, Feature
from pipeline.scoring.documents import InputFacts, Summary, Verdict
from pipeline.scoring.rejects import column_and_code

VERDICTS: dict[Verdict, str] = {
    "stable": "Like training",
    "moved": "Somewhat different",
    "shifted": "Clearly different",
    "implausible": "Implausible",
    "too few customers": "Too few customers to tell",
}
_CODES = {
    "missing": "No value",
    "no_column": "The file has no such column",
    "not_a_number": "Not a number",
    "not_finite": "Infinite or not a number",
    "not_an_integer": "Not a whole number",
    "out_of_range": "An impossible value",
    "unknown_value": "A value that the model does not know",
    "not_text": "A number where text belongs",
    "wrong_number_of_fields": "More or fewer fields than the header has",
    "bad_encoding": "Characters that cannot be read in the file’s encoding",
    "broken_quotes": "Quotation marks that open or close in the wrong place",
    "stray_return": "A carriage return in the middle of a row",
    "repeated_header": "The header once more",
    "error_cell": "An error instead of a value, or a formula that was never computed",
    "ambiguous_number": "A number that can be read in two ways",
}
_DELIMITERS = {",": "a comma", ";": "a semicolon", "\t": "a tab", "|": "a vertical bar"}
_DECIMALS = {".": "a point", ",": "a comma", "not shown": "not shown by any value"}
_ENCODINGS = {
    "utf-8": "UTF-8",
    "utf-8-sig": "UTF-8, with a byte order mark",
    "utf-16-le": "UTF-16",
    "utf-16-be": "UTF-16, big-endian",
    "cp1250": "Windows-1250 (Central European)",
    "cp1251": "Windows-1251 (Cyrillic)",
    "cp1252": "Windows-1252 (Western European)",
    "cp932": "Shift JIS (Japanese)",
    "gb18030": "GB 18030 (Chinese)",
    "unknown": "neither UTF-8 nor UTF-16; left as it was",
}
_PACKINGS = {"gzip": "gzip", "zstd": "Zstandard"}
_FACTS: Sequence[
    tuple[Literal["sheet", "packing", "delimiter", "decimal", "encoding"], str, Mapping[str, str]]
] = (
    ("sheet", "Sheet", {}),
    ("packing", "Packed with", _PACKINGS),
    ("delimiter", "Between fields", _DELIMITERS),
    ("decimal", "Decimal mark", _DECIMALS),
    ("encoding", "Encoding", _ENCODINGS),
)
_ODDITIES: Sequence[
    tuple[
        Literal["unnamed_index", "trailing_delimiter", "returns_end_lines", "backslash_escapes"],
        str,
        str,
    ]
] = (
    ("unnamed_index", "First column", "has no name in the header; taken for an index"),
    ("trailing_delimiter", "End of rows", "a delimiter with nothing behind it"),
    ("returns_end_lines", "End of rows", "carriage returns"),
    ("backslash_escapes", "Quotes in quotes", "written with a backslash; doubled in the results"),
)
_KINDS = {"parquet": "Parquet", "excel": "Excel workbook", "delimited text": "Delimited text (CSV)"}


@dataclass(frozen=True, slots=True)
class Rejection:
    """A reason for which rows were rejected."""

    feature: Feature | None
    """None where the row as a whole is wrong."""
    phrase: str
    rows: int
    first_rows: Sequence[int]
    """The numbers of the first few of these rows."""


def rejections(contract: Contract, summary: Summary) -> list[Rejection]:
    """Why rows of a run were rejected, the reason of most rows first."""
    features = {feature.name: feature for feature in contract.features}
    return [
        Rejection(
            features.get(column_and_code(key)[0]),
            reason_phrase(key),
            rows,
            summary["rejected_first_rows"][key],
        )
        for key, rows in summary["rejected_for"].items()
    ]


def reason_phrase(key: str) -> str:
    """What was wrong, by a key of `rejected_for` or `unassigned_for`; without the column."""
    _, code = column_and_code(key)
    return _CODES.get(code, code.replace("_", " ").capitalize())


def reading_phrases(facts: InputFacts) -> list[tuple[str, str]]:
    """How the input is written, as pairs of a name and a phrase; the usual is left out."""
    phrases = []
    if files := facts.get("files"):
        first, last = files[0]["name"], files[-1]["name"]
        phrases.append(("Files", f"{len(files):,}, from “{first}” to “{last}”"))
    phrases.append(("Kind of file", _KINDS.get(facts["kind"], facts["kind"])))
    for key, name, known in _FACTS:
        value = facts.get(key, "none")
        if value != "none":
            phrases.append((name, known.get(value, value)))
    phrases += [(name, phrase) for key, name, phrase in _ODDITIES if facts.get(key)]
    if others := facts.get("other_sheets"):
        phrases.append(("Sheets not read", ", ".join(others)))
    if line := facts.get("header_row"):
        phrases.append(("Header", f"in line {line:,}; what stands above it was left out"))
    for column, name in facts.get("near", {}).items():
        phrases.append((f"No column {column}", f"“{name}” is near, and was not taken for it"))
    if empty := facts.get("empty_rows"):
        phrases.append(("Rows without content", f"{empty:,}, left out"))
    return phrases


def three_digits(value: float | None) -> float | None:
    """A median for readers: it is counted to within 0.1 %, and more digits mean nothing."""
    return None if value is None else float(f"{value:.3g}")


def unit_guess(median: float | None, usual: float) -> str:
    """Which change of unit would explain a median; empty where none suggests itself.

    Args:
        median: Of the customers of a run; None without customers.
        usual: Of training's customers.
    """
    if not median or usual <= 0:
        return ""
    ratio = median / usual
    for factor, phrase in (
        (100, "about 100 times as much, as amounts in cents would be"),
        (1_000, "about 1,000 times as much"),
        (1 / 100, "about a hundredth of it"),
        (1 / 1_000, "about a thousandth of it, as amounts in thousands would be"),
    ):
        if 0.8 <= ratio / factor <= 1.25:
            return phrase
    if abs(median) < 3 and usual > 20:
        return "close to 0, as standardised values would be"
    return ""
