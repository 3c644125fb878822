"""The samples of the users' page on other protocols."""

import re
import subprocess
import sys

import pytest

from tests.support.paths import ROOT

SAMPLES = re.findall(r"```python\n(.*?)```", (ROOT / "docs/protocols.md").read_text(), re.DOTALL)


@pytest.mark.parametrize(
    ("sample", "printed"), [*zip(SAMPLES, ["[5 ", "{'id': 5"], strict=True)], ids=["v2", "mcp"]
)
def test_a_sample_runs_as_it_stands_there(server: str, sample: str, printed: str) -> None:
    script = sample.replace("127.0.0.1:8000", server.removeprefix("http://"))
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True)
    assert done.stdout.decode().startswith(printed)
