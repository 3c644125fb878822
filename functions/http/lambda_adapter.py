"""AWS Lambda's HTTP events as requests: Mangum, and what Mangum leaves to its user."""

import json
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import unquote

from mangum import Mangum
from starlette.types import ASGIApp, Receive, Scope, Send

from functions import logs
from functions.http.middleware import LOGGED
from functions.http.problems import ProblemError, problem_response
from functions.logs import Log
from model_store import CustomerClustersError
from pipeline.errors import shortened

TEXT = ["text/", "json", "image/svg+xml"]
"""Parts of the content types that go out as text; anything else is sent in base64."""
LARGEST_ANSWER = 6 * 1024 * 1024
"""Bytes of an answer as JSON, base64 and all, that Lambda hands over; of a larger one the client
would only hear that something is wrong."""
LARGEST_TO_BALANCER = 1_000_000
"""The same of an answer that a load balancer takes."""
_MOST_OF_A_CHARACTER = 12
"""Bytes that one character of a text may take in JSON: two halves, both escaped."""
_MOST_OF_HEADERS = 65_536
_OF_ANOTHER_BODY = frozenset({
    "accept-ranges", "content-disposition", "content-encoding", "content-length", "content-type",
    "etag", "last-modified", "vary",
})  # fmt: skip
"""Headers of an answer that do not hold for what is sent in its place."""
LambdaHandler = Callable[[Any, Any], dict[str, Any]]
_OURS = ("/v1/", "/v2/")
"""Beginnings of our paths that have a route of their own where the gateway looks at callers."""
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
            return cls("one that is no object")
        names = [shortened(name) for name in sorted(map(str, event))[:8]]
        return cls(f"one with {', '.join(names)}")


def handler_for(
    app: ASGIApp,
    before: Callable[[], None] = lambda: None,
    log: Log = logs.write,
    base_path: str | None = None,
    after: Callable[[], None] = lambda: None,
) -> LambdaHandler:
    """The Lambda handler of an application.

    Args:
        app: The application.
        before: Called before each event.
        log: Where it is told what no request's line tells.
        base_path: What stands before our paths where people see them; None: what each event says.
        after: Called after each event that was a request.

    Returns:
        A handler that answers every event. What is no HTTP request is answered by a problem
        document with 400, and logged as an error: an exception would only have Lambda call again,
        or its gateway say that something is wrong.
    """

    async def staged(scope: Scope, receive: Receive, send: Send) -> None:
        address: _Address = scope["aws.event"][_ADDRESS]
        scope["root_path"], scope["aws.event"] = address.prefix, address.event
        if base_path is not None:
            scope["root_path"] = base_path
            scope["path"] = address.path.removeprefix(address.prefix) or "/"
        elif address.prefix:
            at_root = address.path == address.prefix
            scope["path"] = f"{address.prefix}/" if at_root else address.path
        scope[LOGGED] = address.ids(scope["aws.context"])
        if address.host:
            scope["headers"].append([b"host", address.host])
        await app(scope, receive, send)

    mangum = Mangum(staged, lifespan="off", text_mime_types=TEXT)

    def handler(event: Any, context: Any) -> dict[str, Any]:
        before()
        if _is_ping(event):
            return {"statusCode": 200, "headers": {"content-type": "text/plain"}, "body": "warm"}
        try:
            return _bounded(mangum(_request(event), context), event, log)
        except _UNREADABLE:  # of the event, WrongEvent too: what answers it lets none out
            return _refused(event, _request_id(context), log)
        finally:
            after()

    return handler


def _request(event: Any) -> dict[str, Any]:
    """An event as Mangum can read it, with its address; WrongEvent if it is no HTTP request."""
    if not isinstance(event, dict) or not _is_http(event):
        raise WrongEvent.of(event)
    host = (_header(event, "host") or "").encode()
    address = _Address(event, stage_prefix(event), _shown_path(event), host)
    return {**event, **_readable_headers(event), _ADDRESS: address}


def _refused(event: Any, request_id: str, log: Log) -> dict[str, Any]:
    """The answer to an event that cannot be answered otherwise, in the shape of all HTTP doors."""
    error = WrongEvent.of(event)
    line = {"level": "error", "message": str(error), "code": error.code}
    log({**line, "request_id": request_id, "status": 400})
    problem = ProblemError(400, str(error), code="invalid_request")
    response = problem_response(problem, request_id)
    headers = {
        "content-type": str(response.headers["content-type"]),
        "cache-control": "no-store",
        "x-content-type-options": "nosniff",
        "x-request-id": request_id,
    }
    several = isinstance(event, dict) and "multiValueHeaders" in event
    return {
        "statusCode": 400,
        "headers": headers,
        **({"multiValueHeaders": {n: [v] for n, v in headers.items()}} if several else {}),
        "body": bytes(response.body).decode(),
        "isBase64Encoded": False,
    }


def _request_id(context: Any) -> str:
    """What Lambda calls this invocation; the runtime's own lines in the log have it too."""
    return str(getattr(context, "aws_request_id", "") or os.urandom(8).hex())


def _bounded(answer: dict[str, Any], event: Mapping[str, Any], log: Log) -> dict[str, Any]:
    """An answer, or a problem in place of one that Lambda or a load balancer would not take."""
    limit = LARGEST_TO_BALANCER if "elb" in event["requestContext"] else LARGEST_ANSWER
    if len(answer["body"]) * _MOST_OF_A_CHARACTER + _MOST_OF_HEADERS <= limit:
        return answer
    size = len(json.dumps(answer))
    if size <= limit:
        return answer
    kept = {
        kind: {n: v for n, v in answer[kind].items() if n.lower() not in _OF_ANOTHER_BODY}
        for kind in _HEADERS
        if kind in answer
    }
    request_id = _header(kept, "x-request-id") or "none"
    log({"level": "warning", "message": "answer too large", "request_id": request_id,
         "bytes": size, "limit": limit, "status": 413})  # fmt: skip
    detail = (
        f"the answer has {size:,} bytes, and at most {limit:,} are handed over here; ask for less "
        "at once, or for a packed answer (Accept-Encoding: gzip), or send whole files to /v1/jobs"
    )
    response = problem_response(ProblemError(413, detail, code="answer_too_large"), request_id)
    named = {"content-type": str(response.headers["content-type"])}
    if "headers" in kept:
        kept["headers"] |= named
    else:
        kept["multiValueHeaders"] |= {name: [value] for name, value in named.items()}
    body = bytes(response.body).decode()
    return {**answer, **kept, "statusCode": 413, "body": body, "isBase64Encoded": False}


def _header(holder: Mapping[str, Any], wanted: str) -> str | None:
    """The last value of a header of an event or answer, whichever way it writes its headers."""
    for kind in _HEADERS:
        for name, value in (holder.get(kind) or {}).items():
            if name.lower() == wanted and value:
                return str(value if isinstance(value, str) else value[-1])
    return None


@dataclass(frozen=True, slots=True)
class _Address:
    """An event with the parts of its address that Mangum does not find."""

    event: Mapping[str, Any]
    prefix: str
    path: str
    host: bytes

    def ids(self, context: Any) -> dict[str, str]:
        """What API Gateway and Lambda call the request; their own lines in the log have it."""
        gateway = self.event["requestContext"].get("requestId")
        known = {"gateway_request_id": gateway} if isinstance(gateway, str) else {}
        if invocation := getattr(context, "aws_request_id", None):
            known["aws_request_id"] = str(invocation)
        return known


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
    if route.endswith("+}"):  # what comes before it is a prefix, but where that is of ours
        before = route.rpartition("/")[0] if route.startswith(_OURS) else ""
        return f"{before}/{values[names[-1]]}"
    return _PARAMETER.sub(lambda parameter: str(values[parameter[1]]), route)


def _readable_headers(event: Mapping[str, Any]) -> dict[str, Any]:
    """The event's headers but for those that Mangum takes for a port's number.

    It may fail on a list of ports, or on an IPv6 address. Nothing of ours reads the port.
    """
    present = {kind: event.get(kind) or {} for kind in _HEADERS if kind in event}
    return {
        kind: {name: value for name, value in headers.items() if name.lower() not in _SERVER}
        for kind, headers in present.items()
    }


def _is_ping(event: Any) -> bool:
    """Whether an event only keeps the function warm: of a plugin, or of a schedule."""
    if not isinstance(event, dict) or "requestContext" in event:
        return False
    return event.get("source") in _PINGS or any(event.get(name) is True for name in _FLAGS)


def _is_http(event: Mapping[str, Any]) -> bool:
    context = event.get("requestContext")
    if not isinstance(context, dict):
        return False
    http = context.get("http", event if "path" in event else None)
    if not isinstance(http, dict):
        return False
    return isinstance(http.get("httpMethod" if http is event else "method"), str)
