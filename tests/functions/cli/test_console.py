"""Text of a model or a file on a terminal: shown as it is, never taken for markup or commands."""

import io
import json
import os
import shutil
import socket
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from rich.console import Console

import examples
from functions.cli.main import main
from functions.cli.output.console import new_table, print_table
from model_store import BUNDLED, open_store

NAMES = ["[/b]", "[bold red]x[/]", "[link=https://x]x", "[", "\\[/b]", ":smile:", "[@click=x]y[/]"]
CUSTOMER = ["Total_Revolving_Bal=0", "Total_Trans_Amt=1900", "Total_Trans_Ct=38"]


def store_with(text: str, folder: Path) -> Path:
    """A store whose champion has a text wherever training or people write one."""
    shutil.copytree(BUNDLED, folder)
    store = open_store(folder)
    artifact = store.open("champion")
    document = json.loads(artifact.read("model.json"))
    for number, cluster in enumerate(document["clusters"]):
        cluster |= {"name": f"{text}{number}", "description": f"{text} {number}"}
    for feature in document["contract"]["features"]:
        feature |= {"label": text, "unit": text}
    contents = {name: artifact.read(name) for name in artifact.manifest.files}
    contents["model.json"] = json.dumps(document).encode()
    facts = dict(artifact.manifest.facts)
    facts["recipe"] = {**facts["recipe"], "name": text}
    store.promote(store.publish(contents, facts).version, text, text)
    return folder


def shown(*arguments: object) -> str:
    result = CliRunner().invoke(main, [str(argument) for argument in arguments])
    assert result.exit_code == 0, result.output
    return result.output


def printed(width: int) -> list[str]:
    """A run on a terminal so wide."""
    console = Console(width=width, file=io.StringIO(), force_terminal=False)
    table = new_table("Cluster", "Name", "Customers", "Share")
    for cluster in (9, 10):
        table.add_row(str(cluster), "Little revolving balance, rare card use", "1,116", "10.8%")
    print_table(console, table)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


def test_no_name_is_cut_on_a_narrow_terminal() -> None:
    wide, narrow = printed(100), printed(40)
    assert [line.split()[:2] for line in wide if "Little" in line] == [
        ["9", "Little"], ["10", "Little"],
    ]  # fmt: skip
    assert " 9  Little revolving balance, rare card use" in narrow
    assert "10  Little revolving balance, rare card use" in narrow
    assert not [line for line in narrow if "…" in line]
    assert not [line for line in narrow if "Name" in line]


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.1", "http://127.0.0.1:8000"),
        ("0.0.0.0", "http://127.0.0.1:8000"),
        ("::", "http://[::1]:8000"),
        ("fe80::1", "http://[fe80::1]:8000"),
        ("groups.example", "http://groups.example:8000"),
    ],
)
def test_serve_says_where_to_click(
    host: str, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: dict[str, Any] = {}
    monkeypatch.setattr("uvicorn.run", lambda app, **how: asked.update(how))
    monkeypatch.setattr("os.environ", dict(os.environ))  # serve tells its processes by it
    monkeypatch.setattr("socket.socket.bind", lambda here, address: None)
    result = CliRunner().invoke(main, ["serve", "--host", host])
    assert result.exit_code == 0
    assert f"Open {address} in a browser" in result.stderr
    assert asked["host"] == host
    assert result.stdout == ""  # which has the log, a line of JSON each


def test_a_port_that_is_taken_is_told_in_one_line_before_anything_else() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = CliRunner().invoke(main, ["serve", "--port", str(port)])
    assert result.exit_code == 2
    said = f"Error: port {port} of 127.0.0.1 is taken; choose another with --port\n"
    assert result.output == said


@pytest.mark.parametrize("text", NAMES)
def test_what_looks_like_markup_is_shown_as_it_is(tmp_path: Path, text: str) -> None:
    store = store_with(text, tmp_path / "store")
    data = tmp_path / f"{text.replace('/', '')}.csv"
    shutil.copy(Path(examples.__file__).parent / "customers.csv", data)
    for output in (
        shown("assign", *CUSTOMER, "--store", store),
        shown("models", "show", "champion", "--store", store),
        shown("models", "--store", store),
        shown("models", "history", "--store", store),
        shown("compare", "original", "champion", "--store", store, "--data", data),
        shown("score", data, "--store", store, "--out", tmp_path / "out"),
    ):
        assert text in output
    assert data.name in shown("score", data, "--store", store, "--out", tmp_path / "out")


def test_what_a_terminal_would_do_is_marked(tmp_path: Path) -> None:
    store = store_with("a\x1b[31mred\x07\x9b\u202eb", tmp_path / "store")
    for command in (["assign", *CUSTOMER], ["models", "show", "champion"], ["models"]):
        output = shown(*command, "--store", store)
        assert "a\ufffd[31mred\ufffd\ufffd\ufffdb" in output
        assert not {"\x1b", "\x07", "\x9b", "\u202e"} & set(output)
