"""The application's own answers to the page's samples."""

import json
from typing import Any

from fastapi.middleware.asyncexitstack import AsyncExitStackMiddleware
from starlette.requests import Request
from starlette.types import Message

from functions.http.problems import problem_response, to_problem

_PASSED_ON = (
    "type", "asgi", "http_version", "scheme", "server", "client", "app", "caller", "loaded_model",
    "live_model",
)  # fmt: skip
"""What a question to the application has of the request for the page."""


async def ask(request: Request, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    """What the application answers: status and JSON.

    It is asked past the log and the keys, which the reader of the page has passed, and so only
    for what keeps nothing and tells nothing of customers.

    Args:
        request: The reader's.
        method: The method.
        path: The path, without what stands before ours.
        body: What becomes JSON; None where there is none.
    """
    content = b"" if body is None else json.dumps(body).encode()
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": content}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {key: request.scope[key] for key in _PASSED_ON if key in request.scope}
    scope |= {
        "method": method.upper(),
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": b"",
        "headers": [(b"content-type", b"application/json")] if content else [],
        "request_id": request.scope["request_id"],
    }
    try:
        await AsyncExitStackMiddleware(request.app.router)(scope, receive, send)
    except Exception as error:  # as the middleware answers it
        problem = problem_response(to_problem(error), request.scope["request_id"])
        return problem.status_code, json.loads(bytes(problem.body))
    answer = b"".join(message.get("body", b"") for message in sent)
    return sent[0]["status"], json.loads(answer)


def as_text(answer: Any) -> str:
    """An answer as the page shows it."""
    return answer if isinstance(answer, str) else json.dumps(answer, indent=2, ensure_ascii=False)
