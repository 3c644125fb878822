"""The addresses of several models: what there is, and each one's own.

`/v1/models/cards/assign` is `/v1/assign` of the model cards, and `/models/cards/about` the page
`/about`: the same routes answer, with the model that the address names in their scope.
"""

from collections.abc import Collection, Mapping
from typing import Any

from fastapi import FastAPI
from pydantic_core import to_json
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from functions.http.addresses import server_address
from functions.http.content.caching import kept
from functions.http.lazy_routes import PageRoute
from functions.http.problems import ProblemError
from functions.http.schemas import ChallengerState, ModelsAnswer, ModelState
from functions.live_challenger import LiveChallenger
from functions.live_model import LoadedModel
from functions.live_models import LiveModels
from model_store import NotFound

ROOT = "/v1/models"
_OWN = {  # below /v1/models/{name} → the address whose routes answer
    "": "/v1/model",
    "/assign": "/v1/assign",
    "/assign/batch": "/v1/assign/batch",
    "/what-if": "/v1/what-if",
    "/clusters": "/v1/clusters",
    "/jobs": "/v1/jobs",
    "/ready": "/health/ready",
}
_CLUSTER = "/clusters/"
_ADDRESSES = {address: below or "/" for below, address in _OWN.items()} | {
    "/v1/clusters/{cluster_id}": "/clusters/{cluster_id}"
}
"""Path of the API → what it is below the address of one model."""
_DOCUMENT = "/openapi.json"
_PAGES = "/models"
_API = "/v1"


class ModelRoutes:
    """The routes of models by name, and of the list of them."""

    def __init__(self, app: FastAPI, models: LiveModels, pages: Collection[str] = ()) -> None:
        """Routes for an application.

        Args:
            app: Whose routes answer with each of the models.
            models: The models.
            pages: What the paths of pages about one model begin with, such as about; "" is the
                first page.
        """
        self._app, self._models, self._pages = app, models, pages
        self._document: tuple[object, dict[str, Any]] = (None, {})
        api, page = _Endpoint(self.answer), _Endpoint(self.answer_page)
        self.routes = [
            PageRoute(ROOT, self.list_all, methods=["GET"]),
            PageRoute(f"{ROOT}/{{model}}", api),
            PageRoute(f"{ROOT}/{{model}}/{{rest:path}}", api),
            PageRoute(f"{_PAGES}/{{model}}", page),
            PageRoute(f"{_PAGES}/{{model}}/{{rest:path}}", page),
        ]

    async def list_all(self, request: Request) -> Response:
        """Which models there are, and which of them are loaded."""
        answer: ModelsAnswer = {"models": states(self._models)}
        return Response(to_json(answer), media_type="application/json")

    async def answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the routes of the API answer with the model that the address names."""
        name, below = _parts(scope)
        if below == _DOCUMENT:
            loaded = await bind(self._models, scope, name)
            await self._described(scope, name, loaded)(scope, receive, send)
            return
        address = f"{_API}{below}" if below.startswith(_CLUSTER) else _OWN.get(below)
        if address is None:
            raise _no_address()
        await bind(self._models, scope, name)
        scope["path"] = scope.get("root_path", "") + address
        await self._app.router(scope, receive, send)

    async def answer_page(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the pages answer with the model that the address names, and link to each other.

        What the page /docs shows of the API holds below the address of the page, too.
        """
        name, below = _parts(scope)
        api = below in _OWN.values() or below.startswith(f"{_API}{_CLUSTER}")
        if not (api or below == _DOCUMENT or below[1:].partition("/")[0] in self._pages):
            raise _no_address()
        loaded = await bind(self._models, scope, name)
        if below == _DOCUMENT:
            await self._described(scope, name, loaded)(scope, receive, send)
            return
        scope["openapi"] = lambda: self._document_of(name, loaded)
        scope["site_root"] = scope.get("root_path", "")
        scope["root_path"] = f"{scope['site_root']}{_PAGES}/{name}"
        scope["path"] = scope["root_path"] + (below or "/")
        await self._app.router(scope, receive, send)

    def _described(self, scope: Scope, name: str, loaded: LoadedModel) -> Response:
        """The OpenAPI document of one model, whose paths hold below its own address.

        Raises:
            ProblemError: It is not asked for, but something else is wanted of it.
        """
        if scope["method"] != "GET":
            detail = "this method is not taken here; see the Allow header"
            raise ProblemError(405, detail, headers={"Allow": "GET, HEAD"})
        described = self._document_of(name, loaded, _ADDRESSES)
        url = server_address(scope, f"{ROOT}/{name}")
        document = {**described, "servers": [{**described["servers"][0], "url": url}]}
        return kept(Request(scope), to_json(document), "private, no-cache")

    def _document_of(
        self, name: str, loaded: LoadedModel, addresses: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        """The OpenAPI document with the customers of one model; the latest is kept."""
        key = name, loaded.version, addresses is None
        if self._document[0] != key:
            self._document = key, self._app.state.describe(loaded, addresses)
        return self._document[1]


async def bind(models: LiveModels, scope: Scope, name: str) -> LoadedModel:
    """Put the model of a name into the scope of a request, loaded.

    The log names it from then on, and never what a client calls a model that is none of ours.

    Raises:
        ProblemError: There is no such model.
        NoLiveModel: It cannot be had, or not in time.
    """
    try:
        scope["live_model"] = models.named(name)
    except NotFound as error:
        raise ProblemError(404, str(error), code="unknown_model") from error
    scope["model_name"] = name
    loaded = scope["loaded_model"] = await models.load(name)
    return loaded


class _Endpoint:
    """An ASGI application, so that its route takes every method."""

    def __init__(self, answer: ASGIApp) -> None:
        self._answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._answer(scope, receive, send)


def _parts(scope: Scope) -> tuple[str, str]:
    """The name of the model in an address, and what is below it, which begins with a slash."""
    parameters = scope["path_params"]
    scope["path_params"] = {}
    return parameters["model"], f"/{parameters['rest']}" if "rest" in parameters else ""


def _no_address() -> ProblemError:
    return ProblemError(404, "look at /v1/models for the models, and at /docs for addresses")


def states(models: LiveModels) -> list[ModelState]:
    """Each model with whether it is loaded; nothing is loaded for it."""
    return [_state(models, name) for name in models.names]


def _state(models: LiveModels, name: str) -> ModelState:
    live_model = models.named(name)
    loaded, challenger = live_model.loaded, models.challenger_of(live_model)
    return {
        "name": name,
        "default": live_model is models.default,
        "reference": live_model.reference,
        "state": "loaded" if loaded else "failed" if live_model.failure else "not_loaded",
        "version": loaded.version if loaded else None,
        "title": loaded.model.contract.title if loaded else None,
        "failure": live_model.failure,
        "challenger": _challenger(challenger),
    }


def _challenger(challenger: LiveChallenger | None) -> ChallengerState | None:
    counted = challenger.counted() if challenger else None
    if challenger is None or counted is None:
        return None
    return {
        "version": counted.version,
        "share": challenger.share,
        "customers": counted.customers,
        "unassigned": counted.unassigned,
        "differ": counted.differ,
    }
