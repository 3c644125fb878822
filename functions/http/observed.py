"""The middleware where requests are counted, timed or traced; elsewhere the plain one is used."""

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from fastapi import FastAPI
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from functions.http.metrics import METRICS, metrics_route
from functions.http.middleware import ANSWERED, OPEN, PROBES, Middleware
from functions.http.problems import ProblemError
from functions.live_models import LiveModels
from functions.settings import Settings
from functions.telemetry import NoSpan, Span, Telemetry
from functions.telemetry.figures import (
    BATCH_ROWS,
    IN_PROGRESS,
    LOOKUPS,
    PROBLEMS,
    REQUEST_SECONDS,
    REQUESTS,
)
from functions.telemetry.models import facts_of

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"})
_UNTRACED = OPEN | PROBES | {METRICS}
_SPAN = "span"
_CODE = "problem_code"
_TRACE = ("traceparent", "tracestate")


class ObservedMiddleware(Middleware):
    """The middleware, and what it tells of each request.

    A route is told by its template and a problem by its code: so figures are few, and neither they
    nor spans hold an address with somebody's id in it.

    Args:
        arguments: Those of `Middleware`.
        telemetry: Takes figures and spans.
        default: The name of the model that answers where none is named.
        named: Those of `Middleware`.
    """

    def __init__(self, *arguments: Any, telemetry: Telemetry, default: str, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._telemetry, self._default = telemetry, default

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, as a span that goes on with the trace of who asks."""
        if scope["type"] != "http":
            await super().__call__(scope, receive, send)
            return
        method, telemetry = _method(scope["method"]), self._telemetry
        telemetry.record(IN_PROGRESS)
        try:
            with self._span(scope, method) as span:
                inner = {**scope, _SPAN: span}
                if span.traceparent:
                    inner["headers"] = _with_trace(scope["headers"], span)
                await super().__call__(inner, receive, send)
        finally:
            telemetry.record(IN_PROGRESS, -1)

    def _span(self, scope: Scope, method: str) -> AbstractContextManager[Span]:
        """The span of a request; none of a probe, which there are most of."""
        if scope["path"].removeprefix(scope.get("root_path", "")) in _UNTRACED:
            return nullcontext(NoSpan())
        known, parent = {"http.request.method": method}, _parent(scope["headers"])
        return self._telemetry.span(method, known, parent=parent, server=True)

    def _problem(self, scope: Scope, problem: ProblemError) -> Response:
        scope[_CODE] = problem.code
        return super()._problem(scope, problem)

    def _log(self, scope: Scope, method: str, status: int, seconds: float) -> None:
        super()._log(scope, method, status, seconds)
        telemetry, method = self._telemetry, _method(method)
        route = getattr(scope.get("route"), "path", None) or ""
        labels = {"method": method, "route": route, "status": str(status)}
        telemetry.record(REQUESTS, 1, **labels)
        telemetry.record(REQUEST_SECONDS, seconds, **labels)
        if _CODE in scope:
            telemetry.record(PROBLEMS, code=scope[_CODE])
        model = scope.get("model_name", self._default)
        if ANSWERED in scope and status < 400:
            _count(telemetry, model, scope[ANSWERED])
        self._tell(scope[_SPAN], scope, method, route, status, model)

    def _tell(
        self, span: Span, scope: Scope, method: str, route: str, status: int, model: str
    ) -> None:
        known: dict[str, str | int] = {"http.response.status_code": status}
        if route:
            known["http.route"] = route
        if version := scope.get("model_version"):
            known["customer_clusters.model.name"] = model
            known["customer_clusters.model.version"] = version
        if _CODE in scope:
            known["customer_clusters.problem.code"] = scope[_CODE]
        span.tell(known, f"{method} {route}".strip())
        if status >= 500:
            span.fail(str(scope.get(_CODE, status)))


def observe(
    app: FastAPI, models: LiveModels, settings: Settings, telemetry: Telemetry, *parts: Any
) -> ObservedMiddleware:
    """What every request passes where somebody takes figures or spans.

    Args:
        app: Gets the address at which figures are asked for, where a setting says so.
        models: What is told of.
        settings: Whether the figures are open to all.
        telemetry: Takes figures and spans.
        parts: The arguments of `Middleware`.
    """
    telemetry.watch(lambda: [facts_of(name, models.named(name)) for name in models.names])
    free: frozenset[str] = frozenset()
    if telemetry.exposition is not None and settings.metrics is not None:
        app.router.routes.append(metrics_route(telemetry.exposition))
        free = frozenset({METRICS}) if settings.metrics == "open" else free
    default = models.names[0]
    return ObservedMiddleware(*parts, telemetry=telemetry, default=default, open_to_all=free)


def _count(telemetry: Telemetry, model: str, answered: int | tuple[int, int]) -> None:
    if isinstance(answered, int):
        telemetry.record(LOOKUPS, model=model, cluster=str(answered))
        return
    for outcome, rows in zip(("assigned", "rejected"), answered, strict=True):
        telemetry.record(BATCH_ROWS, rows, model=model, outcome=outcome)


def _method(text: str) -> str:
    """A method that there is: a client may send any word."""
    return text if text in _METHODS else "_OTHER"


def _parent(headers: list[tuple[bytes, bytes]]) -> Mapping[str, str]:
    """What a client says of the trace that its request belongs to."""
    found = {name.decode("latin-1"): value.decode("latin-1") for name, value in headers}
    return {name: found[name] for name in _TRACE if name in found}


def _with_trace(headers: list[tuple[bytes, bytes]], span: Span) -> list[tuple[bytes, bytes]]:
    """The headers with our own span as what the request belongs to, for the log."""
    others = [each for each in headers if each[0] != b"traceparent"]
    return [*others, (b"traceparent", span.traceparent.encode())]
