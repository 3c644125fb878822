"""Batches that are tables: CSV, Arrow and Parquet, scored as files are and answered in kind.

They are read in a process of its own, which has bounds of memory and time, as any file is.
"""

import asyncio
import re
import shutil
import tempfile
import time
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from starlette.requests import Request
from starlette.responses import Response

from functions.http.batch.media import TABLES, answer_type
from functions.http.content.bodies import read_body
from functions.http.content.fields import ALL
from functions.http.content.made_files import MadeFiles
from functions.http.middleware import ANSWERED
from functions.http.problems import ProblemError, to_problem
from functions.live_model import LoadedModel
from functions.settings import Settings
from model_store import Temporary
from pipeline.errors import TooLarge, WrongFile
from pipeline.reading.options import ReadingOptions, WrongOption
from pipeline.scoring.documents import RISK_COLUMNS, ScoredRows
from pipeline.scoring.inputs import InputFile
from pipeline.scoring.process.isolated import isolated_tables
from pipeline.scoring.spec import NOTHING, Explaining, Options, ScoringSpec
from pipeline.scoring.table import ANSWER, ID, TABLE_FORMATS, TableRequest

MOST_ROWS = 250_000
SCORE_SECONDS = 20.0
"""How long one table may take."""
RESULT_BYTES = 64 << 20
"""What a table may take of the disk."""
NAME = "the table"
"""What messages call it."""
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "id": (ID,),
    "cluster": ("cluster", "cluster_name"),
    "churn": ("churn_rate",),
    "risk_score": RISK_COLUMNS,
    "distance": ("distance",),
    "margin": ("margin",),
    "runner_up": ("runner_up",),
    "outlier": ("outlier",),
}
"""The columns of a table that hold a field of an assignment; `reasons` has some a feature."""
_OF_TEXT = ("delimiter", "decimal", "thousands", "encoding", "header_row", "map")
"""Parameters that say how a text is written, where it does not show it."""
_OPTION = re.compile(r"--([a-z]+(?:-[a-z]+)*)")


class Tables:
    """Answers tables, one at a time for each process."""

    def __init__(self, settings: Settings) -> None:
        self._limits = settings.max_body_bytes, settings.request_seconds
        self._made = MadeFiles("tables")

    async def answer(
        self, request: Request, loaded: LoadedModel, media_type: str, fields: frozenset[str] = ALL
    ) -> Response:
        """A table with what the model says of each row.

        Args:
            request: It brings a table.
            loaded: The model that answers.
            media_type: What the table is written in; a key of `TABLES`.
            fields: What is wanted of each assignment.

        Raises:
            ProblemError: The client takes no table, asks for what tables do not have, or has to
                come back later; or the table is refused.
        """
        answered = answer_type(request.headers.get("accept"), media_type)
        columns = None if fields is ALL else table_columns(loaded, fields)
        table = TableRequest(_format(media_type), _format(answered), MOST_ROWS, columns)
        options = Options(
            "parquet",
            max_rejected_share=1.0,
            reading=_reading(request, media_type),
            explaining=_explaining(loaded, fields),
        )
        spec = ScoringSpec(loaded.model, loaded.version, options)
        body = await read_body(request, None, *self._limits)
        async with self._made.turn():
            scored, file = await asyncio.to_thread(_scored, body, table, spec)
        summary = scored["summary"]
        request.scope[ANSWERED] = summary["rows_assigned"], summary["rows_rejected"]
        headers = {
            "Customers-Assigned": str(summary["rows_assigned"]),
            "Customers-Rejected": str(summary["rows_rejected"]),
            "Model-Version": loaded.version,
        }
        return self._made.answer(file, headers, answered)


def table_columns(loaded: LoadedModel, fields: Collection[str]) -> tuple[str, ...]:
    """The columns that hold some fields of an assignment, in their order.

    Raises:
        ProblemError: Tables have none for one of them.
    """
    known = {**COLUMNS, "reasons": _of_reasons(loaded)}
    if unknown := sorted(set(fields) - set(known)):
        raise ProblemError(
            422, f"fields: a table has no column for {', '.join(unknown)}; it has: "
            f"{', '.join(known)}",
        )  # fmt: skip
    return tuple(column for name in known if name in fields for column in known[name])


def _of_reasons(loaded: LoadedModel) -> tuple[str, ...]:
    return tuple(
        f"reason_{rank}{part}"
        for rank in range(1, len(loaded.model.contract.features) + 1)
        for part in ("", "_part", "_border", "_sentence")
    )


def _explaining(loaded: LoadedModel, fields: frozenset[str]) -> Explaining:
    """Why, where somebody asks for it by name: a table is lean else."""
    if fields is ALL or not {"reasons", "runner_up"} & fields:
        return NOTHING
    if "reasons" not in fields:
        return Explaining(why=1)  # with which the next cluster comes
    return Explaining(why=len(loaded.model.contract.features), sentences=True)


def _format(media_type: str) -> Any:
    written = TABLES[media_type]
    assert written in TABLE_FORMATS
    return written


def _reading(request: Request, media_type: str) -> ReadingOptions:
    """How a text is written, as parameters say it, or the charset of its content type."""
    if media_type != "text/csv":
        return ReadingOptions()
    stated = {name: request.query_params.get(name, "") for name in _OF_TEXT}
    for parameter in request.headers["content-type"].split(";")[1:]:
        name, _, value = parameter.strip().partition("=")
        if name.strip().lower() == "charset":
            stated["encoding"] = stated["encoding"] or value.strip().strip('"')
    try:
        return ReadingOptions.from_texts(stated)
    except WrongOption as error:
        detail = f"{error.name}: expected {error.expected}, found {error.value!r:.100}"
        raise ProblemError(422, detail) from None


def _by_parameters(text: str) -> str:
    """A message of the command, by the names of parameters."""
    return _OPTION.sub(lambda match: match[1].replace("-", "_"), text)


def _scored(body: bytes, table: TableRequest, spec: ScoringSpec) -> tuple[ScoredRows, BinaryIO]:
    """What was counted, and the answer: a file that no folder has any more."""
    folder = None
    until = time.monotonic() + SCORE_SECONDS
    try:
        folder = Path(tempfile.mkdtemp(prefix="customer-clusters-table-"))
        path, results = folder / "table", folder / "results"
        path.write_bytes(body)
        results.mkdir()
        table.write(results)

        def watch(rows: int) -> None:
            if time.monotonic() > until:
                limit = f"{SCORE_SECONDS:g} seconds"
                raise TooLarge(path, f"is not scored within {limit}; cut it into parts")
            if _size_of(results) > RESULT_BYTES:
                limit = f"{RESULT_BYTES:,} bytes"
                raise TooLarge(path, f"unpacks to more than {limit}; cut it into parts")

        scored = isolated_tables()(results, InputFile(path, NAME), spec, watch)
        return scored, (results / ANSWER).open("rb")
    except WrongFile as error:
        problem = to_problem(error.about(NAME))
        detail = _by_parameters(problem.detail)
        raise ProblemError(problem.status, detail, code=problem.code) from error
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise Temporary("write", "the folder for tables", reason) from error
    finally:
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)


def _size_of(folder: Path) -> int:
    size = 0
    for path in folder.rglob("*"):
        try:
            size += path.stat().st_size
        except FileNotFoundError:  # it has gone since
            continue
    return size
