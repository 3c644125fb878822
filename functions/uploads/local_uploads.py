"""Whole files that are scored here: a form takes one, and its results have an address for a while.

For servers with a disk. A file is scored in a process of its own, started with the first one:
none can end the server or hold it up.
"""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from functions.http.content.bodies import read_form
from functions.http.problems import ProblemError, to_problem
from functions.http.routes import model_for
from functions.live_model import LiveModel, LoadedModel
from functions.live_models import LiveModels
from functions.settings import Settings
from functions.telemetry import SILENT, Telemetry
from functions.uploads.disk import most_bytes
from functions.uploads.matching import (
    FORM_BYTES,
    MatchedHeaders,
    ToMatch,
    WaitingFile,
    find,
    gone,
    offered,
    still_unclear,
)
from functions.uploads.multipart import save_upload
from functions.uploads.results import RUN_BYTES, Results
from functions.uploads.slots import Slots
from functions.uploads.upload import Upload
from functions.web.files import FIELDS, FORMATS, LABELS, files_view, sentence
from functions.web.matching import matching_view
from functions.web.rendering import link, render
from functions.web.routes import by_person
from model_store import CustomerClustersError
from pipeline.errors import UnchosenSheet, UnmatchedColumns

if TYPE_CHECKING:
    from functions.uploads.kept_pages import KeptPages
    from functions.uploads.moves import MovesPages

RECEIVE_SECONDS = 60.0
"""How long a file may take to arrive."""
SCORE_SECONDS = 20.0
"""How long it may take to be scored; some hosts give up at 30."""
RECEIVED_AT_ONCE, SCORED_AT_ONCE = 16, 1
"""In one process. A file that arrives takes its size on disk; scoring takes up to 350 MB at the
usual limit, and small hosts have 512."""
_LEAST_AT_ONCE = 2
"""Of those that arrive, where the disk is memory and there is little."""


class LocalUploads:
    """The page with the form; `kept` has those of the results."""

    def __init__(
        self,
        live_model: LiveModel,
        settings: Settings,
        models: LiveModels | None = None,
        telemetry: Telemetry = SILENT,
    ) -> None:
        self.telemetry = telemetry
        self.live_model, self.settings = live_model, settings
        self._models = models or LiveModels.of(live_model)
        largest = max(1, settings.max_upload_bytes)
        arriving = max(_LEAST_AT_ONCE, most_bytes(RECEIVED_AT_ONCE * largest) // largest)
        self.receiving, self.scoring = Slots(arriving), Slots(SCORED_AT_ONCE)
        self.results = Results(seconds=60.0 * settings.keep_minutes)
        self.matched = MatchedHeaders()

    def stop(self) -> None:
        """Remove the results that this process has kept."""
        self.results.stop()

    async def files(self, request: Request) -> Response:
        """The form; with a file, the way to its results. What is wrong stands above the form."""
        if request.method == "GET":
            return self._form(request, model_for(request, self.live_model))
        choices: dict[str, str] = {}
        try:
            return await self._scored(request, choices)
        except (ProblemError, CustomerClustersError) as error:
            problem = to_problem(error)
            loaded = self.live_model.loaded
            if loaded is None or not by_person(request):
                raise problem from error
            if isinstance(error, ToMatch):
                return self._match_form(request, loaded, error.waiting)
            return self._form(request, loaded, problem, choices)

    async def match(self, request: Request) -> Response:
        """The results of a file that waited, once its form says which columns are meant."""
        loaded, name = model_for(request, self.live_model), request.path_params["id"]
        form = await read_form(request, FORM_BYTES, self.settings.request_seconds)
        waiting = await asyncio.to_thread(find, self.results, name)
        if waiting is None:
            raise gone()
        upload = waiting.told(form)
        try:
            with self.results.aside() as folder:
                waiting.take_into(folder)
                answer = await self._answered(request, folder, upload, loaded)
        except (UnmatchedColumns, UnchosenSheet) as error:
            again = waiting.unclear_again(upload, error)
            return self._match_form(request, loaded, again, still_unclear(error, form))
        except (ProblemError, CustomerClustersError) as error:
            return self._match_form(request, loaded, waiting, to_problem(error))
        self.matched.remember(loaded.model.contract.name, waiting, form)
        await asyncio.to_thread(self.results.remove, name)
        return answer

    @cached_property
    def kept(self) -> "KeptPages":
        """The pages of results; with them comes what scores, and no form waits for it."""
        from functions.uploads.kept_pages import KeptPages

        return KeptPages(self.results, self._model_of, self.settings)

    def _model_of(self, name: str) -> LiveModel:
        return self._models.named(name) if name else self.live_model

    @cached_property
    def moves(self) -> "MovesPages":
        """What compares a kept run with an earlier file."""
        from functions.uploads.moves import MovesPages

        return MovesPages(self, self.kept)

    @asynccontextmanager
    async def received(
        self, request: Request, choices: dict[str, str]
    ) -> AsyncIterator[tuple[Path, Upload]]:
        """The folder with the file of a form, gone at the end, and what the form says besides.

        Args:
            request: It brings the form.
            choices: Gets what the form says besides the file, for a new form.

        Raises:
            ProblemError: No files are taken, or not now, or not this one.
        """
        async with self.room(after=self.scoring) as folder:
            limit = self.settings.max_upload_bytes
            upload = await save_upload(request, folder / "input", limit, RECEIVE_SECONDS)
            choices |= upload.choices
            yield folder, upload

    @asynccontextmanager
    async def room(self, after: Slots | None = None) -> AsyncIterator[Path]:
        """A folder for a file that arrives, gone at the end.

        Args:
            after: What the file needs a slot of next.

        Raises:
            ProblemError: No files are taken, or not now.
        """
        if not self.settings.max_upload_bytes:
            raise ProblemError(403, "no files are taken here")
        await asyncio.to_thread(self.results.sweep)
        if after is not None:
            after.refuse_if_full()  # rather than have it sent for nothing
        with self.receiving.taken(), self.results.aside() as folder:
            yield folder

    async def scored(
        self, request: Request, folder: Path, upload: Upload, loaded: LoadedModel
    ) -> Path:
        """The run of the file in a folder; the client is to wait for it.

        Raises:
            ProblemError: Others are being scored, or the client went away.
            WrongFile: The file is refused.
        """
        async with self.scoring.taken_soon(), _disconnected(request) as gone:
            return await asyncio.to_thread(self._score, folder, upload, loaded, gone)

    async def keep(self, folder: Path) -> str:
        """Keep a folder made in one that was received; the id under which it is found."""
        kept = await asyncio.to_thread(self.results.keep, folder)
        asyncio.get_running_loop().call_later(self.results.seconds + 1, self._sweep_in_thread)
        return kept

    async def _scored(self, request: Request, choices: dict[str, str]) -> Response:
        """To the results; `choices` as in `received`."""
        loaded = model_for(request, self.live_model)
        async with self.received(request, choices) as (folder, upload):
            with offered(request, self.results, folder, upload):
                return await self._answered(request, folder, upload, loaded)

    async def _answered(
        self, request: Request, folder: Path, upload: Upload, loaded: LoadedModel
    ) -> Response:
        """To the results of the file in a folder."""
        run = await self.keep(await self.scored(request, folder, upload, loaded))
        return RedirectResponse(link(request, f"/files/{run}"), 303)

    def _score(
        self, folder: Path, upload: Upload, loaded: LoadedModel, gone: Callable[[], bool]
    ) -> Path:
        """The folder of the run."""
        from functions.uploads.scoring import Bounds, score_upload  # no form waits for it
        from pipeline.scoring.process.isolated import isolated

        run = folder / "run"
        run.mkdir(mode=0o700)
        bounds = Bounds(SCORE_SECONDS, RUN_BYTES, gone)
        score_upload(folder / "input", upload, run, loaded, isolated(), bounds, self.telemetry)
        return run

    def _sweep_in_thread(self) -> None:
        asyncio.get_running_loop().run_in_executor(None, self.results.sweep)

    def _form(
        self,
        request: Request,
        loaded: LoadedModel,
        problem: ProblemError | None = None,
        choices: Mapping[str, str] | None = None,
    ) -> Response:
        if problem:
            request.scope["code"] = problem.code
        view = files_view(loaded, self.settings.max_upload_bytes, LABELS, problem)
        view |= {"upload": None, "fields": FIELDS, "formats": FORMATS, "choices": choices or {}}
        status, headers = (problem.status, problem.headers) if problem else (200, None)
        return render(request, "files.html.j2", loaded, view, status, headers)

    def _match_form(
        self,
        request: Request,
        loaded: LoadedModel,
        waiting: WaitingFile,
        problem: ProblemError | None = None,
    ) -> Response:
        """The form that asks which columns are meant."""
        contract, stated = loaded.model.contract, waiting.upload.reading.map
        remembered = self.matched.find(contract.name, waiting.error)
        view = matching_view(contract, waiting.error, stated, remembered)
        view |= {"id": waiting.id, "minutes": round(self.results.seconds / 60)}
        view["error"] = sentence(problem, LABELS) if problem else ""
        if problem:
            request.scope["code"] = problem.code
        status, headers = (problem.status, problem.headers) if problem else (422, None)
        return render(request, "match.html.j2", loaded, view, status, headers)


@asynccontextmanager
async def _disconnected(request: Request) -> AsyncIterator[Callable[[], bool]]:
    """What says whether the client of a request, whose body was read, has gone away."""
    gone = threading.Event()

    async def listen() -> None:
        if (await request.receive())["type"] == "http.disconnect":
            gone.set()

    listening = asyncio.create_task(listen())
    try:
        yield gone.is_set
    finally:
        listening.cancel()
