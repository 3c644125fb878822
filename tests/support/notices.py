"""Receivers of notices: one in memory, and one over HTTP that checks what it is sent."""

import base64
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, cast

from pipeline.runs.inputs import RunInput
from pipeline.runs.notices import NotDelivered, Notice
from pipeline.runs.store import MANIFEST, Workspace
from pipeline.scoring.documents import Manifest, Summary
from pipeline.scoring.spec import ScoringSpec

SECRET = bytes(range(32))
SECRET_TEXT = "whsec_" + base64.b64encode(SECRET).decode()


@dataclass
class Clock:
    """A clock that tests move."""

    now: datetime = datetime(2026, 3, 1, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def pass_by(self, **time: float) -> None:
        self.now += timedelta(**time)


@dataclass
class Inbox:
    """Takes notices, or does not."""

    name: str = "webhook"
    down: bool = False
    got: list[Notice] = field(default_factory=list)
    asked: int = 0

    def send(self, notice: Notice) -> None:
        self.asked += 1
        if self.down:
            raise NotDelivered(self.name, "it is down")
        self.got.append(notice)

    @property
    def ids(self) -> list[str]:
        return [notice["id"] for notice in self.got]


def small_summary(**changes: Any) -> Summary:
    """What a run says of its customers, as far as notices read it."""
    stable = {"psi": 0.0, "critical_psi": 0.1, "verdict": "stable"}
    drift = {"features": {"Amount": stable}, "clusters": stable, "implausible": [], "churn": None}
    return cast(Summary, {"drift": {**drift, **changes}})


def small_manifest(name: str = "march.csv", rows: int = 100, rejected: int = 0) -> Manifest:
    """What an engine writes, as far as notices and stores of runs read it."""
    document = {
        "run": "20260101T000000Z-12345678-0123456789ab",
        "input": {"name": name, "identity": "sha256:1"},
        "model_version": "20260101T000000Z-12345678",
        "rows_in": rows,
        "rows_assigned": rows - rejected,
        "rows_rejected": rejected,
        "bytes": {"summary.json": 1, "assigned.csv": 1},
        "outputs": {},
    }
    return cast(Manifest, document)


def small_engine(
    source: RunInput, spec: ScoringSpec, workspace: Workspace, *others: Any
) -> Manifest:
    """Scores nothing, but leaves the files of a run."""
    run = spec.run_id(source.identity)
    return write_run(workspace.folder, cast(Manifest, {**small_manifest(source.name), "run": run}))


def write_run(folder: Path, manifest: Manifest) -> Manifest:
    (folder / "summary.json").write_text(json.dumps(small_summary()))
    (folder / "assigned.csv").write_text("id,cluster\n1,2\n")
    (folder / MANIFEST).write_text(json.dumps(manifest))
    return manifest


@dataclass
class Hook:
    """A local receiver of webhooks: answers as it is told, and keeps what it got."""

    address: str
    answers: list[int | Callable[[BaseHTTPRequestHandler], None]]
    """The next answers, each a status or what is done in place of one; then 204."""
    got: list[tuple[dict[str, str], bytes]]

    @property
    def ids(self) -> list[str]:
        return [headers["webhook-id"] for headers, _ in self.got]

    @property
    def events(self) -> list[Any]:
        return [json.loads(body) for _, body in self.got]


@contextmanager
def listening() -> Iterator[Hook]:
    """A hook at an address of this machine, for as long as it is used."""
    hook = Hook("", [], [])

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            answer = hook.answers.pop(0) if hook.answers else 204
            if callable(answer):
                answer(self)
                return
            if 200 <= answer < 300:
                hook.got.append(({k.lower(): v for k, v in self.headers.items()}, body))
            self.send_response(answer)
            if 300 <= answer < 400:
                self.send_header("Location", hook.address + "/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    hook.address = f"http://127.0.0.1:{server.server_address[1]}/hook?token=t0ken"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield hook
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def is_signed(headers: dict[str, str], body: bytes, secrets: Sequence[bytes] = (SECRET,)) -> bool:
    """Whether a request is what Standard Webhooks asks a receiver to accept."""
    moment = int(headers["webhook-timestamp"])
    content = f"{headers['webhook-id']}.{moment}.".encode() + body
    given = headers["webhook-signature"].split(" ")
    expected = [
        "v1," + base64.b64encode(hmac.digest(secret, content, hashlib.sha256)).decode()
        for secret in secrets
    ]
    return abs(time.time() - moment) < 300 and given == expected
