"""The page about the client does what it says."""

import doctest
import re
import shutil
from pathlib import Path

import pytest

from tests.customer_clusters.client.test_client import KEY, address
from tests.support.paths import ROOT

__all__ = ["address"]
PAGE = (ROOT / "docs/client.md").read_text()
SHOWN = "\n".join(re.findall(r"^```pycon\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL))
PLACE = '"https://clusters.example.com", key="KEY"'


def test_the_page_does_what_it_says(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(ROOT / "examples/customers.csv", tmp_path)
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    real = SHOWN.replace(PLACE, f'"{address}", key="{KEY}"')
    test = doctest.DocTestParser().get_doctest(real, names, "client.md", None, 0)
    assert len(test.examples) > 15
    try:
        assert doctest.DocTestRunner().run(test, clear_globs=False).failed == 0
    finally:
        test.globs["client"].close()
