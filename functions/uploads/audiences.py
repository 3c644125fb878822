"""Lists of customers of a kept run, written in a thread and streamed from what has no name."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import ExitStack, asynccontextmanager
from datetime import UTC, datetime
from tempfile import TemporaryFile
from typing import BinaryIO

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from functions.http.problems import ProblemError
from functions.uploads.results import KeptRun
from functions.web.audience import audience_spec, by_parameters, no_list, wrong_parameter
from functions.web.run import ScoredFile, attachment, download_name
from model_store import Temporary
from pipeline.errors import WrongFile
from pipeline.reading.options import WrongOption
from pipeline.runs.audience.spec import AudienceSpec
from pipeline.runs.audience.write import write_audience
from pipeline.runs.committed import open_run
from pipeline.scoring.documents import OutputFormat

WAIT_SECONDS = 10.0
"""How long a list waits for the one before it."""
_AT_ONCE = 1
"""In one process: a list of 100,000 customers may be in memory."""
_PIECE = 1 << 18
_MEDIA_TYPES: Mapping[OutputFormat, str] = {
    "csv": "text/csv",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "parquet": "application/vnd.apache.parquet",
}


class AudienceLists:
    """Answers what the address of a list asks for."""

    def __init__(self, control_key: str) -> None:
        self._control_key, self._free = control_key, asyncio.Semaphore(_AT_ONCE)

    async def answer(self, request: Request, kept: KeptRun, file: ScoredFile) -> Response:
        """A list to keep.

        Args:
            request: Its query says which customers.
            kept: The run.
            file: What was scored.

        Raises:
            ProblemError: A parameter cannot be meant, the run has not what is asked for, nobody is
                left, or too many lists are being written.
        """
        clusters = [cluster.id for cluster in file.loaded.model.clusters]
        spec = audience_spec(request.query_params, clusters, self._control_key)
        async with self.turn():
            written = await asyncio.to_thread(_written, kept, spec, file.name)
        size = os.fstat(written.fileno()).st_size
        headers = {"Content-Disposition": attachment(list_name(file.name, spec))}
        headers["Content-Length"] = str(size)
        return StreamingResponse(_pieces(written), 200, headers, _MEDIA_TYPES[spec.format])

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """One list's turn; ProblemError when those before it take too long."""
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                await self._free.acquire()
        except TimeoutError:
            later, words = {"Retry-After": "5"}, "other lists are being written; try again soon"
            raise ProblemError(503, words, code="busy", headers=later) from None
        try:
            yield
        finally:
            self._free.release()


def list_name(file: str, spec: AudienceSpec) -> str:
    """What a browser calls a list: after the file, the day and the groups.

    Args:
        file: What the person called the scored file.
        spec: What was asked for.
    """
    day = datetime(spec.day.year, spec.day.month, spec.day.day, tzinfo=UTC)
    groups = "".join(f"-{cluster}" for cluster in spec.clusters)
    of = f"-group{groups}" if groups else ""
    return download_name(file, day, f"audience{of}.{spec.format}")


def _written(kept: KeptRun, spec: AudienceSpec, name: str) -> BinaryIO:
    """A list in a file that no folder has, and that is gone when it is closed."""
    try:
        with ExitStack() as opened:
            target: BinaryIO = opened.enter_context(TemporaryFile())
            write_audience(open_run(str(kept.folder)), spec, target)
            target.seek(0)
            opened.pop_all()  # it is closed once it is sent
    except WrongFile as error:
        raise no_list(f"{name}: {by_parameters(error.problem)}") from error
    except WrongOption as error:
        raise wrong_parameter(error.name, error.expected, error.value) from error
    except OSError as error:
        if isinstance(error, Temporary):
            raise
        reason = error.strerror or type(error).__name__
        raise Temporary("write", "the folder for lists", reason) from error
    return target


def _pieces(file: BinaryIO) -> Iterator[bytes]:
    with file:
        while piece := file.read(_PIECE):
            yield piece
