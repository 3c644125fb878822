"""What a connection may send before any key is looked at: how much, how many, how slowly."""

import asyncio
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.types import Receive, Scope, Send
from uvicorn.config import Config
from uvicorn.server import ServerState

from functions.http import protocol as http_protocol
from functions.http.protocol import HEADER_BYTES, PIPELINED, BoundedProtocol

GET = b"GET /a HTTP/1.1\r\nHost: x\r\n"
LAST = GET + b"Connection: close\r\n\r\n"
CHUNKED = b"POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers with the number of headers and of bytes in the body."""
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        size, more = size + len(message["body"]), message["more_body"]
    body = b"%d headers, %d bytes" % (len(scope["headers"]), size)
    headers = [(b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _exchange(pieces: Sequence[bytes], pause: float) -> bytes:
    config = Config(application, log_config=None, lifespan="off", ws="none")
    config.load()
    state = ServerState()
    make = partial(BoundedProtocol, config, state, {})
    server = await asyncio.get_running_loop().create_server(make, "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    try:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(pause)
        return await asyncio.wait_for(reader.read(), 20)
    finally:
        writer.close()
        server.close()
        while state.connections:
            await asyncio.sleep(0.001)


def answers(*pieces: bytes, pause: float = 0) -> list[int]:
    """The statuses that a connection gets, until the server ends it."""
    found = asyncio.run(_exchange(pieces, pause))
    return [int(part[:3]) for part in found.split(b"HTTP/1.1 ")[1:]]


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (LAST, 200),
        (LAST[:-2] + b"A: " + b"x" * (HEADER_BYTES - 100) + b"\r\n\r\n", 200),
        (LAST[:-2] + b"A: " + b"x" * HEADER_BYTES + b"\r\n\r\n", 431),
        (GET + b"A: " + b"x" * (3 << 20), 431),
        (GET + b"a:b\r\n" * 400_000 + b"\r\n", 431),
        (b"GET /" + b"x" * HEADER_BYTES + b" HTTP/1.1\r\n\r\n", 431),
        (CHUNKED + b"1\r\nx\r\n0\r\n" + b"a: b\r\n" * 300_000, 431),
        (CHUNKED + b"1;" + b"x" * (2 << 20), 431),
        (b"\x16\x03\x01\x02", 400),
    ],
    ids=["plain", "large", "too large", "endless", "many", "address", "trailers", "chunk", "TLS"],
)
def test_headers_are_bounded_whatever_they_are_made_of(request_: bytes, status: int) -> None:
    assert answers(request_) == [status]


def test_a_large_body_is_no_header() -> None:
    body = b"x" * (1 << 20)
    post = b"POST /a HTTP/1.1\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body)
    found = asyncio.run(_exchange([post + body], 0))
    assert found.endswith(b"2 headers, 1048576 bytes")


def test_trailers_do_not_pass_for_headers() -> None:
    trailed = CHUNKED + b"2\r\n{}\r\n0\r\nX-API-Key: secret\r\n\r\n"
    assert b"\r\n\r\n2 headers, 2 bytes" in asyncio.run(_exchange([trailed + LAST], 0))


def test_so_many_requests_may_wait_and_the_answers_that_are_due_still_come() -> None:
    whole = GET + b"\r\n"
    assert answers(whole * PIPELINED + LAST) == [200] * (PIPELINED + 1)
    assert answers(whole * 20_000) == [200] * (PIPELINED + 1)  # and then it closes
    assert answers(whole * 3 + b"no request\r\n\r\n") == [200] * 3


@given(st.lists(st.integers(1, len(GET + LAST) - 1), max_size=6).map(sorted))
def test_where_the_network_cuts_a_request_changes_nothing(cuts: list[int]) -> None:
    sent = GET + b"\r\n" + LAST
    edges = [0, *cuts, len(sent)]
    pieces = [sent[a:b] for a, b in pairwise(edges) if a < b]
    assert answers(*pieces) == [200, 200]


@pytest.mark.parametrize(
    ("pieces", "expected"),
    [
        ([], []),  # it is only closed
        ([GET], [408]),
        ([GET, *[b"a: b\r\n"] * 40], [408]),  # a header now and then does not help
        ([GET + b"\r\n" + GET, b"a: b\r\n", *[b"c: d\r\n"] * 40], [200, 408]),
        ([b"POST /a HTTP/1.1\r\nContent-Length: 9\r\n\r\n123456789" + GET, b"a"], [200, 408]),
    ],
    ids=["nothing", "half", "drips", "second", "after a body"],
)
def test_headers_have_to_arrive_in_time(
    monkeypatch: pytest.MonkeyPatch, pieces: list[bytes], expected: list[int]
) -> None:
    monkeypatch.setattr(http_protocol, "HEADER_SECONDS", 0.2)
    assert answers(*pieces, pause=0.02) == expected


async def _fetched(pause: float) -> int:
    """How much of an answer of 16 MiB a client gets that takes 1 MiB after each pause."""
    size = 0

    async def large(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for _ in range(16):
            await send({"type": "http.response.body", "body": b"x" * (1 << 20), "more_body": True})
        await send({"type": "http.response.body"})

    config = Config(large, log_config=None, lifespan="off", ws="none")
    config.load()
    make = partial(BoundedProtocol, config, ServerState(), {})
    server = await asyncio.get_running_loop().create_server(make, "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    writer.write(LAST)
    with suppress(ConnectionResetError):
        while not size or not reader.at_eof():
            await asyncio.sleep(pause)
            size += len(await reader.read(1 << 20))
            pause = 0 if pause > 1 else pause
    writer.close()
    server.close()
    return size


def test_an_answer_has_to_be_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_protocol, "TAKEN_SECONDS", 0.3)
    assert asyncio.run(asyncio.wait_for(_fetched(2), 10)) < 16 << 20
    assert asyncio.run(asyncio.wait_for(_fetched(0.01), 20)) > 16 << 20


def test_serve_may_open_as_many_files_as_the_system_allows() -> None:
    pytest.importorskip("resource")
    code = (
        "import resource as r; from functions.cli import serve; "
        "most = r.getrlimit(r.RLIMIT_NOFILE)[1]; r.setrlimit(r.RLIMIT_NOFILE, (64, most)); "
        "serve._allow_connections(); print(r.getrlimit(r.RLIMIT_NOFILE) == (most, most))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout == "True\n"
