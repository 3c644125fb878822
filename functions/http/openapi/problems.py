"""What the document says of errors, each with an example."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from functions.http.openapi.operation import Problem
from functions.http.problems import MEDIA_TYPE, ProblemError, problem_document

_EXAMPLES = {
    400: "the body is not JSON: Expecting value: line 1 column 1 (char 0)",
    401: "send a key as `Authorization: Bearer KEY`, `X-API-Key: KEY`, or the password of HTTP "
    "Basic",
    403: "a form is taken from a page of this site only",
    404: "look at /docs for the addresses there are",
    405: "this method is not taken here; see the Allow header",
    406: "Accept: application/json is answered as application/json; found 'text/html'",
    408: "the body did not arrive within 10 seconds",
    413: "a request may have at most 1,048,576 bytes",
    415: "expected content type application/json in UTF-8, found 'text/plain'",
    422: 'expected an object with the one key "customers"',
    429: "more than 32 requests wait for an answer",
    431: "expected at most 65,536 bytes of headers",
    500: "an unexpected error; the request id finds it in the log",
    503: "no model of store/ can answer: not read yet",
}
"""What each status says of a request, where an operation has no example of its own."""


def responses_of(problems: Sequence[Problem]) -> dict[str, Any]:
    """The responses for some problems, by status; own ones come before the example of a status."""
    by_status: dict[int, list[ProblemError]] = {}
    for problem in problems:
        if isinstance(problem, ProblemError):
            by_status.setdefault(problem.status, []).append(problem)
        else:
            by_status.setdefault(problem, []).append(ProblemError(problem, _EXAMPLES[problem]))
    return {str(status): _response(status, by_status[status]) for status in sorted(by_status)}


def _response(status: int, problems: Sequence[ProblemError]) -> dict[str, Any]:
    return {
        "description": HTTPStatus(status).phrase,
        "content": {
            MEDIA_TYPE: {
                "schema": {"$ref": "#/components/schemas/ProblemDocument"},
                "examples": {
                    problem.code: {"value": problem_document(problem, "4f1c9a02d3e84b57")}
                    for problem in problems
                },
            }
        },
    }
