"""The engine in a process of its own: a file that aborts, hangs or swells it costs itself only.

Libraries in C++ and Rust end their whole process over some damaged files, which Python cannot
catch. The other process is started by subprocess and not by multiprocessing, whose locks AWS Lambda
does not have; it serves file after file, and a new one takes its place when it dies.
"""

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, fields
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from model_store import CustomerClustersError, Temporary
from pipeline.errors import TooLarge, WrongFile
from pipeline.reading.file_state import checked_afterwards
from pipeline.scoring.process.limits import LEAST_MEMORY, most_memory

if TYPE_CHECKING:  # whoever starts a process early has loaded none of it yet
    from pipeline.scoring.documents import ScoredRows
    from pipeline.scoring.inputs import InputFile
    from pipeline.scoring.spec import Progress, ScoringSpec

POLL_SECONDS = 0.25
"""So often is `progress` called, whether rows were read or not: it may raise to end the reading."""
SILENT_SECONDS = 300.0
"""A file of which no row was read for so long is taken to hang its reader."""
_WORKBOOKS = (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods")
_PARQUET = (".parquet", ".pq")
_END_SECONDS = 5.0
_START = "start a process that reads files"


class Isolated:
    """An engine as `score_rows`, in another process.

    Errors are the same, and WrongFile where the file ends that process or takes more memory or
    time than it may.
    """

    def __init__(
        self,
        memory: int | None = None,
        silent_seconds: float = SILENT_SECONDS,
        module: str = f"{__package__}.child",
        advice: str = "cut it into parts",
    ) -> None:
        """Prepare an engine; its process starts with the first file.

        Args:
            memory: Bytes that a file may take; by default what suits the machine.
            silent_seconds: How long the process may score without a row.
            module: What the process runs.
            advice: What helps where memory does not suffice.
        """
        self._memory = most_memory() if memory is None else memory
        self._silent_seconds, self._module, self._advice = silent_seconds, module, advice
        self._one_at_a_time, self._changes = threading.Lock(), threading.Lock()
        self._closed = False
        self._child: _Child | None = None
        self._end: Callable[[], object] | None = None

    def start(self) -> None:
        """Start the process, so that it is ready when the first file is."""
        with self._changes:
            if self._closed:
                raise Temporary(_START, "this machine", "it was told to end")
            if self._child is None or not self._child.alive:
                self._stop()
                self._child = _Child(self._module, self._memory)
                self._end = weakref.finalize(self, self._child.end)

    def stop(self) -> None:
        """End the process; the next file starts another one."""
        with self._changes:
            self._stop()

    def close(self) -> None:
        """End the process for good."""
        with self._changes:
            self._closed = True
            self._stop()

    def _stop(self) -> None:
        if self._end is not None:
            self._end()
        self._child = self._end = None

    def __call__(
        self,
        folder: Path,
        source: "InputFile",
        spec: "ScoringSpec",
        progress: "Progress" = lambda rows: None,
    ) -> "ScoredRows":
        """As `FileEngine`."""
        before = [*folder.iterdir()]

        def begin_anew() -> None:
            import shutil  # not before the process is started

            for entry in folder.iterdir():
                if entry not in before:
                    shutil.rmtree(entry) if entry.is_dir() else entry.unlink()

        answer = self._ask(source, _request(folder, source, spec), progress, begin_anew)
        rows: ScoredRows = answer["scored"]
        progress(rows["summary"]["rows_in"])
        return rows

    def score_part(
        self,
        folder: Path,
        source: "InputFile",
        spec: "ScoringSpec",
        part: Mapping[str, Any],
        part_bytes: int,
    ) -> dict[str, Any]:
        """Score a part of a file.

        Args:
            folder: Where its files go.
            source: The file.
            spec: What it is scored with.
            part: The fields of the `Part`.
            part_bytes: How large parts are, about.

        Returns:
            The fields of the `PartResult`.
        """
        task = json.dumps(_request(folder, source, spec) | {"part_bytes": part_bytes})
        answer = self._ask(source, {"task": task, "part": part}, lambda rows: None)
        result: dict[str, Any] = answer["part"]
        return result

    def ask(
        self,
        folder: Path,
        source: "InputFile",
        spec: "ScoringSpec",
        asked: Mapping[str, Any],
        progress: "Progress",
    ) -> dict[str, Any]:
        """As `__call__`, for what `asked` names among the `others` of the process; its answer."""
        return self._ask(source, {**_request(folder, source, spec), **asked}, progress)

    def _ask(
        self,
        source: "InputFile",
        request: dict[str, Any],
        progress: "Progress",
        begin_anew: Callable[[], None] | None = None,
    ) -> dict[str, Any]:
        """What the process answers; its errors are raised here.

        Args:
            source: The file.
            request: What is asked.
            progress: Called with the number of rows read so far.
            begin_anew: Removes what a process without enough memory left, so that a new one may
                try: the first one may have held what earlier files took.
        """
        with self._one_at_a_time, checked_afterwards(source.refuse_changed):
            used = self._child is not None and self._child.reading  # of the file before
            answer = self._told(source, request, progress)
            if used and _lacks_memory(answer) and begin_anew is not None:
                begin_anew()
                answer = self._told(source, request, progress)
        if _lacks_memory(answer):
            raise _too_large(source, self._memory, self._advice)
        if "error" in answer:
            _raise(answer["error"])
        return answer

    def _told(
        self, source: "InputFile", request: dict[str, Any], progress: "Progress"
    ) -> dict[str, Any]:
        """The answer itself; a process without enough memory has ended then."""
        self.start()
        child = self._child
        if child is None:  # closed since
            raise Temporary(_START, "this machine", "it was told to end")
        try:
            child.send(request)
            answer = self._answer(child, source, progress)
        except BaseException:
            self.stop()  # it may still be reading
            raise
        if _lacks_memory(answer):
            self.stop()
        return answer

    def _answer(self, child: "_Child", source: "InputFile", progress: "Progress") -> dict[str, Any]:
        rows, last_progress = 0, time.monotonic()
        while True:
            message = child.next(POLL_SECONDS)
            if message is not None and "rows" not in message:
                return message
            if child.status is not None:
                raise _death(source, child, self._memory, self._advice)
            if message is not None:
                rows, last_progress = message["rows"], time.monotonic()
            if time.monotonic() - last_progress > self._silent_seconds:
                seconds = f"{self._silent_seconds:g} seconds"
                raise WrongFile(
                    source.path, f"no row of it could be read for {seconds}; write it anew"
                )
            progress(rows)


@cache
def isolated() -> Isolated:
    """The one of this process, which needs no second: a file takes all cores."""
    return Isolated()


@cache
def isolated_tables() -> Isolated:
    """The one for tables of programs that wait: no file that is scored for minutes is before them.

    As `FileEngine` it leaves a folder as `score_table` does.
    """
    memory = min(most_memory(), LEAST_MEMORY)  # they are no larger than a request may be
    return Isolated(memory, module=f"{__package__}.table_child")


class _Child:
    """The process, and the thread that reads what it says.

    That thread also starts it: the kernel ends a process with the thread that has started it.
    """

    def __init__(self, module: str, memory: int) -> None:
        self.status: int | None = None
        """How it ended, once everything it said was taken."""
        self.reading = False
        """Whether it has begun with what was sent last."""
        self._messages: queue.Queue[dict[str, Any] | int | OSError] = queue.Queue()
        self._process: subprocess.Popen[bytes] | None = None
        self._started = threading.Event()
        arguments = [module, str(memory)]
        threading.Thread(target=self._serve, args=[arguments], name="reader", daemon=True).start()

    @property
    def alive(self) -> bool:
        process = self._running()
        return process is not None and process.poll() is None

    def send(self, request: dict[str, Any]) -> None:
        self.reading, process = False, self._running()
        line = json.dumps(request).encode() + b"\n"
        if process is not None and process.stdin is not None:
            with suppress(BrokenPipeError, ValueError):  # it is dead, which `next` tells
                process.stdin.write(line)
                process.stdin.flush()

    def next(self, seconds: float) -> dict[str, Any] | None:
        """What it says next; None when it says nothing in that time, or is dead."""
        try:
            message = self._messages.get(timeout=seconds)
        except queue.Empty:
            return None
        if isinstance(message, OSError):
            reason = message.strerror or type(message).__name__
            raise Temporary(_START, "this machine", reason) from message
        if isinstance(message, int):
            self.status = message
            return None
        self.reading = True
        return message

    def end(self) -> None:
        """End it at once, whatever it does: what it wrote is free then for others."""
        process = self._running()
        if process is not None:
            process.kill()
            with suppress(subprocess.TimeoutExpired):
                process.wait(_END_SECONDS)

    def _running(self) -> "subprocess.Popen[bytes] | None":
        self._started.wait()
        return self._process

    def _serve(self, arguments: list[str]) -> None:
        try:
            self._process = process = _started(arguments)
        except OSError as error:
            self._messages.put(error)
            return
        finally:
            self._started.set()
        assert process.stdout is not None
        assert process.stdin is not None
        with process.stdout, suppress(OSError), process.stdin:
            for line in process.stdout:
                if line.startswith(b"{") and line.endswith(b"\n"):  # else a library has printed it
                    self._messages.put(json.loads(line))
            self._messages.put(process.wait())


def _started(arguments: list[str]) -> "subprocess.Popen[bytes]":
    """Finds the modules that this process finds, and none in the folder that is the current one.

    All paths are handed on, so that it need not look for them (-S) as Python does when it starts.
    """
    own = Path(__file__).parents[len(__name__.split(".")) - 1]
    paths = os.pathsep.join(str(Path(path).absolute()) for path in (*sys.path, str(own)))
    # Arrow's own allocators take much more from the system than they use, which counts
    environment = {**os.environ, "PYTHONPATH": paths, "ARROW_DEFAULT_MEMORY_POOL": "system"}
    environment["OPENBLAS_NUM_THREADS"] = "1"  # blocks have threads of their own
    return subprocess.Popen(
        [sys.executable, "-P", "-S", "-m", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # where libraries write before they abort
        env=environment,
    )


def _request(folder: Path, source: "InputFile", spec: "ScoringSpec") -> dict[str, Any]:
    options, challenger = spec.options, None
    if options.challenger is not None:
        challenger = {
            "model": options.challenger.model.to_json().decode(),
            "version": options.challenger.version,
            "related": options.challenger.related,
        }
    apart = ("challenger", "explaining", "reading", "as_of")  # no row depends on the last
    names = [field.name for field in fields(options) if field.name not in apart]
    return {
        "directory": None if source.path.is_absolute() else str(Path.cwd()),
        "folder": str(folder.absolute()),
        "path": str(source.path),
        "name": source.name,
        "state": None if source.state is None else asdict(source.state),
        "identity": None if source.known_identity is None else source.identity,
        "model": spec.model.to_json().decode(),
        "version": spec.version,
        "options": {name: getattr(options, name) for name in names},
        "reading": options.reading.facts,
        "explaining": options.explaining.facts,
        "challenger": challenger,
    }


def _raise(error: dict[str, Any]) -> NoReturn:
    """An error of the other process, raised here as what it was there."""
    if "data" in error:
        raise CustomerClustersError.from_dict(error)
    if error["type"] == "OSError":
        raise OSError(error["number"], error["message"])
    raise RuntimeError(f"unexpected in the process that reads files:\n{error['message']}")


def _lacks_memory(answer: Mapping[str, Any]) -> bool:
    return bool(answer.get("error", {}).get("type") == "MemoryError")


def _advice(source: "InputFile", advice: str) -> str:
    name = source.name.lower()
    if name.endswith(_WORKBOOKS):
        return "save its sheet as CSV, which is read piece by piece"
    if name.endswith(_PARQUET):
        return "write it with smaller row groups, or without its columns of long values"
    return advice


def _too_large(source: "InputFile", memory: int, advice: str) -> TooLarge:
    advice = _advice(source, advice)
    return TooLarge(
        source.path, f"needs more than {memory >> 20:,} MiB of memory to be read; {advice}"
    )


def _death(source: "InputFile", child: _Child, memory: int, advice: str) -> Exception:
    """What the death of the process means."""
    status = child.status or 0
    if not child.reading:
        return Temporary(_START, "this machine", f"it ended with status {status}")
    if status >= 0:
        return RuntimeError(f"the process that reads files ended with exit status {status}")
    if -status == signal.SIGKILL:  # the kernel's way when the memory of the machine runs out
        problem = f"needs more memory than this machine has left, {memory >> 20:,} MiB at most"
        return TooLarge(source.path, f"{problem}; {_advice(source, advice)}")
    return WrongFile(
        source.path,
        f"the reader ended with signal {-status} while it read this file; it is damaged, or needs "
        f"more than {memory >> 20:,} MiB of memory: write it anew, or {_advice(source, advice)}",
    )
