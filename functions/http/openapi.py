"""The OpenAPI document: routes from FastAPI, fields from the contract of the model that answers."""

from http import HTTPStatus
from typing import Any, Literal

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import TypeAdapter

from functions.http.assign import MAX_BATCH, MAX_ID_LENGTH
from functions.http.problems import MEDIA_TYPE
from functions.http.schemas import ANSWERS
from functions.live_model import LoadedModel
from pipeline.model.contract import LARGEST, Contract, Feature
from pipeline.model.counterfactuals import possible_ways

_ERRORS = "Every error is an RFC 9457 problem document with a stable `code`."


def takes(schema: str, answer: type) -> dict[str, Any]:
    """How a route says that it takes JSON of a schema of ours and gives an answer."""
    body = {"required": True, "content": _json_of(schema)}
    extra = gives(answer, 400, 401, 403, 408, 413, 415, 422, 503)["openapi_extra"]
    return {"openapi_extra": {**extra, "requestBody": body}}


NUMBER: dict[str, Any] = {"type": "integer", "minimum": 0}
TEXT: dict[str, Any] = {"type": "string"}


def gives(
    answer: type, *problems: int, parameter: str | None = None, kind: dict[str, Any] = NUMBER
) -> dict[str, Any]:
    """How a route says what it answers, and what its path has: a whole number, or `kind`.

    Only names: FastAPI's `response_model` would build every schema before the first request.
    """
    problem = {"content": {MEDIA_TYPE: _json_of("ProblemDocument")["application/json"]}}
    responses = {
        "200": {"description": "The answer", "content": _json_of(answer.__name__)},
        **{str(s): {"description": HTTPStatus(s).phrase, **problem} for s in problems},
    }
    extra: dict[str, Any] = {"responses": responses}
    if parameter:
        extra["parameters"] = [{"name": parameter, "in": "path", "required": True, "schema": kind}]
    return {"openapi_extra": extra}


def document(app: FastAPI, loaded: LoadedModel | None) -> dict[str, Any]:
    """The document for the model that answers now; without one, customers have any fields."""
    described = get_openapi(
        title="Customer clusters",
        version=app.version,
        summary="Assigns customers to the clusters that training found",
        description=description(loaded),
        routes=app.routes,
    )
    adapters: list[tuple[type, Literal["serialization"], TypeAdapter[Any]]] = [
        (answer, "serialization", TypeAdapter(answer)) for answer in ANSWERS
    ]
    _, defined = TypeAdapter.json_schemas(adapters, ref_template="#/components/schemas/{model}")
    schemas = described.setdefault("components", {})["schemas"] = defined["$defs"]
    contract = loaded.model.contract if loaded else None
    schemas["Customer"] = customer_schema(contract)
    schemas["Batch"] = batch_schema()
    schemas["WhatIf"] = what_if_schema(contract)
    if loaded is not None:
        example = example_customer(loaded)
        schemas["Customer"]["examples"] = [example]
        schemas["WhatIf"]["examples"] = [{"customer": example}]
        schemas["Batch"]["examples"] = [{"customers": [example]}]
        ids = [cluster.id for cluster in loaded.model.clusters]
        described["paths"]["/v1/clusters/{cluster_id}"]["get"]["parameters"][0]["example"] = ids[0]
        names = [feature.name for feature in loaded.model.contract.features]
        for answer in ("ReasonAnswer", "ChangeAnswer"):
            schemas[answer]["properties"]["feature"]["enum"] = names
    return described


def description(loaded: LoadedModel | None) -> str:
    """What the interface is for; of leaving it speaks where the model knows who left."""
    of_whom = f" The model is of: {loaded.model.contract.title}." if loaded else ""
    if loaded is None or loaded.model.churn_rate is None:
        return f"Which group a customer belongs to, and why.{of_whom}\n\n{_ERRORS}\n"
    return (
        f"Which group a customer belongs to, why, and how often that group leaves.{of_whom}\n\n"
        "A churn rate is the historical rate of the group, never the probability of one person.\n"
        f"{_ERRORS}\n"
    )


def _json_of(schema: str) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}}


def customer_schema(contract: Contract | None) -> dict[str, Any]:
    """What `POST /v1/assign` takes: features by name; other columns are ignored."""
    schema: dict[str, Any] = {
        "type": "object",
        "title": contract.title if contract else "Customer",
        "description": "One customer by feature name. Other columns are allowed and ignored.",
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
        "required": ["customers"],
        "additionalProperties": False,
        "properties": {
            "customers": {
                "type": "array",
                "maxItems": MAX_BATCH,
                "description": "Customers as `POST /v1/assign` takes them; wrong ones are rejected "
                "one by one.",
                "items": {},
            }
        },
    }


def what_if_schema(contract: Contract | None) -> dict[str, Any]:
    """What `POST /v1/what-if` takes."""
    ways: dict[str, Any] = {
        "type": ["object", "null"],
        "description": "Which way each feature may change; one that is not named does not. "
        "Without it: as the contract says.",
        "additionalProperties": contract is None,
    }
    if contract is not None:
        ways["properties"] = {
            feature.name: {"enum": possible_ways(feature), "description": feature.label}
            for feature in contract.features
        }
    return {
        "type": "object",
        "required": ["customer"],
        "additionalProperties": False,
        "properties": {"customer": {"$ref": "#/components/schemas/Customer"}, "ways": ways},
    }


def example_customer(loaded: LoadedModel) -> dict[str, Any]:
    """A typical member of the first cluster, as a client would write it."""
    types = {feature.name: feature.type for feature in loaded.model.contract.features}
    customer = loaded.model.golden[0].customer
    return {
        name: int(value) if types[name] == "integer" else value for name, value in customer.items()
    }
