"""Who moved since an earlier file: it is scored by the model of a kept run and compared with it.

What comes of it, a page and a list, is kept as long as results are, under an id of its own. The
earlier file is not kept, nor are its results.
"""

import asyncio
import json
import time
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Protocol

from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response

from functions.http.middleware import STYLED_INSIDE
from functions.http.problems import ProblemError, to_problem
from functions.live_model import LoadedModel
from functions.settings import Settings
from functions.uploads.audiences import LIST_BYTES
from functions.uploads.kept_pages import KeptPages, no_results
from functions.uploads.results import RUN_BYTES, KeptRun, Results, size_of
from functions.uploads.upload import Upload
from functions.web.moves import moves_form
from functions.web.rendering import link
from functions.web.routes import by_person
from functions.web.run import ScoredFile, attachment, download_name, results_page
from model_store import CustomerClustersError, NotFound, Temporary
from pipeline.errors import WrongFile
from pipeline.hashing import identity_of_file
from pipeline.runs.committed import CommittedRun, open_run
from pipeline.runs.moves.compare import compare_runs
from pipeline.runs.moves.page import render
from pipeline.runs.moves.result import Moves
from pipeline.runs.moves.spec import KnownModels, MovesSpec
from pipeline.runs.rows import open_rows

BOTH_SECONDS = 28.0
"""How long a file may take to be scored and compared; some hosts give up at 30."""
_PAGE, _LIST, _ABOUT = "moves.html", "movers.csv", "about.json"
_COMMAND = "use the command customer-clusters moves"


class Uploads(Protocol):
    """What takes files and scores them; see `LocalUploads`."""

    settings: Settings
    results: Results

    def received(
        self, request: Request, choices: dict[str, str]
    ) -> AbstractAsyncContextManager[tuple[Path, Upload]]:
        """The folder with the file of a form, gone at the end, and what the form says besides."""
        ...

    async def scored(
        self, request: Request, folder: Path, upload: Upload, loaded: LoadedModel
    ) -> Path:
        """The run of the file in a folder."""
        ...

    async def keep(self, folder: Path) -> str:
        """Keep a folder; the id under which it is found."""
        ...


class MovesPages:
    """Takes the earlier file, and answers what came of the comparison."""

    def __init__(self, uploads: Uploads, kept: KeptPages) -> None:
        self._uploads, self._kept = uploads, kept

    async def compare(self, request: Request) -> Response:
        """To the page of moves; what is wrong stands on the page of the newer file's results."""
        kept, file = await self._kept.find(request)
        if request.method == "GET":  # who reloads that page
            return RedirectResponse(link(request, f"/files/{file.id}"), 303)
        choices: dict[str, str] = {}
        try:
            return await self._compared(request, kept, file, choices)
        except (ProblemError, CustomerClustersError) as error:
            problem = to_problem(error)
            form = moves_form(file, self._uploads.settings.max_upload_bytes, problem, choices)
            if form is None or problem.code == "results_gone" or not by_person(request):
                raise problem from error
            return results_page(request, file, form, problem)

    async def page(self, request: Request) -> Response:
        """Who moved; whoever knows the address may look."""
        path, _ = await asyncio.to_thread(self._find, request, _PAGE)
        return FileResponse(path, headers=STYLED_INSIDE, media_type="text/html; charset=utf-8")

    async def movers(self, request: Request) -> Response:
        """The list of those who moved, to keep."""
        path, name = await asyncio.to_thread(self._find, request, _LIST)
        headers = {"Content-Disposition": attachment(name)}
        return FileResponse(path, headers=headers, media_type="text/csv")

    def _find(self, request: Request, name: str) -> tuple[Path, str]:
        """A file of a comparison, and what a browser calls it; ProblemError when it is gone."""
        folder = self._uploads.results.folder_of(request.path_params["id"])
        if folder is None:
            raise no_results()
        try:
            newer = json.loads((folder / _ABOUT).read_bytes())["newer"]
            made = datetime.fromtimestamp(folder.stat().st_mtime, UTC)
        except FileNotFoundError:  # a run, or it is swept away this moment
            raise no_results() from None
        return folder / name, download_name(newer, made, name)

    async def _compared(
        self, request: Request, kept: KeptRun, file: ScoredFile, choices: dict[str, str]
    ) -> Response:
        async with self._uploads.received(request, choices) as (folder, upload):
            until = time.monotonic() + BOTH_SECONDS
            await asyncio.to_thread(_check, folder, upload, kept, file)
            await self._uploads.scored(request, folder, upload, file.loaded)
            async with self._kept.lists.made.turn():
                moves = await asyncio.to_thread(_compare, folder, upload, kept, file, until)
            name = await self._uploads.keep(moves)
        return RedirectResponse(link(request, f"/files/{name}/{_PAGE}"), 303)


@dataclass(frozen=True, slots=True)
class _Sides:
    """What people call both files, in an error."""

    earlier: str
    newer: str

    @classmethod
    def of(cls, upload: Upload, file: ScoredFile) -> "_Sides":
        return cls(f"{upload.name} (the earlier file)", f"{file.name} (the newer file)")


def _check(folder: Path, upload: Upload, kept: KeptRun, file: ScoredFile) -> None:
    """WrongFile where it need not be scored to know that it cannot be compared."""
    sides = _Sides.of(upload, file)
    if identity_of_file(folder / "input") == kept.manifest["input"]["identity"]:
        problem = "is the same file as the one on this page; choose an earlier one"
        raise WrongFile(sides.earlier, problem)
    with _told({str(kept.folder): sides.newer}):
        advice = "score it again with that column"
        _require_ids(open_run(str(kept.folder)), file.loaded, sides.newer, advice)


def _require_ids(run: CommittedRun, loaded: LoadedModel, name: str, advice: str) -> None:
    column = loaded.model.contract.id_column
    with open_rows(run) as rows:
        if rows.position(column) is None:
            which = f"no id column {column!r}" if column else "no id column"
            found_by = "by which customers could be found again"
            raise WrongFile(name, f"has {which}, {found_by}; {advice}")


def _compare(folder: Path, upload: Upload, kept: KeptRun, file: ScoredFile, until: float) -> Path:
    """The folder of page and list, in that of the earlier file and its run."""
    sides, made, parts = _Sides.of(upload, file), folder / "moves", folder / "parts"
    made.mkdir(mode=0o700)
    parts.mkdir(mode=0o700)
    check = partial(_bound, made, parts, until, sides.newer)
    addresses = {str(folder / "run"): sides.earlier, str(kept.folder): sides.newer}
    with _told(addresses):
        old, new = (open_run(address) for address in addresses)
        advice = f"name it under --map (its name={old.manifest['id_column']}), or add it"
        _require_ids(old, file.loaded, sides.earlier, advice)
        models = KnownModels(lambda version: file.loaded.model, lambda old, new: None)
        moves = compare_runs(
            old, new, MovesSpec(), models, made / _LIST, scratch=parts, checkpoint=check
        )
        page = render(_for_page(moves), back=f"../{file.id}", listing=_LIST, minutes=file.minutes)
        (made / _PAGE).write_text(page, encoding="utf-8")
        (made / _ABOUT).write_text(json.dumps({"newer": file.name}), encoding="utf-8")
    check()
    return made


@contextmanager
def _told(addresses: dict[str, str]) -> Iterator[None]:
    """Errors by the names that people know, and without our paths."""
    try:
        yield
    except WrongFile as error:
        raise error.about(addresses.get(error.file, error.file)) from error
    except NotFound as error:  # it is swept away this moment
        raise no_results() from error
    except Temporary as error:
        raise Temporary("write", "the folder for results", error.reason) from error
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise Temporary("write", "the folder for results", reason) from error


def _bound(made: Path, parts: Path, until: float, name: str) -> None:
    """WrongFile where a comparison takes longer, or more room, than it may."""
    if time.monotonic() > until:
        problem = f"is not compared within {BOTH_SECONDS:g} seconds"
    elif size_of(made) > RUN_BYTES or size_of(parts) > LIST_BYTES:
        problem = f"makes a list of more than {RUN_BYTES:,} bytes, or takes as much room"
    else:
        return
    raise WrongFile(name, f"{problem}; {_COMMAND}")


def _for_page(moves: Moves) -> Moves:
    """The same moves; what is an option of the command is called so."""
    command = "; the command customer-clusters moves with --ids"
    return replace(moves, notes=tuple(each.replace("; --ids", command) for each in moves.notes))
