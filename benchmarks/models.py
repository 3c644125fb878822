"""Many models in one server: how long the first look-up of each takes, and the memory of all.

.venv/bin/python -m benchmarks.models               50 copies of the models that ship, in folders
.venv/bin/python -m benchmarks.models --s3          the same in a stand-in for S3
"""

import argparse
import http.client
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.http import CUSTOMER, free_port, wait_for_answer
from model_store import BUNDLED, CHAMPION, open_store
from pipeline.model.published.loading import load_model

LIMIT_MB = 512
_BUCKET = "many-models"


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--count", type=int, default=50)
    parser.add_argument("--s3", action="store_true", help="in a stand-in for S3 (needs moto)")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        if given.s3:
            with simulated_s3() as environment:
                measure(copied_to_s3(given.count), environment)
        else:
            measure(copied(Path(folder), given.count), {})


def measure(models: dict[str, str], environment: dict[str, str]) -> None:
    """Print how a server does that answers with some models, name → where it is."""
    named = ",".join(f"{name}={store}" for name, store in models.items())
    body = {name: customer_of(store.partition("#")[2]) for name, store in models.items()}
    port = free_port()
    command = [
        sys.executable, "-m", "uvicorn", "functions.api:app", "--port", str(port),
        "--no-access-log", "--log-level", "warning",
        "--http", "functions.http.protocol:BoundedProtocol",
    ]  # fmt: skip
    environment = {**os.environ, **environment, "CUSTOMER_CLUSTERS_MODELS": named}
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, env=environment)
    try:
        wait_for_answer(port)
        print(f"one of {len(models)} models loaded            {memory(process):>6.0f} MB")
        first, beside = first_look_ups(port, body)
        print(
            f"first look-up of each                {statistics.median(first):>6.1f} ms, "
            f"{max(first):.1f} at most; one of the default beside them "
            f"{statistics.median(beside):.2f} ms, {max(beside):.1f} at most"
        )
        again = [ask(port, f"/v1/models/{name}/assign", each) for name, each in body.items()]
        print(f"second look-up of each               {statistics.median(again):>6.1f} ms")
        print(f"all loaded, a look-up each           {memory(process):>6.0f} MB")
        for name, each in body.items():
            ask(port, f"/v1/models/{name}/assign/batch", {"customers": [each] * 1_000})
            for path in (f"/v1/models/{name}/clusters", f"/v1/models/{name}/openapi.json",
                         f"/models/{name}", f"/models/{name}/clusters"):  # fmt: skip
                ask(port, path)
        peak = memory(process, "VmHWM")
        print(
            f"batches, documents and pages of each {memory(process):>6.0f} MB, {peak:.0f} at most"
        )
        if peak > LIMIT_MB:
            raise SystemExit(f"more than {LIMIT_MB} MB")
    finally:
        process.terminate()
        process.wait()


def first_look_ups(port: int, body: dict[str, Any]) -> tuple[list[float], list[float]]:
    """The milliseconds of one look-up of each model, and of those of the default beside them."""
    beside: list[float] = []
    done = threading.Event()

    def ask_default() -> None:
        while not done.is_set():
            beside.append(ask(port, "/v1/assign", CUSTOMER))

    thread = threading.Thread(target=ask_default)
    thread.start()
    first = [ask(port, f"/v1/models/{name}/assign", each) for name, each in body.items()]
    done.set()
    thread.join()
    return first, beside


def ask(port: int, path: str, document: Any = None) -> float:
    """The milliseconds of an answer, which has to be a good one."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    content = None if document is None else json.dumps(document)
    begun = time.perf_counter()
    connection.request(
        "GET" if content is None else "POST", path, content, {"Content-Type": "application/json"}
    )
    answer = connection.getresponse()
    said = answer.read()
    connection.close()
    if answer.status != 200:
        raise RuntimeError(f"{path} answered {answer.status}: {said[:200]!r}")
    return 1_000 * (time.perf_counter() - begun)


def copied(folder: Path, count: int) -> dict[str, str]:
    """Copies of the store that ships, each with one of its models, by name."""
    models = {}
    for number in range(count):
        shutil.copytree(BUNDLED, folder / f"store-{number}")
        models[f"model-{number}"] = f"{folder / f'store-{number}'}#{reference_of(number)}"
    return models


def copied_to_s3(count: int) -> dict[str, str]:
    """The same in a bucket; the client finds the stand-in by the environment."""
    import boto3

    client = boto3.client("s3")
    client.create_bucket(Bucket=_BUCKET)
    models = {}
    for number in range(count):
        for path in BUNDLED.rglob("*"):
            if path.is_file():
                key = f"store-{number}/{path.relative_to(BUNDLED).as_posix()}"
                client.put_object(Bucket=_BUCKET, Key=key, Body=path.read_bytes())
        store = f"s3://{_BUCKET}/store-{number}"
        models[f"model-{number}"] = f"{store}#{reference_of(number)}"
    return models


@contextmanager
def simulated_s3() -> Iterator[dict[str, str]]:
    """A stand-in for S3 in this process, and the variables by which it is found."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    environment = {
        "AWS_ENDPOINT_URL_S3": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "nobody",
        "AWS_SECRET_ACCESS_KEY": "nothing",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    os.environ.update(environment)
    try:
        yield environment
    finally:
        server.stop()


def reference_of(number: int) -> str:
    """Both models that ship, in turn; the default is the champion."""
    return CHAMPION if number % 2 == 0 else "original"


def customer_of(reference: str) -> dict[str, Any]:
    """A customer whom a model that ships can assign."""
    model = load_model(open_store(BUNDLED).open(reference))
    types = {feature.name: feature.type for feature in model.contract.features}
    golden = model.golden[0].customer
    return {n: int(value) if types[n] == "integer" else value for n, value in golden.items()}


def memory(process: subprocess.Popen[bytes], line: str = "VmRSS") -> float:
    """Resident memory of a process in MB, now or at its highest."""
    status = Path(f"/proc/{process.pid}/status").read_text(encoding="ascii")
    found = re.search(rf"{line}:\s+(\d+) kB", status)
    assert found is not None
    return int(found[1]) * 1024 / 1e6


if __name__ == "__main__":
    main()
