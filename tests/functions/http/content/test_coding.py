"""Which answers are packed, for whom, and that nobody else notices."""

import asyncio
import base64
import gzip
import json
import random
import zlib
from collections.abc import Callable
from typing import Any

import pytest
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.testclient import TestClient
from starlette.types import ASGIApp, Message, Scope

from functions.api import create_app
from functions.http.assign import MAX_BATCH
from functions.http.content.coding import SMALLEST, ContentCoding, chosen
from functions.http.content.zstandard import zstd
from functions.http.lambda_adapter import handler_for
from functions.live_model import LiveModel
from functions.settings import Settings
from tests.functions.http.test_lambda_adapter import event

UNPACK: dict[str, Callable[[bytes], bytes]] = {"gzip": gzip.decompress, "zstd": zstd.decompress}
LONG = "".join(random.Random(1).choices("0123456789", k=3 * SMALLEST))


def answered(
    app: ASGIApp, accepted: str | None = "gzip", **scope: Any
) -> tuple[int, dict[str, str], bytes, int]:
    """Status, headers and body of an answer, and in how many pieces it came."""
    sent: list[Message] = []

    async def receive() -> Message:
        await asyncio.Event().wait()  # the client says nothing more
        raise AssertionError

    async def send(message: Message) -> None:
        sent.append(message)

    fields = [] if accepted is None else [(b"accept-encoding", accepted.encode())]
    whole: Scope = {"type": "http", "method": "GET", "path": "/", "headers": fields, **scope}

    async def ask() -> None:
        await ContentCoding(app)(whole, receive, send)

    asyncio.run(ask())
    start, *parts = sent
    headers = {name.decode(): value.decode() for name, value in start["headers"]}
    return start["status"], headers, b"".join(part["body"] for part in parts), len(parts)


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [
        (b"gzip", "gzip"),
        (b"x-gzip", "gzip"),
        (b"zstd", "zstd"),
        (b"gzip, deflate, br, zstd", "zstd"),
        (b"GZIP;Q=1.0, zstd;q=0.9", "gzip"),
        (b"*", "zstd"),
        (b"zstd;q=0, *;q=0.1", "gzip"),
        (b"gzip;q=0.001", "gzip"),
        (b"gzip ; q=0.5 , identity;q=0.4", "gzip"),
        (b"identity, gzip;q=0.5", None),
        (b"gzip;q=0", None),
        (b"*;q=0", None),
        (b"br, deflate", None),
        (b"identity", None),
        (b"", None),
        (b"gzip;q=2", None),
        (b"gzip;q=nan", None),
        (b"gzip;q=x", None),
        (b"\xff;=;,;", None),
    ],
)
def test_the_coding_is_what_the_client_likes_best(accepted: bytes, coding: str | None) -> None:
    assert chosen(accepted) == coding


@pytest.mark.parametrize("coding", ["gzip", "zstd"])
@pytest.mark.parametrize("length", [SMALLEST, 100_000])
def test_a_long_text_is_packed(coding: str, length: int) -> None:
    text = LONG[0] * length
    tagged = PlainTextResponse(text, headers={"ETag": '"x"', "Vary": "Origin"})
    status, headers, body, _ = answered(tagged, coding)
    assert (status, headers["content-encoding"], headers["vary"]) == (
        200, coding, "Origin, Accept-Encoding",
    )  # fmt: skip
    assert (headers["content-length"], headers["etag"]) == (str(len(body)), 'W/"x"')
    assert UNPACK[coding](body) == text.encode()


@pytest.mark.parametrize(
    "response",
    [
        PlainTextResponse("x" * (SMALLEST - 1)),
        Response(LONG, media_type="image/png"),
        Response(LONG, media_type="application/vnd.apache.parquet"),
        Response(LONG, media_type="application/zip"),
        Response(LONG),
        PlainTextResponse(LONG, 206, {"Content-Range": "bytes 0-9/10"}),
        PlainTextResponse(LONG, 304),
        PlainTextResponse(LONG, headers={"Content-Encoding": "br"}),
        PlainTextResponse(LONG, headers={"Cache-Control": "no-transform"}),
    ],
    ids=["short", "picture", "parquet", "zip", "unknown", "part", "304", "packed", "untouchable"],
)
def test_what_gains_nothing_or_must_not_change_is_sent_as_it_is(response: Response) -> None:
    before = answered(response, None)
    assert answered(response) == before
    assert b"".join([before[2]]) == response.body


def test_nobody_gets_it_unasked() -> None:
    for accepted in (None, "identity", "br"):
        _, headers, body, _ = answered(PlainTextResponse(LONG), accepted)
        assert "content-encoding" not in headers
        assert body == LONG.encode()


@pytest.mark.parametrize("coding", ["gzip", "zstd"])
def test_a_download_is_packed_piece_by_piece(coding: str) -> None:
    piece = LONG.encode() * 40

    async def pieces() -> Any:
        for _ in range(20):
            yield piece
        yield b""

    download = StreamingResponse(
        pieces(), media_type="text/csv", headers={"content-length": str(20 * len(piece))}
    )
    _, headers, body, count = answered(download, coding)
    assert "content-length" not in headers
    assert (headers["content-encoding"], headers["vary"]) == (coding, "Accept-Encoding")
    assert count > 10
    assert UNPACK[coding](body) == 20 * piece
    assert len(body) < 20 * len(piece) / 2


def test_an_answer_that_fails_before_its_body_is_not_begun() -> None:
    async def failing(scope: Scope, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise RuntimeError

    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def failing_answer() -> None:
        scope: Scope = {"type": "http", "headers": [(b"accept-encoding", b"gzip")]}
        await ContentCoding(failing)(scope, send, send)  # type: ignore[arg-type]

    with pytest.raises(RuntimeError):
        asyncio.run(failing_answer())
    assert sent == []


@pytest.mark.parametrize("coding", ["gzip", "zstd"])
def test_a_batch_comes_packed_and_is_a_seventh_of_its_length_or_less(
    client: TestClient, leaver: dict[str, Any], coding: str
) -> None:
    batch = {"customers": [{**leaver, "Total_Trans_Amt": 1_000 + n} for n in range(MAX_BATCH)]}
    plain, packed = (
        client.send(request, stream=True)
        for request in (
            client.build_request(
                "POST", "/v1/assign/batch", json=batch, headers={"accept-encoding": accepted}
            )
            for accepted in ("identity", coding)
        )
    )
    raw = b"".join(packed.iter_raw())
    assert packed.headers["content-encoding"] == coding
    assert UNPACK[coding](raw) == plain.read()
    assert len(raw) < len(plain.content) / 7
    assert packed.headers["cache-control"] == "no-store"


def test_the_head_of_an_answer_tells_of_the_same_length(client: TestClient) -> None:
    headers = {"accept-encoding": "gzip"}
    head, whole = (ask("/v1/clusters", headers=headers) for ask in (client.head, client.get))
    assert head.content == b""
    assert head.headers["content-length"] == whole.headers["content-length"]
    assert head.headers["content-encoding"] == "gzip"


@pytest.mark.usefixtures("event_loop")
@pytest.mark.parametrize("name", ["http_api_v2", "function_url", "alb"])
@pytest.mark.parametrize("coding", ["gzip", "zstd"])
def test_on_lambda_a_packed_answer_goes_out_in_base64(
    live_model: LiveModel, name: str, coding: str
) -> None:
    given = asked(name, coding)
    answer = handler_for(create_app(live_model, Settings(), log=lambda line: None))(given, None)
    assert answer["isBase64Encoded"] is True
    body = UNPACK[coding](base64.b64decode(answer["body"]))
    assert json.loads(body)["cluster"]["id"] == 5
    assert len(answer["body"]) * 3 / 4 < len(body)


@pytest.mark.usefixtures("event_loop")
def test_a_rest_api_on_aws_gets_text_because_it_may_pass_on_nothing_else(
    live_model: LiveModel,
) -> None:
    given = asked("rest_v1_stage", "gzip")
    answer = handler_for(create_app(live_model, Settings(), log=lambda line: None))(given, None)
    assert answer["isBase64Encoded"] is False
    assert json.loads(answer["body"])["cluster"]["id"] == 5


def asked(name: str, coding: str) -> Any:
    """An event of a look-up that takes a coding."""
    given = event(name)
    for kind in ("headers", "multiValueHeaders"):
        if given.get(kind):
            value = coding if kind == "headers" else [coding]
            kept = {k: v for k, v in given[kind].items() if k.lower() != "accept-encoding"}
            given[kind] = {**kept, "accept-encoding": value}
    return given


def test_packing_is_that_of_the_standard(client: TestClient) -> None:
    answer = client.get("/", headers={"accept": "text/html", "accept-encoding": "gzip"})
    assert answer.headers["content-encoding"] == "gzip"
    assert "<html" in answer.text
    assert zlib.decompress(gzip.compress(b"x"), 31) == b"x"
