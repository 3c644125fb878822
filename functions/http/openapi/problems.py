"""What the document says of errors, each with an example."""

from collections.abc import Collection, Sequence
from http import HTTPStatus
from typing import Any

from functions.http.openapi.operation import Problem
from functions.http.problems import MEDIA_TYPE, ProblemError, problem_document

EXAMPLES = {
    "invalid_json": "the body is not JSON: Expecting value: line 1 column 20 (char 19)",
    "invalid_encoding": "the body is not what its Content-Encoding says: expected one stream "
    "of gzip",
    "unauthorised": "send a key as `Authorization: Bearer KEY`, `X-API-Key: KEY`, or the password "
    "of HTTP Basic",
    "invalid_token": "this token is not taken: it has expired",
    "missing_scope": "this needs the scope files; web has assign",
    "forbidden": "a form is taken from a page of this site only",
    "not_found": "look at /docs for the addresses there are",
    "unknown_cluster": "no cluster 9; there are: 1, 2, 3, 4, 5",
    "unknown_customer": "no customer with this id in 3 runs; 0 runs have no index under this key",
    "unknown_model": "no model loans; there are: cards",
    "method_not_allowed": "this method is not taken here; expected POST",
    "timeout": "the body did not arrive within 10 seconds",
    "results_gone": "there are no such results, or no longer",
    "no_history": "there is no history of such files",
    "too_large": "a request may have at most 1,048,576 bytes",
    "unsupported_media_type": "expected content type application/json in UTF-8, found 'text/plain'",
    "invalid_request": 'expected an object with the one key "customers"',
    "invalid_customer": "Total_Trans_Ct: expected a whole number from 0 to 1,000,000, "
    "found nothing",
    "invalid_file": "customers.csv: no column Total_Trans_Ct",
    "invalid_form": "field 'decimal': expected comma or point",
    "invalid_list": "control: expected a share such as 10% or 0.1",
    "too_many_requests": "more than 32 requests wait for an answer",
    "headers_too_large": "expected at most 65,536 bytes of headers",
    "internal_error": "an unexpected error; the request id finds it in the log",
    "busy": "other files are being scored; try again soon",
    "storage_unavailable": "the storage does not answer",
    "job_gone": "there is no such job, or no longer",
    "idempotency_key_reused": "Idempotency-Key: this key was sent with another file, or with other "
    "options; use a new one",
    "interrupted": "the server ended before the file was scored; send it again",
    "not_acceptable": "Accept: application/json is answered as application/json; found 'text/html'",
    "answer_too_large": "the answer has 7,340,032 bytes, and at most 6,291,456 are handed over "
    "here; ask for less at once, or for a packed answer (Accept-Encoding: gzip)",
    "rate_exceeded": "web may send 10 requests a second; try again later",
    "too_many_attempts": "too many wrong keys came from this address; try again later",
    "keys_unavailable": "no token can be checked now: the keys of its issuer cannot be read",
    "model_unavailable": "no model of model_store can answer: it has no champion",
}
"""A `detail` that comes with each code; where an operation has no example of its own, that of the
code that its status has by itself."""


def responses_of(problems: Sequence[Problem]) -> dict[str, Any]:
    """The responses for some problems, by status: shared ones, or with examples of their own."""
    by_status: dict[int, list[ProblemError]] = {}
    for problem in problems:
        if isinstance(problem, ProblemError):
            by_status.setdefault(problem.status, []).append(problem)
        else:
            by_status.setdefault(problem, [])
    return {
        str(status): _response(status, [*_general(status, problems), *own])
        if (own := by_status[status])
        else {"$ref": f"#/components/responses/{_name(status)}"}
        for status in sorted(by_status)
    }


def shared_responses(problems: Collection[Problem]) -> dict[str, Any]:
    """The responses that those of some operations refer to, by name."""
    statuses = sorted(problem for problem in problems if isinstance(problem, int))
    return {
        _name(status): _response(status, [ProblemError(status, _example(status))])
        for status in statuses
    }


def _general(status: int, problems: Sequence[Problem]) -> list[ProblemError]:
    return [ProblemError(status, _example(status))] if status in problems else []


def _name(status: int) -> str:
    return HTTPStatus(status).phrase.title().replace(" ", "").replace("-", "")


def _example(status: int) -> str:
    return EXAMPLES[ProblemError(status, "").code]


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
