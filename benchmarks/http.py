"""A look-up over HTTP, next to a bare FastAPI app on the same server: start, load, memory.

.venv/bin/python -m benchmarks.http             five rounds of each, in turn (needs wrk)
.venv/bin/python -m benchmarks.http --seconds 20
"""

import argparse
import hashlib
import http.client
import json
import os
import random
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from model_store import BUNDLED, CHAMPION, open_store
from pipeline.model.published.loading import load_model

APPS = {"ours": "functions.api:app", "floor": "benchmarks.floor:app"}
CUSTOMER = {"Total_Revolving_Bal": 0, "Total_Trans_Amt": 1900, "Total_Trans_Ct": 38}
PROTOCOLS = {"functions.api:app": "functions.http.protocol:BoundedProtocol"}
"""What `customer-clusters serve` has uvicorn use; the floor has uvicorn's own."""
STARTS = 7
ROUNDS = 5
BATCH = 1_000
"""Customers of a batch, drawn like those of the champion's clusters."""
LONGEST_START = 20.0
KEY = "a key of the benchmark"
ENTRY = f"bench:assign+files:1000000/s={hashlib.sha256(KEY.encode()).hexdigest()}"
NAMED = {"CUSTOMER_CLUSTERS_API_KEYS": ENTRY}
"""A client with a name, scopes and a rate that it does not reach."""
_WRK = """\
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.headers["X-API-Key"] = "{key}"
wrk.body = io.open("{body}"):read("*a")
"""


@dataclass(frozen=True, slots=True)
class Load:
    """What wrk saw."""

    requests_per_second: float
    p50_ms: float
    longest_ms: float


@dataclass(slots=True)
class Server:
    """A uvicorn process on a loopback port."""

    process: subprocess.Popen[bytes]
    port: int
    seconds_to_first_answer: float

    def stay_on_one_core(self) -> None:
        """Keep it, and the threads that it will start, on one core."""
        for thread in Path(f"/proc/{self.process.pid}/task").iterdir():
            os.sched_setaffinity(int(thread.name), {0})

    def processor_seconds(self) -> float:
        """What it has taken of processors so far."""
        fields = (
            Path(f"/proc/{self.process.pid}/stat").read_text("ascii").rpartition(")")[2].split()
        )
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory(self) -> float:
        """Resident memory in MB."""
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii")
        resident = re.search(r"VmRSS:\s+(\d+) kB", status)
        assert resident is not None
        return int(resident[1]) * 1024 / 1e6


def main(arguments: Sequence[str] | None = None) -> None:
    """Print start, load and memory of ours and of the floor."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--seconds", type=int, default=5, help="of each load")
    seconds = parser.parse_args(arguments).seconds
    starts: dict[str, list[float]] = {name: [] for name in APPS}
    for _ in range(STARTS):
        for name, app in APPS.items():
            with server(app) as started:
                starts[name].append(started.seconds_to_first_answer)
    report("start to first answer", "s", {n: statistics.median(s) for n, s in starts.items()}, 3)
    if shutil.which("wrk") is None:
        print("wrk is not installed: no load", file=sys.stderr)
        return
    under_load(seconds)


def under_load(seconds: int) -> None:
    """Print the throughput at 16 connections and the median time at one, the apps in turn."""
    many: dict[str, list[float]] = {name: [] for name in APPS}
    single: dict[str, list[float]] = {name: [] for name in APPS}
    memory = {}
    for _ in range(ROUNDS):
        for name, app in APPS.items():
            with server(app) as started:
                many[name].append(wrk(started.port, 16, seconds).requests_per_second)
                single[name].append(wrk(started.port, 1, seconds).p50_ms)
                memory[name] = started.memory()
    report("16 connections", "requests/s", {n: statistics.median(v) for n, v in many.items()}, 0)
    report("p50, 1 connection", "ms", {n: statistics.median(v) for n, v in single.items()}, 3)
    report("resident memory after load", "MB", memory, 1)
    named_clients(seconds)
    batches(seconds)


def named_clients(seconds: int) -> None:
    """Print what names, scopes and rates of clients cost, with and without them in turn."""
    settings: dict[str, Mapping[str, str]] = {"without": {}, "with": NAMED}
    many: dict[str, list[float]] = {name: [] for name in settings}
    single: dict[str, list[float]] = {name: [] for name in settings}
    for _ in range(ROUNDS):
        for name, environment in settings.items():
            with server("functions.api:app", environment) as started:
                many[name].append(wrk(started.port, 16, seconds).requests_per_second)
                single[name].append(wrk(started.port, 1, seconds).p50_ms)
    rates = {name: statistics.median(values) for name, values in many.items()}
    times = {name: statistics.median(values) for name, values in single.items()}
    print(
        f"named clients  {rates['with']:>9,.0f} requests/s (without {rates['without']:,.0f}, ratio "
        f"{rates['with'] / rates['without']:.2f}), p50 {times['with']:.3f} ms "
        f"(without {times['without']:.3f})"
    )


def batches(seconds: int) -> None:
    """Print how many customers of batches one core answers, and how long look-ups wait."""
    body = json.dumps({"customers": drawn_customers(BATCH)})
    rates, longest, processor, memory = [], [], [], 0.0
    for _ in range(ROUNDS):
        with server("functions.api:app") as started, ThreadPoolExecutor(1) as pool:
            started.stay_on_one_core()
            wrk(started.port, 1, 1, "/v1/assign/batch", body)
            before = started.processor_seconds()
            alone = wrk(started.port, 1, seconds, "/v1/assign/batch", body)
            taken = started.processor_seconds() - before
            processor.append(1_000 * taken / (alone.requests_per_second * seconds))
            rates.append(BATCH * alone.requests_per_second)
            beside = pool.submit(wrk, started.port, 1, seconds + 2, "/v1/assign/batch", body)
            time.sleep(1)
            longest.append(wrk(started.port, 1, seconds).longest_ms)
            beside.result()
            memory = max(memory, started.memory())
    print(
        f"batches of {BATCH:,}, one core  {statistics.median(rates):>9,.0f} customers/s, "
        f"{statistics.median(processor):.1f} ms of processor time each; a look-up "
        f"beside them waits {statistics.median(longest):.1f} ms at most, {memory:.0f} MB"
    )


def drawn_customers(count: int) -> list[dict[str, int]]:
    """Invented customers, each between the quartiles of a cluster."""
    model = load_model(open_store(BUNDLED).open(CHAMPION))
    rng = random.Random(1)
    customers = []
    for _ in range(count):
        profile = rng.choice(model.clusters).profile
        customer = {}
        for feature in model.contract.features:
            low, high = profile[feature.name].q1, profile[feature.name].q3
            customer[feature.name] = round(low + rng.random() * (high - low))
        customers.append(customer)
    return customers


def report(what: str, unit: str, values: dict[str, float], digits: int) -> None:
    """Print a figure of both apps, and their ratio."""
    ours, floor = values["ours"], values["floor"]
    print(
        f"{what:<27} {ours:>9,.{digits}f} {unit:<10} floor {floor:>9,.{digits}f}  "
        f"ratio {ours / floor:.2f}"
    )


@contextmanager
def server(app: str, environment: Mapping[str, str] | None = None) -> Iterator[Server]:
    """Start uvicorn with one worker and no access log; it ends with the block."""
    port = free_port()
    command = [
        sys.executable, "-m", "uvicorn", app, "--port", str(port), "--no-access-log",
        "--log-level", "warning", "--http", PROTOCOLS.get(app, "auto"),
    ]  # fmt: skip
    begun = time.perf_counter()
    variables = {**os.environ, **(environment or {})}
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, env=variables) as process:
        try:
            wait_for_answer(port)
            yield Server(process, port, time.perf_counter() - begun)
        finally:
            process.terminate()


def wait_for_answer(port: int) -> None:
    """Ask until there is an answer, every two milliseconds."""
    deadline = time.monotonic() + LONGEST_START
    while time.monotonic() < deadline:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=LONGEST_START)
        try:
            headers = {"Content-Type": "application/json", "X-API-Key": KEY}
            body = json.dumps(CUSTOMER)
            connection.request("POST", "/v1/assign", body, headers)
            answer = connection.getresponse()
            if answer.status != 200 or "cluster" not in json.loads(answer.read()):
                raise RuntimeError(f"the answer has status {answer.status}")
            return
        except ConnectionError:
            time.sleep(0.002)
        finally:
            connection.close()
    raise TimeoutError(f"no answer on port {port} within {LONGEST_START:g} s")


def wrk(
    port: int, connections: int, seconds: int, path: str = "/v1/assign", body: str = ""
) -> Load:
    """Load an app from another process; an answer other than 2xx is an error."""
    with tempfile.TemporaryDirectory() as name:
        script, content = Path(name, "script.lua"), Path(name, "body.json")
        content.write_text(body or json.dumps(CUSTOMER), encoding="utf-8")
        text = _WRK.replace("{body}", str(content)).replace("{key}", KEY)
        script.write_text(text, encoding="utf-8")
        command = [
            "wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "-s", str(script),
            f"http://127.0.0.1:{port}{path}",
        ]  # fmt: skip
        text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    if "Non-2xx" in text or "Socket errors" in text:
        raise RuntimeError(text)
    rate = re.search(r"Requests/sec:\s+([\d.]+)", text)
    p50 = re.search(r"50%\s+([\d.]+)(us|ms|s)\b", text)
    longest = re.search(r"Latency\s+\S+\s+\S+\s+([\d.]+)(us|ms|s)\b", text)
    assert rate is not None
    assert p50 is not None
    assert longest is not None
    return Load(float(rate[1]), _milliseconds(p50), _milliseconds(longest))


def _milliseconds(figure: re.Match[str]) -> float:
    return float(figure[1]) * {"us": 1e-3, "ms": 1.0, "s": 1e3}[figure[2]]


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


if __name__ == "__main__":
    main()
