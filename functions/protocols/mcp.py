"""The Model Context Protocol at `/mcp`: one JSON-RPC message a request, one JSON answer.

There are no sessions: nothing is kept between requests, so that any process answers any of them,
on Lambda too.
"""

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from pydantic_core import to_json
from starlette.requests import Request
from starlette.responses import Response

from functions.http.access.scopes import may
from functions.http.content.bodies import read_json
from functions.http.content.media_types import preferred
from functions.http.middleware import LISTED
from functions.http.problems import ProblemError, title_of, to_problem
from functions.live_model import LoadedModel
from functions.live_models import LiveModels
from functions.protocols.mcp_files import JOBS, history_tool, job_tool
from functions.protocols.mcp_messages import (
    INVALID_PARAMS,
    METHOD_NOT_FOUND,
    PARSE_ERROR,
    STATELESS,
    WITH_HANDSHAKE,
    Message,
    RpcError,
    check_stateless,
    is_stateless,
)
from functions.protocols.mcp_tools import TOOLS, Tool
from functions.protocols.models import model_named
from functions.settings import Settings
from model_store import CustomerClustersError
from pipeline.errors import shortened
from pipeline.release import RELEASE

if TYPE_CHECKING:
    from functions.web.history import HistoryPages

_SERVER_INFO = "io.modelcontextprotocol/serverInfo"
_INSTRUCTIONS = (
    "Groups of customers that training found, and which group a customer belongs to. A churn rate "
    "is the historical rate of a group, never the probability of one person. Values are given in "
    "the units that the input schema names; none is guessed."
)


class McpPages:
    """What answers `/mcp`."""

    def __init__(self, live_models: LiveModels, settings: Settings) -> None:
        self.live_models, self.settings = live_models, settings

    @cached_property
    def _history(self) -> "HistoryPages":
        from functions.web.history import HistoryPages  # with the first question: brings jinja2

        return HistoryPages(self.settings)

    def _tools(self, request: Request) -> list[Tool]:
        """What whoever asks may call, as far as the settings let it be answered."""
        tools = [*TOOLS]
        if any(getattr(route, "path", None) == JOBS for route in request.app.routes):
            tools.append(job_tool())
        if self.settings.results:
            tools.append(history_tool(lambda: self._history))
        return [tool for tool in tools if may(request.scope, tool.scope)]

    async def message(self, request: Request) -> Response:
        """Answer one request, or take a notification."""
        _check_origin(request)
        _check_accept(request)
        limits = self.settings.max_body_bytes, self.settings.request_seconds
        request_id, stateless = None, False
        try:
            message = Message.of(await _document(request, *limits))
            request_id, stateless = message.request_id, is_stateless(request, message)
            if request_id is None:
                return Response(status_code=202)
            if stateless:
                check_stateless(request, message)
            result = await self._result(request, message, stateless=stateless)
        except RpcError as error:
            return _json(error.document(request_id), error.status(stateless=stateless))
        return _json({"jsonrpc": "2.0", "id": request_id, "result": result})

    async def _result(
        self, request: Request, message: Message, *, stateless: bool
    ) -> dict[str, Any]:
        """What a request is answered with; RpcError where there is no such method."""
        method = message.method
        if method == "tools/call":
            return _complete(await self._call(request, message), stateless=stateless)
        if method == "tools/list":
            if message.params.get("cursor") is not None:
                raise RpcError(INVALID_PARAMS, "the list of tools has one page: expected no cursor")
            contract = (await self._model(request)).model.contract
            listed = {"tools": [tool.document(contract) for tool in self._tools(request)]}
            return _complete(listed, stateless=stateless, seconds=self.settings.model_ttl_seconds)
        if method == "server/discover" and stateless:
            about = {**_about(), "supportedVersions": [*STATELESS, *WITH_HANDSHAKE]}
            return _complete(about, stateless=True, seconds=self.settings.model_ttl_seconds)
        if method == "initialize" and not stateless:
            asked = message.params.get("protocolVersion")
            version = asked if asked in WITH_HANDSHAKE else WITH_HANDSHAKE[0]
            return {**_about(), "protocolVersion": version, "serverInfo": _server()}
        if method == "ping" and not stateless:
            return {}
        raise RpcError(METHOD_NOT_FOUND, f"Method not found: {shortened(method)}")

    async def _model(self, request: Request) -> LoadedModel:
        """The model that `?model=` names, else the default one."""
        return await model_named(request, self.live_models, request.query_params.get("model"))

    async def _call(self, request: Request, message: Message) -> dict[str, Any]:
        """What a tool answers; what it cannot do is an answer too, so that a model can mend it."""
        name, arguments = message.params.get("name"), message.params.get("arguments") or {}
        tool = next((each for each in self._tools(request) if each.name == name), None)
        if tool is None:
            raise RpcError(INVALID_PARAMS, f"Unknown tool: {shortened(name)}")
        if not isinstance(arguments, dict):
            raise RpcError(INVALID_PARAMS, "expected arguments to be an object")
        loaded = await self._model(request)
        tool.check(arguments, loaded.model.contract)
        try:
            answer = await tool.answer(request, loaded, arguments)
        except (CustomerClustersError, ProblemError) as error:
            return _failed(to_problem(error))
        text = to_json(answer).decode()
        return {"content": [_text(text)], "structuredContent": answer, "isError": False}


def _failed(problem: ProblemError) -> dict[str, Any]:
    return {"content": [_text(f"{title_of(problem)}: {problem.detail}")], "isError": True}


def _text(text: str) -> dict[str, str]:
    return {"type": "text", "text": text}


def _server() -> dict[str, str]:
    return {"name": "customer-clusters", "title": "Customer clusters", "version": RELEASE}


def _about() -> dict[str, Any]:
    return {"capabilities": {"tools": {}}, "instructions": _INSTRUCTIONS}


def _complete(
    result: dict[str, Any], *, stateless: bool, seconds: float | None = None
) -> dict[str, Any]:
    """A result with what revision 2026-07-28 adds: that it is one, of whom, and how long it holds.

    A list may differ by key, so that no cache may give it to somebody else.
    """
    if not stateless:
        return result
    holds = {} if seconds is None else {"ttlMs": int(seconds * 1000), "cacheScope": "private"}
    return {**result, **holds, "resultType": "complete", "_meta": {_SERVER_INFO: _server()}}


async def _document(request: Request, limit: int, seconds: float) -> Any:
    """The body; RpcError where it is no JSON."""
    try:
        return await read_json(request, limit, seconds)
    except ProblemError as error:
        if error.code != "invalid_json":
            raise
        raise RpcError(PARSE_ERROR, f"Parse error: {error.detail}") from None


def _check_origin(request: Request) -> None:
    """Refuse what a page in a browser sends: a host name that it controls may lead to this server.

    Our own pages ask nothing here; those of the list of origins may.
    """
    if "origin" in request.headers and LISTED not in request.scope:
        raise ProblemError(403, "pages in a browser may not ask here; leave out the header Origin")


def _check_accept(request: Request) -> None:
    accept = request.headers.get("accept")
    if preferred(accept, ["application/json"]) is None:
        raise ProblemError(406, f"Accept: expected application/json, found {accept!r:.100}")


def _json(document: Mapping[str, Any], status: int = 200) -> Response:
    return Response(to_json(document), status, media_type="application/json")
