"""Lists of customers of a kept run, written in a thread and streamed from what has no name."""

import asyncio
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import BinaryIO

from starlette.requests import Request
from starlette.responses import Response

from functions.http.content.made_files import MadeFiles
from functions.uploads.results import RUN_BYTES, KeptRun, Results, size_of
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

LIST_SECONDS = 20.0
"""How long a list may take to be written; some hosts give up at 30."""
LIST_BYTES = 2 * RUN_BYTES
"""How large a list may get: a few values in Parquet stand for any number of cells."""
_MEDIA_TYPES: Mapping[OutputFormat, str] = {
    "csv": "text/csv",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "parquet": "application/vnd.apache.parquet",
}


class AudienceLists:
    """Answers what the addresses of lists ask for, and those of the rows of one group."""

    def __init__(self, results: Results, control_key: str) -> None:
        self._results, self._control_key = results, control_key
        self.made = MadeFiles("lists")
        """Lists are made one at a time, for one of 100,000 customers may be in memory."""

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
        async with self.made.turn():
            target = await asyncio.to_thread(_written, self._results, write, file.name)
        headers = {"Content-Disposition": attachment(name)}
        return self.made.answer(target, headers, _MEDIA_TYPES[written])


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


_Write = Callable[[Path, Checkpoint], object]
"""Writes a list, and calls the checkpoint again and again."""


def _written(results: Results, write: _Write, name: str) -> BinaryIO:
    """A list in a file that no folder has any more, and that is gone when it is closed."""
    until = time.monotonic() + LIST_SECONDS
    try:
        with results.aside() as folder:
            write(folder / "list", partial(_check, folder, until, name))
            return (folder / "list").open("rb")
    except WrongFile as error:
        raise no_list(f"{name}: {by_parameters(error.problem)}") from error
    except WrongOption as error:
        raise wrong_parameter(error.name, error.expected, error.value) from error
    except Temporary as error:  # without our path
        raise Temporary("write", "the folder for lists", error.reason) from error
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise Temporary("write", "the folder for lists", reason) from error


def _check(folder: Path, until: float, name: str) -> None:
    """ProblemError where a list has taken long enough, or is larger than any result may be."""
    if time.monotonic() > until:
        advice = "ask for fewer customers, or for CSV"
        raise no_list(f"{name}: is not listed within {LIST_SECONDS:g} seconds; {advice}")
    if size_of(folder) > LIST_BYTES:
        limit = f"{LIST_BYTES:,} bytes"
        raise no_list(f"{name}: makes a list of more than {limit}; ask for fewer customers")


def _write_list(kept: KeptRun, spec: AudienceSpec, path: Path, checkpoint: Checkpoint) -> None:
    write_audience(open_run(str(kept.folder)), spec, path, checkpoint=checkpoint)


def _write_group(kept: KeptRun, cluster: int, path: Path, checkpoint: Checkpoint) -> None:
    with path.open("wb") as target:
        for piece in group_rows(open_run(str(kept.folder)), cluster):
            checkpoint()
            target.write(piece)
