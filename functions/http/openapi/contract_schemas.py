"""Schemas that the contract of the model makes: what a customer, a batch and a question may be."""

from typing import Any

from functions.http.assign import MAX_BATCH, MAX_ID_LENGTH
from functions.live_model import LoadedModel
from pipeline.model.contract import LARGEST, Contract, Feature
from pipeline.model.counterfactuals import possible_ways

NEEDS = {"Customer": (), "Batch": ("Customer",), "WhatIf": ("Customer", "Ways"), "Ways": ()}
"""Schema → those it names."""


def contract_schemas(loaded: LoadedModel | None) -> dict[str, dict[str, Any]]:
    """These schemas by name, with examples; without a model customers have any fields."""
    contract = loaded.model.contract if loaded else None
    schemas = {
        "Customer": customer_schema(contract),
        "Batch": batch_schema(),
        "WhatIf": what_if_schema(),
        "Ways": ways_schema(contract),
    }
    if loaded is not None:
        example = example_customer(loaded)
        schemas["Customer"]["examples"] = [example]
        schemas["Batch"]["examples"] = [{"customers": [example]}]
        schemas["WhatIf"]["examples"] = [{"customer": example}]
    return schemas


def customer_schema(contract: Contract | None) -> dict[str, Any]:
    """What `POST /v1/assign` takes: features by name; other columns are ignored."""
    of_whom = f"One of: {contract.title}. " if contract else ""
    schema: dict[str, Any] = {
        "type": "object",
        "title": "Customer",
        "description": f"{of_whom}One customer by feature name. Other columns are allowed and "
        "ignored.",
        "additionalProperties": True,
    }
    if contract is None:
        return schema
    properties = {feature.name: feature_schema(feature) for feature in contract.features}
    if contract.id_column:
        properties[contract.id_column] = {
            "type": ["string", "integer", "null"],
            "maxLength": MAX_ID_LENGTH,
            "description": "The customer's id; it is given back as `id`.",
        }
    required = [feature.name for feature in contract.features if feature.missing is None]
    return {**schema, "properties": properties, "required": required}


def feature_schema(feature: Feature) -> dict[str, Any]:
    """The JSON Schema of what `Feature.parse_typed` accepts."""
    unit = f" ({feature.unit})" if feature.unit else ""
    text = ". ".join(part for part in (f"{feature.label}{unit}", feature.description) if part)
    schema: dict[str, Any] = {"title": feature.label, "description": text}
    if feature.numeric:
        low, high = feature.valid.low, feature.valid.high
        schema["type"] = feature.type
        schema["minimum"] = -LARGEST if low is None else low
        schema["maximum"] = LARGEST if high is None else high
    else:
        schema |= {"type": "string", "enum": list(feature.values)}
    if feature.missing is not None:
        schema["type"] = [schema["type"], "null"]
        schema["default"] = feature.missing
        if "enum" in schema:
            schema["enum"].append(None)
    return schema


def batch_schema() -> dict[str, Any]:
    """What `POST /v1/assign/batch` takes."""
    return {
        "type": "object",
        "title": "Batch",
        "description": f"Up to {MAX_BATCH:,} customers.",
        "required": ["customers"],
        "additionalProperties": False,
        "properties": {
            "customers": {
                "type": "array",
                "maxItems": MAX_BATCH,
                "description": "Customers as `POST /v1/assign` takes them; wrong ones are rejected "
                "one by one.",
                "items": {"$ref": "#/components/schemas/Customer"},
            }
        },
    }


def what_if_schema() -> dict[str, Any]:
    """What `POST /v1/what-if` takes."""
    return {
        "type": "object",
        "title": "WhatIf",
        "description": "One customer, and what may change.",
        "required": ["customer"],
        "additionalProperties": False,
        "properties": {
            "customer": {
                "$ref": "#/components/schemas/Customer",
                "description": "The customer, as `POST /v1/assign` takes him.",
            },
            "ways": {
                "anyOf": [{"$ref": "#/components/schemas/Ways"}, {"type": "null"}],
                "description": "Which way each feature may change; without it: as the contract "
                "says.",
            },
        },
    }


def ways_schema(contract: Contract | None) -> dict[str, Any]:
    """Which way each feature may change, in a what-if question."""
    schema: dict[str, Any] = {
        "type": "object",
        "title": "Ways",
        "description": "Which way each feature may change; one that is not named does not.",
        "additionalProperties": contract is None,
    }
    if contract is not None:
        schema["properties"] = {
            feature.name: {
                "type": "string",
                "enum": list(possible_ways(feature)),
                "description": feature.label,
            }
            for feature in contract.features
        }
    return schema


def example_customer(loaded: LoadedModel) -> dict[str, Any]:
    """A typical member of the first cluster, as a client would write it."""
    customer = loaded.model.golden[0].customer
    return {
        name: int(value) if isinstance(value, float) and value.is_integer() else value
        for name, value in customer.items()
    }
