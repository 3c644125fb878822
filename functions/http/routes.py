"""The routes of the JSON API."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

from fastapi import FastAPI, Request
from pydantic_core import to_json
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from functions.http.addresses import server_address
from functions.http.assign import assign_one
from functions.http.batch.answer import batch_json
from functions.http.batch.media import JSON, answer_type, media_type_of
from functions.http.content.bodies import read_json
from functions.http.content.caching import for_seconds, kept
from functions.http.content.fields import ALL, fields_of, only
from functions.http.lazy_routes import PageRoute
from functions.http.middleware import ANONYMOUS, ANSWERED
from functions.http.models import states
from functions.http.presenter import Presenter, model_answer, presenter_of
from functions.http.problems import ProblemError, not_ready
from functions.http.schemas import AssignmentAnswer, WhatIfAnswer
from functions.http.what_if import what_if
from functions.live_model import LiveModel, LoadedModel
from functions.live_models import LiveModels
from functions.settings import Settings
from model_store import CustomerClustersError
from pipeline.errors import shortened
from pipeline.release import RELEASE

if TYPE_CHECKING:
    from functions.http.batch.tables import Tables

Endpoint = Callable[[Request], Awaitable[Response]]
Marked = TypeVar("Marked", AssignmentAnswer, WhatIfAnswer)


class DirectRoute(PageRoute):
    """A route whose endpoint is its handler: from a request to a response, nothing between.

    The contract of the model that answers says what a customer may be, and models change while
    the process runs: FastAPI's fixed parameters could only say it again, and late. What the
    OpenAPI document says of a route is in `functions/http/openapi`, for its first reader.
    """

    def __init__(self, path: str, endpoint: Endpoint, method: str) -> None:
        super().__init__(path, endpoint, methods=[method])

        async def answer(scope: Scope, receive: Receive, send: Send) -> None:
            response = await endpoint(Request(scope, receive, send))
            await response(scope, receive, send)

        self.app = answer


def answers(app: FastAPI, method: str, path: str) -> Callable[[Endpoint], Endpoint]:
    """Decorates what answers an address."""

    def add(endpoint: Endpoint) -> Endpoint:
        app.router.routes.append(DirectRoute(path, endpoint, method))
        return endpoint

    return add


def add_routes(app: FastAPI, models: LiveModels, settings: Settings) -> None:
    """Let an application answer the addresses of the API, and describe them."""
    live_model = models.default
    _add_assignments(app, live_model, settings)
    _add_model(app, live_model, for_seconds(settings.model_ttl_seconds))
    if settings.results and settings.index_key:
        _add_customers(app, settings)
    _add_health(app, models)
    _add_document(app, live_model, settings)


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
    presenter_for = _chooser(live_model, settings)

    @cache
    def tables() -> "Tables":
        from functions.http.batch.tables import Tables  # with the first one: it brings Arrow

        return Tables(settings)

    @answers(app, "POST", "/v1/assign")
    async def assign(request: Request) -> Response:
        """Which cluster one customer belongs to, and why."""
        fields = fields_of(request)
        customer = await read_json(request, *limits)
        answer = _marked(request, assign_one(presenter_for(request, customer), customer))
        request.scope[ANSWERED] = answer["cluster"]["id"]
        return _json(answer if fields is ALL else only(answer, fields))

    @answers(app, "POST", "/v1/what-if")
    async def change(request: Request) -> Response:
        """What would change the cluster of one customer."""
        document = await read_json(request, *limits)
        customer = document.get("customer") if isinstance(document, dict) else None
        return _json(_marked(request, what_if(presenter_for(request, customer), document)))

    @answers(app, "POST", "/v1/assign/batch")
    async def assign_many(request: Request) -> Response:
        """Many customers, as JSON or as a table; wrong ones are rejected one by one."""
        fields = fields_of(request)
        media_type = media_type_of(request.headers.get("content-type", ""))
        if media_type != JSON:
            loaded = model_for(request, live_model)
            return await tables().answer(request, loaded, media_type, fields)
        answer_type(request.headers.get("accept"), media_type)
        document = await read_json(request, *limits)
        presenter = presenter_of(model_for(request, live_model))

        def count(*rows: int) -> None:
            request.scope[ANSWERED] = rows

        content = await batch_json(presenter, document, fields, count)
        return Response(content, media_type="application/json")


def _chooser(live_model: LiveModel, settings: Settings) -> Callable[[Request, object], Presenter]:
    """What gives the presenter that answers a request about a customer."""
    if not settings.challenger_share:
        return lambda request, customer: presenter_of(model_for(request, live_model))
    from functions.http.challenger import choose

    def presenter_for(request: Request, customer: object) -> Presenter:
        loaded = model_for(request, live_model)
        challenger = LiveModels.challenger_of(_named(request, live_model))
        return choose(request, loaded, challenger, customer)

    return presenter_for


def _marked(request: Request, answer: Marked) -> Marked:
    """An answer, which says that it is the challenger's where it is."""
    if request.scope.get("challenger", {}).get("cluster") is not None:
        answer["challenger"] = True
    return answer


def _add_model(app: FastAPI, live_model: LiveModel, control: str) -> None:
    """Addresses of what stays the same until another model answers: clients may keep it."""

    @answers(app, "GET", "/v1/clusters")
    async def clusters(request: Request) -> Response:
        """Every cluster with its size and profile."""
        document = presenter_of(model_for(request, live_model)).clusters()
        return kept(request, to_json(document), control)

    @answers(app, "GET", "/v1/clusters/{cluster_id}")
    async def cluster(request: Request) -> Response:
        """One cluster with its size and profile."""
        loaded, wanted = model_for(request, live_model), request.path_params["cluster_id"]
        by_id = {str(known.id): known for known in loaded.model.clusters}
        if wanted not in by_id:  # it stays text: a number of 5,000 digits is no integer in Python
            ids = ", ".join(by_id)
            detail = f"no cluster {shortened(wanted)}; there are: {ids}"
            raise ProblemError(404, detail, code="unknown_cluster")
        return kept(request, to_json(presenter_of(loaded).cluster(by_id[wanted])), control)

    @answers(app, "GET", "/v1/model")
    async def model(request: Request) -> Response:
        """The model that answers: version, metrics and contract."""
        reference = _named(request, live_model).reference
        document = model_answer(model_for(request, live_model), reference)
        return kept(request, to_json(document), control)


def _add_customers(app: FastAPI, settings: Settings) -> None:
    from functions.http.customers import CustomerLookups
    from pipeline.runs.customers.index import IndexKey

    key = IndexKey(settings.index_key)
    customers = CustomerLookups(settings.results, key, settings.model_ttl_seconds)

    @answers(app, "GET", "/v1/customers/{customer_id:path}")
    async def customer(request: Request) -> Response:
        """Which group one customer was in, in each scored file."""
        return _json(await customers.look_up(request.path_params["customer_id"]))


def _add_health(app: FastAPI, models: LiveModels) -> None:
    live_model = models.default

    @answers(app, "GET", "/health/live")
    async def live(request: Request) -> Response:
        """Whether the process answers at all; open without a key."""
        return _json({"status": "live"})

    @answers(app, "GET", "/health/ready")
    async def ready(request: Request) -> Response:
        """Whether a model is loaded and gives its golden customers their known answers."""
        probed = request.scope.get(ANONYMOUS, False)
        try:
            loaded = model_for(request, live_model)
            loaded.model.self_test()
        except (CustomerClustersError, ValueError) as error:
            if probed:
                raise not_ready() from error
            if isinstance(error, CustomerClustersError):
                raise
            raise ProblemError(503, f"the model fails its self-test: {error}") from error
        if probed:
            return _json({"status": "ready"})
        return _json({
            "status": "ready",
            "release": RELEASE,
            "model_version": loaded.version,
            "loaded_at": loaded.loaded_at.isoformat(),
            "reload_failure": _named(request, live_model).failure,
            "models": states(models),
        })  # fmt: skip


def _add_document(app: FastAPI, live_model: LiveModel, settings: Settings) -> None:
    control = for_seconds(settings.model_ttl_seconds)
    documents: dict[str | None, dict[str, Any]] = {}

    def describe(
        loaded: LoadedModel | None, addresses: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        """The document for a model, of all operations or of some at other addresses."""
        from functions.http.openapi.document import document
        from functions.http.openapi.security import schemes

        return document(app.routes, loaded, app.version, schemes(settings), addresses)

    def describe_live() -> dict[str, Any]:
        loaded = live_model.loaded
        version = loaded.version if loaded else None
        if version not in documents:
            described = describe(loaded)
            documents.clear()
            documents[version] = described
        return documents[version]

    app.state.describe = describe
    app.openapi = describe_live  # type: ignore[method-assign]  # FastAPI's documented way

    @answers(app, "GET", "/openapi.json")
    async def openapi(request: Request) -> Response:
        """The document, with the address under which this request found us."""
        described = await asyncio.to_thread(describe_live)  # the first time takes a quarter second
        servers = [{**described["servers"][0], "url": server_address(request.scope)}]
        return kept(request, to_json({**described, "servers": servers}), control)


def _json(document: object) -> Response:
    return Response(to_json(document), media_type="application/json")
