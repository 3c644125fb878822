import json
import tomllib
from collections.abc import Callable
from dataclasses import asdict, fields, replace
from pathlib import Path

import pytest
from jsonschema import Draft7Validator  # type: ignore[import-untyped]

from pipeline.errors import WrongFile
from pipeline.training import Recipe, Thresholds, load_recipe, quick_recipe
from pipeline.training.recipe_file import SCHEMA

Write = Callable[..., Path]


def test_features_are_all_that_a_recipe_needs(write: Write) -> None:
    asked = load_recipe(write('features = ["a", "b"]', "mine.toml"))
    assert asked.recipe == Recipe("mine", "The recipe mine", ("a", "b"), 2)
    assert asked.clusters == (2, 10)
    assert asked.thresholds == Thresholds()


def test_every_field_of_a_recipe_can_be_given(write: Write) -> None:
    text = """
    features = ["a", "b"]
    k = 4
    yeo_johnson = ["b"]
    scaling = "robust"
    principal_components = 2
    algorithm = "minibatch"
    n_init = 7
    seed = 3
    title = "Mine"
    risk_features = ["a"]
    [bars]
    weakest_jaccard = 0.8
    """
    asked = load_recipe(write(text, "mine.toml"))
    expected = Recipe("mine", "Mine", ("a", "b"), 4, 2, ("b",), "robust", 7, 3, "minibatch")
    expected = replace(expected, risk_features=("a",))
    assert asked.recipe == expected
    assert asked.clusters is None
    assert asked.thresholds == replace(Thresholds(), weakest_jaccard=0.8)


def test_a_range_of_clusters_is_for_evidence_to_choose_from(write: Write) -> None:
    assert load_recipe(write('features = ["a"]\nk = [3, 6]', "r.toml")).clusters == (3, 6)
    assert load_recipe(write('features = ["a"]\nk = [3, 3]', "r.toml")).clusters is None


def test_a_quick_recipe_standardises_its_features() -> None:
    asked = quick_recipe(["a", "b"], (5, 5))
    assert asked.recipe == Recipe("quick", "The recipe quick", ("a", "b"), 5)
    assert asked.clusters is None
    assert quick_recipe(["a"], None).clusters == (2, 10)


def test_editors_complete_every_field_and_bar_with_its_default() -> None:
    schema = json.loads(SCHEMA.read_text())
    Draft7Validator.check_schema(schema)
    known = schema["properties"]
    bars = known["bars"]["properties"]
    own = {field.name for field in fields(Recipe)} - {"name", "by_churn"}
    assert set(known) == own | {"bars"}
    assert all(part["description"] for part in (*known.values(), *bars.values()))
    assert {name: bar.get("default") for name, bar in bars.items()} == asdict(Thresholds())


@pytest.mark.parametrize(
    "text",
    [
        "features = []",
        "features = ['a']\nspeed = 1",
        "features = ['a']\nk = 1",
        "features = ['a']\nk = [2, 3, 4]",
        "features = ['a']\nscaling = 'log'",
        "features = ['a']\nalgorithm = 'dbscan'",
        "features = ['a']\n[bars]\nspeed = 3",
        "features = ['a']\n[bars]\nsmallest_share = 0.6",
    ],
)
def test_what_is_refused_by_the_schema_is_refused_by_a_training(write: Write, text: str) -> None:
    schema = Draft7Validator(json.loads(SCHEMA.read_text()))
    assert list(schema.iter_errors(tomllib.loads(text)))
    with pytest.raises(WrongFile):
        load_recipe(write(text, "r.toml"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("k = 5", r'names no features; expected a list of names, such as \["income", "age"\]'),
        ("features = []", "features: expected a list of names"),
        ("features = 'a'", "features: expected a list of names, .* found a$"),
        ("features = ['a', 'a']", "features: expected a list of names"),
        ("features = ['a', 1]", "features: expected a list of names"),
        ("features = ['a']\nspeed = 1", "speed is no field of a recipe; there are: features, k, "),
        ("features = ['a']\nk = 1", "k: expected a number of clusters from 2 to 50, .* found 1$"),
        ("features = ['a']\nk = true", "k: expected a number of clusters"),
        ("features = ['a']\nk = [8, 2]", "k: expected a number of clusters"),
        ("features = ['a']\nk = [2, 3, 4]", "k: expected a number of clusters"),
        ("features = ['a']\nyeo_johnson = ['b']", "yeo_johnson: expected a list of some of the"),
        ("features = ['a']\nprincipal_components = 2", "principal_components: expected a whole"),
        ("features = ['a']\nscaling = 'log'", "scaling: expected standard or robust, found log"),
        ("features = ['a']\nalgorithm = 'dbscan'", "algorithm: expected kmeans or minibatch"),
        ("features = ['a']\nn_init = 0", "n_init: expected a whole number from 1 to 1,000"),
        ("features = ['a']\nseed = -1", "seed: expected a whole number from 0"),
        ("features = ['a']\ntitle = ''", "title: expected a text"),
        ("features = ['a']\nbars = 3", "bars: expected a table, found 3"),
        ("features = ['a']\n[bars]\nspeed = 3", "speed is no bar"),
        ("not toml", "is not a recipe"),
    ],
)
def test_a_recipe_that_cannot_be_meant_is_refused(write: Write, text: str, message: str) -> None:
    with pytest.raises(WrongFile, match=message):
        load_recipe(write(text, "r.toml"))


def test_a_recipe_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WrongFile, match="cannot be read"):
        load_recipe(tmp_path / "none.toml")


def test_what_a_recipe_says_of_the_risk_score_is_what_retraining_reads_of_the_manifest() -> None:
    recipe = Recipe("mine", "Mine", ("a", "b"), 3, risk_features=("b",))
    stated = json.loads(json.dumps(asdict(recipe)))
    assert Recipe.from_dict(stated) == recipe
    del stated["risk"], stated["risk_features"]  # of an older release
    assert Recipe.from_dict(stated) == replace(recipe, risk_features=())
