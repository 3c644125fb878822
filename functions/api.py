"""The HTTP application, for a server with a port and, through Mangum, for AWS Lambda.

`app` and `handler` are made when they are first asked for: importing this module reads no
environment and loads no model.
"""

import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from importlib import metadata
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI, Request
from fastapi.routing import APIRoute
from pydantic_core import to_json
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from functions import logs
from functions.http import openapi
from functions.http.assign import assign_batch, assign_one
from functions.http.bodies import read_json
from functions.http.middleware import Middleware
from functions.http.problems import ProblemError, refusal, response
from functions.http.schemas import (
    AssignmentAnswer,
    BatchAnswer,
    ClusterAnswer,
    ClustersAnswer,
    LiveAnswer,
    ModelAnswer,
    ReadyAnswer,
)
from functions.live_model import LiveModel, LoadedModel
from functions.logs import Log
from functions.settings import Settings
from functions.uploads.bucket_pages import BucketPages
from functions.uploads.pages import FilePages
from functions.web.routes import pages, problem_page
from model_store import CustomerClustersError, open_store
from pipeline.errors import shortened

if TYPE_CHECKING:
    from functions.http.lambda_adapter import LambdaHandler

    app: FastAPI
    handler: LambdaHandler


class DirectRoute(APIRoute):
    """A route whose endpoint is its handler: from a request to a response, nothing between.

    The contract of the model that answers says what a customer may be, and models change while
    the process runs: FastAPI's fixed parameters could only say it again, and late.
    """

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        endpoint: Callable[[Request], Awaitable[Response]] = self.endpoint

        async def answer(scope: Scope, receive: Receive, send: Send) -> None:
            response = await endpoint(Request(scope, receive, send))
            await response(scope, receive, send)

        self.app = answer


def create_app(live_model: LiveModel, settings: Settings, log: Log = logs.write) -> FastAPI:
    """The application over a model and its settings; nothing is read from elsewhere."""
    buckets = settings.buckets
    files = BucketPages(live_model, buckets) if buckets else FilePages(live_model, settings)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        live_model.stop()
        files.stop()

    app = FastAPI(
        title="Customer clusters",
        version=metadata.version("customer-clusters"),
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,  # it would believe the Host header; the gate takes slashes off
        lifespan=lifespan,
        telemetry={"tracing": False, "metrics": False, "logs": False},  # would log customers
    )
    app.root_path = settings.root_path  # as a parameter it would warn
    app.router.route_class = DirectRoute
    _assignments(app, live_model, settings)
    _model(app, live_model)
    _health(app, live_model)
    app.router.routes += [*pages(live_model, settings), *files.routes]
    _document(app, live_model)
    for kind in (HTTPException, ProblemError, CustomerClustersError):
        app.add_exception_handler(kind, _problem)
    app.add_middleware(Middleware, api_keys=settings.api_keys, log=log)
    return app


def _assignments(app: FastAPI, live_model: LiveModel, settings: Settings) -> None:
    limits = settings.max_body_bytes, settings.request_seconds

    @app.post("/v1/assign", **openapi.takes("Customer", AssignmentAnswer))
    async def assign(request: Request) -> Response:
        """Which cluster one customer belongs to, why, and how often that cluster leaves."""
        customer = await read_json(request, *limits)
        return _json(assign_one(_use(live_model, request), customer))

    @app.post("/v1/assign/batch", **openapi.takes("Batch", BatchAnswer))
    async def assign_many(request: Request) -> Response:
        """Up to 1,000 customers; wrong ones are rejected one by one, the others assigned."""
        document = await read_json(request, *limits)
        return _json(await assign_batch(_use(live_model, request), document))


def _model(app: FastAPI, live_model: LiveModel) -> None:
    @app.get("/v1/clusters", **openapi.gives(ClustersAnswer, 401, 503))
    async def clusters(request: Request) -> Response:
        """Every cluster with its size, churn rate and profile."""
        return _json(_use(live_model, request).answers.clusters())

    @app.get(
        "/v1/clusters/{cluster_id}",
        **openapi.gives(ClusterAnswer, 401, 404, 503, parameter="cluster_id"),
    )
    async def cluster(request: Request) -> Response:
        """One cluster with its size, churn rate and profile."""
        loaded, wanted = _use(live_model, request), request.path_params["cluster_id"]
        by_id = {str(known.id): known for known in loaded.model.clusters}
        if wanted not in by_id:  # it stays text: a number of 5,000 digits is no integer in Python
            ids = ", ".join(by_id)
            raise ProblemError(404, f"no cluster {shortened(wanted)}; there are: {ids}")
        return _json(loaded.answers.cluster(by_id[wanted]))

    @app.get("/v1/model", **openapi.gives(ModelAnswer, 401, 503))
    async def model(request: Request) -> Response:
        """The model that answers: version, metrics and contract."""
        return _json(_use(live_model, request).document(live_model.reference))


def _health(app: FastAPI, live_model: LiveModel) -> None:
    @app.get("/health/live", **openapi.gives(LiveAnswer))
    async def live(request: Request) -> Response:
        """Whether the process answers at all; open without a key."""
        return _json({"status": "live"})

    @app.get("/health/ready", **openapi.gives(ReadyAnswer, 401, 503))
    async def ready(request: Request) -> Response:
        """Whether a model is loaded and gives its golden customers their known answers."""
        loaded = _use(live_model, request)
        try:
            loaded.model.self_test()
        except ValueError as error:
            raise ProblemError(503, f"the model fails its self-test: {error}") from error
        return _json({
            "status": "ready",
            "model_version": loaded.version,
            "loaded_at": loaded.loaded_at.isoformat(),
            "reload_failure": live_model.failure,
        })  # fmt: skip


def _document(app: FastAPI, live_model: LiveModel) -> None:
    made: dict[str | None, dict[str, Any]] = {}

    def describe() -> dict[str, Any]:
        loaded = live_model.loaded
        version = loaded.version if loaded else None
        if version not in made:
            made.clear()
            made[version] = openapi.document(app, loaded)
        return made[version]

    app.openapi = describe  # type: ignore[method-assign]  # FastAPI's documented way


async def _problem(request: Request, error: Exception) -> Response:
    if isinstance(error, HTTPException):
        error = ProblemError(error.status_code, _no_such(request, error), headers=error.headers)
    refused = refusal(error)
    return problem_page(request, refused) or response(refused, request.scope["request_id"])


def _no_such(request: Request, error: HTTPException) -> str:
    if error.status_code == 405:
        return f"{request.method} is not taken here; see the Allow header"
    return "look at /docs for the addresses there are"


def _use(live_model: LiveModel, request: Request) -> LoadedModel:
    loaded = live_model.current()
    request.scope["model_version"] = loaded.version  # for the line in the log
    return loaded


def _json(document: object) -> Response:
    return Response(to_json(document), media_type="application/json")


def _from_environment() -> tuple[LiveModel, Settings]:
    settings = Settings.from_environment(os.environ)
    live_model = LiveModel(open_store(settings.store, settings.trusted_keys), settings.model)
    live_model.refresh()
    return live_model, settings


def __getattr__(name: str) -> Any:
    if name == "app":
        live_model, settings = _from_environment()
        live_model.follow(settings.model_ttl_seconds)
        globals()["app"] = made = create_app(live_model, settings)
        return made
    if name == "handler":
        from functions.http.lambda_adapter import handler_for

        live_model, settings = _from_environment()
        look = partial(live_model.look, settings.model_ttl_seconds)
        globals()["handler"] = answers = handler_for(create_app(live_model, settings), look)
        return answers
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
