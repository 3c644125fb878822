"""The addresses of several models: what there is, and each one's own.

`/v1/models/cards/assign` is `/v1/assign` of the model cards: the same routes answer, with the model
that the address names in their scope, and what one of them learns all of them know.
"""

from typing import Any

from fastapi import FastAPI
from pydantic_core import to_json
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from functions.http.lazy_routes import PageRoute
from functions.http.problems import ProblemError
from functions.http.schemas import ModelsAnswer, ModelState
from functions.live_model import LoadedModel
from functions.live_models import LiveModels

ROOT = "/v1/models"
_OWN = {  # below /v1/models/{name} → the address whose routes answer
    "": "/v1/model",
    "/assign": "/v1/assign",
    "/assign/batch": "/v1/assign/batch",
    "/what-if": "/v1/what-if",
    "/clusters": "/v1/clusters",
    "/ready": "/health/ready",
}
_CLUSTER = "/clusters/"
_ADDRESSES = {address: below or "/" for below, address in _OWN.items()} | {
    "/v1/clusters/{cluster_id}": "/clusters/{cluster_id}"
}
"""Path of the API → what it is below the address of one model."""
_DOCUMENT = "/openapi.json"


class ModelRoutes:
    """The routes of models by name, and of the list of them."""

    def __init__(self, app: FastAPI, models: LiveModels) -> None:
        self._app, self._models = app, models
        self._document: tuple[str, dict[str, Any]] = ("", {})
        below = _Below(self)
        self.routes = [
            PageRoute(ROOT, self.list_all, methods=["GET"]),
            PageRoute(f"{ROOT}/{{model}}", below),
            PageRoute(f"{ROOT}/{{model}}/{{rest:path}}", below),
        ]

    async def list_all(self, request: Request) -> Response:
        """Which models there are, and which of them are loaded."""
        answer: ModelsAnswer = {"models": states(self._models)}
        return Response(to_json(answer), media_type="application/json")

    async def answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the routes of the API answer with the model that the address names."""
        parameters = scope["path_params"]
        name, rest = parameters["model"], parameters.get("rest")
        below = "" if rest is None else f"/{rest}"
        address = _OWN.get(below)
        if below.startswith(_CLUSTER):
            address = f"/v1{below}"
        elif below == _DOCUMENT:
            address = _DOCUMENT
        if address is None:
            raise ProblemError(404, "look at /v1/models for the models, and at /docs for addresses")
        loaded = await self.bind(scope, name)
        if address == _DOCUMENT:
            await self._described(scope, name, loaded)(scope, receive, send)
            return
        scope["path"] = scope.get("root_path", "") + address
        scope["path_params"] = {}
        await self._app.router(scope, receive, send)

    async def bind(self, scope: Scope, name: str) -> LoadedModel:
        """Put the model of a name into the scope of a request, loaded.

        Raises:
            NotFound: There is no such model.
            NoLiveModel: It cannot be had, or not in time.
        """
        scope["live_model"] = self._models.named(name)
        scope["model_name"] = name
        loaded = scope["loaded_model"] = await self._models.load(name)
        return loaded

    def _described(self, scope: Scope, name: str, loaded: LoadedModel) -> Response:
        """The OpenAPI document of one model, whose paths hold below its own address."""
        key = f"{name} {loaded.version}"
        if self._document[0] != key:  # the latest is kept, as of the model without a name
            self._document = key, self._app.state.describe(loaded, _ADDRESSES)
        described = self._document[1]
        url = f"{scope.get('root_path', '')}{ROOT}/{name}"
        document = {**described, "servers": [{**described["servers"][0], "url": url}]}
        return Response(to_json(document), media_type="application/json")


class _Below:
    """An ASGI application, so that its route takes every method."""

    def __init__(self, routes: ModelRoutes) -> None:
        self._routes = routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._routes.answer(scope, receive, send)


def states(models: LiveModels) -> list[ModelState]:
    """Each model with whether it is loaded; nothing is loaded for it."""
    return [_state(models, name) for name in models.names]


def _state(models: LiveModels, name: str) -> ModelState:
    live_model = models.named(name)
    loaded = live_model.loaded
    return {
        "name": name,
        "default": live_model is models.default,
        "reference": live_model.reference,
        "state": "loaded" if loaded else "failed" if live_model.failure else "not_loaded",
        "version": loaded.version if loaded else None,
        "title": loaded.model.contract.title if loaded else None,
        "failure": live_model.failure,
    }
