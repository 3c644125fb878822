"""AWS Lambda's HTTP events as requests: Mangum, and what Mangum leaves to its user."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import unquote

from mangum import Mangum
from starlette.types import ASGIApp, Receive, Scope, Send

from model_store import CustomerClustersError

TEXT = ["text/", "application/json", "application/problem+json", "image/svg+xml"]
"""Content that goes out as text; anything else is sent in base64."""
LambdaHandler = Callable[[Any, Any], dict[str, Any]]
_PARAMETER = re.compile(r"\{(\w+)\+?\}")
_HEADERS = ("headers", "multiValueHeaders")
_SERVER = frozenset({"host", "x-forwarded-port"})
_PINGS = frozenset({"serverless-plugin-warmup", "aws.events"})
_ADDRESS = "customer-clusters: the address of this event"
_UNREADABLE = (LookupError, TypeError, AttributeError, ValueError, RuntimeError)
_FLAGS = ("warmup", "warmer")


class WrongEvent(CustomerClustersError, ValueError):
    """Raised when an event is no HTTP request."""

    code = "wrong_event"

    def __init__(self, event: str) -> None:
        self.event = event
        super().__init__(
            "this function answers HTTP events (API Gateway HTTP or REST, function URL, load "
            f"balancer); it was called with {event}"
        )

    @classmethod
    def of(cls, event: object) -> Self:
        """Tells of an event by the names of its first fields: the values may be anything."""
        if not event:
            return cls("an empty event")
        if not isinstance(event, dict):
            return cls("another")
        return cls(f"one with {', '.join(sorted(event)[:8])}")


def handler_for(app: ASGIApp, before: Callable[[], None] = lambda: None) -> LambdaHandler:
    """The Lambda handler of an application.

    Args:
        app: The application.
        before: Called before each request.

    Returns:
        A handler that raises WrongEvent when it is called with anything but HTTP or a ping.
    """

    async def staged(scope: Scope, receive: Receive, send: Send) -> None:
        address: _Address = scope["aws.event"][_ADDRESS]
        scope["root_path"], scope["aws.event"] = address.prefix, address.event
        if address.prefix:
            at_root = address.path == address.prefix
            scope["path"] = f"{address.prefix}/" if at_root else address.path
        if address.host:
            scope["headers"].append([b"host", address.host.encode()])
        await app(scope, receive, send)

    mangum = Mangum(staged, lifespan="off", text_mime_types=TEXT)

    def handler(event: Any, context: Any) -> dict[str, Any]:
        if _is_ping(event):
            before()
            return {"statusCode": 200, "headers": {"content-type": "text/plain"}, "body": "warm"}
        if not isinstance(event, dict) or not _is_http(event):
            raise WrongEvent.of(event)
        before()
        try:
            address = _Address(event, stage_prefix(event), _shown_path(event), _host(event))
            return mangum({**event, **_without_server(event), _ADDRESS: address}, context)
        except _UNREADABLE as error:  # of the event: what answers it lets none out
            raise WrongEvent.of(event) from error

    return handler


@dataclass(frozen=True, slots=True)
class _Address:
    """An event with the parts of its address that Mangum does not find."""

    event: Mapping[str, Any]
    prefix: str
    path: str
    host: str | None


def stage_prefix(event: Mapping[str, Any]) -> str:
    """What stands before our paths in the address that the browser shows: `/prod`, mostly nothing.

    It is a stage, or the base path that a domain of one's own maps to us. What the gateway's
    route matched is ours and the rest is the prefix. A route that takes everything says nothing;
    then a REST API has its stage in the context's path only, and an HTTP API in its own path.
    """
    shown = _shown_path(event).rstrip("/")
    for inside in (_matched(event), event.get("path")):
        if inside is not None and shown.endswith(own := unquote(inside).rstrip("/")):
            return shown.removesuffix(own)
    stage = f"/{event['requestContext'].get('stage')}"
    return stage if f"{shown}/".startswith(f"{stage}/") else ""


def _shown_path(event: Mapping[str, Any]) -> str:
    """The path in the address that the browser shows."""
    context = event["requestContext"]
    if "http" in context:
        return unquote(event["rawPath"])
    return unquote(context.get("path") or event["path"])


def _matched(event: Mapping[str, Any]) -> str | None:
    """The part of the path that is ours, by the gateway's route; None where that takes any."""
    route = event.get("resource") or event.get("routeKey", "").partition(" ")[2]
    values = event.get("pathParameters") or {}
    names = _PARAMETER.findall(route)
    if not route.startswith("/") or any(name not in values for name in names):
        return None
    if route.endswith("+}"):
        return f"/{values[names[-1]]}"
    return _PARAMETER.sub(lambda parameter: str(values[parameter[1]]), route)


def _without_server(event: Mapping[str, Any]) -> dict[str, Any]:
    """The event's headers but for those that Mangum takes for a port's number.

    It may fail on a list of ports, or on an IPv6 address. Nothing of ours reads the port.
    """
    present = {kind: event.get(kind) or {} for kind in _HEADERS if kind in event}
    return {
        kind: {name: value for name, value in headers.items() if name.lower() not in _SERVER}
        for kind, headers in present.items()
    }


def _host(event: Mapping[str, Any]) -> str | None:
    for kind in _HEADERS:
        for name, value in (event.get(kind) or {}).items():
            if name.lower() == "host" and value:
                return str(value if isinstance(value, str) else value[-1])
    return None


def _is_ping(event: Any) -> bool:
    """Whether an event only keeps the function warm: of a plugin, or of a schedule."""
    if not isinstance(event, dict) or "requestContext" in event:
        return False
    return event.get("source") in _PINGS or any(event.get(name) is True for name in _FLAGS)


def _is_http(event: Mapping[str, Any]) -> bool:
    context = event.get("requestContext")
    if not isinstance(context, dict):
        return False
    return "http" in context or ("httpMethod" in event and "path" in event)
