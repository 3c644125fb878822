"""The command that makes API keys."""

import hashlib
import json

import pytest
from click.testing import CliRunner, Result
from starlette.testclient import TestClient

from functions.cli.main import main
from functions.settings.clients import ALL_SCOPES, Client, Rate, api_keys_of
from tests.functions.http.access.conftest import Clients

NAME = "CUSTOMER_CLUSTERS_API_KEYS"


def run(*arguments: str, setting: str = "") -> Result:
    return CliRunner().invoke(main, ["keys", *arguments], env={NAME: setting})


def test_a_new_key_comes_with_its_entry(client_for: Clients) -> None:
    done = run("new", "--name", "crm", "--scopes", "assign,files", "--rate", "100/s")
    assert done.exit_code == 0
    (_, key), (_, entry) = (line.split() for line in done.stdout.splitlines())
    assert entry == f"crm:assign+files:100/s={hashlib.sha256(key.encode()).hexdigest()}"
    assert key.startswith("cc_")
    assert len(key) == 46
    assert NAME in done.stderr
    site: TestClient = client_for(api_keys=(entry,))
    answer = site.get("/v1/model", headers={"X-API-Key": key})
    assert (answer.status_code, answer.headers["ratelimit"]) == (200, '"client";r=99;t=1')


def test_two_keys_differ_and_a_key_without_options_may_do_everything() -> None:
    made = [json.loads(run("new", "--name", "crm", "--json").stdout) for _ in range(2)]
    assert made[0]["key"] != made[1]["key"]
    keys = api_keys_of(tuple(each["entry"] for each in made))
    assert [key.client for key in keys] == [Client("crm", ALL_SCOPES)] * 2


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--name", "c r m"], "expected letters"),
        (["--name", "crm", "--scopes", "assign,read"], "expected some of assign, files"),
        (["--name", "crm", "--scopes", ""], "expected some of assign, files"),
        (["--name", "crm", "--rate", "fast"], "expected a rate such as 100/s"),
        ([], "Missing option '--name'"),
    ],
)
def test_what_cannot_be_meant_is_told_in_one_line(arguments: list[str], told: str) -> None:
    done = run("new", *arguments)
    assert (done.exit_code, done.stdout) == (2, "")
    assert told in done.stderr


def test_those_who_have_a_key_are_listed_without_it() -> None:
    setting = f"crm:assign:9/min={'a' * 64},{'b' * 64}"
    done = run("list", setting=setting)
    assert done.stdout.splitlines() == [
        "crm  assign  9/min  aaaaaaaa…",
        "bbbbbbbb  assign, files, customers, metrics, admin  no limit  bbbbbbbb…",
    ]
    listed = json.loads(run("list", "--json", setting=setting).stdout)["keys"]
    assert listed[0] == {
        "name": "crm",
        "scopes": ["assign"],
        "rate": str(Rate(9, 60)),
        "sha256": "a" * 8,
    }
    assert "no keys" in run("list").stdout


def test_an_entry_that_means_nothing_is_told_before_a_server_starts() -> None:
    done = run("list", setting="crm:read=" + "a" * 64)
    assert done.exit_code == 2
    assert done.stderr.startswith(f"Error: {NAME}: expected name:scopes:rate=HASH, such as ")
    assert "a" * 64 not in done.stderr


def test_the_entry_that_means_nothing_is_told_by_its_number() -> None:
    done = run("list", setting=f"crm:assign={'a' * 64},app:asign={'b' * 64}")
    assert done.stderr.endswith("; entry 2 cannot be read\n")
    assert "app" not in done.stderr  # it may be a key itself
