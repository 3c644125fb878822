"""A server that gives the answers of a script, one after the other, and keeps what it was asked."""

import gzip
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Reply:
    """An answer: JSON of anything but bytes."""

    status: int = 200
    content: Any = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    breaks: bool = False
    """Whether the connection ends before it."""
    halves: bool = False
    """Whether it ends in the middle of it."""


@dataclass
class Asked:
    """A request as it came."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def document(self) -> Any:
        packed = self.headers.get("content-encoding") == "gzip"
        return json.loads(gzip.decompress(self.body) if packed else self.body)


Script = Iterator[Reply | Callable[[Asked], Reply]]


class Answering:
    """What was asked of the server, and where it is."""

    def __init__(self, script: Script) -> None:
        self.script, self.asked = script, list[Asked]()
        self.connections, self.url = 0, ""


@contextmanager
def answering(script: Script) -> Iterator[Answering]:
    """A server on loopback that answers by a script."""
    state = Answering(script)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self) -> None:
            super().setup()
            state.connections += 1

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            named = {name.lower(): value for name, value in self.headers.items()}
            asked = Asked(self.command, self.path, named, body)
            state.asked.append(asked)
            reply = next(state.script, Reply(breaks=True))
            if callable(reply):
                reply = reply(asked)
            if reply.breaks:
                self.close_connection = True
                return
            content, headers = reply.content, dict(reply.headers)
            if not isinstance(content, bytes):
                content = json.dumps(content).encode()
                headers.setdefault("Content-Type", "application/json")
            self.send_response(reply.status)
            for name, value in {"Content-Length": str(len(content)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content[: len(content) // 2] if reply.halves else content)
            self.close_connection = self.close_connection or reply.halves

        do_GET = do_POST = do_DELETE = answer  # noqa: N815 - the names that the base class calls

        def log_message(self, *arguments: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=lambda: server.serve_forever(poll_interval=0.01))
    thread.start()
    state.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield state
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
