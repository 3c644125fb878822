"""The page of scored files over time, where the settings name a folder or bucket of results.

Uploads of the page `/files` are never shown: only who knows their address may see them.
"""

import asyncio
from collections.abc import Callable
from functools import cached_property
from typing import TypeVar
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from functions.http.middleware import STYLED_INSIDE
from functions.http.problems import ProblemError
from functions.settings import Settings
from functions.web.rendering import link
from model_store import CustomerClustersError, NotFound
from pipeline.runs import RunStore, open_runs
from pipeline.runs.history.entry import LedgerEntry, entry_name
from pipeline.runs.history.history import History, make_history
from pipeline.runs.history.ledger import Ledger, read_ledger
from pipeline.runs.history.page import render_history
from pipeline.runs.history.points import Point
from pipeline.scoring.period import is_upload

T = TypeVar("T")
MOST_PERIODS = 120
"""The page shows no more: ten years of months, or four months of days."""


class HistoryPages:
    """The page, and the reports that it leads to."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._entries: dict[str, LedgerEntry] = {}
        """What was read before: an entry never changes."""

    @cached_property
    def runs(self) -> RunStore:
        """Asked for in threads only: in S3 it brings boto3."""
        return open_runs(self.settings.results)

    async def history(self, request: Request) -> Response:
        """The page of one series of files."""
        history = await self.of_series(request, request.query_params.get("files"))
        page = link(request, "/history")

        def report(point: Point) -> str | None:
            return f"{page}/{_key(point.entry)}/report" if "report" in point.entry else None

        content = render_history(
            history,
            report,
            others=lambda name: f"{page}?{urlencode({'files': name})}",
            home=link(request, "/"),
        )
        return Response(content, 200, STYLED_INSIDE, "text/html; charset=utf-8")

    async def of_series(
        self, request: Request, series: str | None, last: int = MOST_PERIODS
    ) -> History:
        """The history of one series of files; ProblemError where there is none.

        Args:
            request: What asks for it.
            series: Which files, such as `customers-*.csv`; None for those with most runs.
            last: How many periods, the latest.
        """
        ledger = await self._from_runs(request, self._ledger)
        periods = self.settings.as_of_pattern
        try:
            return make_history(
                ledger, self.settings.results, series=series, periods=periods, last=last
            )
        except NotFound as error:
            raise _nothing() from error

    async def report(self, request: Request) -> Response:
        """The report of one run."""
        key = request.path_params["entry"]
        ledger = await self._from_runs(request, self._ledger)
        report = next((each.get("report") for each in ledger.entries if _key(each) == key), None)
        if report is None:
            raise _nothing()
        content = await self._from_runs(request, lambda: self.runs.read(report))
        return Response(content, 200, STYLED_INSIDE, "text/html; charset=utf-8")

    def _ledger(self) -> Ledger:
        """Without uploads, and without a word on what is damaged: that is for operators."""
        ledger = read_ledger(self.runs.files, self._entries)
        return Ledger([entry for entry in ledger.entries if not is_upload(entry["input"])])

    async def _from_runs(self, request: Request, ask: Callable[[], T]) -> T:
        """What the results answer, asked in a thread; trouble with them stands in the log."""
        try:
            return await asyncio.to_thread(ask)
        except NotFound as error:
            raise _nothing() from error
        except CustomerClustersError as error:
            request.scope["error"] = str(error)
            later = {"Retry-After": "5"}
            raise ProblemError(
                503, str(error), code="storage_unavailable", headers=later
            ) from error


def _key(entry: LedgerEntry) -> str:
    """What an address names an entry by."""
    return entry_name(entry["run"]).rpartition("/")[2].removesuffix(".json")


def _nothing() -> ProblemError:
    return ProblemError(404, "there is no history of such files", code="no_history")
