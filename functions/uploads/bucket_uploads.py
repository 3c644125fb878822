"""Whole files where there are buckets, as on Lambda: files and results pass by this server.

The browser sends a file to S3, S3 calls what scores it, and a page waits for the results.
"""

import asyncio
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar, cast

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from functions.http.addresses import site
from functions.http.middleware import forms_may_go_to
from functions.http.problems import ProblemError
from functions.http.routes import model_for
from functions.live_model import LiveModel, LoadedModel
from functions.settings import READING_VARIABLES, BatchSettings
from functions.web.files import files_view
from functions.web.rendering import render
from model_store import CustomerClustersError
from model_store.extras import needs_extra

if TYPE_CHECKING:
    from functions.uploads.bucket import BucketFiles, Run, UploadForm
    from functions.web.run import ScoredFile
    from pipeline.scoring.documents import Manifest

T = TypeVar("T")
MOST_RELOADS = 80
"""How often a page reloads by itself, in about twenty minutes; the function has fifteen."""
_FIRST_WAIT, _LONGEST_WAIT = 2, 15
_REPORT = "report.html"


def seconds_to_reload(reloads: int) -> int | None:
    """How long a page waits before it reloads, more and more; None when it was often enough."""
    return min(_FIRST_WAIT + reloads, _LONGEST_WAIT) if reloads < MOST_RELOADS else None


class BucketUploads:
    """The page with the form, and for each upload the page of its results."""

    def __init__(
        self, live_model: LiveModel, settings: BatchSettings, storage_public_url: str = ""
    ) -> None:
        self.live_model, self.settings, self._public = live_model, settings, storage_public_url

    def stop(self) -> None:
        """Close the connections."""
        if "files" in vars(self):
            self.files.close()

    @cached_property
    def files(self) -> "BucketFiles":
        """Asked for in threads only: it brings boto3, for which no assignment should wait."""
        with needs_extra(str(self.settings.input), "aws"):
            from functions.uploads.bucket import BucketFiles
        return BucketFiles(self.settings, self._public)

    async def form(self, request: Request) -> Response:
        """A form that takes one file to the bucket."""
        return await self._form(request, model_for(request, self.live_model))

    @property
    def kept(self) -> "BucketUploads":
        """What answers under the address of an upload."""
        return self

    async def results(self, request: Request) -> Response:
        """The results of an upload; before there are any, a page that reloads by itself."""
        loaded, upload = model_for(request, self.live_model), request.path_params["id"]
        run = await self.from_s3(request, lambda files: files.find(upload))
        if run is None and not self.files.is_id(upload):
            raise _no_results()
        if run is None:
            reloads = _reloads(request)
            seconds = seconds_to_reload(reloads)
            view = {"id": upload, "seconds": seconds, "look": reloads, "most": MOST_RELOADS}
            return render(request, "waiting.html.j2", loaded, view)
        if run.failed:
            problem = ProblemError(422, run.reason, code="invalid_file")
            return await self._form(request, loaded, problem)
        from functions.web.run import results_page  # it brings what scores, and no form waits

        return results_page(request, await self.scored_file(request, run))

    async def summary(self, request: Request) -> Response:
        """The results on one sheet of paper."""
        from functions.web.run import summary_page

        return summary_page(request, await self.scored_file(request, await self._run(request)))

    async def chart(self, request: Request) -> Response:
        """The chart, to keep."""
        from functions.web.run import chart_file

        return chart_file(await self.scored_file(request, await self._run(request)))

    async def download(self, request: Request) -> Response:
        """To a file of a run: the report to look at, the others to keep."""
        from functions.web.run import attachment, download_name

        run, name = await self._run(request), request.path_params["name"]
        kept = attachment(download_name(run.name, run.ended, name))
        disposition = "inline" if name == _REPORT else kept
        address = await self.from_s3(request, lambda files: files.download(run, name, disposition))
        if address is None:
            raise _no_results()
        return RedirectResponse(address, 303)

    async def _run(self, request: Request) -> "Run":
        """The run that is asked for; ProblemError where there is none."""
        upload = request.path_params["id"]
        run = await self.from_s3(request, lambda files: files.find(upload))
        if run is None or run.failed:
            raise _no_results()
        return run

    async def scored_file(self, request: Request, run: "Run") -> "ScoredFile":
        """With the model that scored: the one that answers may be another by now."""
        from functions.web.run import ScoredFile

        def read(files: "BucketFiles") -> ScoredFile:
            manifest = cast("Manifest", run.document)
            return ScoredFile(
                id=request.path_params["id"],
                name=run.name,
                scored=run.ended,
                loaded=self.live_model.of_version(manifest["model_version"]),
                manifest=manifest,
                summary=files.summary(run),
            )

        return await self.from_s3(request, read)

    async def _form(
        self, request: Request, loaded: LoadedModel, problem: ProblemError | None = None
    ) -> Response:
        landing = f"{site(request)}/files/"

        def make(files: "BucketFiles") -> "UploadForm":
            upload = files.new_id()
            return files.form(upload, f"{landing}{upload}")

        upload = await self.from_s3(request, make)
        view = files_view(loaded, self.settings.max_input_bytes, READING_VARIABLES, problem)
        view |= {"upload": upload, "variables": [*READING_VARIABLES.values()]}
        headers = forms_may_go_to(upload.address)
        return render(request, "files.html.j2", loaded, view, headers=headers)

    async def from_s3(self, request: Request, ask: "Callable[[BucketFiles], T]") -> T:
        """What S3 answers, asked in a thread; trouble with it stands in the log."""
        try:
            return await asyncio.to_thread(lambda: ask(self.files))
        except CustomerClustersError as error:
            request.scope["error"] = str(error)
            later = {"Retry-After": "5"}
            raise ProblemError(
                503, str(error), code="storage_unavailable", headers=later
            ) from error


def _no_results() -> ProblemError:
    return ProblemError(404, "there are no such results, or no longer", code="results_gone")


def _reloads(request: Request) -> int:
    """How often the page has reloaded before."""
    text = request.query_params.get("look", "0")
    count = int(text) if text.isascii() and text.isdigit() and len(text) < 4 else 0
    return min(count, MOST_RELOADS)
