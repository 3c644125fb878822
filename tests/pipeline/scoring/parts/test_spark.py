"""Spark in this process gives what one machine gives."""

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from model_store import Temporary
from pipeline.errors import WrongFile
from pipeline.model.cluster_model import ClusterModel
from pipeline.scoring.parts.part import PartTask
from pipeline.scoring.parts.part_plan import Part
from pipeline.scoring.parts.spark import NoSpark, OnSpark, spark
from pipeline.scoring.spec import Explaining, Options
from tests.pipeline.scoring.parts.test_distributed import HEADER, TEXTS, customers
from tests.support.comparing import assert_same, in_parts

Write = Callable[..., Path]


@pytest.mark.parametrize("kind", ["wrong fields", "quoted newlines", "semicolons", "tabs"])
def test_text_on_spark(
    kind: str, on_spark: OnSpark, model: ClusterModel, write: Write, tmp_path: Path
) -> None:
    encoding = "cp1252" if kind == "semicolons" else "utf-8-sig"
    assert_same(write(TEXTS[kind].encode(encoding)), model, tmp_path, run=on_spark, part_bytes=500)


def test_the_real_file_on_spark(
    on_spark: OnSpark, model: ClusterModel, bank_churners: Path, tmp_path: Path
) -> None:
    found = assert_same(bank_churners, model, tmp_path, run=on_spark, part_bytes=300_000)
    assert found["rows_in"] == 10_127
    assert sum(name.startswith("assigned.") for name in found["bytes"]) > 3


def test_parquet_on_spark(
    on_spark: OnSpark, model: ClusterModel, write: Write, tmp_path: Path
) -> None:
    text = write(f"{HEADER}\n{customers(3000)}")
    path = tmp_path / "customers.parquet"
    table = pa.csv.read_csv(text)
    pq.write_table(table, path, row_group_size=700)
    assert_same(path, model, tmp_path, run=on_spark, part_bytes=30_000)


def test_a_wrong_file_is_refused_in_one_line(
    on_spark: OnSpark, model: ClusterModel, write: Write, tmp_path: Path
) -> None:
    for text, message in (
        ("a,b\n1,2\n", "no column Contacts_Count_12_mon"),
        (f"{HEADER}\n", "no customers"),
        (f"{HEADER}\n" + "x,,,,,\n" * 50, "50 of 50 rows cannot be scored"),
        (f"{HEADER}\n{customers(5)}{'x' * (3 << 20)}", "has a line of more than"),
    ):
        with pytest.raises(WrongFile, match=message) as raised:
            in_parts(write(text), model, tmp_path / "parts", run=on_spark, part_bytes=500_000)
        assert "\n" not in str(raised.value)


def test_a_task_that_fails_for_good_is_told_in_one_line(
    on_spark: OnSpark, model: ClusterModel, write: Write, tmp_path: Path
) -> None:
    path = write(TEXTS["plain"])

    def run_without_the_file(task: PartTask, parts: list[Part]) -> object:
        elsewhere = path.rename(path.with_suffix(".elsewhere"))  # as on a disk of its own
        try:
            return on_spark(task, parts)
        finally:
            elsewhere.rename(path)

    with pytest.raises(Temporary) as raised:
        in_parts(path, model, tmp_path / "parts", run=run_without_the_file)  # type: ignore[arg-type]
    assert str(raised.value) == (
        f"could not score in Spark: could not find in {path}: "
        "all workers must see the same files: use s3://; try again"
    )


def test_rows_are_told_while_they_are_scored(
    on_spark: OnSpark, model: ClusterModel, write: Write, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr("pipeline.scoring.parts.spark._REPORT_SECONDS", 0.02)
    told: list[int] = []
    path = write(f"{HEADER}\n{customers(20_000)}")
    run = OnSpark(on_spark.session, told.append)
    in_parts(path, model, tmp_path / "parts", run=run, part_bytes=20_000)
    assert told == sorted(told)
    assert 0 < told[-1] <= 20_000
    assert len(set(told)) > 3


def test_progress_that_raises_ends_the_job(
    on_spark: OnSpark, model: ClusterModel, write: Write, tmp_path: Path
) -> None:
    """As when somebody interrupts the command."""

    def run_and_stop(task: PartTask, parts: list[Part]) -> object:
        def stop(rows: int) -> None:
            raise KeyboardInterrupt

        stopped = OnSpark(on_spark.session, stop)
        return stopped(task, [part for part in parts for _ in range(50)])

    with pytest.raises(KeyboardInterrupt):
        in_parts(
            write(f"{HEADER}\n{customers(20_000)}"), model, tmp_path / "parts",
            run=run_and_stop, part_bytes=20_000,  # type: ignore[arg-type]
        )  # fmt: skip
    tracker = on_spark.session.sparkContext.statusTracker()
    assert tracker.getActiveJobsIds() == []


def test_without_java_one_line_says_so(tmp_path: Path) -> None:
    for environment, where in (
        ({"JAVA_HOME": str(tmp_path)}, f"$JAVA_HOME, which is {tmp_path}"),
        ({"PATH": str(tmp_path)}, "the path"),
    ):
        with pytest.raises(NoSpark) as raised, spark("local", environment):
            pass
        assert str(raised.value) == f"Spark needs Java 17 or newer; found no java in {where}"


def test_every_option_on_spark(
    on_spark: OnSpark, model: ClusterModel, write: Write, tmp_path: Path
) -> None:
    path = write(TEXTS["plain"])
    explaining = Explaining(why=2, sentences=True, what_if=True)
    several = (Options("parquet"), Options(safe_csv=True), Options(explaining=explaining))
    for number, options in enumerate(several):
        assert_same(path, model, tmp_path / str(number), options, run=on_spark, part_bytes=900)
