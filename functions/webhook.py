"""Notices by HTTP: posted to one address, signed as Standard Webhooks has it, or as a plain text.

Redirects are not followed, and proxies of the environment not asked: what is configured is what is
called. A receiver that hangs costs some seconds, whatever it does.
"""

import base64
import hashlib
import hmac
import http.client
import json
import ssl
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from functions.settings.notices import Form
from pipeline.runs.notices import NotDelivered, Notice

NAME = "webhook"
_PAUSES = (0.5, 2.0)
"""Seconds before each further try of one that answered badly; one that hangs is left alone."""


@dataclass(frozen=True, slots=True)
class Webhook:
    """An address that notices are posted to."""

    address: str = field(repr=False)
    form: Form = "standard"
    secrets: Sequence[bytes] = field(default=(), repr=False)
    timeout: float = 5.0
    """Seconds for all of a request; after so many no other one is made."""
    clock: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep

    @property
    def name(self) -> str:
        """As the outbox knows it."""
        return NAME

    def send(self, notice: Notice) -> None:
        """Post a notice; NotDelivered unless the answer is 2xx."""
        started = time.monotonic()
        for pause in (*_PAUSES, self.timeout):
            try:
                status = self._within_time(notice)
            except (OSError, http.client.HTTPException) as error:
                reason = f"{self._host} does not answer ({type(error).__name__})"
                passes = not isinstance(error, ssl.SSLError)
            else:
                if 200 <= status < 300:
                    return
                followed = "; redirects are not followed" if 300 <= status < 400 else ""
                reason = f"{self._host} answered {status}{followed}"
                passes = status >= 500 or status == 429
            if not passes or time.monotonic() - started + pause >= self.timeout:
                break
            self.sleep(pause)
        raise NotDelivered(NAME, reason)

    def _within_time(self, notice: Notice) -> int:
        """The status of the answer. A receiver that sends a byte now and then is cut off too."""
        answers: list[int | Exception] = []

        def ask() -> None:
            try:
                answers.append(self._post(notice))
            except Exception as error:
                answers.append(error)

        thread = threading.Thread(target=ask, name="webhook", daemon=True)
        thread.start()
        thread.join(self.timeout)
        if not answers:
            raise NotDelivered(NAME, f"{self._host} does not answer within {self.timeout:g} s")
        if isinstance(answers[0], TimeoutError):
            raise NotDelivered(NAME, f"{self._host} does not answer within {self.timeout:g} s")
        if isinstance(answers[0], Exception):
            raise answers[0]
        return answers[0]

    def _post(self, notice: Notice) -> int:
        url = urlsplit(self.address)
        host = url.hostname or ""
        connection = (
            http.client.HTTPSConnection(
                host, url.port, timeout=self.timeout, context=ssl.create_default_context()
            )
            if url.scheme == "https"
            else http.client.HTTPConnection(host, url.port, timeout=self.timeout)
        )
        try:
            body = body_of(notice, self.form)
            target = (url.path or "/") + (f"?{url.query}" if url.query else "")
            connection.request("POST", target, body, dict(self._headers(notice, body)))
            return connection.getresponse().status
        finally:
            connection.close()

    def _headers(self, notice: Notice, body: bytes) -> Mapping[str, str]:
        headers = {"Content-Type": "application/json", "User-Agent": "customer-clusters"}
        if self.secrets:
            headers |= signed(notice["id"], int(self.clock()), body, self.secrets)
        return headers

    @property
    def _host(self) -> str:
        """All of the address that may be told: what follows it may be a secret."""
        return urlsplit(self.address).hostname or ""


def body_of(notice: Notice, form: Form) -> bytes:
    """What is posted: the event, or its text alone."""
    document = (
        {"text": notice["data"]["text"]}
        if form == "text"
        else {key: value for key, value in notice.items() if key != "id"}
    )
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def signed(notice_id: str, timestamp: int, body: bytes, secrets: Sequence[bytes]) -> dict[str, str]:
    """The headers of Standard Webhooks, with a signature by each secret.

    Args:
        notice_id: The same however often the notice is sent.
        timestamp: When this request is made, in seconds.
        body: What is posted.
        secrets: One, or while secrets are exchanged the old and the new one.
    """
    content = f"{notice_id}.{timestamp}.".encode() + body
    signatures = (hmac.new(secret, content, hashlib.sha256).digest() for secret in secrets)
    return {
        "webhook-id": notice_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(
            f"v1,{base64.b64encode(signature).decode()}" for signature in signatures
        ),
    }
