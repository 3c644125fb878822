"""Asks a public service whether the pinned packages have known vulnerabilities: make audit.

Exit status: 0 none is known, 1 some are, 3 nothing was learned, because the service did not answer.
What it answers changes from day to day, so it is for people and their calendars, and not for CI.
"""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
PINS = ("serve", "otel", "train", "image", "dev")
SAFE, VULNERABLE, UNKNOWN = 0, 1, 3


def command(service: str) -> list[str]:
    """The command that asks a service: only names and versions leave this machine."""
    files = [word for name in PINS for word in ("-r", str(ROOT / f"requirements/{name}.txt"))]
    how = ["--disable-pip", "--require-hashes", "--format=json", "--progress-spinner=off"]
    return [sys.executable, "-m", "pip_audit", f"--vulnerability-service={service}", *how, *files]


def verdict(answer: str) -> tuple[int, list[str]]:
    """What pip-audit's answer means.

    Args:
        answer: Its JSON; empty when it did not get that far.

    Returns:
        The exit status, and the lines to print.
    """
    try:
        packages: Sequence[Mapping[str, Any]] = json.loads(answer)["dependencies"]
    except ValueError:
        packages = []
    audited = {(p["name"], p["version"]): p["vulns"] for p in packages if "vulns" in p}
    unknown = sorted({p["name"] for p in packages if "vulns" not in p})
    if not audited:
        return UNKNOWN, [
            "nothing was audited: the service that knows vulnerabilities did not answer"
        ]
    lines = list(_lines(audited))
    missed = [f"not known to the service: {', '.join(unknown)}"] if unknown else []
    count = f"{len(audited)} pinned packages audited, {len(lines)} known vulnerabilities"
    return (VULNERABLE if lines else SAFE), [*lines, *missed, count]


def _lines(audited: Mapping[tuple[str, str], Sequence[Mapping[str, Any]]]) -> Iterator[str]:
    """A line for each known vulnerability."""
    for (name, version), vulnerabilities in sorted(audited.items()):
        for known in vulnerabilities:
            fixed = ", ".join(known["fix_versions"]) or "no version yet"
            yield f"{name} {version}: {known['id']}, mended in {fixed}"


def main() -> int:
    """Ask one service, and another where it does not answer; return the exit status."""
    for service in ("pypi", "osv"):
        ran = subprocess.run(command(service), capture_output=True, text=True, check=False)
        status, lines = verdict(ran.stdout)
        if status != UNKNOWN:
            break
    print(*lines, sep="\n")
    return status


if __name__ == "__main__":
    sys.exit(main())
