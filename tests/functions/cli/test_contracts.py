"""The commands about contracts, as users run them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from functions.cli.main import main

Run = Callable[..., Result]
Write = Callable[..., Path]
MEMBERS = "member,visits,fee,plan,cancelled\n1,2,10,basic,yes\n2,3,20,plus,no\n"


@pytest.fixture
def run() -> Run:
    """Runs the command."""

    def invoke(*arguments: object, **how: Any) -> Result:
        return CliRunner().invoke(main, [str(argument) for argument in arguments], **how)

    return invoke


def test_a_contract_and_a_file_that_agree(run: Run, write: Write, gym_contract_path: Path) -> None:
    path = write(MEMBERS)
    result = run("contract", "check", gym_contract_path, "--data", path)
    assert result.exit_code == 0
    assert "3 features, id member, churn label cancelled" in result.output
    assert f"{path} agrees with it" in result.output


def test_all_that_is_wrong_is_said_at_once(run: Run, write: Write) -> None:
    text = "titel = 'x'\n[features.a]\ntype = 'float'\nlabel = 'A'\n"
    path = write(text, "contract.toml")
    result = run("contract", "check", path)
    assert result.exit_code == 2
    *lines, last = result.output.splitlines()
    assert [line.partition(":")[0] for line in lines] == ["contract", "name", "features.a.type"]
    assert last == f"{path}: 3 to mend"
    document = json.loads(run("contract", "check", path, "--json").stdout)
    assert document["findings"][2] == {
        "where": "features.a.type",
        "expected": "number, integer or category",
        "found": "float",
        "hint": "",
        "level": "error",
    }


def test_a_warning_alone_is_no_failure(run: Run, write: Write, gym_contract_path: Path) -> None:
    path = write(MEMBERS + "3,4,,plus,no\n")
    result = run("contract", "check", gym_contract_path, "--data", path)
    assert result.exit_code == 0
    assert result.output.startswith("warning: features.fee: expected a value in each row")


def test_a_contract_that_cannot_be_read_is_one_line(run: Run, tmp_path: Path) -> None:
    result = run("contract", "check", tmp_path / "none.toml")
    assert result.exit_code == 2
    assert "cannot be read" in result.output and "Traceback" not in result.output


def test_init_drafts_a_contract_that_agrees(run: Run, write: Write, tmp_path: Path) -> None:
    data, target = write(MEMBERS, "gym.csv"), tmp_path / "gym.toml"
    result = run("init", data, "--contract", target)
    assert result.exit_code == 0, result.output
    assert "id: member" in result.output and "cancelled: yes means left" in result.output
    assert run("contract", "check", target, "--data", data).exit_code == 0


def test_init_overwrites_nothing_unless_it_is_told_to(
    run: Run, write: Write, tmp_path: Path
) -> None:
    data, target = write(MEMBERS), write("mine", "mine.toml")
    result = run("init", data, "--contract", target)
    assert result.exit_code == 2 and "is there already" in result.output
    assert target.read_text() == "mine"
    assert run("init", data, "--contract", target, "--force").exit_code == 0
    assert "[features.visits]" in target.read_text()
    spoilt = run("init", data, "--contract", data, "--force")
    assert spoilt.exit_code == 2 and data.read_text() == MEMBERS
    nowhere = run("init", data, "--contract", tmp_path / "none" / "a.toml")
    assert nowhere.exit_code == 2 and "cannot be written" in nowhere.output


def test_init_says_its_guesses_for_machines(run: Run, write: Write, tmp_path: Path) -> None:
    result = run("init", write(MEMBERS), "--contract", tmp_path / "a.toml", "--json")
    document = json.loads(result.stdout)
    assert document["label"]["churned"] == ["yes"]
    assert [feature["column"] for feature in document["features"]] == ["visits", "fee"]


def test_init_asks_on_a_terminal(
    run: Run, write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("functions.cli.contracts.init._on_a_terminal", lambda: True)
    target = tmp_path / "gym.toml"
    result = run("init", write(MEMBERS), "--contract", target, input="\nnobody\nnone\n")
    assert result.exit_code == 0, result.output
    assert "There is no nobody." in result.output
    assert 'id_column = "member"' in target.read_text() and "# [label]" in target.read_text()


def test_init_sums_up_a_ledger(
    run: Run, write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    purchases = "".join(f"{n % 9:03},2024-01-{n % 28 + 1:02},{n}.5\n" for n in range(60))
    data = write("client_id,day,spent\n" + purchases, "sales.csv")
    result = run("init", "--transactions", data)
    assert result.exit_code == 0, result.output
    assert "sales-customers.csv has the 9 customers of 60 rows" in result.output
    customers = tmp_path / "sales-customers.csv"
    assert customers.read_text().startswith('"client_id","recency","frequency","money","tenure"')
    assert run("contract", "check", "sales.toml", "--data", customers).exit_code == 0
    again = run("init", "--transactions", data, "--no-contract")
    assert again.exit_code == 2 and "sales-customers.csv: is there already" in again.output
    later = run("init", "--transactions", data, "--no-contract", "--customers", "b.csv", "--json")
    assert json.loads(later.stdout)["ledger"]["customers"] == 9


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--amount", "fee"], "--amount goes with --transactions"),
        (["--transactions", "--label", "cancelled"], "a ledger has no churn label"),
        (["--transactions"], "no column says who bought"),
    ],
)
def test_init_says_in_a_line_what_does_not_go_together(
    run: Run, write: Write, arguments: list[str], message: str
) -> None:
    result = run("init", write(MEMBERS), "--contract", "a.toml", *arguments)
    assert result.exit_code == 2 and message in result.output


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda rows: [f"1,{row.partition(',')[2]}" for row in rows],
            "rows repeat an id of member with other values",
        ),
        (lambda rows: [row.replace("yes", "no") for row in rows], "says that all customers stayed"),
        (
            lambda rows: [
                row if n < 3 else row.rpartition(",")[0] + "," for n, row in enumerate(rows)
            ],
            "label cancelled holds '' in 297 of 300 rows; expected one of yes, no",
        ),
        (lambda rows: rows[:150], "has 150 usable customers; the search needs at least 200"),
        (
            lambda rows: [f"{row.partition(',')[0]},3,,basic,yes" for row in rows],
            "300 of 300 rows are unusable (fee missing: 300)",
        ),
    ],
)
def test_customers_that_cannot_be_trained_on_are_one_line_and_nothing_is_published(
    run: Run,
    write: Write,
    tmp_path: Path,
    gym_contract_path: Path,
    change: Callable[[list[str]], list[str]],
    message: str,
) -> None:
    rows = [f"{n},{n % 9},{n % 50}.5,basic,{'yes' if n % 4 else 'no'}" for n in range(300)]
    data = write("member,visits,fee,plan,cancelled\n" + "\n".join(change(rows)) + "\n")
    store = tmp_path / "store"
    result = run("train", "--data", data, "--contract", gym_contract_path, "--store", store)
    assert result.exit_code == 2 and "Traceback" not in result.output
    assert message in result.stderr.splitlines()[-1]
    assert not (store / "versions").exists()
