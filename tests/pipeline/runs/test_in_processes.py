"""A file that several processes share gives what one process gives, or nothing."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from model_store import BUNDLED, CustomerClustersError
from pipeline.errors import WrongFile
from pipeline.model.cluster_model import ClusterModel
from pipeline.reading.options import WrongOption
from pipeline.runs import Engine, FolderRuns, LocalInput, WholeFile, find_inputs, score
from pipeline.runs.history.entry import LEDGER
from pipeline.runs.history.ledger import read_ledger
from pipeline.runs.in_processes import InProcesses
from pipeline.scoring.process import workers
from pipeline.scoring.spec import Options, Progress, ScoringSpec
from tests.pipeline.scoring.parts.test_distributed import HEADER, TEXTS, customers

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

Write = Callable[..., Path]
IN_TWO = InProcesses(2, part_bytes=1500)
ODD = ("wrong fields", "quotes astray", "quoted newlines", "one long field", "semicolons")
COMMAND = f"""
import sys
from pathlib import Path
from model_store import open_store
from pipeline.model.published.loading import load_model
from pipeline.runs import FolderRuns, LocalInput, score
from pipeline.runs.in_processes import InProcesses
from pipeline.scoring.spec import ScoringSpec
model = load_model(open_store({str(BUNDLED)!r}).open("original"))
print("ready", flush=True)
path, out = map(Path, sys.argv[1:])
engine = InProcesses(2, part_bytes=1 << 20)
score(LocalInput.at(path), ScoringSpec(model, "v1"), FolderRuns(out), engine)
"""


def results(
    path: Path, model: ClusterModel, out: Path, engine: Engine, options: Options | None = None
) -> dict[str, bytes]:
    """The files of a run, by their names."""
    spec = ScoringSpec(model, "v1", options or Options())
    score(LocalInput.at(path), spec, FolderRuns(out), engine, retry_failed=True)
    return files_of_runs(out)


def files_of_runs(out: Path) -> dict[str, bytes]:
    """All but the ledger, which tells the time."""
    files = (file for file in sorted(out.rglob("*")) if file.is_file())
    names = {str(file.relative_to(out)): file for file in files}
    return {n: file.read_bytes() for n, file in names.items() if not n.startswith(f"{LEDGER}/")}


def assert_same(path: Path, model: ClusterModel, out: Path, options: Options | None = None) -> None:
    one = results(path, model, out / "one", WholeFile(), options)
    two = results(path, model, out / "two", IN_TWO, options)
    assert list(two) == list(one)
    assert two == one


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252"])
@pytest.mark.parametrize("kind", ODD)
def test_text_is_the_same_bytes(
    kind: str, encoding: str, model: ClusterModel, write: Write, tmp_path: Path
) -> None:
    assert_same(write(TEXTS[kind].encode(encoding)), model, tmp_path)


def test_a_file_whose_customers_are_all_wrong_has_a_header(
    model: ClusterModel, write: Write, tmp_path: Path
) -> None:
    path = write(f"{HEADER}\n" + "0,,x,x,x,x\n" * 300)
    assert_same(path, model, tmp_path, Options(max_rejected_share=1))


def test_what_is_written_by_columns_is_the_same_bytes(
    model: ClusterModel, write: Write, tmp_path: Path
) -> None:
    assert_same(write(TEXTS["tabs"]), model, tmp_path / "safe", Options(safe_csv=True))


def test_parquet_is_scored_as_a_whole(model: ClusterModel, tmp_path: Path) -> None:
    lines = [line.split(",") for line in customers(900).splitlines()]
    columns = dict(zip(HEADER.split(","), map(pa.array, zip(*lines, strict=True)), strict=True))
    pq.write_table(pa.table(columns), tmp_path / "a.parquet", row_group_size=100)
    assert_same(tmp_path / "a.parquet", model, tmp_path / "csv", Options("csv"))


def test_what_has_no_parts_is_scored_as_a_whole(
    model: ClusterModel, write: Write, tmp_path: Path
) -> None:
    small = write(f"{HEADER}\n{customers(5)}", "small.csv")
    utf_16 = write(f"{HEADER}\n{customers(90)}".encode("utf-16"), "utf-16.csv")
    for path in (small, utf_16):
        assert_same(path, model, tmp_path / path.stem)
    assert_same(small, model, tmp_path / "parquet", Options("parquet"))


def test_a_refusal_names_the_file(model: ClusterModel, write: Write, tmp_path: Path) -> None:
    path = write(f"{HEADER}\n{customers(90)}".replace(",0.", ",none"))
    with pytest.raises(WrongFile, match=rf"^{path}: 90 of 90 rows cannot be scored"):
        results(path, model, tmp_path / "out", IN_TWO)
    assert not list((tmp_path / "out").rglob("*"))


def test_what_refuses_the_file_is_told_by_its_row(
    model: ClusterModel, write: Write, tmp_path: Path
) -> None:
    other = ",".join(reversed(HEADER.split(",")))
    path = write(f"{HEADER}\n{customers(100)}{other}\n{customers(9)}")
    for engine in (WholeFile(), IN_TWO):
        with pytest.raises(WrongFile, match=r"second header in row 101 \(line 102\)"):
            results(path, model, tmp_path / "out", engine)
        assert not list((tmp_path / "out").rglob("*"))


def test_an_object_of_s3_is_read_once(
    model: ClusterModel, s3: "S3Client", aws: None, make_bucket: Callable[[], str], tmp_path: Path
) -> None:
    bucket = make_bucket()
    for name, rows in (("small.csv", 5), ("large.csv", 900)):
        content = f"{HEADER}\n{customers(rows)}".encode()
        s3.put_object(Bucket=bucket, Key=name, Body=content)
        (ref,) = find_inputs(f"s3://{bucket}/{name}", lambda note: None)
        spec, runs = ScoringSpec(model, "v1"), FolderRuns(tmp_path / "out")
        with ref.open() as source:
            assert score(source, spec, runs, IN_TWO).manifest["rows_in"] == rows


def test_a_worker_that_is_killed_ends_the_run(
    model: ClusterModel, write: Write, tmp_path: Path
) -> None:
    path, ends = write(f"{HEADER}\n{customers(120_000)}"), 0
    whole = results(path, model, tmp_path / "whole", WholeFile())
    here = set(children(os.getpid()))

    def kill() -> None:
        for child in sorted(set(children(os.getpid())) - here)[:1]:
            os.kill(child, signal.SIGKILL)

    for moment in range(10):
        timer, out = threading.Timer(moment * 0.05, kill), tmp_path / str(moment)
        timer.start()
        try:
            assert results(path, model, out, InProcesses(2, part_bytes=1 << 20)) == whole
        except CustomerClustersError as error:
            ends += 1
            told = str(error)
            assert told.endswith("use fewer --jobs") or "could not start a process" in told
            assert not list(out.rglob("*"))
        timer.cancel()
        timer.join()
        assert all(gone(child) for child in set(children(os.getpid())) - here)
    assert ends > 2  # the later ones may have come too late


@pytest.mark.parametrize(("ending", "moments"), [(signal.SIGKILL, 10), (signal.SIGINT, 4)])
def test_whoever_is_ended_leaves_a_whole_run_or_none(
    ending: signal.Signals, moments: int, model: ClusterModel, write: Write, tmp_path: Path
) -> None:
    path, ends = write(f"{HEADER}\n{customers(120_000)}"), 0
    whole = results(path, model, tmp_path / "whole", WholeFile())
    for moment in range(moments):
        out = tmp_path / str(moment)
        command = [sys.executable, "-c", COMMAND, str(path), str(out)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(moment * 1.2 / moments)
        inner = list(children(process.pid))
        process.send_signal(ending)
        ends += process.wait() != 0
        process.stdout.close()
        assert all(gone(child) for child in inner)
        manifests = list(out.rglob("manifest.json"))
        if ending is signal.SIGINT and not manifests:
            assert not list(out.rglob("*"))
        assert results(path, model, out, WholeFile()) == whole
        assert len(read_ledger(FolderRuns(out).files).entries) == 1
    assert ends > moments // 3  # the later ones may have been done before


def test_a_full_disk_is_told_and_leaves_nothing(write: Write, tmp_path: Path) -> None:
    path, out = write(f"{HEADER}\n{customers(120_000)}"), tmp_path / "out"
    limited = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (900_000, 900_000))\n"
    done = subprocess.run(
        [sys.executable, "-c", limited + COMMAND, str(path), str(out)],
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 1
    assert "could not write in" in done.stderr.splitlines()[-1]
    assert not list(out.rglob("*"))


def test_too_little_memory_for_so_many_is_told_before_anything_starts(
    model: ClusterModel, write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers, "machine_memory", lambda: 2 << 30)
    path = write(f"{HEADER}\n{customers(90)}")
    with pytest.raises(WrongOption, match=r"^--jobs: expected at most 2 \(each may take 768 of"):
        results(path, model, tmp_path / "out", InProcesses(3, part_bytes=1500))


def test_rows_are_told_while_they_are_scored(
    model: ClusterModel, write: Write, tmp_path: Path
) -> None:
    told: list[int] = []
    progress: Progress = told.append
    spec, runs = ScoringSpec(model, "v1"), FolderRuns(tmp_path / "out")
    path = write(TEXTS["all in quotes"])  # parts of which are read again
    score(LocalInput.at(path), spec, runs, InProcesses(2, 250), progress=progress)
    assert told[-1] == 60


def children(parent: int) -> Iterator[int]:
    """The processes that a process has started and that are alive."""
    for entry in Path("/proc").iterdir():
        try:
            fields = (entry / "stat").read_text().rpartition(") ")[2].split()
        except OSError:
            continue
        if entry.name.isdigit() and int(fields[1]) == parent and fields[0] != "Z":
            yield int(entry.name)


def gone(process: int) -> bool:
    """Whether a process ends within a second."""
    for _ in range(100):
        try:
            if Path(f"/proc/{process}/stat").read_text().rpartition(") ")[2][0] == "Z":
                return True
        except OSError:
            return True
        time.sleep(0.01)
    return False
