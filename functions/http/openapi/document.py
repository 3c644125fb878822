"""The whole document, of the operations that an application answers."""

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from starlette.routing import BaseRoute, Match

from functions.http.openapi.components import component_schemas, reference
from functions.http.openapi.operation import (
    Answer,
    Content,
    Example,
    Operation,
    Parameter,
    Problem,
    by_type,
)
from functions.http.openapi.problems import responses_of, shared_responses
from functions.http.openapi.security import Schemes
from functions.http.openapi.table import OPERATIONS, TAGS
from functions.live_model import LoadedModel

_ERRORS = "Every error is an RFC 9457 problem document with a stable `code`."
_OF_CLIENTS = (401, 403, 429)
"""What whoever is asked for a key may get, of whichever operation."""
_PARAMETER = re.compile(r"\{\w+\}")


def document(
    routes: Sequence[BaseRoute],
    loaded: LoadedModel | None,
    version: str,
    schemes: Schemes,
    addresses: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """The OpenAPI document.

    Args:
        routes: Those of the application; only operations that one of them answers are told of.
        loaded: The model that answers now; without one customers have any fields.
        version: That of the package, which is that of the interface.
        schemes: The ways to show who asks, any of which will do.
        addresses: Path → what it is called below another server address; others are left out.
    """
    answered = [
        operation
        for operation in OPERATIONS
        if _is_answered(routes, operation) and (addresses is None or operation.path in addresses)
    ]
    paths: dict[str, dict[str, Any]] = {}
    ids = {operation.id for operation in answered}
    for operation in answered:
        path = operation.path if addresses is None else addresses[operation.path]
        described = _described(operation, loaded, ids, schemes)
        paths.setdefault(path, {})[operation.method] = described
    tags = {operation.tag for operation in answered}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Customer clusters",
            "summary": "Assigns customers to the clusters that training found",
            "description": description(loaded),
            "version": version,
            "contact": {"name": "Whoever runs this server"},
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/", "description": "The server that this document comes from"}],
        "security": [{name: []} for name in schemes],
        "tags": [{"name": tag, "description": TAGS[tag]} for tag in TAGS if tag in tags],
        "paths": paths,
        "components": {
            "schemas": component_schemas(answered, loaded),
            "responses": _shared(paths, answered),
            **({"securitySchemes": {**schemes}} if schemes else {}),
        },
    }


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


def _is_answered(routes: Sequence[BaseRoute], operation: Operation) -> bool:
    path, method = _PARAMETER.sub("1", operation.path), operation.method.upper()
    scope = {"type": "http", "method": method, "path": path, "root_path": "", "headers": []}
    return any(route.matches(scope)[0] is Match.FULL for route in routes)


def _described(
    operation: Operation, loaded: LoadedModel | None, ids: Collection[str], schemes: Schemes
) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": operation.id,
        "summary": operation.summary,
        "description": operation.description or f"{operation.summary}.",
        "tags": [operation.tag],
    }
    if operation.parameters:
        described["parameters"] = [_parameter(given, loaded) for given in operation.parameters]
    if operation.body is not None:
        described["requestBody"] = {"required": True, "content": _content(operation.body, loaded)}
    answers = {str(status): _answer(a, loaded, ids) for status, a in operation.answers.items()}
    described["responses"] = answers | responses_of(_problems(operation, bool(schemes)))
    if schemes and operation.key == "none":
        described["security"] = []
    elif schemes and operation.key == "optional":
        described["security"] = [{}, *({name: []} for name in schemes)]
    return described


def _problems(operation: Operation, asks: bool) -> list[Problem]:
    if asks and operation.key == "needed":
        added = [status for status in _OF_CLIENTS if status not in operation.problems]
        return [*operation.problems, *added]
    return [problem for problem in operation.problems if problem != 401 or asks]


def _parameter(given: Parameter, loaded: LoadedModel | None) -> dict[str, Any]:
    parameter = {
        "name": given.name,
        "in": given.where,
        "required": given.required,
        "description": given.description,
        "schema": dict(given.schema),
    }
    return parameter | _example(given.example, loaded)


def _answer(answer: Answer, loaded: LoadedModel | None, ids: Collection[str]) -> dict[str, Any]:
    """An answer, with links to the operations that are there."""
    described: dict[str, Any] = {"description": answer.description}
    if answer.headers:
        described["headers"] = {
            name: {"description": text, "schema": {"type": "string"}}
            for name, text in answer.headers.items()
        }
    if answer.content is not None:
        described["content"] = _content(answer.content, loaded)
    links = {
        name: {"operationId": name, "parameters": dict(parameters)}
        for name, parameters in answer.links.items()
        if name in ids
    }
    return described | ({"links": links} if links else {})


def _content(content: Content, loaded: LoadedModel | None) -> dict[str, Any]:
    return {
        media_type: {"schema": reference(media.schema), **_example(media.example, loaded)}
        for media_type, media in by_type(content)
    }


def _example(example: Example | None, loaded: LoadedModel | None) -> dict[str, Any]:
    return {} if example is None or loaded is None else {"example": example(loaded)}


def _shared(paths: Mapping[str, Any], operations: Sequence[Operation]) -> dict[str, Any]:
    """The responses that some operation refers to."""
    named = {problem for one in operations for problem in one.problems}
    shared = shared_responses({*named, *_OF_CLIENTS})
    used = {
        response["$ref"].rpartition("/")[2]
        for item in paths.values()
        for described in item.values()
        for response in described["responses"].values()
        if "$ref" in response
    }
    return {name: response for name, response in shared.items() if name in used}
