"""Every operation of the API, from the OpenAPI document and the application's own answers."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from starlette.requests import Request

from functions.http.addresses import site
from functions.http.problems import MEDIA_TYPE
from functions.web.reference.answers import as_text, ask
from functions.web.reference.fields import (
    FieldRow,
    FieldTable,
    Schema,
    header_rows,
    parameter_example,
    parameter_rows,
)
from functions.web.reference.samples import JSON, Call, File, Sample, samples

_METHODS = ("get", "post", "put", "patch", "delete")
_ASKED = ("/v1/assign", "/v1/what-if", "/v1/clusters", "/v1/model", "/health/")
"""What the application is asked for: it keeps nothing, and holds nothing of real customers. Of the
rest the page shows the examples of the document."""
_UNTAGGED = "Operations"
_FILES = {
    "text/csv": File("customers.csv"),
    "application/vnd.apache.parquet": File("customers.parquet"),
}
"""What samples send where a body is a file."""


@dataclass(frozen=True, slots=True)
class PossibleProblem:
    """A status that an operation may answer with, and the codes that the document names."""

    status: str
    codes: list[str]


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation as the page shows it."""

    id: str
    method: str
    path: str
    summary: str
    description: str
    parameters: list[FieldRow]
    takes: list[FieldRow]
    content_types: list[str]
    """Of the body that it takes, the one of the samples first."""
    samples: list[Sample]
    status: str
    answer: str
    gives: list[FieldRow]
    headers: list[FieldRow]
    """Those of the answer that say something of their own."""
    problems: list[PossibleProblem]


@dataclass(frozen=True, slots=True)
class Chapter:
    """Operations of one kind."""

    id: str
    title: str
    description: str
    operations: list[Operation]


@dataclass(frozen=True, slots=True)
class Reader:
    """What is the same for every operation: who reads, and of what."""

    request: Request
    document: Mapping[str, Any]
    table: FieldTable
    cluster: int
    with_keys: bool

    @property
    def site(self) -> str:
        """The address before our paths, as the reader's browser has it."""
        return site(self.request)


async def chapters(reader: Reader) -> list[Chapter]:
    """Every operation in the document, by its tag."""
    tags = {tag["name"]: tag.get("description", "") for tag in reader.document.get("tags", ())}
    shown: dict[str, list[Operation]] = {name: [] for name in tags}
    for path, method, described in _described(reader.document):
        tag = next(iter(described.get("tags", ())), _UNTAGGED)
        shown.setdefault(tag, []).append(await _operation(reader, path, method, described))
    return [
        Chapter(f"chapter-{number}", name, tags.get(name, ""), operations)
        for number, (name, operations) in enumerate(shown.items(), start=1)
        if operations
    ]


async def _operation(
    reader: Reader, path: str, method: str, described: Mapping[str, Any]
) -> Operation:
    content = described.get("requestBody", {}).get("content", {})
    content_type, media = _chosen(content)
    example = _example(media, reader.document) or _FILES.get(content_type)
    address = _address(path, described, reader)
    status, answer, answered = await _answer(reader, method, path, address, described, example)
    operation_id, name = described["operationId"], f"{method.upper()} {path}"
    call = Call(
        method.upper(),
        reader.site + address,
        example,
        content_type,
        with_key=_needs_key(reader, described),
        answers_json=answered in (JSON, MEDIA_TYPE),
    )
    response = _resolved(described["responses"].get(status, {}), reader.document)
    given = response.get("content", {}).get(JSON, {})
    return Operation(
        id=operation_id,
        method=method.upper(),
        path=path,
        summary=described.get("summary", ""),
        description=described.get("description", ""),
        parameters=parameter_rows(described.get("parameters", ())),
        takes=_rows(reader, media, (f"{operation_id}-takes", f"what {name} takes"), example),
        content_types=sorted(content, key=lambda name: name != content_type),
        samples=samples(call) if content == {} or _can_be_sent(example, content_type) else [],
        status=status,
        answer=as_text(answer) if answer is not None else "",
        gives=_rows(reader, given, (f"{operation_id}-gives", f"the answer of {name}"), None),
        headers=header_rows(response.get("headers", {})),
        problems=_problems(described, reader.document),
    )


def _described(document: Mapping[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for method in _METHODS:
            if method in item:
                yield path, method, item[method]


def _chosen(content: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    """The content type of the samples: JSON where it is taken, else one that they can send."""
    if JSON in content or not content:
        return JSON, content.get(JSON, {})
    known = [name for name in _FILES if name in content]
    shown = [name for name, media in content.items() if {"example", "examples"} & set(media)]
    name = [*known, *shown, *content][0]
    return name, content[name]


def _can_be_sent(example: Any, content_type: str) -> bool:
    """Whether samples know how to send it: they make no forms."""
    return example is not None and (content_type == JSON or isinstance(example, str | File))


def _example(media: Mapping[str, Any], document: Mapping[str, Any]) -> Any:
    """The first example of a body, or of its schema; None where there is none."""
    if "example" in media:
        return media["example"]
    for named in media.get("examples", {}).values():
        return _resolved(named, document).get("value")
    schema = _resolved(media.get("schema", {}), document)
    return next(iter(schema.get("examples", ())), None)


def _resolved(value: Schema, document: Mapping[str, Any]) -> Schema:
    """What a reference within the document means."""
    if "$ref" not in value:
        return value
    found: Any = document
    for step in str(value["$ref"]).removeprefix("#/").split("/"):
        found = found[step]
    return {**found, **{key: item for key, item in value.items() if key != "$ref"}}


def _address(path: str, described: Mapping[str, Any], reader: Reader) -> str:
    """The path with an example in place of each parameter."""
    for parameter in described.get("parameters", ()):
        if parameter["in"] == "path":
            known = parameter_example(parameter)
            if known is None and parameter["name"] == "cluster_id":
                known = reader.cluster
            name = parameter["name"]
            path = path.replace(f"{{{name}}}", quote(str(name if known is None else known), ""))
    needed = {
        parameter["name"]: parameter_example(parameter)
        for parameter in described.get("parameters", ())
        if parameter["in"] == "query" and parameter.get("required")
    }
    return f"{path}?{urlencode(needed)}" if needed else path


async def _answer(
    reader: Reader, method: str, path: str, address: str, described: Mapping[str, Any], body: Any
) -> tuple[str, Any, str]:
    """Status, content and content type of an answer: the application's, or the document's."""
    responses = described["responses"]
    good = next((status for status in responses if str(status).startswith("2")), "200")
    content = _resolved(responses.get(good, {}), reader.document).get("content", {})
    content_type, media = _chosen(content)
    if path.startswith(_ASKED) and content_type == JSON and content:
        status, answer = await ask(reader.request, method, address, body)
        return str(status), answer, JSON
    return good, _example(media, reader.document), content_type if content else ""


def _needs_key(reader: Reader, described: Mapping[str, Any]) -> bool:
    """Whether it wants a key: where keys are set, all do but those that the document excepts."""
    return reader.with_keys and described.get("security") != []


def _rows(
    reader: Reader, media: Mapping[str, Any], place: tuple[str, str], example: Any
) -> list[FieldRow]:
    return reader.table.of(media["schema"], place, example) if "schema" in media else []


def _problems(described: Mapping[str, Any], document: Mapping[str, Any]) -> list[PossibleProblem]:
    found = []
    for status, response in sorted(described["responses"].items()):
        media = _resolved(response, document).get("content", {}).get(MEDIA_TYPE)
        if media is not None:
            found.append(PossibleProblem(status, _codes(media, document)))
    return found


def _codes(media: Mapping[str, Any], document: Mapping[str, Any]) -> list[str]:
    """The codes that the examples of a problem have."""
    named = [_resolved(example, document) for example in media.get("examples", {}).values()]
    values = [media.get("example"), *(example.get("value") for example in named)]
    return list(dict.fromkeys(value["code"] for value in values if isinstance(value, Mapping)))
