"""What went wrong, as RFC 9457 problem documents; the one place that knows HTTP statuses."""

import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.responses import Response

from functions.http.schemas import FieldProblem, ProblemDocument
from model_store import CustomerClustersError, NotFound, Temporary
from pipeline.errors import Problem, TooLarge, WrongFile, WrongRow
from pipeline.reading.options import WrongOption

MEDIA_TYPE = "application/problem+json"
TITLES = {  # what each stable code means
    "invalid_json": "The body is not JSON that every reader reads alike",
    "invalid_encoding": "The body is not packed as its header says",
    "invalid_form": "The form cannot be read",
    "unauthorised": "A valid API key is needed",
    "invalid_token": "The token is not valid",
    "missing_scope": "The key or token does not allow this",
    "forbidden": "This is not allowed",
    "not_found": "There is nothing at this address",
    "unknown_cluster": "The model has no such cluster",
    "unknown_customer": "No scored file has this customer",
    "unknown_model": "There is no such model",
    "method_not_allowed": "This address does not take this method",
    "not_acceptable": "This is not answered in such a form",
    "timeout": "The request took too long to arrive",
    "too_large": "The request is too large",
    "answer_too_large": "The answer is too large to be handed over",
    "too_many_requests": "Too many requests at once",
    "rate_exceeded": "The rate of this client is used up",
    "too_many_attempts": "Too many wrong keys from this address",
    "keys_unavailable": "Tokens cannot be checked now",
    "headers_too_large": "The headers of the request are too large",
    "unsupported_media_type": "The body has the wrong content type",
    "invalid_request": "The request is not what this address takes",
    "invalid_customer": "The customer cannot be assigned",
    "invalid_file": "The file cannot be scored",
    "invalid_list": "This list cannot be made",
    "results_gone": "These results are gone",
    "job_gone": "There is no such job",
    "idempotency_key_reused": "This key came with another file",
    "interrupted": "The job was cut off",
    "no_history": "There is no history of such files",
    "busy": "Other files are being scored",
    "storage_unavailable": "Files cannot be taken or shown now",
    "model_unavailable": "No model can answer now",
    "internal_error": "This is our fault",
}
_STATUS = {
    400: "invalid_json",
    401: "unauthorised",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    406: "not_acceptable",
    408: "timeout",
    413: "too_large",
    415: "unsupported_media_type",
    422: "invalid_request",
    429: "too_many_requests",
    431: "headers_too_large",
    500: "internal_error",
    503: "model_unavailable",
}


class ProblemError(Exception):
    """Raised when a request is answered by a problem document.

    `of_file` says that the detail begins with the name of a file.
    """

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        code: str | None = None,
        errors: Sequence[FieldProblem] = (),
        headers: Mapping[str, str] | None = None,
        of_file: bool = False,
    ) -> None:
        self.status, self.detail, self.of_file = status, detail, of_file
        self.code = code or _STATUS.get(status, "invalid_request")
        self.errors, self.headers = errors, headers
        super().__init__(detail)


def to_problem(error: Exception) -> ProblemError:
    """The problem that an error means to a client; nothing is shown of one that is not ours."""
    if isinstance(error, ProblemError):
        return error
    if isinstance(error, WrongRow):
        errors = field_problems(error.problems)
        return ProblemError(422, str(error), code="invalid_customer", errors=errors)
    if isinstance(error, WrongFile):
        too_large = isinstance(error, TooLarge)
        status, code = (413, "too_large") if too_large else (422, "invalid_file")
        return ProblemError(status, str(error), code=code, of_file=True)
    if isinstance(error, WrongOption):
        return ProblemError(422, str(error), code="invalid_form")
    if isinstance(error, Temporary):
        kind = "storage_unavailable" if type(error) is Temporary else None
        return ProblemError(503, str(error), code=kind, headers={"Retry-After": "5"})
    if isinstance(error, NotFound):
        return ProblemError(404, str(error))
    if isinstance(error, CustomerClustersError):
        return ProblemError(503, str(error))
    if isinstance(error, HTTPException):  # the router's
        detail = "look at /docs for the addresses there are"
        if error.status_code == 405:
            allowed = (error.headers or {}).get("Allow", "that of the header Allow")
            detail = f"this method is not taken here; expected {allowed}"
        return ProblemError(error.status_code, detail, headers=error.headers)
    return ProblemError(500, "an unexpected error; the request id finds it in the log")


def not_ready() -> ProblemError:
    """What a probe without a key is told where no model answers: not why."""
    return ProblemError(503, "no model can answer now; ask with a key for why")


def field_problems(problems: Sequence[Problem]) -> list[FieldProblem]:
    """For machines: which field, which stable code, what was found and expected."""
    return [
        {
            "field": problem.column,
            "code": problem.code,
            "value": problem.value,
            "expected": problem.expected,
        }
        for problem in problems
    ]


def title_of(problem: ProblemError) -> str:
    """What went wrong, in a few words."""
    return TITLES.get(problem.code) or HTTPStatus(problem.status).phrase


def problem_document(problem: ProblemError, request_id: str) -> ProblemDocument:
    """What a client is told of a problem."""
    document: ProblemDocument = {
        "type": f"urn:customer-clusters:problem:{problem.code}",
        "title": title_of(problem),
        "status": problem.status,
        "detail": problem.detail,
        "code": problem.code,
        "instance": f"urn:customer-clusters:request:{request_id}",
    }
    if problem.errors:
        document["errors"] = list(problem.errors)
    return document


def problem_response(problem: ProblemError, request_id: str, path: str = "") -> Response:
    """The problem document as an answer.

    Args:
        problem: What went wrong.
        request_id: By which the log knows the request.
        path: What was asked; below `/v2` there is `error` too, as that protocol wants it.
    """
    more = {"error": problem.detail} if f"{path}/".startswith("/v2/") else {}
    content = json.dumps({**problem_document(problem, request_id), **more}).encode()
    return Response(content, problem.status, dict(problem.headers or {}), MEDIA_TYPE)
