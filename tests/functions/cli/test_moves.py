"""The command that compares two runs, as people call it."""

import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import customer_clusters as cc
from functions.cli.main import main
from tests.support.audiences import read_list, read_sheet
from tests.support.paths import ROOT

CUSTOMERS = ROOT / "examples/customers.csv"


def next_month(path: Path) -> Path:
    """The same customers, of whom every fifth buys much less often; ten went, three came."""
    with CUSTOMERS.open(newline="") as file:
        rows = list(csv.DictReader(file))
    for number, row in enumerate(rows):
        if number % 5 == 0 and (row["Total_Trans_Ct"] or "").isdigit():
            row["Total_Trans_Ct"] = str(max(10, int(row["Total_Trans_Ct"]) // 2))
    come = [{**row, "CLIENTNUM": f"9{at}"} for at, row in enumerate(rows[:3])]
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows([*rows[10:], *come])
    return path


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, str]:
    """The addresses of two runs; the working folder is the test's own."""
    monkeypatch.chdir(tmp_path)
    new = cc.score(next_month(tmp_path / "next.csv"), "results").folder
    return cc.score(CUSTOMERS, "results").folder, new


def called(*arguments: str) -> Result:
    return CliRunner().invoke(main, [*arguments])


def refused(*arguments: str) -> str:
    result = called(*arguments)
    assert result.exit_code == 2
    return result.stderr.splitlines()[-1]


def test_moves_are_printed_with_a_list_and_a_page(runs: tuple[str, str]) -> None:
    result = called("moves", *runs, "--out", "movers.csv", "--report", "moves.html")
    lines = result.stdout.splitlines()
    rows = read_list(Path("movers.csv"))
    assert f"{len(rows):,} of " in lines[0] and "customers changed their group" in lines[0]
    assert "3 came, 10 went" in lines[1]
    assert lines[2].startswith("More moved towards risk than away from it: ")
    assert "Transactions (100%)" in result.stdout
    assert lines[-3:] == [
        f"{len(rows)} customers on the list", "Written to movers.csv", "Written to moves.html",
    ]  # fmt: skip
    assert {row["feature"] for row in rows} == {"Total_Trans_Ct"}
    assert "Who changed the group" in Path("moves.html").read_text(encoding="utf-8")


def test_machines_get_the_same_as_json(runs: tuple[str, str]) -> None:
    document = json.loads(called("moves", *runs, "--json").stdout)
    assert document["groups_by"] == "same model" and document["id_column"] == "CLIENTNUM"
    counts = document["matrix"]["counts"]
    assert sum(map(sum, counts)) == document["matched"] == document["old"]["customers"] - 10
    assert document["direction"]["verdict"] == "more towards risk"
    assert document["features"] == {"Total_Trans_Ct": document["moved"]}
    assert document["listed"] is None


def test_files_are_scored_for_this_alone_and_say_what_their_runs_do(runs: tuple[str, str]) -> None:
    kept = sorted(Path("results").rglob("*"))
    of_runs = json.loads(called("moves", *runs, "--json").stdout)
    for files in ((str(CUSTOMERS), "next.csv"), (runs[0], "next.csv")):
        of_files = json.loads(called("moves", *files, "--json").stdout)
        for said in ("matrix", "transitions", "direction", "came", "went", "moved"):
            assert of_files[said] == of_runs[said]
    assert sorted(Path("results").rglob("*")) == kept
    assert "no committed run" in refused("moves", "nothing.csv", "next.csv")


def test_who_came_and_went_is_listed_as_asked(runs: tuple[str, str]) -> None:
    options = ("--who", "came", "--who", "went", "--out", "list.xlsx", "--json")
    assert json.loads(called("moves", *runs, *options).stdout)["listed"] == 13
    rows = read_sheet(Path("list.xlsx"), "Moves")
    assert [row["change"] for row in rows] == ["came"] * 3 + ["went"] * 10


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--who", "came"], "--who and --format are of the list: name it with --out"),
        (["--format", "csv", "--out", "a.xlsx"], "--out ends in .xlsx, and --format says csv"),
        (["--id", "Customer"], "has no id column 'Customer'"),
        (["--out", "there.csv"], "there.csv is there already"),
        (["--report", "there.csv"], "there.csv is there already"),
        (["--out", "s3://bucket-of-mine/"], "--out: expected the address of a file"),
    ],
)
def test_what_cannot_be_is_refused_in_a_line(
    runs: tuple[str, str], options: list[str], message: str
) -> None:
    Path("there.csv").write_text("mine")
    assert message in refused("moves", *runs, *options)
    assert Path("there.csv").read_text() == "mine" and not list(Path().glob("list*"))


def test_without_the_model_only_what_moved_customers_is_not_known(runs: tuple[str, str]) -> None:
    result = called("moves", *runs, "--store", "nowhere")
    assert result.exit_code == 0 and "Which feature moved customers is not known" in result.stdout


def test_a_run_that_is_none_is_refused(runs: tuple[str, str]) -> None:
    assert "committed run" in refused("moves", runs[0], "elsewhere")
    assert "is the same run" in refused("moves", runs[0], runs[0])


def test_runs_of_two_models_are_compared_by_letting_one_assign_both(
    runs: tuple[str, str],
) -> None:
    other = cc.score(CUSTOMERS, "results", model="original").folder
    message = refused("moves", other, runs[1])
    assert "--reassign" in message
    document = json.loads(called("moves", other, runs[1], "--reassign", "--json").stdout)
    same = json.loads(called("moves", *runs, "--json").stdout)
    assert document["groups_by"] == "assigned again"
    assert document["matrix"] == same["matrix"] and document["features"] == same["features"]


def test_scoring_says_what_changed_since_an_earlier_run(runs: tuple[str, str]) -> None:
    result = called("score", "next.csv", "--since", runs[0])
    assert result.exit_code == 0
    assert "customers changed their group" in result.stdout and "3 came, 10 went" in result.stdout
    assert result.stdout.splitlines()[-1].startswith("More: customer-clusters moves ")
    document = json.loads(called("score", "next.csv", "--since", runs[0], "--json").stdout)
    assert document["moves"]["went"] == 10 and document["run"] == Path(runs[1]).name


def test_since_is_checked_before_anything_is_scored(runs: tuple[str, str]) -> None:
    new = ("score", "next.csv", "--out", "elsewhere")
    assert "committed run" in refused(*new, "--since", "results")
    two = ("score", "next.csv", str(CUSTOMERS), "--out", "elsewhere")
    assert "--since is for one file, and these are 2" in refused(*two, "--since", runs[0])
    assert not Path("elsewhere").exists()


def test_moves_load_neither_scipy_nor_pandas(runs: tuple[str, str]) -> None:
    code = (
        "import sys; from functions.cli.main import main\n"
        "try: main(sys.argv[1:])\n"
        "finally: print(sorted({'scipy', 'pandas', 'sklearn', 'matplotlib'} & {*sys.modules}))"
    )
    options = ("--out", "a.csv", "--report", "a.html", "--json")
    ran = subprocess.run(
        [sys.executable, "-c", code, "moves", *runs, *options],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    assert ran.stdout.splitlines()[-1] == "[]"
