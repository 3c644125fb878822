"""The API reference, from the OpenAPI document and from the application's own answers."""

import json
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from fastapi.middleware.asyncexitstack import AsyncExitStackMiddleware
from starlette.requests import Request
from starlette.types import Message

from functions.live_model import LoadedModel

_KEPT = ("type", "asgi", "http_version", "scheme", "server", "client", "app", "loaded_model")
"""What a question to the application has of the request for the page."""
_METHODS = ("get", "post", "put", "patch", "delete")


@dataclass(frozen=True, slots=True)
class FieldRow:
    """A field of what an operation takes."""

    name: str
    type: str
    range: str
    unit: str
    required: bool
    example: str
    description: str


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation of the API as the page shows it."""

    id: str
    method: str
    path: str
    description: str
    fields: list[FieldRow]
    curl: str
    status: int
    answer: str
    statuses: list[str]


async def operations(request: Request, loaded: LoadedModel, with_key: bool) -> list[Operation]:
    """Every operation in the document, each with an example and the real answer to it."""
    document = request.scope.get("openapi", request.app.openapi)()
    units = {feature.name: feature.unit for feature in loaded.model.contract.features}
    shown = []
    for path, method, described in _described(document):
        body = _body_schema(described, document["components"]["schemas"])
        example = body.get("examples", [None])[0]
        address = path.replace("{cluster_id}", str(loaded.model.clusters[0].id))
        status, answer = await _ask(request, method, address, example)
        operation = Operation(
            id=described["operationId"],
            method=method.upper(),
            path=path,
            description=described.get("description", ""),
            fields=[*_parameters(described), *_fields(body, example, units)],
            curl=_curl(request, address, example, with_key),
            status=status,
            answer=answer,
            statuses=sorted(described["responses"]),
        )
        shown.append(operation)
    return shown


def _described(document: Mapping[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for method in _METHODS:
            if method in item:
                yield path, method, item[method]


def _body_schema(described: Mapping[str, Any], schemas: Mapping[str, Any]) -> dict[str, Any]:
    content = described.get("requestBody", {}).get("content", {})
    reference = content.get("application/json", {}).get("schema", {}).get("$ref", "")
    return dict(schemas.get(reference.rpartition("/")[2], {}))


def _fields(schema: Mapping[str, Any], example: Any, units: Mapping[str, str]) -> list[FieldRow]:
    given = example or {}
    return [
        FieldRow(
            name,
            _type(field),
            _range(field),
            units.get(name, ""),
            name in schema.get("required", ()),
            json.dumps(given[name], ensure_ascii=False) if name in given else "",
            field.get("description", ""),
        )
        for name, field in schema.get("properties", {}).items()
    ]


def _parameters(described: Mapping[str, Any]) -> list[FieldRow]:
    return [
        FieldRow(
            parameter["name"],
            f"{_type(parameter['schema'])}, in the path",
            _range(parameter["schema"]),
            "",
            parameter["required"],
            "",
            parameter.get("description", ""),
        )
        for parameter in described.get("parameters", ())
    ]


def _type(field: Mapping[str, Any]) -> str:
    kind = field.get("type", "any")
    return " or ".join(kind) if isinstance(kind, list) else str(kind)


def _range(field: Mapping[str, Any]) -> str:
    if "enum" in field:
        return ", ".join(json.dumps(value, ensure_ascii=False) for value in field["enum"])
    ends = [field.get(end) for end in ("minimum", "maximum")]
    if None not in ends:
        return " to ".join(f"{end:,.10g}" for end in ends)
    for key, words in (("maxLength", "characters"), ("maxItems", "items")):
        if key in field:
            return f"at most {field[key]:,} {words}"
    return ""


def _curl(request: Request, path: str, example: Any, with_key: bool) -> str:
    """A command that works when it is pasted."""
    lines = [f"curl {shlex.quote(str(request.base_url).rstrip('/') + path)}"]
    if with_key:
        lines.append('-H "Authorization: Bearer $KEY"')
    if example is not None:
        lines.append("-H 'Content-Type: application/json'")
        lines.append(f"-d {shlex.quote(json.dumps(example, ensure_ascii=False))}")
    return " \\\n  ".join(lines)


async def _ask(request: Request, method: str, path: str, example: Any) -> tuple[int, str]:
    """What the application answers, asked past the log and the keys: the reader has passed them."""
    body = b"" if example is None else json.dumps(example).encode()
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": body}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {key: request.scope[key] for key in _KEPT if key in request.scope}
    headers = [(b"content-type", b"application/json")] if body else []
    scope |= {
        "method": method.upper(),
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": b"",
        "headers": headers,
        "request_id": request.scope["request_id"],
    }
    await AsyncExitStackMiddleware(request.app.router)(scope, receive, send)
    answer = b"".join(message.get("body", b"") for message in sent)
    return sent[0]["status"], json.dumps(json.loads(answer), indent=2, ensure_ascii=False)
