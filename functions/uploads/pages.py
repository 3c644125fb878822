"""Whole files on a page: a form takes one, the answer shows its results with downloads.

For servers with a disk; where there are buckets it is `functions.uploads.bucket_pages`. A file is
scored in a process of its own, started with the first one: none can end the server or hold it up.
"""

import asyncio
import math
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import FileResponse, Response

from functions.http.problems import ProblemError, refusal
from functions.live_model import LiveModel, LoadedModel
from functions.settings import Settings
from functions.web.routes import STYLED_INSIDE, PageRoute, by_person, model_for
from model_store import CustomerClustersError
from pipeline.errors import WrongFile
from pipeline.reading.options import WrongOption

if TYPE_CHECKING:
    from functions.uploads.multipart import Upload
    from functions.uploads.results import Results

RECEIVE_SECONDS = 60.0
"""How long a file may take to arrive."""
SCORE_SECONDS = 20.0
"""How long it may take to be scored; some hosts give up at 30."""
RUN_BYTES = 128 << 20
"""Of one run's files: a packed file may unpack to anything."""
RECEIVED_AT_ONCE, SCORED_AT_ONCE = 16, 1
"""In one process. A file that arrives takes its size on disk, which may be memory; scoring takes up
to 350 MB at the usual limit, and small hosts have 512."""
_REPORT = "report.html"


class FilePages:
    """The page with the form and the results, and the files to download."""

    def __init__(self, live_model: LiveModel, settings: Settings) -> None:
        self.live_model, self.settings = live_model, settings
        self.receiving, self.scoring = Slots(RECEIVED_AT_ONCE), Slots(SCORED_AT_ONCE)
        self.routes = [
            PageRoute("/files", self.files, methods=["GET", "POST"]),
            PageRoute("/files/{id}/{name}", self.download),
        ]

    def stop(self) -> None:
        """Remove the results that this process has kept."""
        if "results" in vars(self):
            self.results.stop()

    @cached_property
    def results(self) -> "Results":
        """Made with the first file, so that no assignment waits for it."""
        from functions.uploads.results import Results

        return Results()

    async def files(self, request: Request) -> Response:
        """The form; with a file, its results. Whatever is wrong stands above the form."""
        if request.method == "GET":
            return self._form(request, model_for(request, self.live_model))
        choices: dict[str, str] = {}
        try:
            return await self._scored(request, choices)
        except (ProblemError, CustomerClustersError) as error:
            refused = _refusal(error)
            loaded = self.live_model.loaded
            if loaded is None or not by_person(request):
                raise refused from error
            return self._form(request, loaded, refused, choices)

    async def download(self, request: Request) -> Response:
        """A file of a run: the report to look at, the others to keep."""
        id, name = request.path_params["id"], request.path_params["name"]
        path = await asyncio.to_thread(self.results.find, id, name)
        if path is None:
            raise ProblemError(404, "there are no such results, or no longer", code="results_gone")
        if name == _REPORT:
            return FileResponse(path, headers=STYLED_INSIDE, media_type="text/html; charset=utf-8")
        return FileResponse(path, filename=name)

    async def _scored(self, request: Request, choices: dict[str, str]) -> Response:
        """The results; `choices` gets what the form says besides the file, for a new form."""
        from functions.uploads.multipart import save_upload
        from functions.uploads.results import KEPT_SECONDS
        from functions.web.rendering import render

        limit = self.settings.max_upload_bytes
        if not limit:
            raise ProblemError(403, "no files are taken here")
        loaded = model_for(request, self.live_model)
        await asyncio.to_thread(self.results.sweep)
        self.scoring.refuse_if_full()  # rather than have it sent for nothing
        with self.receiving.taken(), self.results.aside() as folder:
            upload = await save_upload(request, folder / "input", limit, RECEIVE_SECONDS)
            choices |= upload.choices
            with self.scoring.taken():
                async with _gone(request) as gone:
                    view, id = await asyncio.to_thread(self._score, folder, upload, loaded, gone)
        view |= {"id": id, "minutes": round(KEPT_SECONDS / 60)}
        asyncio.get_running_loop().call_later(KEPT_SECONDS + 1, self._sweep_aside)
        return render(request, "run.html.j2", loaded, view)

    def _score(
        self, folder: Path, upload: "Upload", loaded: LoadedModel, gone: Callable[[], bool]
    ) -> tuple[dict[str, Any], str]:
        from functions.uploads.scoring import Bounds, score_upload
        from pipeline.scoring.process.isolated import isolated

        run = folder / "run"
        run.mkdir(mode=0o700)
        bounds = Bounds(SCORE_SECONDS, RUN_BYTES, gone)
        view = score_upload(folder / "input", upload, run, loaded, isolated(), bounds)
        return view, self.results.keep(run)

    def _sweep_aside(self) -> None:
        asyncio.get_running_loop().run_in_executor(None, self.results.sweep)

    def _form(
        self,
        request: Request,
        loaded: LoadedModel,
        refused: ProblemError | None = None,
        choices: Mapping[str, str] | None = None,
    ) -> Response:
        from functions.web.files import FIELDS, LABELS, files_view
        from functions.web.rendering import render

        view = files_view(loaded, self.settings.max_upload_bytes, LABELS, refused)
        view |= {"upload": None, "fields": FIELDS, "choices": choices or {}}
        status, headers = (refused.status, refused.headers) if refused else (200, None)
        return render(request, "files.html.j2", loaded, view, status, headers)


class Slots:
    """So many at once, in one event loop, and others are told to come back."""

    def __init__(self, free: int) -> None:
        self.free = free

    def refuse_if_full(self) -> None:
        if not self.free:
            after = {"Retry-After": str(math.ceil(SCORE_SECONDS / 4))}
            raise ProblemError(
                503, "other files are being scored; try again soon", code="busy", headers=after
            )

    @contextmanager
    def taken(self) -> Iterator[None]:
        self.refuse_if_full()
        self.free -= 1
        try:
            yield
        finally:
            self.free += 1


@asynccontextmanager
async def _gone(request: Request) -> AsyncIterator[Callable[[], bool]]:
    """What tells whether the client of a request, whose body was read, has gone away."""
    gone = threading.Event()

    async def look() -> None:
        if (await request.receive())["type"] == "http.disconnect":
            gone.set()

    looking = asyncio.create_task(look())
    try:
        yield gone.is_set
    finally:
        looking.cancel()


def _refusal(error: Exception) -> ProblemError:
    if isinstance(error, WrongFile):
        return ProblemError(422, str(error), code="invalid_file")
    if isinstance(error, WrongOption):
        return ProblemError(422, str(error), code="invalid_form")
    return refusal(error)
