"""The form that asks for a list of a run's customers, and what its address may say."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.datastructures import QueryParams

from functions.http.problems import ProblemError
from functions.http.schemas import FieldProblem
from pipeline.reading.options import WrongOption
from pipeline.runs.audience.spec import ORDERED_AT_MOST, ORDERS, AudienceSpec, Order, share_of
from pipeline.scoring.documents import OUTPUT_FORMATS, Manifest, OutputFormat

_ORDERS: dict[Order, str] = {
    "risk": "Highest risk first",
    "margin": "Clearest of the group first",
    "churn_rate": "Group of the highest rate first",
    "distance": "Nearest to the centre first",
}
_FORMATS: dict[OutputFormat, str] = {
    "csv": "CSV",
    "xlsx": "Excel workbook",
    "parquet": "Parquet",
}
_OPTION = re.compile(r"--([a-z][a-z-]*)")
"""How an error of the command names what is a parameter here."""


@dataclass(frozen=True, slots=True)
class AudienceForm:
    """What the form offers for one run."""

    orders: Sequence[tuple[str, str]]
    """Columns to order by and their words; the first one orders the list on the page too."""
    formats: Sequence[tuple[str, str]]
    cluster: int | None
    """The group that is chosen at first; None: all."""
    ask_encoding: bool
    """Whether the text of the file does not show how it is encoded."""


def audience_form(manifest: Manifest, cluster: int | None) -> AudienceForm:
    """The form for a run.

    Args:
        manifest: The run's.
        cluster: Its group that stands out.
    """
    orders = [(role, words) for role, words in _ORDERS.items() if role in manifest["columns"]]
    unknown = manifest["input"].get("encoding") == "unknown"
    return AudienceForm(orders, [*_FORMATS.items()], cluster, unknown)


def audience_spec(query: QueryParams, clusters: Sequence[int], control_key: str) -> AudienceSpec:
    """What an address asks for; a parameter without a value is as if it were not there.

    Args:
        query: What stands behind the question mark.
        clusters: The ids that there are.
        control_key: What draws the control group.

    Raises:
        ProblemError: A parameter is not known, stands there twice, or has a value that it cannot.
    """
    given = _given(query)
    chosen = {name: read(name, given[name][0]) for name, read in _READ.items() if name in given}
    every = ", ".join(map(str, clusters))
    known = {str(cluster): cluster for cluster in clusters}
    for text in given.get("cluster", ()):
        if text not in known:
            raise wrong_parameter("cluster", f"one of the groups {every}", text)
    ids = tuple(dict.fromkeys(known[text] for text in given.get("cluster", ())))
    try:
        return AudienceSpec(ids, control_key=control_key, **chosen)
    except WrongOption as error:
        raise wrong_parameter(error.name, error.expected, error.value) from error


def wrong_parameter(name: str, expected: str, found: str) -> ProblemError:
    """What is answered where a parameter has a value that it cannot have."""
    detail = f"{name}: expected {expected}, found {found!r}"
    field: FieldProblem = {"field": name, "code": "invalid", "value": found, "expected": expected}
    return no_list(detail, [field])


def no_list(detail: str, errors: Sequence[FieldProblem] = ()) -> ProblemError:
    """What is answered where no list can be made."""
    return ProblemError(422, detail, code="invalid_list", errors=errors)


def by_parameters(text: str) -> str:
    """An error of the command, by the names of parameters."""
    return _OPTION.sub(lambda match: match[1].replace("-", "_"), text)


def _given(query: QueryParams) -> dict[str, list[str]]:
    """The values of each parameter that has one."""
    given: dict[str, list[str]] = {}
    for name, text in query.multi_items():
        if name not in PARAMETERS:
            there = ", ".join(PARAMETERS)
            raise no_list(f"there is no parameter {name!r}; there are {there}")
        if text.strip():
            given.setdefault(name, []).append(text.strip())
    for name, texts in given.items():
        if name != "cluster" and len(texts) > 1:
            raise wrong_parameter(name, "one value", " and ".join(texts))
    return given


def _whole(name: str, text: str) -> int:
    digits = text.isascii() and text.isdigit() and len(text) < 10
    if not digits or not 1 <= int(text) <= ORDERED_AT_MOST:
        raise wrong_parameter(name, f"a whole number from 1 to {ORDERED_AT_MOST:,}", text)
    return int(text)


def _number(name: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise wrong_parameter(name, "a margin from 0 to 1", text) from None


def _share(name: str, text: str) -> float:
    try:
        return share_of(text)
    except WrongOption as error:
        raise wrong_parameter(name, error.expected, text) from error


def _flag(name: str, text: str) -> bool:
    if text not in ("true", "false"):
        raise wrong_parameter(name, "true or false", text)
    return text == "true"


def _one_of(*known: str) -> Callable[[str, str], str]:
    def read(name: str, text: str) -> str:
        if text not in known:
            raise wrong_parameter(name, f"one of {', '.join(known)}", text)
        return text

    return read


def _names(_: str, text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))


def _text(_: str, text: str) -> str:
    return text


_READ: dict[str, Callable[[str, str], Any]] = {
    "top": _whole,
    "by": _one_of(*ORDERS),
    "min_margin": _number,
    "control": _share,
    "include_churned": _flag,
    "exclude_outliers": _flag,
    "columns": _names,
    "format": _one_of(*OUTPUT_FORMATS),
    "encoding": _text,
}
"""Parameter → what reads its value; each is called as the field of `AudienceSpec`."""
PARAMETERS = ("cluster", *_READ)
