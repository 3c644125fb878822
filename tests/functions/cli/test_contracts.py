"""The commands about contracts, as users run them."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from functions.cli.main import main

Run = Callable[..., Result]
Write = Callable[..., Path]
MEMBERS = "member,visits,fee,plan,cancelled\n1,2,10,basic,yes\n2,3,20,plus,no\n"


@pytest.fixture
def run() -> Run:
    """Runs the command."""

    def invoke(*arguments: object, **how: object) -> Result:
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
