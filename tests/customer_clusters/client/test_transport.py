"""How the client asks: what it sends, when it tries again, and what it says when it gives up."""

import base64
import gzip
import json
import os
import socket
import ssl
import threading
import time
from email.utils import formatdate

import pytest

import customer_clusters as cc
from customer_clusters.client import StrangeAnswer, exchange
from customer_clusters.client.connections import Connections, Origin
from tests.customer_clusters.client.conftest import Connected, Scripted
from tests.support.answering import Reply

CLUSTERS: dict[str, object] = {"clusters": [], "churn_rate": None, "model_version": "1"}
GOOD = Reply(200, CLUSTERS)
BUSY = {"code": "too_many_requests", "detail": "slow down", "status": 429}
KEY = "a-key-of-somebody"


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_what_is_busy_is_asked_again(scripted: Scripted, connected: Connected, status: int) -> None:
    server = scripted(Reply(status, BUSY), Reply(status, b"<html>"), GOOD)
    client, waits = connected(server.url)
    assert client.clusters().model_version == "1"
    assert len(server.asked) == 3
    assert 0 <= waits[0] <= 0.25 and 0 <= waits[1] <= 0.5


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 422, 500])
def test_what_will_not_change_is_not_asked_again(
    scripted: Scripted, connected: Connected, status: int
) -> None:
    server = scripted(Reply(status, {"code": "forbidden", "detail": "no"}))
    client, waits = connected(server.url)
    with pytest.raises(cc.ProblemAnswer, match=rf"GET /v1/clusters: no \({status} forbidden\)"):
        client.clusters()
    assert waits == []


def test_a_server_is_given_the_time_that_it_asks_for(
    scripted: Scripted, connected: Connected
) -> None:
    date = formatdate(time.time() + 30, usegmt=True)
    server = scripted(
        Reply(429, BUSY, {"Retry-After": "7"}),
        Reply(503, BUSY, {"Retry-After": date}),
        Reply(503, BUSY, {"Retry-After": "soon"}),
        GOOD,
    )
    client, waits = connected(server.url)
    client.clusters()
    assert 7 <= waits[0] <= 7.25
    assert 28 <= waits[1] <= 30.5
    assert waits[2] <= 1


def test_nobody_waits_for_an_hour(scripted: Scripted, connected: Connected) -> None:
    server = scripted(Reply(503, BUSY, {"Retry-After": "3600"}))
    client, waits = connected(server.url)
    with pytest.raises(cc.ProblemAnswer):
        client.clusters()
    assert waits == []


def test_it_gives_up_after_so_many_times(scripted: Scripted, connected: Connected) -> None:
    server = scripted(*[Reply(429, BUSY)] * 3)
    client, waits = connected(server.url, retries=2)
    with pytest.raises(cc.ProblemAnswer, match="slow down") as raised:
        client.clusters()
    assert (len(waits), raised.value.status, raised.value.code) == (2, 429, "too_many_requests")


def test_a_connection_that_breaks_is_made_again(scripted: Scripted, connected: Connected) -> None:
    server = scripted(Reply(breaks=True), Reply(200, CLUSTERS, halves=True), GOOD)
    client, waits = connected(server.url)
    assert len(client.clusters()) == 0
    assert len(waits) == 2


def test_a_kept_connection_that_the_server_has_ended_costs_no_wait(
    scripted: Scripted, connected: Connected
) -> None:
    server = scripted(GOOD, Reply(breaks=True), GOOD)
    client, waits = connected(server.url, retries=0)
    client.clusters()
    client.clusters()
    assert (waits, server.connections) == ([], 2)


def test_a_server_that_is_not_there_is_named(connected: Connected) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    client, waits = connected(f"http://127.0.0.1:{port}", KEY, retries=2)
    with pytest.raises(cc.NoAnswer) as raised:
        client.clusters()
    assert str(raised.value) == (
        f"GET /v1/clusters: no answer from http://127.0.0.1:{port}, tried 3 times: "
        "Connection refused"
    )
    assert len(waits) == 2


def test_nobody_waits_for_a_silent_server(connected: Connected) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        client, _ = connected(f"http://127.0.0.1:{port}", timeout=0.05, retries=1)
        with pytest.raises(cc.NoAnswer, match=r"tried 2 times: nothing came within 0\.05 seconds"):
            client.clusters()


def test_connections_are_kept_and_shared_by_threads(
    scripted: Scripted, connected: Connected
) -> None:
    server = scripted(*[GOOD] * 40)
    client, _ = connected(server.url)
    for _ in range(20):
        client.clusters()
    assert server.connections == 1
    threads = [threading.Thread(target=client.clusters) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(server.asked) == 40


def test_a_fork_does_not_share_the_connections(
    scripted: Scripted, connected: Connected, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = scripted(GOOD, GOOD)
    client, _ = connected(server.url)
    client.clusters()
    idle = [*client._transport.connections._idle]
    monkeypatch.setattr(os, "getpid", lambda: 0)
    client.clusters()
    assert server.connections == 2
    for connection in idle:
        connection.close()


def test_what_is_sent_is_packed_and_so_is_what_comes(
    scripted: Scripted, connected: Connected
) -> None:
    packed = Reply(200, gzip.compress(json.dumps(CLUSTERS).encode()), {"Content-Encoding": "gzip"})
    server = scripted(packed, Reply(422, BUSY), Reply(422, BUSY))
    client, _ = connected(server.url)
    assert client.clusters().churn_rate is None
    for note in ("", "x" * 2_000):
        with pytest.raises(cc.ProblemAnswer):
            client.assign({"Total_Trans_Ct": 38, "note": note})
    small, large = server.asked[1:]
    assert server.asked[0].headers["accept-encoding"] == "gzip"
    assert small.document == {"Total_Trans_Ct": 38, "note": ""}
    assert "content-encoding" not in small.headers
    assert large.headers["content-encoding"] == "gzip"
    assert len(large.body) < 200
    assert large.document["note"] == "x" * 2_000


@pytest.mark.parametrize(
    "answer",
    [
        Reply(200, b"<html>sign in</html>", {"Content-Type": "text/html"}),
        Reply(200, []),
        Reply(200, b"[" * 100_000, {"Content-Type": "application/json"}),
        Reply(200, {}),
        Reply(200, {"clusters": 3, "churn_rate": None, "model_version": "1"}),
        Reply(204),
    ],
)
def test_something_else_that_answers_is_told_from_the_api(
    scripted: Scripted, connected: Connected, answer: Reply
) -> None:
    client, _ = connected(scripted(answer).url)
    with pytest.raises(StrangeAnswer, match="GET /v1/clusters: expected an answer of the API from"):
        client.clusters()


def test_a_large_answer_is_unpacked_whole(scripted: Scripted, connected: Connected) -> None:
    for size in (65_536, 65_537, 3_000_000):
        text = json.dumps({**CLUSTERS, "more": " " * size}).encode()
        answer = Reply(200, gzip.compress(text), {"Content-Encoding": "gzip"})
        client, _ = connected(scripted(answer).url)
        assert client.clusters().model_version == "1"


def test_an_answer_without_end_is_not_kept(
    scripted: Scripted, connected: Connected, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exchange, "LONGEST_ANSWER", 100_000)
    bomb = Reply(200, gzip.compress(b" " * 10_000_000), {"Content-Encoding": "gzip"})
    client, _ = connected(scripted(bomb).url, retries=0)
    with pytest.raises(cc.NoAnswer, match="the answer has more than 100,000 bytes"):
        client.clusters()


def test_broken_gzip_is_no_answer(scripted: Scripted, connected: Connected) -> None:
    whole = gzip.compress(json.dumps(CLUSTERS).encode())
    headers = {"Content-Encoding": "gzip"}
    server = scripted(Reply(200, whole[:-4], headers), Reply(200, b"no", headers))
    client, _ = connected(server.url, retries=1)
    with pytest.raises(cc.NoAnswer, match="the answer cannot be unpacked"):
        client.clusters()


def test_problems_of_gateways_and_proxies_are_told_too(
    scripted: Scripted, connected: Connected
) -> None:
    server = scripted(
        Reply(403, {"message": "Forbidden"}),
        Reply(404, b"<html>", {"Content-Type": "text/html"}),
        Reply(301, b"", {"Location": "https://other.example.com/v1/clusters"}),
        Reply(422, {"code": "invalid_request", "detail": "one\nline " + "x" * 1_000}),
    )
    client, _ = connected(server.url)
    said = []
    for _ in range(4):
        with pytest.raises(cc.ProblemAnswer) as raised:
            client.clusters()
        said.append(str(raised.value).removeprefix("GET /v1/clusters: "))
    assert said[:3] == [
        "Forbidden (403 http_error)",
        "Not Found (404 http_error)",
        "the API is at another address, https://other.example.com/v1/clusters (301 redirected)",
    ]
    assert said[3].startswith("one line xxx") and len(said[3]) < 400


def test_a_problem_says_which_fields_are_wrong(scripted: Scripted, connected: Connected) -> None:
    errors = [{"field": "Total_Trans_Ct", "code": "missing", "value": "nothing", "expected": "1"}]
    document = {"code": "invalid_customer", "title": "T", "detail": "D", "errors": errors,
                "instance": "urn:customer-clusters:request:abc"}  # fmt: skip
    client, _ = connected(scripted(Reply(422, document)).url)
    with pytest.raises(cc.ProblemAnswer) as raised:
        client.assign({})
    error = raised.value
    assert (error.title, error.detail, error.request_id) == ("T", "D", "abc")
    assert [str(each) for each in error.errors] == ["Total_Trans_Ct: expected 1, found nothing"]
    assert error.problem["errors"] == errors


def test_the_key_is_sent_and_never_shown(scripted: Scripted, connected: Connected) -> None:
    server = scripted(Reply(401, {"code": "unauthorised", "detail": "send a key"}))
    client, _ = connected(server.url, KEY)
    with pytest.raises(cc.ProblemAnswer) as raised:
        client.clusters()
    assert server.asked[0].headers["authorization"] == f"Bearer {KEY}"
    assert KEY not in f"{client!r}{raised.value!r}{raised.value}"


def test_a_token_is_asked_for_each_time(scripted: Scripted, connected: Connected) -> None:
    server = scripted(Reply(503, BUSY), GOOD)
    tokens = iter(["one", "two"])
    client, _ = connected(server.url, lambda: next(tokens))
    client.clusters()
    assert [asked.headers["authorization"] for asked in server.asked] == [
        "Bearer one",
        "Bearer two",
    ]


def test_who_gives_no_token_is_to_blame_himself(scripted: Scripted, connected: Connected) -> None:
    def fail() -> str:
        raise ConnectionError("the sign-in is down")

    client, waits = connected(scripted().url, fail)
    with pytest.raises(ConnectionError, match="the sign-in is down"):
        client.clusters()
    client, _ = connected(scripted().url, lambda: f"{KEY}\n")
    with pytest.raises(ValueError, match="the key has characters") as raised:
        client.clusters()
    assert KEY not in str(raised.value)
    assert waits == []


@pytest.mark.parametrize("key", ["a key\n", "schlüssel"])
def test_a_key_that_no_header_takes_is_refused_unseen(key: str) -> None:
    with pytest.raises(ValueError, match="the key has characters") as raised:
        cc.Client("https://host", key)
    assert key not in str(raised.value)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://host", "https://host"),
        ("https://host:443/", "https://host"),
        ("http://host:8000/prod/", "http://host:8000/prod"),
        ("http://[2001:db8::1]:80", "http://[2001:db8::1]"),
        (" HTTPS://Host.example ", "https://host.example"),
    ],
)
def test_an_address_is_read_as_people_write_it(url: str, shown: str) -> None:
    assert str(Origin.of(url)) == shown


@pytest.mark.parametrize(
    "url",
    ["", "host:8000", "ftp://host", "https://", f"https://me:{KEY}@host", "https://host?a=1",
     "https://host#a", "https://host:99999", "https://[::1", "https://hö.example", "https://h/a b"],
)  # fmt: skip
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="expected an address such as") as raised:
        cc.Client(url)
    assert KEY not in str(raised.value)


def test_what_stands_before_the_api_stays_there(scripted: Scripted, connected: Connected) -> None:
    server = scripted(GOOD, Reply(404, BUSY))
    client, _ = connected(f"{server.url}/prod/")
    client.clusters()
    with pytest.raises(cc.ProblemAnswer) as raised:
        client.customer("71 /?#ä")
    assert [asked.path for asked in server.asked] == [
        "/prod/v1/clusters",
        "/prod/v1/customers/71%20%2F%3F%23%C3%A4",
    ]
    assert "71" not in str(raised.value)


def test_the_environments_proxy_is_used(
    scripted: Scripted, connected: Connected, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = scripted(GOOD)
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("http_proxy", proxy.url.replace("//", f"//me:{KEY}@"))
    client, _ = connected("http://clusters.example.com/prod")
    client.clusters()
    [asked] = proxy.asked
    assert asked.path == "http://clusters.example.com/prod/v1/clusters"
    assert (
        asked.headers["proxy-authorization"]
        == f"Basic {base64.b64encode(f'me:{KEY}'.encode()).decode()}"
    )


def test_a_proxy_is_asked_for_a_way_to_a_server_over_tls(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        for name in ("no_proxy", "NO_PROXY"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("https_proxy", f"127.0.0.1:{proxy.getsockname()[1]}")
        heard: list[bytes] = []

        def hear() -> None:
            connection, _ = proxy.accept()
            with connection:
                heard.append(connection.recv(1_000))
                connection.sendall(b"HTTP/1.1 403 Forbidden\r\n\r\n")

        listening = threading.Thread(target=hear)
        listening.start()
        client = cc.Client("https://clusters.example.com", KEY, retries=0)
        with pytest.raises(cc.NoAnswer, match="403 Forbidden"):
            client.clusters()
        listening.join()
    assert heard[0].startswith(b"CONNECT clusters.example.com:443 ")
    assert KEY.encode() not in heard[0]


def test_a_certificate_that_nobody_believes_ends_it_at_once(connected: Connected) -> None:
    class Unbelieved(Connections):
        def kept(self) -> None:
            raise ssl.SSLCertVerificationError(1, "self-signed certificate")

    client, waits = connected("https://host")
    client._transport.connections = Unbelieved(Origin.of("https://host"), 1)
    with pytest.raises(cc.NoAnswer, match="tried once: self-signed certificate"):
        client.clusters()
    assert waits == []
