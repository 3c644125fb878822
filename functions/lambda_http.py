"""AWS Lambda's HTTP events as requests: Mangum, and what Mangum leaves to its user."""

from collections.abc import Callable, Mapping
from typing import Any

from mangum import Mangum
from starlette.types import ASGIApp, Receive, Scope, Send

from model_store import CustomerClustersError

TEXT = ["text/", "application/json", "application/problem+json", "image/svg+xml"]
"""Content that goes out as text; anything else is sent in base64."""
LambdaHandler = Callable[[Any, Any], dict[str, Any]]


class WrongEvent(CustomerClustersError, ValueError):
    """Raised when an event is no HTTP request."""

    def __init__(self, event: object) -> None:
        found = f"one with {', '.join(sorted(event)[:8])}" if isinstance(event, dict) else "another"
        super().__init__(
            "this function answers HTTP events (API Gateway HTTP or REST, function URL, load "
            f"balancer); it was called with {found if event else 'an empty event'}"
        )


def handler_for(app: ASGIApp, before: Callable[[], None] = lambda: None) -> LambdaHandler:
    """The Lambda handler of an application, and what it calls before each request."""

    async def staged(scope: Scope, receive: Receive, send: Send) -> None:
        prefix = scope["root_path"] = stage_prefix(scope["aws.event"])
        if prefix and scope["path"] == prefix:  # the address of the stage without its slash
            scope["path"] = f"{prefix}/"
        await app(scope, receive, send)

    mangum = Mangum(staged, lifespan="off", text_mime_types=TEXT)

    def handler(event: Any, context: Any) -> dict[str, Any]:
        if not isinstance(event, dict) or not _is_http(event):
            raise WrongEvent(event)
        before()
        return mangum(event, context)

    return handler


def stage_prefix(event: Mapping[str, Any]) -> str:
    """What stands before our paths in the address that the browser shows: `/prod`, mostly nothing.

    A REST API leaves its stage out of `path` and puts it into the context's; an HTTP API with a
    named stage has it in both. Behind a domain of one's own neither has it.
    """
    context = event["requestContext"]
    if "http" in context:
        stage = f"/{context.get('stage')}"
        return stage if f"{event['rawPath']}/".startswith(f"{stage}/") else ""
    shown, path = context.get("path", "").rstrip("/"), event["path"].rstrip("/")
    return shown.removesuffix(path) if shown.endswith(path) else ""


def _is_http(event: Mapping[str, Any]) -> bool:
    context = event.get("requestContext")
    if not isinstance(context, dict):
        return False
    return "http" in context or ("httpMethod" in event and "path" in event)
