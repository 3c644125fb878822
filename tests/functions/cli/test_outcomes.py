"""The command that holds what became of customers against what was expected."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner, Result

import customer_clusters as cc
from functions.cli.main import main
from tests.support.audiences import read_list
from tests.support.notices import Hook, is_signed
from tests.support.outcomes import write_labels
from tests.support.paths import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_s3 import S3Client

CUSTOMERS = ROOT / "examples/customers.csv"
GONE, THERE = "Attrited Customer", "Existing Customer"


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The address of a run; the working folder is the test's own."""
    monkeypatch.chdir(tmp_path)
    return cc.score(CUSTOMERS, "results").folder


@pytest.fixture
def labels(run: str) -> Path:
    """Of the customers of the riskiest group all have churned, of the others none."""
    rows = read_list(Path(run) / "assigned.csv")
    states = [(row["CLIENTNUM"], GONE if row["cluster"] == "5" else THERE) for row in rows]
    return write_labels(Path("later.csv"), states)


def called(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["outcomes", *arguments])


def test_the_terminal_says_what_was_expected_what_came_and_who_is_not_counted(
    run: str, labels: Path
) -> None:
    result = called(run, "--labels", str(labels), "--as-of", "2026-11-27")
    assert result.exit_code == 0, result.stderr
    lines = result.stdout.splitlines()
    counted = "Outcomes of customers.csv as of 2026-11-27: 818 of 995 customers counted"
    assert lines[0] == counted
    assert lines[1].startswith("Fewer cancelled than training led to expect; more in group 5")
    assert lines[2].startswith("45 of 818 cancelled, 5.5%")
    group = next(line for line in lines if line.split()[:1] == ["5"])
    assert "100.0%" in group and group.rstrip().endswith("higher")
    assert "• 177 customers not counted: cancelled already when the file was scored" in lines
    assert lines[-1].startswith(f"Written to {run}/outcomes/2026-11-27-")


def test_outcomes_lie_beside_the_run_and_are_the_same_again(run: str, labels: Path) -> None:
    arguments = (run, "--labels", str(labels), "--as-of", "2026-11-27", "--json")
    document = json.loads(called(*arguments).stdout)
    folder = Path(run) / "outcomes" / document["outcomes"]
    assert json.loads((folder / "outcomes.json").read_text()) == document
    written = (folder / "outcomes.html").stat().st_mtime_ns
    assert json.loads(called(*arguments).stdout) == document
    assert (folder / "outcomes.html").stat().st_mtime_ns == written
    earlier = called(*arguments[:4], "2026-11-01")
    assert "Other outcomes of this run, 2026-11-27: lower (later.csv)" in earlier.stdout
    assert document["overall"]["verdict"] == "lower"
    assert document["clusters"][4]["verdict"] == "higher"
    assert document["rankings"]["clusters"]["auc"] is None  # all who churned come last
    assert called(*arguments, "--out", "own").exit_code == 0
    assert json.loads(Path("own/outcomes.json").read_text()) == document


def test_neither_pandas_nor_scipy_is_loaded(run: str, labels: Path) -> None:
    code = (
        "import sys; from functions.cli.main import main; "
        "main(sys.argv[1:], standalone_mode=False); "
        "print(sorted({'pandas', 'scipy', 'sklearn', 'matplotlib', 'boto3'} & set(sys.modules)))"
    )
    arguments = ["outcomes", run, "--labels", str(labels), "--as-of", "2026-11-27"]
    result = subprocess.run(
        [sys.executable, "-c", code, *arguments], env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert result.stdout.splitlines()[-1:] == ["[]"], result.stderr


def test_what_is_wrong_is_one_line(run: str, labels: Path) -> None:
    for arguments, expected in (
        (("nowhere", "--labels", str(labels), "--as-of", "2026-11-27"), "no committed run"),
        ((run, "--labels", "s3://bucket", "--as-of", "2026-11-27"), "expected s3://bucket/name"),
        ((run, "--labels", "none.csv", "--as-of", "2026-11-27"), "cannot be read"),
        ((run, "--labels", str(labels), "--as-of", "tomorrow"), "does not match the format"),
        ((run, "--labels", str(labels), "--as-of", "2999-01-01"), "a day that has come"),
        ((run, "--labels", str(labels)), "Missing option '--as-of'"),
    ):
        result = called(*arguments)
        assert result.exit_code == 2
        assert expected in result.stderr.splitlines()[-1]


def test_a_run_may_be_in_s3_and_its_outcomes_lie_beside_it(
    run: str,
    labels: Path,
    aws: None,
    s3: "S3Client",
    make_bucket: "Callable[[], str]",
    hooked: Hook,
) -> None:
    bucket = make_bucket()
    address = cc.score(CUSTOMERS, f"s3://{bucket}/results").folder
    s3.put_object(Bucket=bucket, Key="labels/later.csv", Body=labels.read_bytes())
    there = f"s3a://{bucket}/labels/later.csv"
    result = called(address, "--labels", there, "--as-of", "2026-11-27", "--json")
    assert result.exit_code == 0, result.stderr
    document = json.loads(result.stdout)
    key = f"{address.removeprefix(f's3://{bucket}/')}/outcomes/{document['outcomes']}/outcomes.json"
    content: Any = s3.get_object(Bucket=bucket, Key=key)["Body"]
    assert json.loads(content.read()) == document
    assert document["labels"]["name"] == "later.csv"
    (data,) = (event["data"] for event in hooked.events)
    assert f"{data['results']}/{data['document']}" == f"s3://{bucket}/{key}"
    assert data["run"] == address.removeprefix(f"s3://{bucket}/results/")
    left = s3.list_objects_v2(Bucket=bucket, Prefix="results/.outbox/")
    assert left["KeyCount"] == 0
    s3.put_object(Bucket=bucket, Key="labels/empty.csv", Body=b"")
    for name, problem in (("empty", "is empty"), ("nowhere", "is gone")):
        result = called(
            address, "--labels", f"s3://{bucket}/labels/{name}.csv", "--as-of", "2026-11-27"
        )
        assert result.exit_code == 2
        assert f"s3://{bucket}/labels/{name}.csv: {problem}" in result.stderr


def test_who_is_told_of_runs_is_told_of_outcomes_once(run: str, labels: Path, hooked: Hook) -> None:
    arguments = (run, "--labels", str(labels), "--as-of", "2026-11-27", "--json")
    document = json.loads(called(*arguments).stdout)
    assert is_signed(*hooked.got[0])
    (event,) = hooked.events
    assert event["type"] == "outcomes.measured"
    data = event["data"]
    assert data["attention"]
    assert data["text"].startswith(
        "Outcomes of `customers.csv` as of 2026-11-27: 818 of 995 customers counted. "
        "Please look at it: (1) fewer cancelled than training led to expect; more in group 5 (all "
    )
    assert json.loads((Path(data["results"]) / data["document"]).read_text()) == document
    assert data["results"] == str(Path("results").resolve())
    ids = {row["CLIENTNUM"] for row in read_list(Path(run) / "assigned.csv")}
    assert not [each for each in ids if each in json.dumps(event)]
    assert json.loads(called(*arguments).stdout) == document
    assert len(hooked.got) == 1
    assert called(*arguments, "--out", "own").exit_code == 0  # elsewhere it is another document
    assert hooked.events[1]["data"]["document"] == "outcomes.json"
    assert called(*arguments, "--out", "own").exit_code == 0
    assert len(hooked.got) == 2


def test_outcomes_that_could_not_be_told_wait_beside_the_results(
    run: str, labels: Path, hooked: Hook
) -> None:
    hooked.answers = [400]
    result = called(run, "--labels", str(labels), "--as-of", "2026-11-27", "--json")
    assert result.exit_code == 0
    assert "Note: webhook did not take a notice: 127.0.0.1 answered 400" in result.stderr
    deliver = ["notify", "--deliver", "--out", "results"]
    assert CliRunner().invoke(main, deliver).output == "1 sent; 0 waiting\n"
    assert hooked.events[0]["data"]["outcomes"] == json.loads(result.stdout)["outcomes"]
    assert CliRunner().invoke(main, deliver).output == "0 sent; 0 waiting\n"


def test_nothing_is_measured_where_the_settings_of_notices_are_wrong(
    run: str, labels: Path, hooked: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUSTOMER_CLUSTERS_WEBHOOK_SECRET", "hunter2")
    result = called(run, "--labels", str(labels), "--as-of", "2026-11-27")
    assert result.exit_code == 2
    assert "CUSTOMER_CLUSTERS_WEBHOOK_SECRET: expected whsec_" in result.stderr
    assert not (Path(run) / "outcomes").exists()
