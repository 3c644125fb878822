"""Recipes of one's own: a TOML file, or a few words on the command line.

features = ["income", "spending"]
k = [2, 8]                  # by evidence; or one number
yeo_johnson = ["income"]
[bars]
weakest_jaccard = 0.9
"""

import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from model_store.errors import MALFORMED
from pipeline.errors import WrongFile, refuse_unreadable, shortened
from pipeline.training.recipes import ALGORITHMS, LISTS, Recipe
from pipeline.training.search.thresholds import Thresholds, thresholds_of

SCHEMA = Path(__file__).with_name("recipe.schema.json")
"""What editors complete a recipe by."""
MOST_CLUSTERS = 50
DEFAULT_CLUSTERS = (2, 10)
"""The numbers of clusters that are tried where nobody says one."""
_MOST_STARTS = 1_000
_LARGEST_SEED = 2**32 - 1


@dataclass(frozen=True, slots=True)
class AskedRecipe:
    """What somebody asks to train."""

    recipe: Recipe
    """With the fewest clusters of those that may be tried."""
    clusters: tuple[int, int] | None = None
    """The fewest and the most clusters, of which evidence chooses; None where k is given."""
    thresholds: Thresholds = field(default_factory=Thresholds)
    """What the report compares the evidence with."""


def load_recipe(path: Path) -> AskedRecipe:
    """Read a recipe from a TOML file.

    Raises:
        WrongFile: It is no such file, or asks for what there is not.
    """
    with refuse_unreadable(path):
        content = path.read_bytes()
    try:
        given = tomllib.loads(content.decode())
    except MALFORMED as error:
        raise WrongFile(path, f"is not a recipe ({error})") from error
    if "features" not in given:
        raise WrongFile(path, f"names no features; expected {_EXPECTED['features']}")
    bars = given.pop("bars", {})
    for name, value in given.items():
        if name not in _FIELDS:
            problem = f"{shortened(name)} is no field of a recipe; there are: {', '.join(_FIELDS)}"
            raise WrongFile(path, problem)
        if not _FIELDS[name](value, given):
            expected = _EXPECTED[name]
            raise WrongFile(path, f"{name}: expected {expected}, found {shortened(value)}")
    if not isinstance(bars, Mapping):
        raise WrongFile(path, f"bars: expected a table, found {shortened(bars)}")
    return _asked(path.stem, given, thresholds_of(path, bars))


def quick_recipe(features: Sequence[str], clusters: tuple[int, int] | None) -> AskedRecipe:
    """K-Means on some standardised features, in their own units, with so many clusters."""
    k = list(clusters or DEFAULT_CLUSTERS)
    return _asked("quick", {"features": list(features), "k": k}, Thresholds())


def _asked(name: str, given: dict[str, Any], thresholds: Thresholds) -> AskedRecipe:
    k = given.get("k", list(DEFAULT_CLUSTERS))
    low, high = (k, k) if isinstance(k, int) else k
    lists = {key: tuple(given.get(key, ())) for key in LISTS}
    asked = {"title": f"The recipe {name}", **given, **lists, "k": low}
    clusters = None if low == high else (low, high)
    return AskedRecipe(Recipe(name=name, **asked), clusters, thresholds)


def _names(value: object, given: Mapping[str, Any]) -> bool:
    return (
        isinstance(value, list)
        and all(isinstance(name, str) and name for name in value)
        and len(set(value)) == len(value)
    )


def _some_names(value: object, given: Mapping[str, Any]) -> bool:
    return bool(value) and _names(value, given)


def _some_of_the_features(value: object, given: Mapping[str, Any]) -> bool:
    features = given.get("features")
    known = features if isinstance(features, list) else []
    return _names(value, given) and all(name in known for name in value)  # type: ignore[attr-defined]


def _clusters(value: object, given: Mapping[str, Any]) -> bool:
    if isinstance(value, list):
        return (
            len(value) == 2
            and all(_whole(2, MOST_CLUSTERS)(k, given) for k in value)
            and (value[0] <= value[1])
        )
    return _whole(2, MOST_CLUSTERS)(value, given)


def _axes(value: object, given: Mapping[str, Any]) -> bool:
    features = given.get("features")
    return _whole(1, len(features) if isinstance(features, list) else 1)(value, given)


def _whole(low: int, high: int) -> "Callable[[object, Mapping[str, Any]], bool]":
    return lambda value, given: (
        isinstance(value, int) and not isinstance(value, bool) and low <= value <= high
    )


def _one_of(*words: str) -> "Callable[[object, Mapping[str, Any]], bool]":
    return lambda value, given: isinstance(value, str) and value in words


_FIELDS: dict[str, Callable[[object, Mapping[str, Any]], bool]] = {
    "features": _some_names,
    "k": _clusters,
    "yeo_johnson": _some_of_the_features,
    "scaling": _one_of("standard", "robust"),
    "principal_components": _axes,
    "algorithm": _one_of(*ALGORITHMS),
    "n_init": _whole(1, _MOST_STARTS),
    "seed": _whole(0, _LARGEST_SEED),
    "risk": lambda value, given: isinstance(value, bool),
    "risk_features": _some_of_the_features,
    "title": lambda value, given: isinstance(value, str) and 0 < len(value) <= 200,
}
_EXPECTED = {
    "features": 'a list of names, such as ["income", "age"]',
    "k": f"a number of clusters from 2 to {MOST_CLUSTERS}, or the fewest and the most as [2, 8]",
    "yeo_johnson": "a list of some of the features",
    "scaling": "standard or robust",
    "principal_components": "a whole number from 1 to the number of features",
    "algorithm": " or ".join(ALGORITHMS),
    "n_init": f"a whole number from 1 to {_MOST_STARTS:,}",
    "seed": f"a whole number from 0 to {_LARGEST_SEED}",
    "risk": "true or false",
    "risk_features": "a list of some of the features",
    "title": "a text of at most 200 characters",
}
