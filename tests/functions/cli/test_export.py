"""`customer-clusters models export`."""

from pathlib import Path

import duckdb
import onnxruntime
import pytest
import skops.io
import sqlglot
from click.testing import CliRunner, Result

from functions.cli.main import main
from model_store import BUNDLED, open_store


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["models", "export", *map(str, arguments)])


def refused(result: Result) -> str:
    """The one line of a refusal."""
    assert result.exit_code == 2, result.output
    assert "Traceback" not in result.output
    return result.stderr.strip().splitlines()[-1]


def test_sql_goes_to_standard_output_and_runs_as_it_is() -> None:
    result = run("champion", "--to", "sql", "--table", "clients", "--keep", "member")
    assert result.exit_code == 0, result.output
    with duckdb.connect() as connection:
        connection.execute(
            'CREATE TABLE clients AS SELECT 7 AS member, 0 AS "Total_Revolving_Bal", '
            '1900 AS "Total_Trans_Amt", 38 AS "Total_Trans_Ct"'
        )
        (answer,) = connection.execute(result.stdout).fetchall()
    assert answer[:3] == (7, 5, "Little revolving balance, rare card use")


def test_sql_for_another_database_goes_to_a_file(tmp_path: Path) -> None:
    out = tmp_path / "champion.sql"
    result = run("champion", "--to", "sql", "--dialect", "bigquery", "--out", out)
    version = open_store(BUNDLED).resolve("champion")
    assert result.stdout == f"{version} as sql: {out}\n"
    assert f"model {version}," in out.read_text()
    assert len(sqlglot.parse(out.read_text(), dialect="bigquery")) == 1


def test_files_of_onnx_and_skops_load(tmp_path: Path) -> None:
    for target in ("onnx", "skops"):
        result = run("original", "--to", target, "--out", tmp_path / f"original.{target}")
        assert result.exit_code == 0, result.output
    session = onnxruntime.InferenceSession(tmp_path / "original.onnx")
    assert {value.name for value in session.get_inputs()} == {
        "Credit_Limit", "Contacts_Count_12_mon", "Total_Revolving_Bal", "Avg_Utilization_Ratio"
    }  # fmt: skip
    pipeline = skops.io.load(tmp_path / "original.skops", trusted=[])
    assert pipeline.classes_.tolist() == [1, 2, 3]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["original.onnx", "original.skops"]


def test_what_is_there_is_not_written_over(tmp_path: Path) -> None:
    out = tmp_path / "champion.sql"
    out.write_text("mine")
    message = refused(run("champion", "--to", "sql", "--out", out))
    assert message == f"Error: export to sql: {out} is there already; name another, or remove it"
    assert out.read_text() == "mine"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("champion", "--to", "onnx"), "Error: expected --out PATH for onnx"),
        (("nobody", "--to", "sql"), "nobody"),
        (("champion", "--to", "sql", "--keep", "margin"), "has a column margin already"),
        (("champion", "--to", "onnx", "--out", "no/such/folder/x.onnx"), "cannot write no/such"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_one_line(
    arguments: tuple[str, ...], message: str
) -> None:
    assert message in refused(run(*arguments))
