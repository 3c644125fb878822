"""What the document says of one operation."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from functions.http.problems import ProblemError
from functions.live_model import LoadedModel

Schema = type | str | Mapping[str, Any]
"""A TypedDict; the name of a schema that the contract makes: Customer, Batch or WhatIf; or a JSON
Schema as it is."""
Example = Callable[[LoadedModel], Any]
"""Makes an example by the model that answers."""


@dataclass(frozen=True, slots=True)
class Media:
    """A body of one content type."""

    schema: Schema
    example: Example | None = None
    """None where the schema has one."""


Content = type | str | Media | Mapping[str, Media]
"""Bodies by content type; anything but a mapping is `application/json`."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What an operation answers when all is well."""

    content: Content | None
    """None for an answer without a body."""
    description: str
    headers: Mapping[str, str] = field(default_factory=dict)
    """Name → what the header says."""
    links: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Id of an operation → its parameters, as runtime expressions: `$response.body#/id`."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter in the path, in the query or in a header."""

    name: str
    description: str
    schema: Mapping[str, Any]
    where: str = "path"
    required: bool = True
    example: Example | None = None


Problem = int | ProblemError
"""A status, or the very problem, which becomes the example."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One operation of the API.

    Example:
        Operation(
            id="getJob",
            method="get",
            path="/v1/jobs/{id}",
            tag="Jobs",
            summary="How far a job is",
            parameters=(Parameter("id", "The job's id.", {"type": "string"}),),
            answers={200: Answer(JobAnswer, "The job")},
            problems=(*READS, ProblemError(404, "no job k3v")),
        )
    """

    id: str
    """The name of the function in a generated client: a verb and a noun, `assignCustomer`."""
    method: str
    """In small letters."""
    path: str
    """With {parameters}, as OpenAPI writes them."""
    tag: str
    """A key of `table.TAGS`."""
    summary: str
    """One line, without a full stop."""
    answers: Mapping[int, Answer]
    description: str = ""
    """More than the summary, in Markdown; without it the summary is the description."""
    parameters: tuple[Parameter, ...] = ()
    body: Content | None = None
    problems: tuple[Problem, ...] = ()
    key: Literal["needed", "optional", "none"] = "needed"
    """Whether it wants a key where keys are set; with an optional one it says more."""


READS: tuple[Problem, ...] = (401, 431, 503)
"""What any GET may end in."""
TAKES_JSON: tuple[Problem, ...] = (400, 401, 403, 408, 413, 415, 422, 503)
"""What any operation with a JSON body may end in."""


def by_type(content: Content) -> Iterator[tuple[str, Media]]:
    """Bodies by their content type."""
    if isinstance(content, Mapping):
        yield from content.items()
    else:
        yield "application/json", content if isinstance(content, Media) else Media(content)
