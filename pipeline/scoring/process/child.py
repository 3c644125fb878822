"""The process that reads files for another one, which may outlive it: see `isolated`.

A request is a line of JSON on standard input, answers are lines on standard output. It ends with
its input.
"""

import gc
import json
import os
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import asdict
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from model_store import CustomerClustersError
from pipeline.model.cluster_model import ClusterModel
from pipeline.reading.file_state import FileState
from pipeline.reading.options import ReadingOptions
from pipeline.scoring.inputs import InputFile
from pipeline.scoring.process.limits import LEAST_MEMORY, be_expendable, bound_memory
from pipeline.scoring.spec import (
    Challenger,
    Explaining,
    FileEngine,
    Options,
    Progress,
    ScoringSpec,
)

if TYPE_CHECKING:
    from pipeline.scoring.parts.part import PartTask

REPORT_SECONDS = 0.25
"""So often is told how many rows were read."""
Send = Callable[[dict[str, Any]], None]
Answer = Callable[[dict[str, Any], Progress], Any]
"""Does what a request of some kind asks for; what comes of it is told as JSON."""


def main(load: Callable[[], FileEngine], others: Mapping[str, Answer] | None = None) -> NoReturn:
    """Answer requests until there are no more. The argument is how many bytes it may take.

    The engine is loaded here, so that no message is lost.

    Args:
        load: Loads what scores a file.
        others: What answers requests that have a field of a certain name.
    """
    be_expendable()
    send = _own_output()
    try:
        gc.disable()  # nothing of what is loaded is garbage
        score = load()
        gc.enable()
        gc.freeze()
        bound_memory(int(sys.argv[1]))
        for line in sys.stdin:
            send({"rows": 0})  # from here on its end is the fault of this file
            send(_answer(json.loads(line), score, send, others or {}))
    except Exception as error:
        send({"error": _unexpected(error)})
    os._exit(0)  # nothing is worth the time of an orderly end


def _answer(
    request: dict[str, Any], score: FileEngine, send: Send, others: Mapping[str, Answer]
) -> dict[str, Any]:
    """Score a file; what came of it, or why nothing did."""
    progress = _progress_to(send)
    try:
        for name, answer in others.items():
            if name in request:
                return {name: answer(request, progress)}
        if "task" in request:
            return {"part": _score_part(request)}
        folder, source, spec = given(request)
        return {"scored": score(folder, source, spec, progress)}
    except CustomerClustersError as error:
        return {"error": error.to_dict()}
    except OSError as error:
        return {"error": {"type": "OSError", "number": error.errno, "message": error.strerror}}
    except Exception as error:
        return {"error": _unexpected(error)}


def _progress_to(send: Send) -> Progress:
    """What tells the other process every now and then how many rows were read."""
    reported = time.monotonic()

    def progress(rows: int) -> None:
        nonlocal reported
        if time.monotonic() - reported >= REPORT_SECONDS:
            reported = time.monotonic()
            send({"rows": rows})

    return progress


def given(request: dict[str, Any]) -> tuple[Path, InputFile, ScoringSpec]:
    """The folder, the file and what it is scored with, as `isolated` has written them."""
    if request["directory"] is not None:
        os.chdir(request["directory"])  # it may be another one than when this process began
    tempfile.tempdir = request["folder"]  # which goes, should this process die
    second, challenger = request["challenger"], None
    if second is not None:
        challenger = Challenger(_model(second["model"]), second["version"], second["related"])
    reading = ReadingOptions(**request["reading"])
    explaining = Explaining(**request["explaining"])
    options = Options(
        **request["options"], reading=reading, challenger=challenger, explaining=explaining
    )
    path = Path(request["path"])
    source = InputFile(path, request["name"], request["identity"], _state(request))
    spec = ScoringSpec(_model(request["model"]), request["version"], options)
    return Path(request["folder"]), source, spec


def _score_part(request: dict[str, Any]) -> dict[str, Any]:
    from pipeline.scoring.parts.part_plan import Part

    part = request["part"]
    return asdict(_task(request["task"]).score(Part(**part | {"blocks": tuple(part["blocks"])})))


@lru_cache(maxsize=1)
def _task(text: str) -> "PartTask":
    """What all parts of a file have in common, looked up in the file once."""
    from pipeline.scoring.parts.local import local_task  # few files have parts

    request = json.loads(text)
    return local_task(*given(request), request["part_bytes"])


def _state(request: dict[str, Any]) -> FileState | None:
    return None if request["state"] is None else FileState(**request["state"])


@lru_cache(maxsize=4)
def _model(text: str) -> ClusterModel:
    return ClusterModel.from_json(text.encode(), "")


def _unexpected(error: Exception) -> dict[str, Any]:
    memory = isinstance(error, MemoryError)
    kind = "MemoryError" if memory else type(error).__name__
    return {"type": kind, "message": "" if memory else traceback.format_exc()}


def _own_output() -> Send:
    """Standard output for answers alone: what libraries print goes nowhere."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)

    def send(message: dict[str, Any]) -> None:
        answers.write(json.dumps(message) + "\n")
        answers.flush()

    return send


def engine() -> FileEngine:
    """With little memory in smaller chunks, which takes a little longer."""
    from pipeline.reading.delimited.streams import CHUNK
    from pipeline.scoring.engine import score_rows

    few = int(sys.argv[1]) < LEAST_MEMORY
    return partial(score_rows, chunk=CHUNK // 4 if few else CHUNK)


if __name__ == "__main__":
    main(engine)
