"""Whole files on a page where there are buckets, as on Lambda: files and results pass by this
server. The browser sends a file to S3, S3 calls what scores it, and a page waits for the results.
"""

import asyncio
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar, cast

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from functions.http.middleware import forms_may_go_to
from functions.http.problems import ProblemError
from functions.live_model import LiveModel, LoadedModel, load
from functions.settings import READING_VARIABLES, BatchSettings
from functions.web.routes import PageRoute, model_for
from model_store import CustomerClustersError
from model_store.extras import needs_extra

if TYPE_CHECKING:
    from functions.uploads.bucket import BucketFiles, Run
    from pipeline.scoring.documents import Manifest

T = TypeVar("T")
MOST_LOOKS = 80
"""So often a page looks by itself, about twenty minutes; the function has fifteen."""
_FIRST_WAIT, _LONGEST_WAIT = 2, 15
_REPORT = "report.html"


def seconds_until(look: int) -> int | None:
    """How long a page waits before it looks again, more and more; None when it is enough."""
    return min(_FIRST_WAIT + look, _LONGEST_WAIT) if look < MOST_LOOKS else None


class BucketPages:
    """The page with the form, and for each upload the page of its results."""

    def __init__(self, live_model: LiveModel, settings: BatchSettings) -> None:
        self.live_model, self.settings = live_model, settings
        self.routes = [
            PageRoute("/files", self.form),
            PageRoute("/files/{id}", self.results),
            PageRoute("/files/{id}/{name}", self.download),
        ]

    def stop(self) -> None:
        """Close the connections."""
        if "files" in vars(self):
            self.files.close()

    @cached_property
    def files(self) -> "BucketFiles":
        """Made with the first page, in a thread, so that no assignment waits for boto3."""
        with needs_extra(str(self.settings.input), "aws"):
            from functions.uploads.bucket import BucketFiles
        return BucketFiles(self.settings)

    async def form(self, request: Request) -> Response:
        """A form that takes one file to the bucket."""
        return await self._form(request, model_for(request, self.live_model))

    async def results(self, request: Request) -> Response:
        """The results of an upload; before there are any, a page that looks again by itself."""
        from functions.web.rendering import render

        loaded, id = model_for(request, self.live_model), request.path_params["id"]
        run = await self._asked(request, lambda files: files.find(id))
        if run is None and not self.files.gives(id):
            raise _gone()
        if run is None:
            look = _look(request)
            view = {"id": id, "seconds": seconds_until(look), "look": look, "most": MOST_LOOKS}
            return render(request, "waiting.html.j2", loaded, view)
        if run.failed:
            why = ProblemError(422, run.reason, code="invalid_file")
            return await self._form(request, loaded, why)
        loaded, view = await self._asked(request, lambda files: self._view(files, run, loaded))
        return render(request, "run.html.j2", loaded, view | {"id": id, "minutes": None})

    async def download(self, request: Request) -> Response:
        """To a file of a run: the report to look at, the others to keep."""
        id, name = request.path_params["id"], request.path_params["name"]
        shown = name == _REPORT
        address = await self._asked(request, lambda files: files.download(id, name, shown=shown))
        if address is None:
            raise _gone()
        return RedirectResponse(address, 303)

    async def _form(
        self, request: Request, loaded: LoadedModel, refused: ProblemError | None = None
    ) -> Response:
        from functions.web.files import files_view
        from functions.web.rendering import render

        site = str(request.base_url).rstrip("/")
        landing = f"{site}/files/{{}}".format
        upload = await self._asked(request, lambda files: files.form(landing))
        view = files_view(loaded, self.settings.max_input_bytes, READING_VARIABLES, refused)
        view |= {"upload": upload, "variables": [*READING_VARIABLES.values()]}
        headers = forms_may_go_to(upload.address)
        return render(request, "files.html.j2", loaded, view, headers=headers)

    async def _asked(self, request: Request, ask: "Callable[[BucketFiles], T]") -> T:
        """What S3 says, asked in a thread; trouble with it is told in the log."""
        try:
            return await asyncio.to_thread(lambda: ask(self.files))
        except CustomerClustersError as error:
            request.scope["error"] = str(error)
            later = {"Retry-After": "5"}
            raise ProblemError(
                503, str(error), code="storage_unavailable", headers=later
            ) from error

    def _view(
        self, files: "BucketFiles", run: "Run", loaded: LoadedModel
    ) -> tuple[LoadedModel, dict[str, Any]]:
        """With the model that scored: the one that answers may be another by now."""
        from functions.web.run import run_view

        if run.document["model_version"] != loaded.version:
            loaded = load(self.live_model.store, run.document["model_version"])
        view = run_view(loaded.model, cast("Manifest", run.document), files.summary(run))
        return loaded, view | {"file": {**run.document["input"], "name": run.name}}


def _gone() -> ProblemError:
    return ProblemError(404, "there are no such results, or no longer", code="results_gone")


def _look(request: Request) -> int:
    """How often the page has looked before."""
    text = request.query_params.get("look", "0")
    return min(int(text), MOST_LOOKS) if text.isascii() and text.isdigit() and len(text) < 4 else 0
