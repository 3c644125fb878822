"""Requests over kept connections: packed, timed, and tried again where that may help."""

import contextlib
import gzip
import random
import ssl
import time
from collections.abc import Callable
from dataclasses import replace
from http.client import HTTPException, HTTPResponse
from importlib import metadata
from typing import IO
from urllib.parse import urlsplit

from customer_clusters.client.connections import Connection, Connections, Origin
from customer_clusters.client.errors import NoAnswer, StrangeAnswer
from customer_clusters.client.exchange import Answer, Request, content_of, problem_of, save

Key = str | Callable[[], str] | None
_PACKED_FROM = 1_024
_PACKING = 5
_AGAIN = frozenset({429, 502, 503, 504})
"""Statuses after which the same request may be answered: too many, or not now."""
_FIRST_SECONDS, _LONGEST_SECONDS = 0.25, 20.0
_MOST_PATIENCE = 120.0
"""Seconds: a server that asks to come back later than that is not waited for."""
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_BROKEN = (OSError, HTTPException)


class Transport:
    """Asks one server, from any thread."""

    def __init__(
        self,
        connections: Connections,
        key: Key,
        retries: int,
        *,
        sleep: Callable[[float], None] = time.sleep,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        """Ask a server.

        Args:
            connections: How it is reached.
            key: What is sent as bearer token; what gives it is asked for each attempt.
            retries: How many times a request is tried again.
            sleep: Waits for so many seconds.
            jitter: Gives a number from 0 to 1, evenly.
        """
        self.connections, self.retries, self.sleep = connections, retries, sleep
        self._key, self._jitter = key, jitter
        self._agent = f"customer-clusters/{_version()} python"

    @property
    def origin(self) -> Origin:
        """The server."""
        return self.connections.origin

    def at(self, url: str) -> tuple["Transport", str]:
        """How an address is asked that the server has named, and the path there.

        On another server than this one nobody gets the key.

        Raises:
            StrangeAnswer: It is no address that can be asked.
        """
        try:
            parts = urlsplit(url)
            other = Origin.of(f"{parts.scheme}://{parts.netloc}")
        except ValueError:
            found = f"an address that nobody can ask, {url!r:.60}"
            raise StrangeAnswer("an address", str(self.origin), found) from None
        path = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
        if self.origin.serves(other):
            return self, path
        seconds, context = self.connections.seconds, self.connections.context
        connections = Connections(other, seconds, context, most_kept=0)
        transport = Transport(
            connections, None, self.retries, sleep=self.sleep, jitter=self._jitter
        )
        return transport, path

    def ask(self, request: Request) -> Answer:
        """The answer to a request, whatever it is good for, as long as it is no problem.

        Raises:
            ProblemAnswer: The server says that something is wrong.
            NoAnswer: It says nothing.
        """
        return self._tried(request, lambda response: content_of(response))

    def download(self, request: Request, file: IO[bytes]) -> Answer:
        """Write the content of an answer into a file, which is emptied for each attempt.

        An answer that leads to another address is given back as it is.

        Raises:
            ProblemAnswer: The server says that something is wrong.
            NoAnswer: It says nothing.
        """

        def read(response: HTTPResponse) -> bytes:
            file.seek(0)
            file.truncate()
            if not 200 <= response.status < 300:
                return content_of(response)
            save(response, file)
            return b""

        return self._tried(request, read, _REDIRECTS)

    def _tried(
        self,
        request: Request,
        read: Callable[[HTTPResponse], bytes],
        good: frozenset[int] = frozenset(),
    ) -> Answer:
        """The answer to a request that is tried until it has one, or there were enough."""
        attempt, packed = 0, _packed(request)
        while True:
            attempt += 1
            sent = self._with_key(packed)
            try:
                answer = self._once(sent, read)
            except _BROKEN as error:
                if attempt > self.retries or isinstance(error, ssl.SSLCertVerificationError):
                    where, reason = str(self.origin), self._reason(error)
                    raise NoAnswer(request.name, where, reason, attempt) from error
                self.sleep(self._pause(attempt))
                continue
            if answer.status < 300 or (answer.status in good and "location" in answer.headers):
                return answer
            asked = answer.retry_after
            if (
                answer.status not in _AGAIN
                or attempt > self.retries
                or (asked is not None and asked > _MOST_PATIENCE)
            ):
                raise problem_of(answer)
            pause = self._pause(attempt)
            self.sleep(pause if asked is None else asked + pause)

    def _once(self, request: Request, read: Callable[[HTTPResponse], bytes]) -> Answer:
        """One attempt; after a kept connection another one, as the server may have ended it."""
        kept = self.connections.kept()
        if kept is not None:
            try:
                return self._over(kept, request, read)
            except TimeoutError:
                raise
            except _BROKEN:
                self.connections.close()  # the others have waited for longer
        return self._over(self.connections.new(), request, read)

    def _over(
        self, connection: Connection, request: Request, read: Callable[[HTTPResponse], bytes]
    ) -> Answer:
        body = request.body() if callable(request.body) else request.body
        try:
            response = connection.request(request.method, request.path, body, request.headers)
            content = read(response)
        except BaseException:
            connection.close()
            raise
        self.connections.keep(connection, response)
        fields = {name.lower(): value for name, value in response.getheaders()}
        where = str(self.origin)
        return Answer(request.name, where, response.status, fields, content)

    def _with_key(self, request: Request) -> Request:
        """A request with what every one says; ValueError where the key cannot be one."""
        headers = {"Accept-Encoding": "gzip", "User-Agent": self._agent, **request.headers}
        key = self._key() if callable(self._key) else self._key
        if key:
            headers["Authorization"] = f"Bearer {checked_key(key)}"
        return replace(request, headers=headers)

    def _pause(self, attempt: int) -> float:
        """Any time up to one that doubles: clients that failed together do not come together."""
        return min(_FIRST_SECONDS * 2.0 ** (attempt - 1), _LONGEST_SECONDS) * self._jitter()

    def _reason(self, error: Exception) -> str:
        """Why there is no answer, in a few words."""
        if isinstance(error, TimeoutError):
            return f"nothing came within {self.connections.seconds:g} seconds"
        said = error.strerror if isinstance(error, OSError) else None
        return " ".join(str(said or error).split())[:200] or type(error).__name__


def checked_key(key: str) -> str:
    """A key that a header takes; ValueError, which does not show it, for another."""
    if not (key.isascii() and key.isprintable()):
        raise ValueError("the key has characters that no key has; is there a newline in it?")
    return key


def _packed(request: Request) -> Request:
    """A request whose body is packed, if it is worth it."""
    body = request.body
    if not isinstance(body, bytes) or len(body) < _PACKED_FROM:
        return request
    headers = {**request.headers, "Content-Encoding": "gzip"}
    return replace(request, body=gzip.compress(body, _PACKING), headers=headers)


def _version() -> str:
    with contextlib.suppress(metadata.PackageNotFoundError):
        return metadata.version("customer-clusters")
    return "0"
