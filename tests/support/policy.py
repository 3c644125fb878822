"""The environment of `make policy`, made once for all workers."""

import fcntl
import os
import subprocess
from pathlib import Path

from tests.support.paths import ROOT


def policy(*command: str | Path, expected: int = 0) -> str:
    """What a module prints that runs there, as `policy("infra.policy.chart", folder)`."""
    (ROOT / "build").mkdir(exist_ok=True)
    with (ROOT / "build" / "policy.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        _run("make", ".venv-policy/ready")
    return _run(ROOT / ".venv-policy/bin/python", "-m", *command, expected=expected)


def _run(*command: str | Path, expected: int = 0) -> str:
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == expected, (done.stdout + done.stderr)[-6000:]
    return done.stdout + done.stderr
