"""The pages and files of what was scored here, while it is kept."""

import asyncio
from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import FileResponse, Response

from functions.http.middleware import STYLED_INSIDE
from functions.http.problems import ProblemError
from functions.live_model import LiveModel
from functions.settings import Settings
from functions.uploads.audiences import AudienceLists
from functions.uploads.results import KeptRun, Results
from functions.uploads.scoring import calls_of, summary_of
from functions.web.moves import moves_form
from functions.web.run import ScoredFile, attachment, chart_file, results_page, summary_page
from model_store import NotFound
from pipeline.scoring.writing.outputs import REPORT


class KeptPages:
    """What is answered under the address of a run; whoever knows it may look."""

    def __init__(
        self, results: Results, model_of: Callable[[str], LiveModel], settings: Settings
    ) -> None:
        """Over what is kept.

        Args:
            results: What is kept.
            model_of: The live model of a name; that of the empty name is the default.
            settings: What a server allows.
        """
        self._runs, self._model_of = results, model_of
        self._limit = settings.max_upload_bytes
        self.lists = AudienceLists(results, settings.control_key)

    async def results(self, request: Request) -> Response:
        """The results of a file."""
        file = (await self.find(request))[1]
        return results_page(request, file, moves_form(file, self._limit))

    async def summary(self, request: Request) -> Response:
        """The same on one sheet of paper."""
        return summary_page(request, (await self.find(request))[1])

    async def chart(self, request: Request) -> Response:
        """The chart, to keep."""
        return chart_file((await self.find(request))[1])

    async def group(self, request: Request) -> Response:
        """The rows of one group, to keep."""
        kept, file = await self.find(request)
        clusters = {str(cluster.id): cluster.id for cluster in file.loaded.model.clusters}
        cluster = clusters.get(request.path_params["cluster"])
        if cluster is None:
            raise no_results()
        try:
            return await self.lists.group(kept, file, cluster)
        except NotFound as error:  # it is swept away this moment
            raise no_results() from error

    async def audience(self, request: Request) -> Response:
        """A list of customers for a campaign, to keep."""
        kept, file = await self.find(request)
        try:
            return await self.lists.audience(request, kept, file)
        except NotFound as error:  # it is swept away this moment
            raise no_results() from error

    async def download(self, request: Request) -> Response:
        """A file of a run: the report to look at, the others to keep."""
        kept, file = await self.find(request)
        name = request.path_params["name"]
        path = kept.file(name)
        if path is None and name not in kept.names:
            detail = f"no file {name!r:.100} here; there are: {', '.join(kept.names)}"
            raise ProblemError(404, detail, code="results_gone")
        if path is None:  # it is swept away this moment
            raise no_results()
        if name == REPORT:
            return FileResponse(path, headers=STYLED_INSIDE, media_type="text/html; charset=utf-8")
        headers = {"Content-Disposition": attachment(file.download_name(name))}
        return FileResponse(path, headers=headers)

    async def find(self, request: Request) -> tuple[KeptRun, ScoredFile]:
        """The run that is asked for; ProblemError when it is gone."""
        found = await asyncio.to_thread(self.read, request.path_params["id"])
        if found is None:
            raise no_results()
        request.scope["model_version"] = found[1].loaded.version
        return found

    def read(self, run: str) -> tuple[KeptRun, ScoredFile] | None:
        """The run of an id, and what was scored; None when it is gone."""
        kept = self._runs.find(run)
        if kept is None:
            return None
        try:
            summary, calls = summary_of(kept.folder, kept.manifest), calls_of(kept.folder)
        except FileNotFoundError:  # it is swept away this moment
            return None
        return kept, ScoredFile(
            id=run,
            name=kept.manifest["input"]["name"],
            scored=kept.scored,
            loaded=self._model_of(kept.model_name).of_version(kept.manifest["model_version"]),
            manifest=kept.manifest,
            summary=summary,
            minutes=round(self._runs.seconds / 60),
            calls=calls,
            by_group=True,
        )


def no_results() -> ProblemError:
    """What is answered where there are no results, or no longer."""
    return ProblemError(404, "there are no such results, or no longer", code="results_gone")
