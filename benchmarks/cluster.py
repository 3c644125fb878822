"""A standalone Spark cluster on this machine, from the pyspark package: for figures and tests."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import pyspark

_SPARK_CLASS = Path(pyspark.__file__).parent / "bin" / "spark-class"
_DEPLOY = "org.apache.spark.deploy"
_SECONDS = 180.0


@dataclass(slots=True)
class Cluster:
    """One master and some workers, reachable from this machine only."""

    folder: Path
    port: int
    memory: str
    master_process: subprocess.Popen[bytes] | None = None
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def master(self) -> str:
        """The address by which Spark finds the cluster."""
        return f"spark://127.0.0.1:{self.port}"

    @classmethod
    @contextlib.contextmanager
    def started(cls, workers: int, memory: str = "1g") -> Iterator[Self]:
        """Start a cluster and wait until its workers are registered; it ends with the block."""
        with tempfile.TemporaryDirectory(prefix="spark-") as name:
            cluster = cls(Path(name), _free_port(), memory)
            try:
                cluster.master_process = cluster._run(
                    "master", "master.Master", "--port", str(cluster.port), "--webui-port", "0"
                )
                cluster._wait_for("master", "I have been elected leader")
                for _ in range(workers):
                    cluster.add_worker()
                yield cluster
            finally:
                cluster._stop()

    def add_worker(self) -> None:
        """Start one more worker, of one core."""
        name = f"worker-{len(self.workers)}"
        worker = self._run(
            name, "worker.Worker", "--cores", "1", "--memory", self.memory, "--webui-port", "0",
            "--work-dir", str(self.folder / name), self.master,
        )  # fmt: skip
        self.workers.append(worker)
        self._wait_for(name, "Successfully registered with master")

    def kill_worker(self, number: int) -> None:
        """Kill a worker and all that it started, at once and without a word."""
        os.killpg(self.workers[number].pid, signal.SIGKILL)

    def peak_mb(self) -> list[float]:
        """The peak of each worker: the sum of what each of its processes once had resident.

        Linux keeps count of that; looking more often would cost the time of those who work.
        """
        return [_peak_mb(worker.pid) for worker in self.workers]

    def _run(self, name: str, kind: str, *arguments: str) -> subprocess.Popen[bytes]:
        command = [str(_SPARK_CLASS), f"{_DEPLOY}.{kind}", "--host", "127.0.0.1", *arguments]
        environment = {**os.environ, "SPARK_LOCAL_IP": "127.0.0.1", "SPARK_DAEMON_MEMORY": "256m"}
        environment["PYSPARK_PYTHON"] = sys.executable
        with (self.folder / f"{name}.log").open("wb") as log:
            return subprocess.Popen(
                command, env=environment, stdout=log, stderr=log, start_new_session=True
            )

    def _wait_for(self, name: str, words: str) -> None:
        log, deadline = self.folder / f"{name}.log", time.monotonic() + _SECONDS
        while words not in log.read_text():
            if time.monotonic() > deadline:
                raise TimeoutError(f"{name} did not start:\n{log.read_text()[-2000:]}")
            time.sleep(0.1)

    def _stop(self) -> None:
        for process in [*self.workers, self.master_process]:
            if process is not None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def _free_port() -> int:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        port: int = server.getsockname()[1]
        return port


def _peak_mb(leader: int) -> float:
    """The peak of all processes in a session."""
    total = 0
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError, IndexError):  # one that ended
            if entry.name.isdigit() and os.getsid(int(entry.name)) == leader:
                total += int((entry / "status").read_text().split("VmHWM:")[1].split()[0])
    return total / 1024
