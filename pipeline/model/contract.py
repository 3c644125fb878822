"""The contract: which columns a model expects and what their values may be.

Declared once in TOML, carried inside every artifact, and the only place that knows when a value
is acceptable. Standard library only: a single look-up pays for nothing else.
"""

import hashlib
import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal, Self

from model_store.errors import MALFORMED
from pipeline.errors import Problem, WrongFile, WrongRow, refuse_unreadable, shortened
from pipeline.model import typed_values as typed
from pipeline.model.numbers import NumberFormat, interpretations

DEFAULT_CONTRACT = Path(__file__).parent / "contracts" / "bank_churners.toml"
LARGEST = 1e38
"""Larger numbers are refused whatever the contract says: sums and squared distances must stay
finite, and medians are counted in single precision."""
Value = float | str
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_NOT_FINITE = re.compile(r"[+-]?(nan|inf(inity)?)", re.IGNORECASE)
MARKS = ("sensitive",)
"""What a contract says about the use of a column, and not about its values. An unset mark is left
out of documents, so that a contract which declares none has the digest that it always had."""
_KEYS = ("name", "title", "features", "id_column", "label", "never_features")
_MISSING = frozenset({"", "na", "n/a", "null", "none"})
NOT_COMPUTED = "#NOT-COMPUTED! (a formula without result)"
"""What stands for a formula of a workbook that no program has computed."""
_ERROR_CELLS = frozenset(
    {"#N/A", "#NAME?", "#DIV/0!", "#REF!", "#VALUE!", "#NUM!", "#NULL!", "#SPILL!", "#CALC!"}
    | {NOT_COMPUTED}
)
AMBIGUOUS = "ambiguous_number"
"""The code of a number that can be read in two ways."""


@dataclass(frozen=True, slots=True)
class Range:
    """A closed interval; None is an open end."""

    low: float | None
    high: float | None

    def __contains__(self, number: float) -> bool:
        above = self.low is None or number >= self.low
        return above and (self.high is None or number <= self.high)

    def __str__(self) -> str:
        if self.low is None or self.high is None:
            bound = self.low if self.high is None else self.high
            return f"{'at least' if self.high is None else 'at most'} {bound:,.10g}"
        return f"{self.low:,.10g} to {self.high:,.10g}"


@dataclass(frozen=True, slots=True)
class Feature:
    """A column that a model may read: a number, or a category that becomes one 0/1 each."""

    name: str
    type: Literal["number", "integer", "category"]
    label: str
    description: str = ""
    unit: str = ""
    valid: Range = Range(None, None)
    """Outside it a value is impossible: the customer is rejected."""
    typical: Range = Range(None, None)
    """Outside it a value is unusual: the customer is flagged as an outlier."""
    values: tuple[str, ...] = ()
    """The categories, for a category."""
    missing: Value | None = None
    """What stands in for a missing value; None rejects the customer."""
    low: str = ""
    """How people say that this feature is low, in the name of a cluster."""
    high: str = ""
    """How people say that it is high."""
    sensitive: bool | None = None
    """Whether it is a trait by which people must not be treated differently, such as age or
    gender, or stands for one; None where nobody has declared it."""

    @property
    def numeric(self) -> bool:
        """Whether it is a number, and no category."""
        return self.type != "category"

    @property
    def expected(self) -> str:
        """What a value must be, in words."""
        if self.type == "category":
            return f"one of {', '.join(self.values)}"
        kind = "a whole number" if self.type == "integer" else "a number"
        bounds = "" if self.valid == Range(None, None) else f" {_joiner(self.valid)}{self.valid}"
        return f"{kind}{bounds}"

    def parse(self, value: object, numbers: NumberFormat | None = None) -> Value | Problem:
        """The value a model reads, from a number or its text.

        Args:
            value: A number, its text, or a category.
            numbers: How the numbers of a text file are written. None: as in programs, with a
                decimal point and nothing else.

        Returns:
            The value, or why there is none.
        """
        if value is None or (isinstance(value, str) and value.strip().lower() in _MISSING):
            return self.missing if self.missing is not None else self._problem("missing", "")
        if self.type == "category":
            text = value.strip() if isinstance(value, str) else str(value)
            return text if text in self.values else self._problem("unknown_value", value)
        candidates = self._numbers(value, numbers)
        if not candidates:
            error_cell = isinstance(value, str) and value.strip() in _ERROR_CELLS
            return self._problem("error_cell" if error_cell else "not_a_number", value)
        if len(candidates) > 1:
            return self._ambiguous(value, candidates)
        (number,) = candidates
        if not math.isfinite(number):
            return self._problem("not_finite", value)
        if self.type == "integer" and not number.is_integer():
            return self._problem("not_an_integer", value)
        possible = number in self.valid and abs(number) <= LARGEST
        return number if possible else self._problem("out_of_range", value)

    def _numbers(self, value: object, numbers: NumberFormat | None) -> list[float]:
        """Every number that a value may be."""
        number = _as_number(value)
        if numbers is None or not isinstance(value, str):
            return [] if number is None else [number]
        share = self.valid.low == 0 and self.valid.high == 1
        return [it.value for it in interpretations(value, numbers, self.unit, share=share)]

    def _ambiguous(self, value: object, numbers: list[float]) -> Problem:
        either = " or ".join(f"{number:.15g}" for number in numbers)
        expected = f"{self.expected}, written in one way only (this may be {either})"
        return Problem(self.name, AMBIGUOUS, shortened(value), expected)

    def parse_typed(self, value: object) -> Value | Problem:
        """The value a model reads, from a source with types, such as JSON.

        There a text is no number, and a number no category.
        """
        if value is not None and isinstance(value, str) == self.numeric:
            return self._problem("not_a_number" if self.numeric else "not_text", value)
        return self.parse(value)

    def show(self, value: float) -> str:
        """A value with its unit, as people write it."""
        return show(value, self.unit)

    def _problem(self, code: str, value: object) -> Problem:
        return Problem(self.name, code, shortened(value), self.expected)


@dataclass(frozen=True, slots=True)
class Label:
    """The churn label: its column, and the values that mean churned and stayed."""

    column: str
    churned: tuple[str, ...]
    stayed: tuple[str, ...]

    @classmethod
    def from_dict(cls, given: object) -> Self:
        """Read what is declared or `asdict` made; ValueError or KeyError when it is not that."""
        known = typed.table(given, "label", ("column", "churned", "stayed"))
        churned, stayed = (
            _label_values(known[key], f"label.{key}") for key in ("churned", "stayed")
        )
        both = {value.lower() for value in churned} & {value.lower() for value in stayed}
        if both:
            raise ValueError(f"label: {min(both)!r} stands among churned and stayed")
        return cls(typed.name(known["column"], "label.column"), churned, stayed)

    def parse(self, value: object) -> bool | None:
        """True for churned, False for stayed, None for missing or unknown."""
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        text = str(value).strip().lower() if value is not None else ""
        if text in {known.lower() for known in self.churned}:
            return True
        return False if text in {known.lower() for known in self.stayed} else None


@dataclass(frozen=True, slots=True)
class Contract:
    """The columns of a data set: features, id, churn label, and what must never be a feature."""

    name: str
    title: str
    features: tuple[Feature, ...]
    id_column: str | None = None
    label: Label | None = None
    never_features: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        taken = {self.id_column, *self.never_features, self.label and self.label.column}
        for feature in self.features:
            if feature.name in taken:
                raise WrongFile(f"contract {self.name}", f"{feature.name} cannot be a feature")
            taken.add(feature.name)  # nor be one twice

    def select(self, names: Sequence[str]) -> Self:
        """The contract of a model that reads only some features.

        Args:
            names: The features, in the order in which the model reads them.

        Raises:
            WrongFile: One of them is not declared.
        """
        known = {feature.name: feature for feature in self.features}
        unknown = [name for name in names if name not in known]
        if unknown:
            raise WrongFile(
                f"contract {self.name}",
                f"declares no feature {', '.join(unknown)}; it declares {', '.join(known)}",
            )
        return replace(self, features=tuple(known[name] for name in names))

    def parse(self, customer: Mapping[str, object], *, typed: bool = False) -> dict[str, Value]:
        """The model's input for one customer.

        Args:
            customer: Values by the names of columns; those that are no features are ignored.
            typed: The source has types, so that text is no number.

        Returns:
            A value for each feature, by its name.

        Raises:
            WrongRow: A feature cannot be used; carries every problem.
        """
        parsed = {
            feature.name: (feature.parse_typed if typed else feature.parse)(
                customer.get(feature.name)
            )
            for feature in self.features
        }
        problems = [value for value in parsed.values() if isinstance(value, Problem)]
        if problems:
            raise WrongRow(problems)
        return {name: value for name, value in parsed.items() if not isinstance(value, Problem)}

    def unmarked(self) -> Self:
        """The contract without its marks: what it says of values, and nothing of their use."""
        none: dict[str, Any] = dict.fromkeys(MARKS)
        return replace(self, features=tuple(replace(it, **none) for it in self.features))

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column that the contract names."""
        special = (self.id_column, self.label and self.label.column, *self.never_features)
        return (*(f.name for f in self.features), *(name for name in special if name))

    @property
    def ascii(self) -> bool:
        """Whether names and values are ASCII, so that text in any encoding shows them."""
        return json.dumps(self.to_dict(), ensure_ascii=False).isascii()

    @property
    def digest(self) -> str:
        """The sha256 of everything the contract says: the same contract has the same digest."""
        canonical = json.dumps(self.to_dict(), sort_keys=True, ensure_ascii=True)
        return hashlib.sha256(canonical.encode()).hexdigest()

    def to_dict(self) -> dict[str, Any]:
        """Everything the contract says, as JSON can hold it; marks that are unset are left out."""
        document = asdict(self)
        for feature in document["features"]:
            for mark in MARKS:
                if feature[mark] is None:
                    del feature[mark]
        return document

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Self:
        """Read what `to_dict` wrote; ValueError, KeyError or TypeError when it is not that."""
        id_column, never = document["id_column"], document["never_features"]
        features = tuple(_feature_from_dict(item) for item in document["features"])
        if not features:
            raise ValueError("features: expected one at least, found none")
        return cls(
            name=typed.name(document["name"], "name"),
            title=typed.text(document["title"], "title"),
            features=features,
            id_column=None if id_column is None else typed.name(id_column, "id_column"),
            label=None if document["label"] is None else Label.from_dict(document["label"]),
            never_features=_names(never, "never_features"),
        )


def show(value: float, unit: str) -> str:
    """A value with its unit, as people write it."""
    number = f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
    return f"{number} {unit}" if unit else number


def load_contract(path: Path) -> Contract:
    """Read a contract from TOML.

    Raises:
        WrongFile: It cannot be read, or is no contract; says which key is wrong.
    """
    import tomllib  # an artifact carries its contract as JSON

    with refuse_unreadable(path):
        content = path.read_bytes()
    try:
        document = typed.table(tomllib.loads(content.decode()), "contract", _KEYS)
        features = [
            {"name": name, **_ranges(name, declared)}
            for name, declared in typed.table(document["features"], "features").items()
        ]
        return Contract.from_dict(
            {
                "name": document["name"],
                "title": document.get("title", document["name"]),
                "features": features,
                "id_column": document.get("id_column"),
                "label": document.get("label"),
                "never_features": document.get("never_features", ()),
            }
        )
    except KeyError as error:
        raise WrongFile(path, f"is not a contract: {error} is missing") from error
    except RecursionError as error:
        raise WrongFile(path, "is not a contract: it is nested too deeply") from error
    except MALFORMED as error:
        raise WrongFile(path, f"is not a contract: {' '.join(str(error).split())}") from error


def _ranges(name: str, declared: object) -> dict[str, Any]:
    """A feature as TOML declares it, with ranges as `asdict` writes them."""
    known = dict(typed.table(declared, name))
    for key in ("valid", "typical"):
        if key in known:
            known[key] = _range_ends(known[key], f"{name}.{key}")
    return {"label": known["label"], **known}


def _range_ends(given: object, what: str) -> dict[str, float | None]:
    """Both ends of `[low, high]`; -inf and inf leave an end open."""
    ends = list(typed.array(given, what))
    if len(ends) != 2:
        raise typed.wrong(what, "[low, high]", given)
    low = None if ends[0] == -math.inf else typed.number(ends[0], what)
    high = None if ends[1] == math.inf else typed.number(ends[1], what)
    return {"low": low, "high": high}


def _range(given: object, what: str) -> Range:
    ends = typed.table(given, what, ("low", "high"))
    low, high = (
        None if ends[key] is None else typed.number(ends[key], what) for key in ("low", "high")
    )
    if low is not None and high is not None and low > high:
        raise typed.wrong(what, "the lower end first", f"{low:g} before {high:g}")
    return Range(low, high)


def _names(given: object, what: str) -> tuple[str, ...]:
    names = tuple(typed.name(item, what) for item in typed.array(given, what))
    if len(set(names)) < len(names):
        raise typed.wrong(what, "each but once", ", ".join(names))
    return names


def _label_values(given: object, what: str) -> tuple[str, ...]:
    """Texts, or whole numbers as files have them; one at least."""
    items = typed.array(given, what)
    values = tuple(str(item) if isinstance(item, int) else typed.name(item, what) for item in items)
    if not values:
        raise typed.wrong(what, "one value at least", "none")
    return values


def _feature_from_dict(document: object) -> Feature:
    known = dict(typed.table(document, "feature"))
    name = typed.name(known["name"], "the name of a feature")
    for key in ("valid", "typical"):
        if key in known:
            known[key] = _range(known[key], f"{name}.{key}")
    for key in ("label", "description", "unit", "low", "high"):
        typed.text(known.get(key, ""), f"{name}.{key}")
    for mark in MARKS:
        if known.get(mark) is not None:
            typed.yes_or_no(known[mark], f"{name}.{mark}")
    known["values"] = _names(known.get("values", ()), f"{name}.values")
    feature = Feature(**known)
    _check_kind(feature)
    if feature.missing is not None:
        stand_in = feature.parse(feature.missing)
        if isinstance(stand_in, Problem):
            raise ValueError(f"what stands in for a missing value is itself wrong: {stand_in}")
    return feature


def _check_kind(feature: Feature) -> None:
    """ValueError where what is declared does not suit the type of a feature, or one another."""
    name, valid, typical = feature.name, feature.valid, feature.typical
    if feature.type not in ("number", "integer", "category"):
        raise ValueError(f"{name} has type {feature.type!r}: number, integer or category")
    if (feature.type == "category") != bool(feature.values):
        raise ValueError(f"{name}: a category, and nothing else, lists its values")
    if not feature.numeric and {valid, typical} != {Range(None, None)}:
        raise ValueError(f"{name}: a category has no valid and no typical range")
    ends = [end for end in (typical.low, typical.high) if end is not None]
    if any(end not in valid for end in ends):
        raise ValueError(f"{name}.typical: {typical} is not within the valid {valid}")


def _as_number(value: object) -> float | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        try:
            return float(value)
        except OverflowError:
            return math.inf
    text = value.strip() if isinstance(value, str) else ""
    return float(text) if _NUMBER.fullmatch(text) or _NOT_FINITE.fullmatch(text) else None


def _joiner(valid: Range) -> str:
    return "from " if valid.low is not None and valid.high is not None else ""
