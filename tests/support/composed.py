"""What compose.yml starts, as processes of this machine: the same commands and variables."""

import json
import os
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import yaml

from tests.support.live import COMMAND
from tests.support.paths import ROOT

LONGEST = 30.0
_VARIABLE = re.compile(r"\$\{(\w+)(?::[-?]([^}]*))?\}")
_KNOWN = {"STORAGE_SECRET": "testing"}


def services() -> dict[str, Any]:
    """The services by their names."""
    found: dict[str, Any] = yaml.safe_load((ROOT / "compose.yml").read_text())["services"]
    return found


def environment_of(service: str, server: str) -> dict[str, str]:
    """The variables of a service, where the S3 server is elsewhere."""
    told = services()[service]["environment"]
    made = {name: _filled(str(value)) for name, value in told.items()}
    return {
        name: value.replace("http://storage:8333", server).replace("http://localhost:8333", server)
        for name, value in made.items()
    }


def command_of(service: str) -> list[str]:
    """The command of a service, or that of our image where it has none."""
    told = services()[service].get("command")
    if told is None:
        (text,) = re.findall(r"^CMD (\[.*\])$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
        told = json.loads(text)
    return list(map(str, told))


class Composed:
    """Starts services as processes, and ends what is left in the end."""

    def __init__(self, base: Mapping[str, str], server: str, logs: Path) -> None:
        self._base, self._server, self._logs = {**base}, server, logs
        self._started: list[subprocess.Popen[bytes]] = []

    def start(self, service: str, *more: str, **variables: str) -> "Process":
        """A service, with further arguments and variables."""
        program, *arguments = command_of(service)
        where = {}
        for volume in services()[service].get("volumes", []):
            outside, _, rest = volume.partition(":")
            where[rest.partition(":")[0]] = str(ROOT / outside)
        program = {"customer-clusters": str(COMMAND), "python": sys.executable}[program]
        command = [program, *(where.get(each, each) for each in arguments), *more]
        log = self._logs / f"{service}-{len(self._started)}.log"
        environment = {**os.environ, **self._base, **environment_of(service, self._server)}
        with log.open("wb") as out:
            process = subprocess.Popen(
                command, env={**environment, "PYTHONPATH": str(ROOT), **variables}, stdout=out,
                stderr=subprocess.STDOUT,
            )  # fmt: skip
        self._started.append(process)
        return Process(process, log, shlex.join(command))

    def end(self) -> None:
        for process in self._started:
            if process.poll() is None:
                process.kill()
            process.wait(LONGEST)


class Process:
    """A service that runs here."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path, command: str) -> None:
        self.process, self._log, self._command = process, log, command

    @property
    def lines(self) -> list[dict[str, Any]]:
        """What it has logged as JSON."""
        texts = self._log.read_text().splitlines()
        return [json.loads(text) for text in texts if text.startswith("{") and text.endswith("}")]

    def said(self, message: str) -> list[dict[str, Any]]:
        return [line for line in self.lines if line["message"] == message]

    def __repr__(self) -> str:
        return f"{self._command}\n{self._log.read_text()[-2000:]}"


def wait_until(condition: Callable[[], object], *about: object) -> None:
    """Wait for something; what it is about is shown where it does not come."""
    until = time.monotonic() + LONGEST
    while not condition():
        assert time.monotonic() < until, about
        time.sleep(0.02)


def _filled(text: str) -> str:
    return _VARIABLE.sub(lambda found: _KNOWN.get(found[1], ""), text)
