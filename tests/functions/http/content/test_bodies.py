"""How bodies are read: packed or not, with a mark before them, deep, wide, or with a key twice."""

import gzip
import json
import zlib
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from functions.http.content.bodies import DEEPEST, parse_json
from functions.http.content.zstandard import zstd
from functions.http.problems import ProblemError
from functions.settings import Settings

JSON = {"content-type": "application/json"}
GZIP = {**JSON, "content-encoding": "gzip"}
ZSTD = {**JSON, "content-encoding": "zstd"}
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=60,
)


@given(values)
def test_what_json_can_say_is_read_with_a_mark_before_it_or_not(value: Any) -> None:
    text = json.dumps(value).encode()
    assert parse_json(text) == parse_json(b"\xef\xbb\xbf" + text) == value


@given(st.lists(st.text(max_size=3), min_size=1), st.data())
def test_a_key_that_is_there_twice_is_named(names: list[str], data: st.DataObject) -> None:
    twice = data.draw(st.sampled_from(names))
    pairs = [f"{json.dumps(name)}: 1" for name in [*dict.fromkeys(names), twice]]
    with pytest.raises(ProblemError) as caught:
        parse_json(f"{{{', '.join(pairs)}}}".encode())
    assert f"the key {twice!r} is there twice" in caught.value.detail


def test_a_key_twice_among_very_many_is_found_in_one_pass() -> None:
    body = ",".join(f'"k{n}":1' for n in range(200_000))  # took hours when each was counted
    with pytest.raises(ProblemError, match="the key 'k199999' is there twice"):
        parse_json(f'{{{body},"k199999":2}}'.encode())


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
def test_a_body_is_as_deep_as_the_limit_and_no_deeper(opening: str, closing: str) -> None:
    for depth in (1, DEEPEST):
        parse_json(f"{opening * depth}1{closing * depth}".encode())
    for depth in (DEEPEST + 1, 900, 990, 1_000, 50_000):  # around Python's own limit as well
        with pytest.raises(ProblemError, match="nested too deeply"):
            parse_json(f"{opening * depth}1{closing * depth}".encode())
    parse_json(json.dumps(["["] * 50 + [{}] * 50).encode())  # wide, not deep


@pytest.mark.parametrize("coding", ["gzip", "GZIP", "x-gzip", "zstd"])
def test_a_packed_body_is_read(client: TestClient, leaver: dict[str, Any], coding: str) -> None:
    body, headers = json.dumps(leaver).encode(), {**JSON, "content-encoding": coding}
    packed = zstd.compress(body) if coding == "zstd" else gzip.compress(body)
    answer = client.post("/v1/assign", content=packed, headers=headers)
    assert answer.json() == client.post("/v1/assign", content=body, headers=JSON).json()


@pytest.mark.parametrize(
    ("pack", "headers"), [(gzip.compress, GZIP), (zstd.compress, ZSTD)], ids=["gzip", "zstd"]
)
def test_a_packed_body_is_bounded_by_what_it_unpacks_to(
    client: TestClient, pack: Callable[[bytes], bytes], headers: dict[str, str]
) -> None:
    limit = Settings().max_body_bytes
    bomb = pack(b" " * (20 * limit))
    assert len(bomb) < limit / 10
    answer = client.post("/v1/assign", content=bomb, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
    fits = pack(b" " * (limit - 2) + b"{}")
    assert client.post("/v1/assign", content=fits, headers=headers).status_code == 422


def test_a_frame_that_takes_much_memory_to_unpack_is_refused(client: TestClient) -> None:
    options: dict[int, int] = {zstd.CompressionParameter.window_log: 27}
    packing = zstd.ZstdCompressor(options=options)
    frame = packing.compress(b"{}") + packing.flush()  # whose length is not said: so it may need it
    answer = client.post("/v1/assign", content=frame, headers=ZSTD)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_encoding")


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"{}", id="plain"),
        pytest.param(gzip.compress(b"{}")[:-1], id="cut short"),
        pytest.param(gzip.compress(b"{}") + b"x", id="rest behind it"),
        pytest.param(gzip.compress(b"{}") * 2, id="two members"),
        pytest.param(zlib.compress(b"{}"), id="zlib"),
    ],
)  # ids of its own: a gzip header carries the time, and workers must collect the same names
def test_a_body_that_is_not_packed_as_it_says_is_refused(client: TestClient, body: bytes) -> None:
    answer = client.post("/v1/assign", content=body, headers=GZIP)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_encoding")


@pytest.mark.parametrize("coding", ["br", "deflate", "gzip, gzip", "utf-8"])
def test_another_content_encoding_is_refused_by_its_name(client: TestClient, coding: str) -> None:
    headers = {**JSON, "content-encoding": coding}
    answer = client.post("/v1/assign", content=b"{}", headers=headers)
    assert (answer.status_code, answer.headers["accept-encoding"]) == (415, "gzip, zstd")
    expected = f"Content-Encoding: expected gzip, zstd or none, found {coding!r}"
    assert answer.json()["detail"] == expected


def test_a_large_body_gives_the_same_answers(client: TestClient, leaver: dict[str, Any]) -> None:
    small = {"customers": [leaver]}
    large = {"customers": [{**leaver, "note": "x" * 50_000}]}  # taken apart in a thread
    first, second = (client.post("/v1/assign/batch", json=body).json() for body in (small, large))
    assert first == second
