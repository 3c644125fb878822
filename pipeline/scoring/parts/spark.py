"""Scoring one large file on Spark: its parts in tasks, by the code that scores it on one machine.

Spark hands out the parts and starts a task again whose worker died. The rows themselves do not go
through it: a task reads its part, writes its rows, and answers with a line about them.
"""

import json
import os
import re
import shutil
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeVar

import pyarrow as pa
from pyspark.sql import SparkSession

from model_store import CustomerClustersError, Temporary
from pipeline.scoring.parts.part import PartResult, PartTask
from pipeline.scoring.parts.part_plan import Part
from pipeline.scoring.spec import Progress

_DONE = (
    "index int, round int, start long, end long, rows long, lines long, bytes long, "
    "rejected long, digests array<string>, refused string"
)
_KINDS = {
    "int": pa.int32(),
    "long": pa.int64(),
    "string": pa.string(),
    "array<string>": pa.list_(pa.string()),
}
_SCHEMA = pa.schema(
    [pa.field(n, _KINDS[k]) for n, k in (column.split() for column in _DONE.split(", "))]
)
_REPORT_SECONDS = 1.0
_RAISED = re.compile(r"^((?!SQLSTATE|org\.)[A-Za-z_][\w.]*): (\S.*)$", re.MULTILINE)
_OURS = re.compile(r"^[\w.]*\bTaskError: (\{.*\})$", re.MULTILINE)
_NOT_STARTED = re.compile(
    r'^(?:Exception in thread "main" |: )[\w.$]+: (\S.*)$|^(\S.*)\nError: Could not create',
    re.MULTILINE,
)
_STOPPED = "Cannot call methods on a stopped SparkContext"
"""Said when it gave up waiting for its master, after a minute."""
_MOST_HEARD = 1 << 20
_LOG = Path(__file__).parent / "spark_log4j2.properties"
_LOOPBACK = ("local", "spark://127.0.0.1:", "spark://localhost:")
_JVM_OPTIONS = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
"""Spark only hands out parts here: compiling it well, or collecting garbage at once with several
threads, takes more time from the rows than it gives back."""
_SETTINGS = {
    "spark.ui.showConsoleProgress": "false",
    "spark.log.level": "FATAL",
    "spark.sql.codegen.wholeStage": "false",
}
_SETTINGS_HERE = {
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.ui.enabled": "false",
    "spark.driver.extraJavaOptions": f"{_JVM_OPTIONS} -Dlog4j2.configurationFile={_LOG.as_uri()}",
    "spark.executor.extraJavaOptions": _JVM_OPTIONS,
}
Result = TypeVar("Result")


class TaskError(Exception):
    """Raised in a task in place of an error of ours: its text is the error as JSON.

    Spark tells the driver the text of a traceback and nothing else.
    """


class NoSpark(CustomerClustersError):
    """Raised when Spark cannot be started here."""

    code = "no_spark"


@contextmanager
def spark(master: str | None, environment: Mapping[str, str]) -> Iterator[SparkSession]:
    """A session at a master, or where spark-submit says; NoSpark when there can be none."""
    home = environment.get("JAVA_HOME")
    java = str(Path(home, "bin", "java")) if home else "java"
    if shutil.which(java, path=environment.get("PATH")) is None:
        where = f"$JAVA_HOME, which is {home}" if home else "the path"
        raise NoSpark(f"Spark needs Java 17 or newer; found no java in {where}")
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    on_this_machine = master is not None and master.startswith(_LOOPBACK)
    builder = SparkSession.builder.appName("customer-clusters")
    builder = builder.config(map={**_SETTINGS, **(_SETTINGS_HERE if on_this_machine else {})})
    if master is not None:
        builder = builder.master(master)
    with _captured_errors() as captured, _without_pandas_warning():
        try:
            session = builder.getOrCreate()
        except Exception as error:
            why = _start_failure(f"{error}\n{captured()}") or _reason(error)
            raise NoSpark(f"Spark did not start at {master or 'its master'}: {why}") from error
    try:
        yield session
    finally:
        session.stop()


@dataclass(frozen=True, slots=True)
class OnSpark:
    """Runs parts on Spark, each in a task of its own; tells how many rows were scored so far."""

    session: SparkSession
    progress: Progress = lambda rows: None

    def __call__(self, task: PartTask, parts: Sequence[Part]) -> list[PartResult]:
        """What came of the parts; Temporary when Spark gave up."""
        rows = self.session.sparkContext.accumulator(0)

        def score_batches(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
            for batch in batches:
                with _raised_as_text():
                    results = [task.score(parts[index]) for index in batch.column(0).to_pylist()]
                rows.add(sum(part.rows for part in results))
                yield pa.RecordBatch.from_pylist(list(map(asdict, results)), schema=_SCHEMA)

        def report() -> None:
            self.progress(rows.value)

        indexes = self.session.range(0, len(parts), 1, len(parts))
        with _without_pandas_warning():
            answers = indexes.mapInArrow(score_batches, _DONE)
        rows_of_results = _run_reporting(self.session, answers.collect, report)
        return [PartResult(**row.asDict()) for row in rows_of_results]


@contextmanager
def _captured_errors() -> Iterator[Callable[[], str]]:
    """Keeps aside what the JVM that starts meanwhile says, then and later; what that was so far.

    It greets with four lines that no setting turns off, and says why it could not start.
    """
    with tempfile.TemporaryFile() as file:
        standard_error = os.dup(2)
        os.dup2(file.fileno(), 2)
        try:
            yield lambda: os.pread(file.fileno(), _MOST_HEARD, 0).decode(errors="replace")
        finally:
            os.dup2(standard_error, 2)
            os.close(standard_error)


def _start_failure(output: str) -> str | None:
    """Why Spark did not start, from what it and its JVM said; None where they did not say it."""
    match = _NOT_STARTED.search(output)
    if match is None:
        return None
    reason: str = match[1] or match[2]
    return "no master answered there" if _STOPPED in reason else reason


@contextmanager
def _without_pandas_warning() -> Iterator[None]:
    """Without the warning that pandas is newer than Spark knows: it is asked for nothing here."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas")
        yield


def _run_reporting(
    session: SparkSession, action: Callable[[], Result], report: Callable[[], None]
) -> Result:
    """Call `report` while Spark does something; what it raises ends that."""
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(action)
        try:
            while not wait([future], timeout=_REPORT_SECONDS).done:
                report()
        except BaseException:
            session.sparkContext.cancelAllJobs()
            raise
        try:
            return future.result()
        except Exception as error:  # of Spark, of Py4J, of the connection to them
            raise Temporary("score", "Spark", _reason(error)) from error


@contextmanager
def _raised_as_text() -> Iterator[None]:
    """In a task: TaskError in place of an error of ours."""
    try:
        yield
    except CustomerClustersError as error:
        raise TaskError(json.dumps(error.to_dict())) from error


def _reason(error: Exception) -> str:
    """What went wrong: an error of ours in a task, or of Python's tracebacks the last line."""
    ours = _OURS.findall(str(error))
    if ours:
        known = CustomerClustersError.from_dict(json.loads(ours[-1]))
        return known.problem if isinstance(known, Temporary) else known.message
    raised = _RAISED.findall(str(error))
    if raised:
        return ": ".join(raised[-1])
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[0] if lines else 'no reason given'}"
