"""The command that shows scored files over time, as people call it."""

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner, Result

from functions.cli.main import main
from pipeline.runs.history.entry import LEDGER
from tests.support.paths import ROOT
from tests.support.web import Page

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_s3 import S3Client

CUSTOMERS = (ROOT / "examples/customers.csv").read_text()


@pytest.fixture(scope="module")
def scored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A working folder with the results of two months; the second has other customers."""
    folder = tmp_path_factory.mktemp("history")
    lines = CUSTOMERS.splitlines(keepends=True)
    for name, content in (("10", CUSTOMERS), ("11", "".join(lines[:500]))):
        path = folder / f"customers-2026-{name}.csv"
        path.write_text(content)
        done = called("score", str(path), "--out", str(folder / "results"))
        assert done.exit_code == 0
    return folder


@pytest.fixture
def here(scored: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(scored)
    return scored


def called(*arguments: str) -> Result:
    return CliRunner().invoke(main, [*arguments])


def test_tables_show_periods_and_groups(here: Path) -> None:
    result = called("history")
    assert result.exit_code == 0
    lines = [line.split() for line in result.stdout.splitlines()]
    assert " ".join(lines[0]) == "customers-*.csv: 2 periods, 2026-10-01 to 2026-11-01"
    assert ["2026-10-01", "995", "0.6%"] in [line[:3] for line in lines]
    assert "Group 5" in result.stdout and "Cancelled" in result.stdout


def test_json_has_each_period_with_its_changes_and_notes(here: Path) -> None:
    document = json.loads(called("history", "results", "--json").stdout)
    assert document["series"] == "customers-*.csv" and document["others"] == {}
    assert [period["as_of"] for period in document["periods"]] == ["2026-10-01", "2026-11-01"]
    assert all(period["has_run"] for period in document["periods"])
    assert set(document["periods"][0]) >= {"clusters", "drift", "changes", "replaces"}


@pytest.mark.parametrize("out", ["history.html", "results/history.html", "deep/history.html"])
def test_each_point_of_the_report_leads_to_a_report_that_is_there(here: Path, out: str) -> None:
    Path("deep").mkdir(exist_ok=True)
    result = called("history", "--out", out)
    assert result.stdout.splitlines()[-1] == f"Report: {out}"
    page = Page(Path(out).read_text())
    links = {each for each in page.addresses if each.endswith("report.html")}
    assert len(links) == 2
    assert all((Path(out).parent / each).is_file() for each in links)


def test_rebuild_adds_what_is_missing(here: Path) -> None:
    for entry in Path("results", LEDGER).glob("*2026*"):
        entry.unlink()
    refused = called("history")
    assert refused.exit_code == 2
    assert refused.stderr == (
        "Error: no history (scored runs; --rebuild adds those of before) in results\n"
    )
    result = called("history", "--rebuild")
    assert result.stderr == "Note: 2 runs added\n"
    assert "2 periods" in result.stdout
    assert called("history", "--rebuild").stderr == "Note: 0 runs added\n"


def test_a_run_that_is_gone_is_told_and_has_no_link(here: Path, tmp_path: Path) -> None:
    shutil.copytree("results", tmp_path / "results")
    (manifest,) = (tmp_path / "results/customers-2026-10.csv").glob("*/manifest.json")
    shutil.rmtree(manifest.parent)
    out = tmp_path / "history.html"
    result = called("history", str(tmp_path / "results"), "--out", str(out))
    assert "is gone; its figures stand, its report does not" in result.stdout
    links = {each for each in Page(out.read_text()).addresses if each.endswith("report.html")}
    assert len(links) == 1


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("nowhere",), "no history (scored runs; --rebuild adds those of before) in nowhere"),
        (("--files", "x"), "no history of x in results; there are: customers-*.csv"),
        (("--out", "none/history.html"), "none/history.html: cannot be written: No such file"),
        (("s3://",), "s3://: expected s3://bucket or s3://bucket/prefix"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(
    here: Path, arguments: tuple[str, ...], told: str
) -> None:
    result = called("history", *arguments)
    assert result.exit_code == 2 and "Traceback" not in result.stderr
    assert told in result.stderr.splitlines()[-1]


def test_a_date_that_was_said_is_in_manifest_and_history(here: Path, tmp_path: Path) -> None:
    out = str(tmp_path / "results")
    said = ("--as-of", "2026-10-31", "--json")
    scoring = called("score", "customers-2026-11.csv", "--out", out, *said)
    assert json.loads(scoring.stdout)["as_of"] == "2026-10-31"
    (period,) = json.loads(called("history", out, "--json").stdout)["periods"]
    assert (period["as_of"], period["dated_by"]) == ("2026-10-31", "option")
    wrong = called("score", "customers-2026-11.csv", "--as-of", "31.10.2026")
    assert wrong.exit_code == 2 and "does not match the format '%Y-%m-%d'" in wrong.stderr


def test_the_pattern_is_a_setting(
    here: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUSTOMER_CLUSTERS_AS_OF_PATTERN", "stand_{month}_{year}")
    path = tmp_path / "stand_09_2026.csv"
    path.write_text(CUSTOMERS)
    out = str(tmp_path / "results")
    scoring = called("score", str(path), "--out", out, "--json")
    assert json.loads(scoring.stdout)["as_of"] == "2026-09-01"
    assert "stand_*.csv: 1 period, 2026-09-01" in called("history", out).stdout
    monkeypatch.setenv("CUSTOMER_CLUSTERS_AS_OF_PATTERN", "{year}")
    refused = called("history", out)
    assert refused.exit_code == 2
    assert refused.stderr.startswith("Error: CUSTOMER_CLUSTERS_AS_OF_PATTERN: expected such as ")


def test_history_of_a_bucket(
    here: Path, s3: "S3Client", aws: None, make_bucket: "Callable[[], str]"
) -> None:
    out = f"s3://{make_bucket()}/results"
    for month in ("10", "11"):
        assert called("score", f"customers-2026-{month}.csv", "--out", out).exit_code == 0
    result = called("history", out, "--out", f"{out}/history.html")
    assert result.exit_code == 0 and "2 periods" in result.stdout
    bucket = out.split("/")[2]
    body = s3.get_object(Bucket=bucket, Key="results/history.html")["Body"].read().decode()
    links = {each for each in Page(body).addresses if each.endswith("report.html")}
    assert len(links) == 2
    for link in links:
        assert s3.head_object(Bucket=bucket, Key=f"results/{link}")
