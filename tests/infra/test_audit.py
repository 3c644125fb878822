"""What `make audit` makes of the answers of pip-audit, whose service no test asks."""

import json
from typing import Any

import pytest

from infra.audit import PINS, ROOT, SAFE, UNKNOWN, VULNERABLE, command, verdict

FINE = {"name": "numpy", "version": "2.4.0", "vulns": []}
KNOWN = {"id": "PYSEC-2026-1", "fix_versions": ["3.1"], "aliases": [], "description": ""}
BROKEN = {"name": "jinja2", "version": "3.0", "vulns": [KNOWN, {**KNOWN, "fix_versions": []}]}
SILENT = {"name": "six", "skip_reason": "Dependency not found on PyPI and could not be audited"}


def answer(*packages: dict[str, Any]) -> str:
    return json.dumps({"dependencies": packages, "fixes": []})


def test_a_known_vulnerability_is_named_with_its_remedy() -> None:
    status, lines = verdict(answer(FINE, BROKEN, SILENT))
    assert status == VULNERABLE
    assert lines == [
        "jinja2 3.0: PYSEC-2026-1, mended in 3.1",
        "jinja2 3.0: PYSEC-2026-1, mended in no version yet",
        "not known to the service: six",
        "2 pinned packages audited, 2 known vulnerabilities",
    ]


def test_a_package_in_two_files_counts_once() -> None:
    assert verdict(answer(FINE, FINE)) == (
        SAFE,
        ["1 pinned packages audited, 0 known vulnerabilities"],
    )


@pytest.mark.parametrize("given", ["", "no JSON", answer(SILENT), answer()])
def test_silence_is_never_taken_for_safety(given: str) -> None:
    status, (line,) = verdict(given)
    assert status == UNKNOWN
    assert "nothing was audited" in line


def test_all_that_is_shipped_is_asked_about() -> None:
    asked = command("pypi")
    for name in PINS:
        assert str(ROOT / f"requirements/{name}.txt") in asked
    assert {"serve", "train"} <= set(PINS)
