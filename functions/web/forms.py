"""The form that the contract of a model makes, and what people type into it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from functions.live_model import LoadedModel
from pipeline.errors import Problem
from pipeline.model.contract import Feature, Range

_FEW = 4
"""Up to so many categories are shown at once; more go into a list."""
_GROUPED = re.compile(r"[+-]?\d{1,3}([\s’'_]\d{3})+(\.\d*)?")
"""1 900 and 1'900 mean one thing; 1,900 does not, and is asked about."""


@dataclass(frozen=True, slots=True)
class Field:
    """A field of the form as it is shown."""

    id: str
    """Of its element on the page."""
    feature: Feature
    typed: str
    error: str

    @property
    def hint(self) -> str:
        """What the feature means and which values it may have."""
        feature = self.feature
        parts = [feature.description]
        if feature.numeric:
            usual = "" if feature.typical == Range(None, None) else f", usually {feature.typical}"
            expected = _expected(feature)
            parts.append(expected[0].upper() + expected[1:] + usual)
        if feature.missing is not None:
            parts.append(f"Left empty, it counts as {_shown(feature.missing)}")
        return " ".join(f"{part}." for part in parts if part)

    @property
    def optional(self) -> bool:
        """Whether it may be left empty."""
        return self.feature.missing is not None

    @property
    def control(self) -> str:
        """How it is filled in: text, radio or select."""
        if self.feature.numeric:
            return "text"
        return "radio" if len(self.feature.values) <= _FEW else "select"

    @property
    def described_by(self) -> str:
        """The ids of the elements that say more about it."""
        ids = [f"{self.id}-error"] if self.error else []
        return " ".join([*ids, f"{self.id}-hint"] if self.hint else ids)


def form_fields(
    features: Sequence[Feature], typed: Mapping[str, str], problems: Sequence[Problem] = ()
) -> list[Field]:
    """One field a feature, with what was typed and what was wrong with it."""
    errors = {problem.column: problem.code for problem in problems}
    return [
        Field(
            f"field-{number}",
            feature,
            typed.get(feature.name, ""),
            _error(feature, errors[feature.name]) if feature.name in errors else "",
        )
        for number, feature in enumerate(features, start=1)
    ]


def examples(loaded: LoadedModel) -> dict[int, dict[str, str]]:
    """A typical customer of each group, as people would type it: cluster id → form."""
    forms: dict[int, dict[str, str]] = {}
    for golden in loaded.model.golden:
        typed = {name: _shown(value) for name, value in golden.customer.items()}
        forms.setdefault(golden.cluster, typed)
    return dict(sorted(forms.items()))


def tidied(feature: Feature, text: str) -> str:
    """What was typed, without what people add and which can mean one thing only."""
    if not feature.numeric:
        return text
    text = text.strip().replace("−", "-")
    if feature.unit and text.lower().endswith(feature.unit.lower()):
        text = text[: -len(feature.unit)].rstrip()
    return re.sub(r"[\s’'_]", "", text) if _GROUPED.fullmatch(text) else text


def _error(feature: Feature, code: str) -> str:
    if not feature.numeric:
        return "Choose one of these."
    if code == "missing":
        return f"Enter {_expected(feature)}."
    if code == "out_of_range":
        return f"This must be {_expected(feature)}{feature.unit and f' {feature.unit}'}."
    if code == "not_an_integer":
        return "This must be a whole number, such as 12."
    example = "1900" if feature.type == "integer" else "1900.50"
    return f"Write a plain number such as {example}: no commas, no unit, a point for decimals."


def _expected(feature: Feature) -> str:
    return feature.expected.replace("number at ", "number of at ")


def _shown(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:.10g}"
