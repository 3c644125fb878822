import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xlsxwriter

from pipeline.errors import TooLarge, WrongFile
from pipeline.model.cluster_model import ClusterModel
from pipeline.runs.history.entry import LEDGER
from pipeline.scoring.process import limits
from pipeline.scoring.process.isolated import Isolated
from pipeline.scoring.process.limits import LEAST_MEMORY, most_memory
from pipeline.scoring.spec import Challenger, Options, Progress
from tests.support.paths import CUSTOMERS as EXAMPLE
from tests.support.scoring import score_file

GOOD = (
    "CLIENTNUM,Avg_Utilization_Ratio,Credit_Limit,Contacts_Count_12_mon,Total_Revolving_Bal\n"
    "0042,0.061,12691,3,777\n"
)
Write = Callable[..., Path]


@pytest.fixture(scope="module")
def isolated() -> Iterator[Isolated]:
    """One for all tests, as for all files."""
    engine = Isolated(LEAST_MEMORY, 6.0, "tests.support.dying")
    yield engine
    engine.stop()


@pytest.fixture
def score(isolated: Isolated, model: ClusterModel, tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """Scores a file into the test's folder."""

    def run(path: Path, progress: Progress = lambda rows: None) -> dict[str, Any]:
        return score_file(path, model, "v1", tmp_path / "out", Options(), progress, isolated)

    return run


def test_another_process_writes_what_this_one_does(
    isolated: Isolated, model: ClusterModel, tmp_path: Path
) -> None:
    challenger = Challenger(model, "v0", related=True)
    options = Options(format="parquet", challenger=challenger)
    counts: list[int] = []
    here = score_file(EXAMPLE, model, "v1", tmp_path / "here", options)
    there = score_file(EXAMPLE, model, "v1", tmp_path / "there", options, counts.append, isolated)
    assert there == here
    assert counts[-1] == here["rows_in"]
    for name in here["outputs"].values():
        assert (tmp_path / "there" / name).read_bytes() == (tmp_path / "here" / name).read_bytes()


def test_what_a_library_prints_while_it_is_imported_does_no_harm(
    model: ClusterModel, write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    talking = "print('a new version is out', flush=True)\n"
    talking += "from tests.support.dying import load, main\nmain(load)\n"
    (tmp_path / "talking.py").write_text(talking)
    monkeypatch.syspath_prepend(tmp_path)
    engine = Isolated(LEAST_MEMORY, 6.0, "talking")
    summary = score_file(write(GOOD), model, "v1", tmp_path / "out", Options(), engine=engine)
    engine.stop()
    assert summary["rows_assigned"] == 1


def test_a_path_is_meant_from_where_it_was_said(
    score: Callable[..., dict[str, Any]],
    write: Write,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    write(GOOD, "first.csv")
    (tmp_path / "below").mkdir()
    (tmp_path / "below/second.csv").write_text(GOOD)
    monkeypatch.chdir(tmp_path)
    assert score(Path("first.csv"))["rows_assigned"] == 1
    monkeypatch.chdir(tmp_path / "below")
    assert score(Path("second.csv"))["rows_assigned"] == 1


@pytest.mark.parametrize(
    ("deed", "said"),
    [
        ("abort", f"the reader ended with signal {int(signal.SIGABRT)} while it read this file"),
        ("hang", "no row of it could be read for 6 seconds"),
        ("swell", f"needs more than {LEAST_MEMORY >> 20} MiB of memory to be read"),
    ],
)
def test_a_file_that_ends_its_reader_costs_itself_only(
    score: Callable[..., dict[str, Any]], write: Write, tmp_path: Path, deed: str, said: str
) -> None:
    bad, good = write(deed, "bad.csv"), write(GOOD, "good.csv")
    with pytest.raises(WrongFile) as refused:
        score(bad)
    assert str(refused.value).startswith(f"{bad}: {said}")
    assert "\n" not in str(refused.value)
    assert score(good)["rows_assigned"] == 1
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [LEDGER, "good.csv"]


def test_memory_that_earlier_files_took_refuses_no_other(
    score: Callable[..., dict[str, Any]], write: Write, isolated: Isolated
) -> None:
    """A process keeps some of what it took. A new one is asked before a file is refused."""
    score(write(GOOD, "good.csv"))
    with pytest.raises(KeyError):  # the answer of the deed, once it was done
        score(write("grow"))
    isolated.stop()


def test_a_reader_that_the_kernel_ended_lacked_the_memory_of_the_machine(
    score: Callable[..., dict[str, Any]], write: Write
) -> None:
    with pytest.raises(TooLarge, match=r"more memory than this machine has left, 768 MiB at most"):
        score(write("kill"))


def test_a_parquet_file_that_unpacks_to_gigabytes_is_refused(
    score: Callable[..., dict[str, Any]], model: ClusterModel, tmp_path: Path
) -> None:
    """Of bytes nobody knows the length before they are unpacked, but by the memory they take."""
    rows, value = 20_000, pa.array([b"x" * (2 << 20)])
    table = {feature.name: [0.5] * rows for feature in model.contract.features}
    table["note"] = pa.DictionaryArray.from_arrays(pa.array([0] * rows, pa.int32()), value)
    path = tmp_path / "bomb.parquet"
    pq.write_table(pa.table(table), path, compression="zstd", store_schema=False)
    assert path.stat().st_size < 10_000
    words = f"needs more than {LEAST_MEMORY >> 20} MiB of memory.* smaller row groups"
    with pytest.raises(TooLarge, match=words):
        score(path)


@pytest.mark.parametrize("kind", ["lists", "structs", "numbers", "a feature"])
def test_nested_and_repeated_values_are_bounded_by_the_memory(
    model: ClusterModel, tmp_path: Path, kind: str
) -> None:
    """A few kilobytes of Parquet stand for gigabytes: each ends in a line, in a second or two."""
    rows = 20_000
    table: dict[str, Any] = {feature.name: [0.5] * rows for feature in model.contract.features}
    texts = pa.DictionaryArray.from_arrays(
        pa.array([0] * rows * 10, pa.int32()), pa.array(["1" * (1 << 20)])
    )
    ends = pa.array(range(0, rows * 10 + 1, 10), pa.int32())
    lists = pa.ListArray.from_arrays(ends, texts)
    if kind == "numbers":
        many = pa.array(range(0, rows * 1_000 + 1, 1_000), pa.int32())
        lists = pa.ListArray.from_arrays(many, pa.repeat(pa.scalar(0, pa.int64()), rows * 1_000))
    if kind == "a feature":
        table[model.contract.features[0].name] = texts.slice(0, rows)
    else:
        nested = pa.StructArray.from_arrays([lists, lists], ["a", "b"])
        table["note"] = nested if kind == "structs" else lists
    path = tmp_path / "nested.parquet"
    pq.write_table(pa.table(table), path, compression="zstd", store_schema=False)
    del table, lists, texts
    assert path.stat().st_size < 100_000
    engine = Isolated(160 << 20)
    with pytest.raises(TooLarge, match=r"more than 160 MiB of memory"):
        score_file(path, model, "v1", tmp_path / "out", Options(), engine=engine)
    engine.close()


def test_a_refusal_says_the_same(
    score: Callable[..., dict[str, Any]], write: Write, model: ClusterModel, tmp_path: Path
) -> None:
    path = write("a,b\n1,2\n")
    with pytest.raises(WrongFile) as here:
        score_file(path, model, "v1", tmp_path / "here", Options())
    with pytest.raises(WrongFile) as there:
        score(path)
    assert str(there.value) == str(here.value)


@pytest.mark.parametrize(("deed", "said"), [("fail", "IndexError"), ("exit", "exit status 3")])
def test_a_bug_in_the_reader_is_not_hidden(
    score: Callable[..., dict[str, Any]], write: Write, deed: str, said: str
) -> None:
    with pytest.raises(RuntimeError, match=said):
        score(write(deed))
    assert score(write(GOOD, "good.csv"))["rows_assigned"] == 1


def test_a_reader_that_does_not_start_is_a_bug_too(
    model: ClusterModel, write: Write, tmp_path: Path
) -> None:
    engine = Isolated(module="tests.pipeline.scoring.nothing")
    with pytest.raises(OSError, match="could not start a process that reads files"):
        score_file(write(GOOD), model, "v1", tmp_path / "out", Options(), engine=engine)


def test_what_a_library_prints_is_no_answer(
    score: Callable[..., dict[str, Any]], write: Write, tmp_path: Path
) -> None:
    with pytest.raises(KeyError, match="format"):  # the answer of the deed, which has no more
        score(write("print"))


def test_who_waits_may_stop_it(score: Callable[..., dict[str, Any]], write: Write) -> None:
    def stop(rows: int) -> None:
        raise TimeoutError(f"after {rows}")

    with pytest.raises(OSError, match="after 0"):
        score(write("hang"), stop)
    assert score(write(GOOD, "good.csv"))["rows_assigned"] == 1


@pytest.mark.skipif(sys.platform != "linux", reason="other kernels do not tie processes")
def test_it_ends_with_the_process_that_started_it(write: Write, tmp_path: Path) -> None:
    code = f"""
import os, pathlib
from model_store import BUNDLED, open_store
from pipeline.model.published.loading import load_model
from pipeline.scoring.spec import Options
from pipeline.runs.history.entry import LEDGER
from pipeline.scoring.process.isolated import Isolated
from tests.support.scoring import score_file
model = load_model(open_store(BUNDLED).open("original"))
path, out = pathlib.Path({str(write("hang"))!r}), pathlib.Path({str(tmp_path / "out")!r})
engine = Isolated(module="tests.support.dying")
children = pathlib.Path(f"/proc/{{os.getpid()}}/task")
def tell(rows):
    found = [task.joinpath("children").read_text() for task in children.iterdir()]
    print(*"".join(found).split(), flush=True)
score_file(path, model, "v1", out, Options(), tell, engine)
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        (child,) = map(int, parent.stdout.readline().split())
        parent.kill()
    deadline = time.monotonic() + 30
    while _lives(child) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not _lives(child)


def _lives(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def test_modules_that_lie_in_the_current_folder_are_not_imported(
    model: ClusterModel, write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write("raise SystemExit('numpy of a stranger')", "numpy.py")
    path = write(GOOD)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [entry for entry in sys.path if entry])
    manifest = score_file(path, model, "v1", tmp_path / "out", Options(), engine=Isolated())
    assert manifest["rows_assigned"] == 1


@pytest.mark.parametrize(
    ("machine", "reader"),
    [(128, 256), (512, 352), (1024, 768), (2048, 1024), (3008, 1504), (65536, 2048)],
)
def test_the_memory_of_a_reader_follows_that_of_the_machine(
    monkeypatch: pytest.MonkeyPatch, machine: int, reader: int
) -> None:
    monkeypatch.setattr(limits, "machine_memory", lambda: machine << 20)
    assert most_memory() == reader << 20


def test_with_little_memory_a_file_is_read_in_smaller_pieces_with_the_same_result(
    tmp_path: Path, model: ClusterModel
) -> None:
    """850,000 narrow rows took 390 MB before; 200 are less than the smallest machine has."""
    path = tmp_path / "many.csv"
    header = GOOD.partition("\n")[0]
    rows = (f"{n},0.{n % 900},{2000 + n % 9000},{n % 6},{n % 2500}" for n in range(300_000))
    path.write_text("\n".join((header, *rows)))
    outputs = []
    for memory in (250 << 20, LEAST_MEMORY):
        engine = Isolated(memory)
        folder = tmp_path / str(memory)
        score_file(path, model, "v1", folder, Options(), engine=engine)
        engine.close()
        files = [file for file in folder.rglob("*.csv") if file.is_file()]
        outputs.append({file.name: file.read_bytes() for file in files})
    assert outputs[0] == outputs[1]


def test_a_workbook_that_is_too_large_for_the_machine_is_told_the_way_out(
    tmp_path: Path, model: ClusterModel
) -> None:
    path = tmp_path / "many.xlsx"
    book = xlsxwriter.Workbook(str(path), {"constant_memory": True})
    sheet = book.add_worksheet()
    sheet.write_row(0, 0, GOOD.partition("\n")[0].split(","))
    for row in range(1, 40_000):
        sheet.write_row(row, 0, [row, row / 40_000, 2000 + row, row % 6, row % 2500])
    book.close()
    engine = Isolated(140 << 20)
    with pytest.raises(WrongFile, match=r"more than 140 MiB of memory.* save its sheet as CSV"):
        score_file(path, model, "v1", tmp_path / "out", Options(), engine=engine)
    engine.close()
