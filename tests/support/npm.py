"""What npm installs, once for all workers."""

import fcntl
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.support.paths import ROOT

QUIET = {"REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true"}
"""No tool tells anybody that it runs."""


def node_modules() -> Path:
    """Where the packages are, installed; without npm only CI fails."""
    if shutil.which("npm") is None:
        if os.environ.get("CI"):
            pytest.fail("npm is needed under CI")
        pytest.skip("npm is not installed")
    (ROOT / "build").mkdir(exist_ok=True)
    with (ROOT / "build" / "npm.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        run("make", "node_modules/ready")
    return ROOT / "node_modules"


def run(
    *command: str | Path, cwd: Path = ROOT, environment: Mapping[str, str] | None = None
) -> "subprocess.CompletedProcess[str]":
    """What a command prints; it must succeed."""
    done = subprocess.run(
        command, cwd=cwd, env={**os.environ, **QUIET, **(environment or {})},
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, (done.stdout + done.stderr)[-6000:]
    return done
