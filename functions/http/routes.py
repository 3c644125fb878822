"""The routes of the JSON API."""

from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import FastAPI, Request
from fastapi.routing import APIRoute
from pydantic_core import to_json
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from functions.http import openapi
from functions.http.assign import assign_batch, assign_one
from functions.http.bodies import read_json
from functions.http.models import states
from functions.http.presenter import model_answer, presenter_of
from functions.http.problems import ProblemError
from functions.http.schemas import (
    AssignmentAnswer,
    BatchAnswer,
    ClusterAnswer,
    ClustersAnswer,
    CustomerAnswer,
    LiveAnswer,
    ModelAnswer,
    ReadyAnswer,
    WhatIfAnswer,
)
from functions.http.what_if import what_if
from functions.live_model import LiveModel, LoadedModel
from functions.live_models import LiveModels
from functions.settings import Settings
from pipeline.errors import shortened


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


def add_routes(app: FastAPI, models: LiveModels, settings: Settings) -> None:
    """Let an application answer the addresses of the API, and describe them."""
    app.router.route_class = DirectRoute
    live_model = models.default
    _add_assignments(app, live_model, settings)
    _add_model(app, live_model)
    if settings.results and settings.index_key:
        _add_customers(app, settings)
    _add_health(app, models)
    _add_document(app, live_model)


def model_for(request: Request, live_model: LiveModel) -> LoadedModel:
    """The model that answers a request, which the line in the log names.

    Args:
        request: A request; where its address names a model, that one is loaded and in its scope.
        live_model: The model that answers where none is named.
    """
    loaded: LoadedModel = request.scope.get("loaded_model") or live_model.current()
    request.scope["model_version"] = loaded.version
    return loaded


def _named(request: Request, live_model: LiveModel) -> LiveModel:
    named: LiveModel = request.scope.get("live_model", live_model)
    return named


def _add_assignments(app: FastAPI, live_model: LiveModel, settings: Settings) -> None:
    limits = settings.max_body_bytes, settings.request_seconds

    @app.post("/v1/assign", **openapi.takes("Customer", AssignmentAnswer))
    async def assign(request: Request) -> Response:
        """Which cluster one customer belongs to, and why."""
        customer = await read_json(request, *limits)
        return _json(assign_one(presenter_of(model_for(request, live_model)), customer))

    @app.post("/v1/what-if", **openapi.takes("WhatIf", WhatIfAnswer))
    async def change(request: Request) -> Response:
        """What would change the cluster of one customer."""
        document = await read_json(request, *limits)
        return _json(what_if(presenter_of(model_for(request, live_model)), document))

    @app.post("/v1/assign/batch", **openapi.takes("Batch", BatchAnswer))
    async def assign_many(request: Request) -> Response:
        """Up to 1,000 customers; wrong ones are rejected one by one, the others assigned."""
        document = await read_json(request, *limits)
        presenter = presenter_of(model_for(request, live_model))
        return _json(await assign_batch(presenter, document))


def _add_model(app: FastAPI, live_model: LiveModel) -> None:
    @app.get("/v1/clusters", **openapi.gives(ClustersAnswer, 401, 503))
    async def clusters(request: Request) -> Response:
        """Every cluster with its size and profile."""
        return _json(presenter_of(model_for(request, live_model)).clusters())

    @app.get(
        "/v1/clusters/{cluster_id}",
        **openapi.gives(ClusterAnswer, 401, 404, 503, parameter="cluster_id"),
    )
    async def cluster(request: Request) -> Response:
        """One cluster with its size and profile."""
        loaded, wanted = model_for(request, live_model), request.path_params["cluster_id"]
        by_id = {str(known.id): known for known in loaded.model.clusters}
        if wanted not in by_id:  # it stays text: a number of 5,000 digits is no integer in Python
            ids = ", ".join(by_id)
            raise ProblemError(404, f"no cluster {shortened(wanted)}; there are: {ids}")
        return _json(presenter_of(loaded).cluster(by_id[wanted]))

    @app.get("/v1/model", **openapi.gives(ModelAnswer, 401, 503))
    async def model(request: Request) -> Response:
        """The model that answers: version, metrics and contract."""
        return _json(
            model_answer(model_for(request, live_model), _named(request, live_model).reference)
        )


def _add_customers(app: FastAPI, settings: Settings) -> None:
    from functions.http.customers import CustomerLookups
    from pipeline.runs.customers.index import IndexKey

    key = IndexKey(settings.index_key)
    customers = CustomerLookups(settings.results, key, settings.model_ttl_seconds)

    @app.get(
        "/v1/customers/{customer_id:path}",
        **openapi.gives(CustomerAnswer, 401, 404, 503, parameter="customer_id", kind=openapi.TEXT),
    )
    async def customer(request: Request) -> Response:
        """Which group one customer was in, in each scored file."""
        return _json(await customers.look_up(request.path_params["customer_id"]))


def _add_health(app: FastAPI, models: LiveModels) -> None:
    live_model = models.default

    @app.get("/health/live", **openapi.gives(LiveAnswer))
    async def live(request: Request) -> Response:
        """Whether the process answers at all; open without a key."""
        return _json({"status": "live"})

    @app.get("/health/ready", **openapi.gives(ReadyAnswer, 401, 503))
    async def ready(request: Request) -> Response:
        """Whether a model is loaded and gives its golden customers their known answers."""
        loaded = model_for(request, live_model)
        try:
            loaded.model.self_test()
        except ValueError as error:
            raise ProblemError(503, f"the model fails its self-test: {error}") from error
        return _json({
            "status": "ready",
            "model_version": loaded.version,
            "loaded_at": loaded.loaded_at.isoformat(),
            "reload_failure": _named(request, live_model).failure,
            "models": states(models),
        })  # fmt: skip


def _add_document(app: FastAPI, live_model: LiveModel) -> None:
    documents: dict[str | None, dict[str, Any]] = {}

    def describe() -> dict[str, Any]:
        loaded = live_model.loaded
        version = loaded.version if loaded else None
        if version not in documents:
            documents.clear()
            documents[version] = openapi.document(app, loaded)
        return documents[version]

    app.openapi = describe  # type: ignore[method-assign]  # FastAPI's documented way


def _json(document: object) -> Response:
    return Response(to_json(document), media_type="application/json")
