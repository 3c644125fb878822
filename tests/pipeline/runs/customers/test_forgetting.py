"""People are removed from runs: from every file, with a kill at whatever moment."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from model_store import Temporary, open_storage
from pipeline.runs.committed import FORGOTTEN, CommittedRun, open_run
from pipeline.runs.customers.forgetting import forget, rows_with
from pipeline.runs.customers.index import IndexKey, find
from pipeline.runs.customers.indexing import write_index
from pipeline.runs.rows import open_rows
from tests.support.cutting import CutStorage

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

KEY = IndexKey("a secret")
HEAD = (
    "CLIENTNUM,Attrition_Flag,Credit_Limit,Contacts_Count_12_mon,Total_Revolving_Bal,"
    "Avg_Utilization_Ratio"
)
LINES = [
    "007,Attrited Customer,1900,3,0,0",
    "7,Existing Customer,1900,3,0,0",
    '"a, b",Existing Customer,1900,3,0,0',
    "bad,Existing Customer,none,3,0,0",
    "worse,Existing Customer,none,3,0,0",
    "7,Existing Customer,30000,2,2400,0.05",
    "late,one",
    "end,Existing Customer,30000,2,2400,0.05",
]
THEIRS = frozenset({"7", "bad", "late", "nobody"})


def noon() -> datetime:
    return datetime(2026, 2, 1, 12, tzinfo=UTC)


@pytest.fixture
def run(make_run: Callable[..., CommittedRun]) -> CommittedRun:
    run = make_run("\r\n".join([HEAD, *LINES]) + "\r\n", max_rejected_share=1.0)
    write_index(run, KEY)
    return run


def everything(run: CommittedRun) -> bytes:
    return b"".join(run.files.read(name) for name in run.files.names())


def ids_of(run: CommittedRun) -> list[str]:
    with open_rows(run) as rows:
        found = rows.map(lambda batch: batch.column(0).to_pylist())
        return [each for block in found for each in block]


def test_their_rows_are_gone_and_all_others_stand_as_they_stood(run: CommittedRun) -> None:
    before = run.files.read("assigned.csv").splitlines(keepends=True)
    assert rows_with(run, THEIRS) == 4
    done = forget(run, THEIRS, KEY, noon)
    assert (done.assigned, done.rejected) == (2, 2)
    assert rows_with(open_run(run.address), THEIRS) == 0
    after = run.files.read("assigned.csv").splitlines(keepends=True)
    assert after == [line for line in before if not line.startswith(b"7,")]
    assert ids_of(open_run(run.address)) == ["007", "a, b", "end"]
    rejected = run.files.read("rejected.csv").decode()
    assert "worse" in rejected
    assert "bad" not in rejected
    assert "late" not in rejected
    assert run.files.read("manifest.json") == open_run(run.address).files.read("manifest.json")


def test_the_index_finds_the_others_still(run: CommittedRun) -> None:
    forget(run, THEIRS, KEY, noon)

    def found(customer: str) -> int:
        def read(start: int, length: int) -> bytes:
            return run.files.read_range(KEY.file, start, length)

        return len(find(read, run.manifest["rows_assigned"], KEY.digest(customer)))

    assert [found(each) for each in ("7", "007", "a, b", "end")] == [0, 1, 1, 1]


def test_who_is_in_no_run_leaves_all_as_it_was(run: CommittedRun) -> None:
    before = everything(run)
    done = forget(run, frozenset({"nobody", "00"}), KEY, noon)
    assert (done.assigned, done.rejected, done.removed_indexes) == (0, 0, [])
    assert everything(run) == before


def test_an_index_under_a_key_that_nobody_knows_goes_as_a_whole(run: CommittedRun) -> None:
    done = forget(run, THEIRS, None, noon)
    assert done.removed_indexes == [KEY.file]
    assert not run.files.exists(KEY.file)


def test_a_second_call_adds_to_what_is_gone(run: CommittedRun) -> None:
    forget(run, THEIRS, KEY, noon)
    forget(open_run(run.address), frozenset({"end"}), KEY, noon)
    assert ids_of(open_run(run.address)) == ["007", "a, b"]
    assert open_run(run.address).forgotten == 3


@pytest.mark.parametrize("written", ["parquet", "xlsx"])
def test_other_formats_are_rewritten_or_told(
    make_run: Callable[..., CommittedRun], written: str
) -> None:
    run = make_run("\n".join([HEAD, *LINES]) + "\n", max_rejected_share=1.0, format=written)
    if written == "xlsx":
        before = everything(run)
        with pytest.raises(Exception, match="delete the run and score the file without them"):
            forget(run, THEIRS, KEY, noon)
        assert everything(run) == before
        return
    forget(run, THEIRS, KEY, noon)
    assert ids_of(open_run(run.address)) == ["007", "a, b", "end"]


@pytest.mark.parametrize("done", [False, True])
def test_a_kill_at_any_write_leaves_a_run_that_can_be_read_and_gone_on_with(
    run: CommittedRun, done: bool, tmp_path: Path
) -> None:
    kept = tmp_path / "kept"
    Path(run.address).rename(kept)
    for cut in range(100):
        copy = tmp_path / f"run-{done}-{cut}"
        copy.mkdir()
        for path in kept.iterdir():
            (copy / path.name).write_bytes(path.read_bytes())
        whole = open_run(str(copy))
        try:
            forget(replace(whole, files=CutStorage(whole.files, cut, done)), THEIRS, KEY, noon)
        except Temporary:
            ended = False
        else:
            ended = True
        left = ids_of(open_run(str(copy)))
        assert [each for each in left if each != "7"] == ["007", "a, b", "end"]
        forget(open_run(str(copy)), THEIRS, KEY, noon)
        again = open_run(str(copy))
        assert rows_with(again, THEIRS) == 0
        assert ids_of(again) == ["007", "a, b", "end"]
        assert again.forgotten == 2
        assert again.files.exists(KEY.file)
        if ended:
            assert cut > 5
            return
    pytest.fail("it never ended")


def test_nobody_is_named_in_what_says_that_they_are_gone(run: CommittedRun) -> None:
    forget(run, frozenset({"a, b"}), KEY, noon)
    assert b"a, b" not in everything(run)
    assert run.files.read(FORGOTTEN).decode().startswith("{")


@pytest.mark.usefixtures("aws")
def test_a_bucket_with_versions_keeps_none_of_them(
    run: CommittedRun, s3: "S3Client", make_bucket: Callable[[], str]
) -> None:
    bucket = make_bucket()
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    for name in run.files.names():
        s3.put_object(Bucket=bucket, Key=f"results/c.csv/run/{name}", Body=run.files.read(name))
    stored = open_run(f"s3://{bucket}/results/c.csv/run")
    done = forget(stored, THEIRS, KEY, noon)
    assert done.old_versions == 3  # of assigned and rejected rows, and of the index
    versions = s3.list_object_versions(Bucket=bucket)
    assert "DeleteMarkers" not in versions
    for version in versions["Versions"]:
        body = s3.get_object(Bucket=bucket, Key=version["Key"], VersionId=version["VersionId"])
        content = body["Body"].read()
        assert b"\n7," not in content
        assert b"bad" not in content
    assert ids_of(open_run(stored.address)) == ["007", "a, b", "end"]


@pytest.mark.usefixtures("aws")
def test_one_request_to_s3_finds_a_customer(
    run: CommittedRun, s3: "S3Client", make_bucket: Callable[[], str]
) -> None:
    bucket = make_bucket()
    s3.put_object(Bucket=bucket, Key="run/index", Body=run.files.read(KEY.file))
    files = open_storage(f"s3://{bucket}/run")
    reads = []

    def read(start: int, length: int) -> bytes:
        reads.append(length)
        return files.read_range("index", start, length)

    assert len(find(read, run.manifest["rows_assigned"], KEY.digest("7"))) == 2
    assert len(reads) == 1
