"""One customer over time, over HTTP."""

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner
from starlette.testclient import TestClient

from functions.cli.main import main
from tests.functions.cli.test_customers import AFTER, BEFORE, VARIABLE

Clients = Callable[..., TestClient]


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Two months of three customers."""
    monkeypatch.setenv(VARIABLE, "a secret")
    for name, text in (("bank-2026-10.csv", BEFORE), ("bank-2026-11.csv", AFTER)):
        (tmp_path / name).write_text(text)
        scored = ["score", str(tmp_path / name), "--out", str(tmp_path / "results")]
        assert CliRunner().invoke(main, scored).exit_code == 0
    return str(tmp_path / "results")


def test_the_groups_of_a_customer_are_answered_the_latest_first(
    client_for: Clients, results: str
) -> None:
    client = client_for(results=results, index_key="a secret")
    answer = client.get("/v1/customers/007").json()
    assert [place["as_of"] for place in answer["places"]] == ["2026-11-01", "2026-10-01"]
    assert answer["runs_searched"] == 2
    for nobody in ("7", "0/7", "%00index"):
        problem = client.get(f"/v1/customers/{nobody}")
        assert (problem.status_code, problem.json()["code"]) == (404, "unknown_customer")
        assert nobody not in problem.json()["detail"]
    described = client.get("/openapi.json").json()["paths"]["/v1/customers/{customer_id}"]["get"]
    assert described["parameters"][0]["schema"] == {"type": "string", "minLength": 1}


@pytest.mark.parametrize("set_", [{"results": True}, {"index_key": "a secret"}, {}])
def test_without_both_settings_there_is_no_such_address(
    client_for: Clients, results: str, set_: dict[str, object]
) -> None:
    settings = {**set_, "results": results} if "results" in set_ else set_
    client = client_for(**settings)
    assert client.get("/v1/customers/007").status_code == 404
    assert not any("customers" in path for path in client.get("/openapi.json").json()["paths"])
