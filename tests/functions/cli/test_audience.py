"""The command that lists customers of a run, as people call it."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner, Result

import customer_clusters as cc
from functions.cli.main import main
from tests.support.audiences import read_list, read_sheet
from tests.support.paths import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_s3 import S3Client

CUSTOMERS = ROOT / "examples/customers.csv"


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The address of a run, as the command prints it; the working folder is the test's own."""
    monkeypatch.chdir(tmp_path)
    return cc.score(CUSTOMERS, "results").folder


def called(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["audience", *arguments])


def refused(*arguments: str) -> str:
    result = called(*arguments)
    assert result.exit_code == 2
    return result.stderr.splitlines()[-1]


def test_the_riskiest_group_is_listed_and_what_was_left_out_is_said(run: str) -> None:
    result = called(run, "--cluster", "5", "--control", "10%", "--date", "2026-11-27")
    lines = result.stdout.splitlines()
    assert lines[0] == "45 customers of customers.csv, group 5"
    assert lines[1] == "Left out: 85 of 130 who cancelled already"
    assert lines[2].startswith("To contact: ") and "; control group: " in lines[2]
    assert lines[-1] == "Written to audience-customers-cluster-5-2026-11-27.csv"
    rows = read_list(Path("audience-customers-cluster-5-2026-11-27.csv"))
    assert {row["cluster"] for row in rows} == {"5"} and len(rows) == 45
    assert {row["date"] for row in rows} == {"2026-11-27"}


def test_options_reach_the_list(run: str) -> None:
    options = ("--cluster", "4", "--cluster", "5", "--top", "20", "--by", "margin", "--min-margin",
               "0.2", "--columns", "CLIENTNUM, cluster,margin", "--exclude", "outliers", "--json",
               "--out", "list.xlsx")  # fmt: skip
    result = called(run, *options)
    document = json.loads(result.stdout)
    assert document["by"] == "margin" and document["clusters"] == [4, 5]
    assert document["written"] == "list.xlsx"
    rows = read_sheet(Path("list.xlsx"), "Audience")
    assert len(rows) == document["counts"]["listed"] == 20
    assert [*rows[0]][:4] == ["rank", "CLIENTNUM", "cluster", "margin"]
    assert all(row["margin"] >= 0.2 and row["cluster"] in (4, 5) for row in rows)


def test_the_same_is_said_in_python(run: str) -> None:
    called(run, "--cluster", "5", "--top", "9", "--out", "a.csv", "--date", "2026-11-27")
    audience = cc.audience(run, "b.csv", clusters=[5], top=9)
    assert audience.counts.listed == 9
    first, second = read_list(Path("a.csv")), read_list(Path("b.csv"))
    assert [row["CLIENTNUM"] for row in first] == [row["CLIENTNUM"] for row in second]


def test_a_key_of_the_environment_draws_another_control_group(
    run: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    called(run, "--control", "30%", "--out", "a.csv")
    monkeypatch.setenv("CUSTOMER_CLUSTERS_CONTROL_KEY", "spring")
    called(run, "--control", "0.3", "--out", "b.csv")
    called(run, "--control", "0.3", "--control-key", "customer-clusters", "--out", "c.csv")
    flags = [
        [row["control"] for row in read_list(Path(name))] for name in ("a.csv", "b.csv", "c.csv")
    ]
    assert flags[0] == flags[2] != flags[1]


def test_a_file_that_is_there_is_replaced_by_force_only(run: str) -> None:
    Path("list.csv").write_text("mine")
    assert "list.csv is there already" in refused(run, "--out", "list.csv")
    assert Path("list.csv").read_text() == "mine"
    assert called(run, "--out", "list.csv", "--force").exit_code == 0
    assert read_list(Path("list.csv"))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--control", "10"], "--control: expected a share such as 10% or 0.1, found '10'"),
        (["--control", "100%"], "--control: expected a share such as 10% or 0.1, found '100%'"),
        (["--cluster", "9"], "has no cluster 9; there are 1, 2, 3, 4, 5"),
        (["--columns", "none"], "has no column 'none'"),
        (["--format", "csv", "--out", "a.xlsx"], "--out ends in .xlsx, and --format says csv"),
        (["--exclude", "churned", "--include-churned"], "contradict each other"),
        (["--out", "s3://bucket-of-mine/"], "--out: expected the address of a file"),
    ],
)
def test_what_cannot_be_is_refused_in_a_line(run: str, options: list[str], message: str) -> None:
    assert message in refused(run, *options)
    assert not list(Path().glob("*.csv")) and not list(Path().glob("*.xlsx"))


def test_no_run_is_told_with_those_that_are_there(run: str) -> None:
    name = Path(run).name
    assert f"there are: {name}" in refused("results/customers.csv")
    assert "no committed run" in refused("elsewhere")


def test_runs_and_lists_may_be_in_s3(
    aws: None, s3: "S3Client", make_bucket: "Callable[[], str]", tmp_path: Path
) -> None:
    bucket = make_bucket()
    run = cc.score(CUSTOMERS, f"s3://{bucket}/results").folder
    result = called(run, "--cluster", "5", "--out", f"s3a://{bucket}/lists/five.csv")
    assert result.exit_code == 0, result.stderr
    content: Any = s3.get_object(Bucket=bucket, Key="lists/five.csv")["Body"]
    (tmp_path / "five.csv").write_bytes(content.read())
    assert len(read_list(tmp_path / "five.csv")) == 45
    again = refused(run, "--cluster", "5", "--out", f"s3://{bucket}/lists/five.csv")
    assert "is there already" in again
    assert "no committed run" in refused(f"s3://{bucket}/results/other")
    name = run.rpartition("/")[2]
    assert f"there are: {name}" in refused(run.rpartition("/")[0])
