"""The samples of the users' page on other protocols."""

import re
import subprocess
import sys

import pytest

from tests.support.paths import ROOT
from tests.support.tools import needed

TEXT = (ROOT / "docs/protocols.md").read_text(encoding="utf-8")
SAMPLES = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
COMMANDS = re.findall(r"```sh\n(curl .*?)```", TEXT, re.DOTALL)


@pytest.mark.parametrize(
    ("sample", "printed"), [*zip(SAMPLES, ["[5 ", "{'id': 5"], strict=True)], ids=["v2", "mcp"]
)
def test_a_sample_runs_as_it_stands_there(server: str, sample: str, printed: str) -> None:
    script = sample.replace("127.0.0.1:8000", server.removeprefix("http://"))
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True)
    assert done.stdout.decode().startswith(printed)


@pytest.mark.parametrize(
    ("command", "answered"),
    [*zip(COMMANDS, ['"data":[5,2]', '"structuredContent":'], strict=True)],
    ids=["v2", "mcp"],
)
def test_a_command_is_answered_as_it_stands_there(server: str, command: str, answered: str) -> None:
    needed("curl")
    script = command.replace("http://127.0.0.1:8000", server)
    done = subprocess.run(["sh", "-c", script], check=True, capture_output=True)
    assert answered in done.stdout.decode()
