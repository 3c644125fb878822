"""The commands about one customer, as people call them: found again, and forgotten."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from functions.cli.main import main
from tests.support.audiences import read_list

VARIABLE = "CUSTOMER_CLUSTERS_INDEX_KEY"
HEAD = "CLIENTNUM,Attrition_Flag,Total_Revolving_Bal,Total_Trans_Amt,Total_Trans_Ct\n"
BEFORE = HEAD + "007,Existing Customer,2000,4000,70\n8,Existing Customer,0,1900,38\n"
AFTER = HEAD + "007,Existing Customer,0,1900,38\n9,Existing Customer,0,1900,38\n"


def called(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


@pytest.fixture
def months(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two months of three customers, scored with an index."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(VARIABLE, "a secret")
    for name, text in (("bank-2026-10.csv", BEFORE), ("bank-2026-11.csv", AFTER)):
        Path(name).write_text(text)
        assert called("score", name).exit_code == 0


@pytest.mark.usefixtures("months")
def test_a_customer_is_found_in_every_month_the_latest_first() -> None:
    result = called("customer", "007")
    assert result.stdout.splitlines()[0].startswith("007: group 5, ")
    document = json.loads(called("customer", "007", "--json").stdout)
    assert [place["as_of"] for place in document["places"]] == ["2026-11-01", "2026-10-01"]
    assert [place["cluster"] for place in document["places"]] == [5, 2]
    assert document["places"][0]["risk"] > document["places"][1]["risk"]
    assert document["runs_searched"] == 2


@pytest.mark.usefixtures("months")
def test_a_month_in_another_unit_is_told_wherever_somebody_might_act_on_it() -> None:
    cents = [f"{number},Existing Customer,0,{190_000 + number},38" for number in range(300)]
    Path("bank-2026-12.csv").write_text(HEAD + "\n".join(cents) + "\n")
    assert called("score", "bank-2026-12.csv").exit_code == 0
    [run] = map(str, Path("results/bank-2026-12.csv").iterdir())
    told = [
        line for line in called("customer", "8").stdout.splitlines() if line.startswith("Note: ")
    ]
    assert [line[:28] for line in told] == ["Note: 2026-12-01: the unit o"]
    assert "Total_Trans_Amt" in told[0]
    listed = called("audience", run, "--out", "list.csv")
    assert listed.stderr.startswith("Note: the unit of ")


@pytest.mark.usefixtures("months")
def test_somebody_who_is_in_no_run_is_not_found() -> None:
    result = called("customer", "7")
    assert (result.exit_code, result.stdout) == (1, "No customer 7 in 2 runs with an index\n")


@pytest.mark.usefixtures("months")
def test_another_key_finds_nobody_and_its_indexes_can_be_written(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(VARIABLE, "another one")
    result = called("customer", "007")
    assert result.exit_code == 1
    assert "2 runs without an index under this key" in result.stdout
    assert called("customer", "--index", "007").exit_code == 0
    monkeypatch.delenv(VARIABLE)
    without = called("customer", "007")
    assert without.exit_code == 2
    assert without.stderr.splitlines()[-1].startswith("Error: the index of customers: is off: set")


@pytest.mark.usefixtures("months")
def test_people_are_forgotten_in_runs_indexes_and_lists() -> None:
    [run] = Path("results/bank-2026-11.csv").iterdir()
    assert called("audience", str(run), "--out", "list.csv").exit_code == 0
    Path("gone.txt").write_text("007\n\n")
    dry = called("forget", "--ids", "gone.txt", "--dry-run")
    assert dry.stdout.splitlines()[0] == "2 rows of 2 runs would go"
    assert called("customer", "007").exit_code == 0
    result = called("forget", "--ids", "gone.txt", "--yes", "--list", "list.csv", "--json")
    document = json.loads(result.stdout)
    assert (document["rows"], document["left"], document["lists"]) == (3, 0, {"list.csv": 1})
    assert [row["CLIENTNUM"] for row in read_list(Path("list.csv"))] == ["9"]
    assert called("customer", "007").exit_code == 1
    assert called("customer", "9").exit_code == 0
    everything = b"".join(path.read_bytes() for path in Path("results").rglob("*/*/*.*"))
    assert b"\n007," not in everything


@pytest.mark.usefixtures("months")
def test_nothing_is_removed_without_a_yes(tmp_path: Path) -> None:
    Path("gone.txt").write_text("007\n")
    result = CliRunner().invoke(main, ["forget", "--ids", "gone.txt"], input="n\n")
    assert result.exit_code == 1
    assert "Remove 1 customer from 2 runs for good?" in result.stderr
    assert called("customer", "007").exit_code == 0


@pytest.mark.usefixtures("months")
@pytest.mark.parametrize(
    ("content", "told"),
    [("", "names nobody"), ("\n \n", "names nobody"), (b"\xff\xfe\x00", "is not UTF-8")],
)
def test_a_file_of_ids_that_is_none_is_refused(content: str | bytes, told: str) -> None:
    raw = content if isinstance(content, bytes) else content.encode()
    Path("gone.txt").write_bytes(raw)
    result = called("forget", "--ids", "gone.txt", "--yes")
    assert result.exit_code == 2
    assert told in result.stderr.splitlines()[-1]


@pytest.mark.usefixtures("months")
def test_a_list_that_cannot_be_searched_fails_the_call_and_stays() -> None:
    Path("gone.txt").write_text("007\n")
    for text in ("a,b\n1,2\n", "CLIENTNUM,b\n007\n8,2\n"):
        Path("other.csv").write_text(text)
        result = called("forget", "--ids", "gone.txt", "--yes", "--list", "other.csv")
        assert result.exit_code == 1
        assert "Error: " in result.stderr
        assert Path("other.csv").read_text() == text
