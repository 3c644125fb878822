"""The JSON Schema of a contract's file: it accepts what is a contract, and nothing else."""

import json
import tomllib
from typing import Any

import pytest
from jsonschema import Draft7Validator  # type: ignore[import-untyped]

from pipeline.model.contract import DEFAULT_CONTRACT, SCHEMA
from pipeline.model.contract.declaration import (
    CONTRACT_KEYS,
    FEATURE_KEYS,
    LABEL_KEYS,
    TYPES,
    read_declaration,
)


@pytest.fixture
def schema() -> dict[str, Any]:
    return dict(json.loads(SCHEMA.read_text(encoding="utf-8")))


def test_it_has_every_key_that_is_read_and_says_what_it_is(schema: dict[str, Any]) -> None:
    Draft7Validator.check_schema(schema)
    contract, feature = schema["properties"], schema["definitions"]["feature"]["properties"]
    label = contract["label"]["properties"]
    assert set(contract) == set(CONTRACT_KEYS)
    assert set(label) == set(LABEL_KEYS)
    assert set(feature) == set(FEATURE_KEYS)
    assert feature["type"]["enum"] == list(TYPES)
    assert all(key["description"] for keys in (contract, label, feature) for key in keys.values())


def test_the_contract_that_ships_is_valid(schema: dict[str, Any]) -> None:
    document = tomllib.loads(DEFAULT_CONTRACT.read_text(encoding="utf-8"))
    assert list(Draft7Validator(schema).iter_errors(document)) == []


FEATURE = '[features.a]\nlabel = "A"\n'


@pytest.mark.parametrize(
    "text",
    [
        f'name = "x"\n{FEATURE}type = "float"',
        f'name = "x"\ntitel = "y"\n{FEATURE}type = "number"',
        f'name = "x"\n{FEATURE}type = "category"',
        f'name = "x"\n{FEATURE}type = "category"\nvalues = ["a"]\nvalid = [0, 1]',
        f'name = "x"\n{FEATURE}type = "number"\nvalues = ["a"]',
        f'name = "x"\n{FEATURE}type = "number"\nvalid = [1]',
        f'name = "x"\n{FEATURE}type = "number"\nactionable = "sideways"',
        f'name = "x"\nlabel = "churn"\n{FEATURE}type = "number"',
        'name = "x"\n[features]',
        f'{FEATURE}type = "number"',
    ],
)
def test_what_is_refused_by_the_schema_is_refused_by_a_run(
    schema: dict[str, Any], text: str
) -> None:
    document = tomllib.loads(text)
    assert list(Draft7Validator(schema).iter_errors(document))
    assert read_declaration(document)[1]


def test_what_a_run_takes_is_valid(schema: dict[str, Any]) -> None:
    document = tomllib.loads(
        'name = "x"\n'
        'label = {column = "left", churned = [1], stayed = [0, "no"], churned_word = "quit"}\n'
        f'{FEATURE}type = "integer"\nvalid = [0, inf]\nmissing = "median"\nsensitive = false\n'
        '[features.b]\nlabel = "B"\ntype = "category"\nvalues = ["x"]\nmissing = "x"\n'
        'actionable = "up"\n'
    )
    assert read_declaration(document)[1] == []
    assert list(Draft7Validator(schema).iter_errors(document)) == []
