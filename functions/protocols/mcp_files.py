"""The tools about whole files: what became of one, and what files say over time."""

import json
import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.types import Message

from functions.http.problems import ProblemError
from functions.live_model import LoadedModel
from functions.protocols.mcp_tools import Arguments, Tool

if TYPE_CHECKING:
    from functions.web.history import HistoryPages
    from pipeline.runs.history.points import Point

JOBS = "/v1/jobs/{id}"
"""The route that says how far a job is."""
_JOB_ID = re.compile(r"[A-Za-z0-9_-]{1,200}")
_PERIODS, _MOST_PERIODS = 12, 120
_OF_ROUTE = ("path_params", "route", "endpoint")
"""What a route adds to the scope of a request."""
_OF_PERIOD = (
    "as_of",
    "input",
    "model_version",
    "new_model",
    "rows_in",
    "rows_assigned",
    "rows_rejected",
    "outliers",
    "churned",
    "expected_churners",
    "clusters",
    "changes",
)


def history_tool(pages: "Callable[[], HistoryPages]") -> Tool:
    """The tool over what was scored; `pages` makes what reads it, with the first question."""
    return Tool(
        "history",
        "Files over time",
        "What the scored files of one series say, period by period, the oldest first: customers "
        "in each group, how many left, what changed since the period before. series is such as "
        "customers-*.csv; without it that with most files is shown, and others names the rest.",
        lambda contract: {
            "type": "object",
            "properties": {
                "series": {"type": "string", "description": "Which files"},
                "last": {
                    "type": "integer",
                    "minimum": 1,
                    "maximum": _MOST_PERIODS,
                    "default": _PERIODS,
                    "description": "How many periods, the latest",
                },
            },
            "additionalProperties": False,
        },
        partial(_history, pages),
        scope="customers",
    )


async def _history(
    pages: "Callable[[], HistoryPages]", request: Request, loaded: LoadedModel, asked: Arguments
) -> Mapping[str, Any]:
    series, last = asked.get("series"), asked.get("last", _PERIODS)
    if not isinstance(series, str | None):
        raise ProblemError(422, "series: expected a text")
    if type(last) is not int or not 1 <= last <= _MOST_PERIODS:
        raise ProblemError(422, f"last: expected a whole number from 1 to {_MOST_PERIODS}")
    history = await pages().of_series(request, series, last)
    return {
        "series": history.series,
        "periods": [_period(point) for point in history.points],
        "notes": [note.text for note in history.notes],
        "others": dict(history.others),
        "earlier": history.earlier,
    }


def _period(point: "Point") -> dict[str, Any]:
    document = point.to_dict()
    return {name: document[name] for name in _OF_PERIOD}


def job_tool() -> Tool:
    """The tool that says how far a job is, with what `GET /v1/jobs/{id}` answers."""
    return Tool(
        "job",
        "What became of a file",
        "How far the scoring of a whole file is, by the id that POST /v1/jobs gave: queued, "
        "running, succeeded with counts and links to its results, or failed with the reason.",
        lambda contract: {
            "type": "object",
            "properties": {"id": {"type": "string", "description": "The id of the job"}},
            "required": ["id"],
            "additionalProperties": False,
        },
        _job,
        scope="files",
    )


async def _job(request: Request, loaded: LoadedModel, asked: Arguments) -> Mapping[str, Any]:
    job = asked["id"]
    if not isinstance(job, str) or not _JOB_ID.fullmatch(job):
        raise ProblemError(422, "id: expected the id that POST /v1/jobs gave")
    answer = json.loads(await _get(request, JOBS.replace("{id}", job)))
    assert isinstance(answer, dict)
    return answer


async def _get(request: Request, path: str) -> bytes:
    """What a route of this application answers to GET; whatever it raises is raised."""
    parts: list[bytes] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b""}

    async def send(message: Message) -> None:
        parts.append(message.get("body", b""))

    scope = {name: value for name, value in request.scope.items() if name not in _OF_ROUTE}
    scope["headers"] = [field for field in request.headers.raw if field[0] == b"host"]
    scope |= {"method": "GET", "path": scope.get("root_path", "") + path, "query_string": b""}
    await request.app.router(scope, receive, send)
    return b"".join(parts)
