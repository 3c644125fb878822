"""Lists of customers of a kept run, written in a thread and streamed from what has no name."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import ExitStack, asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from tempfile import TemporaryFile
from typing import BinaryIO

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from functions.http.problems import ProblemError
from functions.uploads.results import KeptRun
from functions.web.audience import audience_spec, by_parameters, no_list, wrong_parameter
from functions.web.run import ScoredFile, attachment, download_name
from model_store import Temporary
from pipeline.errors import WrongFile
from pipeline.reading.options import WrongOption
from pipeline.runs.audience.group import group_rows
from pipeline.runs.audience.spec import AudienceSpec
from pipeline.runs.audience.write import write_audience
from pipeline.runs.committed import open_run
from pipeline.runs.store import Checkpoint
from pipeline.scoring.documents import OutputFormat

WAIT_SECONDS = 10.0
"""How long a list waits for the one before it."""
LIST_SECONDS = 20.0
"""How long a list may take to be written; some hosts give up at 30."""
SENT_BYTES = 256 << 20
"""How many bytes of lists may wait to be sent before no more is written: they take room on disk."""
_AT_ONCE = 1
"""In one process: a list of 100,000 customers may be in memory."""
_PIECE = 1 << 18
_MEDIA_TYPES: Mapping[OutputFormat, str] = {
    "csv": "text/csv",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "parquet": "application/vnd.apache.parquet",
}


class AudienceLists:
    """Answers what the addresses of lists ask for, and those of the rows of one group."""

    def __init__(self, control_key: str) -> None:
        self._control_key, self._free = control_key, asyncio.Semaphore(_AT_ONCE)
        self._sending = 0
        """Bytes of lists that clients have not taken yet."""

    async def audience(self, request: Request, kept: KeptRun, file: ScoredFile) -> Response:
        """A list to keep.

        Args:
            request: Its query says which customers.
            kept: The run.
            file: What was scored.

        Raises:
            ProblemError: A parameter cannot be meant, the run has not what is asked for, nobody is
                left, it takes too long, or too many lists are being written or sent.
        """
        clusters = [cluster.id for cluster in file.loaded.model.clusters]
        spec = audience_spec(request.query_params, clusters, self._control_key)
        name = list_name(file.name, spec)
        return await self._sent(partial(_write_list, kept, spec), file, name, spec.format)

    async def group(self, kept: KeptRun, file: ScoredFile, cluster: int) -> Response:
        """The rows of a group to keep; ProblemError as by `audience`."""
        name = file.download_name(f"group-{cluster}.csv")
        return await self._sent(partial(_write_group, kept, cluster), file, name, "csv")

    async def _sent(
        self, write: "_Write", file: ScoredFile, name: str, written: OutputFormat
    ) -> Response:
        async with self.turn():
            target = await asyncio.to_thread(_written, write, file.name)
            size = os.fstat(target.fileno()).st_size
            self._sending += size

        def close() -> None:
            self._sending -= size
            target.close()

        headers = {"Content-Disposition": attachment(name), "Content-Length": str(size)}
        return _Passing(_pieces(target), headers, _MEDIA_TYPES[written], close)

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """One list's turn; ProblemError when those before it take too long, or much room."""
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                await self._free.acquire()
        except TimeoutError:
            raise _busy("written") from None
        try:
            if self._sending > SENT_BYTES:
                raise _busy("sent")
            yield
        finally:
            self._free.release()


class _Passing(StreamingResponse):
    """A stream of what is closed at the end, even where the client went away before it."""

    def __init__(
        self,
        pieces: Iterator[bytes],
        headers: Mapping[str, str],
        media_type: str,
        close: Callable[[], None],
    ) -> None:
        super().__init__(pieces, 200, headers, media_type)
        self._close = close

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._close()


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


_Write = Callable[[BinaryIO, Checkpoint], object]
"""Writes a list into a file, and calls the checkpoint again and again."""


def _written(write: _Write, name: str) -> BinaryIO:
    """A list in a file that no folder has, and that is gone when it is closed."""
    until = time.monotonic() + LIST_SECONDS

    def checkpoint() -> None:
        if time.monotonic() > until:
            advice = "ask for fewer customers, or for CSV"
            raise no_list(f"{name}: is not listed within {LIST_SECONDS:g} seconds; {advice}")

    try:
        with ExitStack() as opened:
            target: BinaryIO = opened.enter_context(TemporaryFile())
            write(target, checkpoint)
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


def _write_list(
    kept: KeptRun, spec: AudienceSpec, target: BinaryIO, checkpoint: Checkpoint
) -> None:
    write_audience(open_run(str(kept.folder)), spec, target, checkpoint=checkpoint)


def _write_group(kept: KeptRun, cluster: int, target: BinaryIO, checkpoint: Checkpoint) -> None:
    for piece in group_rows(open_run(str(kept.folder)), cluster):
        checkpoint()
        target.write(piece)


def _busy(done: str) -> ProblemError:
    words = f"other lists are being {done}; try again soon"
    return ProblemError(503, words, code="busy", headers={"Retry-After": "5"})


def _pieces(file: BinaryIO) -> Iterator[bytes]:
    while piece := file.read(_PIECE):
        yield piece
