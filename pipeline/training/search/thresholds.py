"""The thresholds that the search asks for, and the file in which people ask for others.

churn_auc = 0.75
most_features = 3
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from model_store.errors import MALFORMED
from pipeline.errors import WrongFile, refuse_unreadable, shortened

MOST_FEATURES = 6
"""The search tries every set of up to `most_features`; with more it would not end in minutes."""


@dataclass(frozen=True, slots=True)
class Thresholds:
    """The thresholds of the search, and of the comparison in every report."""

    silhouette_model_space: float = 0.55
    """Mean silhouette of the clusters where they were looked for; from 0 to 1."""
    silhouette_standardised_space: float = 0.50
    """Kaufman & Rousseeuw (1990): from 0.5 on, a reasonable structure has been found."""
    weakest_jaccard: float = 0.95
    """Hennig (2008): above 0.85 highly stable."""
    churn_auc: float | None = None
    """None: clearly less than the best recipe of sound structure is too little."""
    lowest_churn: float | None = None
    """At most: there is a cluster that hardly anybody leaves. None: whatever it is."""
    highest_churn: float | None = None
    """At least: there is a cluster that most leave. None: whatever it is."""
    smallest_share: float = 0.02
    """Of all customers, in the smallest cluster."""
    most_features: int = 5
    """At most: a person is asked to type them."""


def load_thresholds(path: Path) -> Thresholds:
    """Read the thresholds of a TOML file, which people call bars; the others keep their defaults.

    Raises:
        WrongFile: It is no such file, or names or asks for what there is not.
    """
    with refuse_unreadable(path):
        content = path.read_bytes()
    try:
        given = tomllib.loads(content.decode())
    except MALFORMED as error:
        raise WrongFile(path, f"is not a file of bars ({error})") from error
    return thresholds_of(path, given)


def thresholds_of(path: Path, given: Mapping[str, Any]) -> Thresholds:
    """The thresholds of a table that a file declares; WrongFile where one cannot be meant."""
    known = [field.name for field in fields(Thresholds)]
    for name, value in given.items():
        if name not in known:
            raise WrongFile(path, f"{shortened(name)} is no bar; there are: {', '.join(known)}")
        if not _possible(name, value):
            raise WrongFile(path, f"{name}: expected {_expected(name)}, found {shortened(value)}")
    return Thresholds(**given)


def _possible(name: str, value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    if name == "most_features":
        return isinstance(value, int) and 1 <= value <= MOST_FEATURES
    return 0 <= value <= _highest(name)  # NaN is not


def _expected(name: str) -> str:
    if name == "most_features":
        return f"a whole number from 1 to {MOST_FEATURES}"
    return f"a number from 0 to {_highest(name):g}"


def _highest(name: str) -> float:
    return 0.5 if name == "smallest_share" else 1.0  # there are two clusters at least
