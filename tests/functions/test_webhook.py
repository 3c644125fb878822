"""Notices by HTTP, to a receiver of this machine that checks what it is sent."""

import base64
import json
import socket
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from functions.webhook import Webhook, signed
from pipeline.runs.notices import NotDelivered, trial_notice
from tests.support.notices import SECRET, Hook, is_signed, listening

NOTICE = trial_notice(datetime(2026, 3, 1, tzinfo=UTC))
OTHER = bytes(range(1, 33))


@pytest.fixture
def hook() -> Iterator[Hook]:
    with listening() as made:
        yield made


def webhook(hook: Hook, pauses: list[float] | None = None, **more: Any) -> Webhook:
    sleep = (pauses if pauses is not None else []).append
    return Webhook(hook.address, **{"secrets": (SECRET,), "sleep": sleep, **more})


def reason_of(made: Webhook) -> str:
    with pytest.raises(NotDelivered) as caught:
        made.send(NOTICE)
    assert "t0ken" not in str(caught.value)
    return caught.value.reason


def test_a_notice_arrives_signed(hook: Hook) -> None:
    webhook(hook).send(NOTICE)
    ((headers, body),) = hook.got
    assert is_signed(headers, body)
    assert not is_signed(headers, body + b" ")
    assert not is_signed(headers, body, (OTHER,))
    assert headers["webhook-id"] == NOTICE["id"]
    assert headers["content-type"] == "application/json"
    assert json.loads(body) == {
        "type": "test", "timestamp": "2026-03-01T00:00:00Z", "data": NOTICE["data"],
    }  # fmt: skip


def test_a_signature_is_that_of_the_standards_own_example() -> None:
    """From its specification: secret, id, time, body and signature are given there."""
    secret = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    headers = signed("msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}', [secret])
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_while_secrets_are_exchanged_there_are_two_signatures(hook: Hook) -> None:
    webhook(hook, secrets=(SECRET, OTHER)).send(NOTICE)
    ((headers, body),) = hook.got
    assert is_signed(headers, body, (SECRET, OTHER))


def test_a_chat_tool_gets_a_text_and_no_signature_without_a_secret(hook: Hook) -> None:
    webhook(hook, form="text", secrets=()).send(NOTICE)
    ((headers, body),) = hook.got
    assert json.loads(body) == {"text": NOTICE["data"]["text"]}
    assert "webhook-signature" not in headers


def test_what_answers_badly_is_asked_again_with_pauses(hook: Hook) -> None:
    pauses: list[float] = []
    hook.answers = [500, 429]
    webhook(hook, pauses).send(NOTICE)
    assert pauses == [0.5, 2.0]
    assert hook.ids == [NOTICE["id"]]
    hook.answers = [503] * 3
    assert reason_of(webhook(hook, pauses)) == "127.0.0.1 answered 503"


def test_what_answers_badly_and_late_is_not_asked_for_ever(hook: Hook) -> None:
    late: list[float] = []

    def slow(handler: Any) -> None:
        late.append(0.2)
        threading.Event().wait(0.2)
        handler.send_response(500)
        handler.end_headers()

    hook.answers = [slow] * 3
    assert reason_of(webhook(hook, timeout=0.6)) == "127.0.0.1 answered 500"
    assert len(late) == 1


def test_what_refuses_is_not_asked_again_at_once(hook: Hook) -> None:
    pauses: list[float] = []
    hook.answers = [400]
    assert reason_of(webhook(hook, pauses)) == "127.0.0.1 answered 400"
    assert pauses == []


def test_redirects_are_not_followed(hook: Hook) -> None:
    hook.answers = [302]
    expected = "127.0.0.1 answered 302; redirects are not followed"
    assert reason_of(webhook(hook)) == expected
    assert hook.got == []


def test_a_receiver_that_hangs_costs_the_time_out_and_no_more(hook: Hook) -> None:
    ended = threading.Event()

    def hang(handler: Any) -> None:
        ended.wait(5)

    hook.answers = [hang]
    assert reason_of(webhook(hook, timeout=0.2)) == "127.0.0.1 does not answer within 0.2 s"
    ended.set()


def test_a_receiver_that_sends_a_byte_now_and_then_is_cut_off(hook: Hook) -> None:
    ended = threading.Event()

    def drip(handler: Any) -> None:
        for byte in b"HTTP/1.1 200 OK":
            handler.wfile.write(bytes([byte]))
            handler.wfile.flush()
            if ended.wait(0.1):
                return

    hook.answers = [drip]
    assert reason_of(webhook(hook, timeout=0.3)).endswith("does not answer within 0.3 s")
    ended.set()


def test_nobody_at_the_address_and_nonsense_for_an_answer_are_told(hook: Hook) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{free.getsockname()[1]}/"
    gone = Webhook(address, secrets=(SECRET,), sleep=lambda seconds: None)
    assert reason_of(gone) == "127.0.0.1 does not answer (ConnectionRefusedError)"

    def babble(handler: Any) -> None:
        handler.wfile.write(b"nonsense\r\n\r\n")

    hook.answers = [babble] * 3
    assert "BadStatusLine" in reason_of(webhook(hook))


def test_a_receiver_without_tls_behind_https_is_told(hook: Hook) -> None:
    address = hook.address.replace("http://", "https://")
    made = Webhook(address, secrets=(SECRET,), sleep=lambda seconds: None)
    assert "SSLError" in reason_of(made)


def test_neither_address_nor_secret_is_shown(hook: Hook) -> None:
    assert "t0ken" not in repr(webhook(hook))
    assert repr(SECRET) not in repr(webhook(hook))


def test_a_proxy_of_the_environment_is_not_asked(
    hook: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    webhook(hook).send(NOTICE)
    assert hook.ids == [NOTICE["id"]]
