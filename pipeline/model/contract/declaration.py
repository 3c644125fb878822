"""What people declare of a contract, read key by key: all that is wrong is found at once.

A file says `valid = [low, high]`, and a document that `Contract.to_dict` wrote says the same as a
table of both ends. Either comes through here, so that both are held to the same rules.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, Literal, TypeVar, cast

from pipeline.errors import Problem, shortened
from pipeline.model import typed_values as typed
from pipeline.model.contract.aliases import refuse_shared_names
from pipeline.model.contract.feature import MARKS, MEDIAN, WAYS, Actionable, Feature, Range, Value
from pipeline.model.contract.findings import Finding, Findings
from pipeline.model.contract.label import LEFT, Label

T = TypeVar("T")
CONTRACT_KEYS = (
    "name", "title", "features", "id_column", "id_aliases", "label", "never_features",
)  # fmt: skip
LABEL_KEYS = ("column", "churned", "stayed", "churned_word", "aliases")
TYPES = ("number", "integer", "category")
_TEXTS = ("label", "description", "unit", "low", "high")
FEATURE_KEYS = ("type", *_TEXTS, "valid", "typical", "values", "missing", "aliases", *MARKS)
_OPEN = Range(None, None)
_WITHOUT_VALUES = {"number": "a number", "integer": "a whole number"}


def read_declaration(document: object) -> tuple[dict[str, Any], list[Finding]]:
    """Read a contract as TOML declares it.

    Args:
        document: What stands in the file.

    Returns:
        The fields of a `Contract`, which hold where there is no finding, and the findings.
    """
    findings = Findings()
    given = findings.read(typed.table, document, "contract") or {}
    _refuse_unknown(given, "contract", CONTRACT_KEYS, findings)
    declared = given.get("features")
    tables = findings.read(typed.table, declared, "features") or {}
    if isinstance(declared, Mapping) and not declared:
        findings.add("features", "one at least", "none", "declare one as [features.its_column]")
    features = (_feature(name, item, findings) for name, item in tables.items())
    named = isinstance(given.get("name"), str)
    titled = {"title": given.get("name") if named else "", **given}
    return _fields(titled, features, findings), findings.found


def read_document(document: Mapping[str, Any]) -> dict[str, Any]:
    """Read what `Contract.to_dict` wrote.

    Returns:
        The fields of a `Contract`.

    Raises:
        ValueError, KeyError or TypeError: It is not that.
    """
    findings = Findings()
    features = [
        _documented(item, findings) for item in typed.array(document["features"], "features")
    ]
    if not features:
        findings.add("features", "one at least", "none")
    given = {key: document[key] for key in CONTRACT_KEYS if key != "id_aliases"}
    given["id_aliases"] = document.get("id_aliases", ())
    fields = _fields(given, features, findings)
    if findings.found:
        raise ValueError(str(findings.found[0]))
    return fields


def _fields(
    given: Mapping[str, Any], features: Iterable[Feature | None], findings: Findings
) -> dict[str, Any]:
    label = given.get("label")
    fields = {
        "name": findings.read(typed.name, given.get("name"), "name"),
        "title": findings.read(typed.text, given.get("title"), "title"),
        "id_column": _optional(typed.name, given, "id_column", "id_column", findings),
        "id_aliases": findings.read(_names, given.get("id_aliases", ()), "id_aliases") or (),
        "never_features": findings.read(_names, given.get("never_features", ()), "never_features"),
        "label": None if label is None else _label(label, findings),
        "features": tuple(feature for feature in features if feature is not None),
    }
    _refuse_two_roles(fields, findings)
    refuse_shared_names(fields, findings)
    return fields


def _refuse_two_roles(fields: Mapping[str, Any], findings: Findings) -> None:
    """A column is one thing: a feature, the id, the label, or never a feature."""
    label: Label | None = fields["label"]
    roles = dict.fromkeys(fields["never_features"] or (), "never_features")
    roles |= {label.column: "label.column"} if label else {}
    if label and fields["id_column"] == label.column:
        findings.add("label.column", "another column than id_column", label.column)
    roles |= {fields["id_column"]: "id_column"} if fields["id_column"] else {}
    for feature in fields["features"]:
        if feature.name in roles:
            found = f"the column of {roles[feature.name]}, which cannot be a feature"
            findings.add(f"features.{feature.name}", "a column that is nothing else", found)


def _label(given: object, findings: Findings) -> Label | None:
    if not isinstance(given, Mapping):
        found = shortened(given)
        findings.add("label", "a table [label] with column, churned and stayed", found)
        return None
    before = len(findings.found)
    _refuse_unknown(given, "label", LABEL_KEYS, findings)
    column = findings.read(typed.name, given.get("column"), "label.column")
    churned = findings.read(_label_values, given.get("churned"), "label.churned") or ()
    stayed = findings.read(_label_values, given.get("stayed"), "label.stayed") or ()
    for value in {value.lower() for value in churned} & {value.lower() for value in stayed}:
        findings.add("label.stayed", "values that do not stand in label.churned", repr(value))
    word = findings.read(typed.name, given.get("churned_word", LEFT), "label.churned_word")
    aliases = findings.read(_names, given.get("aliases", ()), "label.aliases") or ()
    if len(findings.found) > before:
        return None
    return Label(str(column), churned, stayed, str(word), aliases)


def _feature(name: str, given: object, findings: Findings) -> Feature | None:
    where, before = f"features.{name}", len(findings.found)
    findings.read(typed.name, name, "the name of a feature")
    declared = findings.read(typed.table, given, where)
    if declared is None:
        return None
    _refuse_unknown(declared, where, FEATURE_KEYS, findings)
    kind = declared.get("type")
    if kind not in TYPES:
        found = "nothing" if kind is None else shortened(kind)
        findings.add(f"{where}.type", "number, integer or category", found)
    texts = {
        key: findings.read(typed.text, declared.get(key, ""), f"{where}.{key}") for key in _TEXTS
    }
    if "label" not in declared:
        findings.add(f"{where}.label", "what people call it", "nothing")
    ranges = {
        key: _optional(_interval, declared, key, f"{where}.{key}", findings) or _OPEN
        for key in ("valid", "typical")
    }
    marks = {
        key: _optional(reader, declared, key, f"{where}.{key}", findings)
        for key, reader in _MARK_READERS.items()
    }
    values = findings.read(_names, declared.get("values", ()), f"{where}.values")
    aliases = findings.read(_names, declared.get("aliases", ()), f"{where}.aliases")
    _refuse_other_kind(kind, values, ranges, where, findings)
    if len(findings.found) > before:
        return None
    fields = cast(dict[str, Any], {**texts, **ranges, **marks, "values": values})
    fields["aliases"] = aliases
    feature = Feature(name, cast(Literal["number", "integer", "category"], kind), **fields)
    return _with_stand_in(feature, declared.get("missing"), where, findings)


def _with_stand_in(
    feature: Feature, missing: object, where: str, findings: Findings
) -> Feature | None:
    """The feature, with what stands in for a missing value."""
    if missing is None:
        return feature
    if feature.numeric and missing == MEDIAN:
        return replace(feature, stand_in=MEDIAN)
    parsed = feature.parse(missing)
    if isinstance(parsed, Problem):
        either = f'{feature.expected}, or "{MEDIAN}"' if feature.numeric else feature.expected
        findings.add(f"{where}.missing", either, shortened(missing))
        return None
    return replace(feature, missing=parsed if isinstance(missing, str) else cast(Value, missing))


def _documented(item: object, findings: Findings) -> Feature | None:
    """A feature as `asdict` writes it."""
    declared = dict(typed.table(item, "feature"))
    name = typed.name(declared.pop("name"), "the name of a feature")
    for key in ("valid", "typical"):
        if key in declared:
            declared[key] = _both_ends(declared[key], f"features.{name}.{key}")
    stand_in = declared.pop("stand_in", None)
    if stand_in not in (None, MEDIAN):
        raise typed.wrong(f"features.{name}.stand_in", MEDIAN, stand_in)
    declared = {key: value for key, value in declared.items() if value is not None}
    feature = _feature(name, declared, findings)
    return feature and replace(feature, stand_in=stand_in)


def _both_ends(given: object, what: str) -> list[float]:
    """`{low, high}` as a file declares it; an end that is None is open."""
    ends = typed.table(given, what, ("low", "high"))
    return [
        infinity if ends[key] is None else typed.number(ends[key], what)
        for key, infinity in (("low", -math.inf), ("high", math.inf))
    ]


def _refuse_other_kind(
    kind: object,
    values: tuple[str, ...] | None,
    ranges: Mapping[str, Range],
    where: str,
    findings: Findings,
) -> None:
    """What is declared has to suit the type, and a typical range the valid one."""
    if kind == "category":
        if values == ():
            findings.add(
                f"{where}.values", "the categories, as a category lists its values", "none"
            )
        for key, interval in ranges.items():
            if interval != _OPEN:
                found = f"[{interval}], though it is a category"
                findings.add(f"{where}.{key}", "no range", found)
    elif kind in TYPES and values:
        found = f"{len(values)}, though it is {_WITHOUT_VALUES[str(kind)]}"
        findings.add(f"{where}.values", "none, for a category alone lists its values", found)
    valid, typical = ranges["valid"], ranges["typical"]
    if any(end is not None and end not in valid for end in (typical.low, typical.high)):
        findings.add(f"{where}.typical", f"a range within the valid {valid}", str(typical))


def _optional(
    reader: Callable[[object, str], T],
    given: Mapping[str, Any],
    key: str,
    where: str,
    findings: Findings,
) -> T | None:
    """The value of a key that may be left out."""
    return None if given.get(key) is None else findings.read(reader, given[key], where)


def _interval(given: object, what: str) -> Range:
    """Both ends of `[low, high]`; -inf and inf leave an end open."""
    if not isinstance(given, list | tuple) or len(given) != 2:
        raise typed.wrong(what, "[low, high]", given)
    low = None if given[0] == -math.inf else typed.number(given[0], what)
    high = None if given[1] == math.inf else typed.number(given[1], what)
    if low is not None and high is not None and low > high:
        raise typed.wrong(what, "the lower end first", f"{low:g} before {high:g}")
    return Range(low, high)


def _way(given: object, what: str) -> Actionable:
    """Which way a feature can be changed; older contracts have true for both, false for no."""
    if isinstance(given, bool):
        return "both" if given else "no"
    if given not in WAYS:
        raise typed.wrong(what, '"up", "down", "both" or "no"', given)
    return given


_MARK_READERS: Mapping[str, Callable[[object, str], object]] = {
    "sensitive": typed.yes_or_no,
    "actionable": _way,
}


def _names(given: object, what: str) -> tuple[str, ...]:
    names = tuple(typed.name(item, what) for item in typed.array(given, what))
    if len(set(names)) < len(names):
        raise typed.wrong(what, "each but once", ", ".join(names))
    return names


def _label_values(given: object, what: str) -> tuple[str, ...]:
    """Texts, or numbers as the text that files have for them; one at least."""
    values = tuple(_label_value(item, what) for item in typed.array(given, what))
    if not values:
        raise typed.wrong(what, "one value at least", "none")
    return values


def _label_value(item: object, what: str) -> str:
    if isinstance(item, bool):
        return str(item)
    if isinstance(item, int | float):
        number = typed.number(item, what)
        return str(int(number)) if number.is_integer() else str(number)
    return typed.name(item, what)


def _refuse_unknown(
    given: Mapping[str, Any], where: str, known: Iterable[str], findings: Findings
) -> None:
    for key in given:
        if key not in set(known):
            error = typed.unknown_key(key, where, known)
            findings.add(where, error.expected, error.found, error.hint)
