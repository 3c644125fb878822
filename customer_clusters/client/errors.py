"""What can go wrong with a question to the API."""

import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from customer_clusters.client.answers import FieldProblem
from model_store.errors import CustomerClustersError

_LONGEST = 300
_NOT_IN_A_CODE = re.compile(r"[^a-z]+")


class ProblemAnswer(CustomerClustersError):
    """Raised when the API answers that something is wrong.

    Example:
        >>> error = ProblemAnswer("POST /v1/assign", 422, {
        ...     "code": "invalid_customer", "detail": "Total_Trans_Ct: expected a number"})
        >>> print(error)
        POST /v1/assign: Total_Trans_Ct: expected a number (422 invalid_customer)
        >>> error.status, error.code
        (422, 'invalid_customer')
    """

    code = "problem"

    def __init__(self, request: str, status: int, problem: Mapping[str, Any]) -> None:
        """An answer.

        Args:
            request: The method and the path.
            status: The HTTP status.
            problem: The problem document (RFC 9457); empty where the answer is another one, as
                that of a proxy.
        """
        self.request, self.status, self.problem = request, status, dict(problem)
        code = _NOT_IN_A_CODE.sub("_", str(problem.get("code", "")).lower()).strip("_")
        self.code = code or "http_error"
        super().__init__(f"{request}: {self.detail} ({status} {self.code})")

    @property
    def detail(self) -> str:
        """What is wrong, in one line."""
        detail = str(self.problem.get("detail") or self.title)
        line = " ".join(detail.split())
        return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"

    @property
    def title(self) -> str:
        """What the code means."""
        title = self.problem.get("title")
        if title:
            return str(title)
        return HTTPStatus(self.status).phrase if self.status in _STATUSES else "no such status"

    @property
    def errors(self) -> tuple[FieldProblem, ...]:
        """Which fields cannot be used; empty where none is to blame."""
        return field_problems(self.problem.get("errors"))

    @property
    def request_id(self) -> str | None:
        """What the server's log calls the request."""
        instance = str(self.problem.get("instance") or "")
        return instance.rpartition(":")[2] or None


class NoAnswer(CustomerClustersError, OSError):
    """Raised when no answer comes, however often it is asked for."""

    code = "no_answer"

    def __init__(self, request: str, where: str, reason: str, attempts: int) -> None:
        """A question without an answer.

        Args:
            request: The method and the path.
            where: The server.
            reason: Why the last attempt failed.
            attempts: How many there were.
        """
        self.request, self.where, self.reason, self.attempts = request, where, reason, attempts
        tried = "once" if attempts == 1 else f"{attempts:,} times"
        super().__init__(f"{request}: no answer from {where}, tried {tried}: {reason}")


class StrangeAnswer(CustomerClustersError, ValueError):
    """Raised when what answers is not this API, or is one of another version."""

    code = "strange_answer"

    def __init__(self, request: str, where: str, found: str) -> None:
        """An answer that cannot be read.

        Args:
            request: The method and the path.
            where: The server.
            found: What it answered, in words.
        """
        self.request, self.where, self.found = request, where, found
        super().__init__(f"{request}: expected an answer of the API from {where}, found {found}")


class JobUnfinished(CustomerClustersError, TimeoutError):
    """Raised when a job has not ended in the time that somebody waits for it."""

    code = "job_unfinished"

    def __init__(self, job: str, state: str, seconds: float) -> None:
        """A job that goes on.

        Args:
            job: Its id.
            state: Where it stands.
            seconds: How long it was waited for.
        """
        self.job, self.state, self.seconds = job, state, seconds
        super().__init__(f"job {job} is {state} after {seconds:g} seconds; ask for it later")


_STATUSES = frozenset(status.value for status in HTTPStatus)


def field_problems(documents: Any) -> tuple[FieldProblem, ...]:
    """The problems of fields that a document lists; those that are none are left out."""
    names = ("field", "code", "value", "expected")
    return tuple(
        FieldProblem(*(str(each.get(name, "")) for name in names))
        for each in documents or ()
        if isinstance(each, dict)
    )
