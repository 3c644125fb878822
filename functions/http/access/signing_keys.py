"""The public keys that tokens are signed with: a JWKS, from an address or a file, kept and renewed.

PyJWT, and cryptography below it, are imported with the first token.
"""

import asyncio
import json
import socket
import ssl
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from contextlib import suppress
from http.client import HTTPConnection, HTTPResponse, HTTPSConnection
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from functions.http.problems import ProblemError
from functions.logs import Log
from model_store import CustomerClustersError

if TYPE_CHECKING:
    from jwt import PyJWK

KEPT_SECONDS = 3_600.0
"""After so long the keys are read again, beside the tokens that come meanwhile."""
TRUSTED_SECONDS = 86_400.0
"""So old keys are taken for nothing any more, where none could be read since."""
PAUSE_SECONDS = 15.0
"""Between two readings there is at least so long, whatever keys the tokens name."""
FETCH_SECONDS = 5.0
MOST_BYTES = 262_144
MOST_KEYS = 100
SMALLEST_RSA = 2_048
"""Bits that an RSA key must have."""
Keys = Mapping[str | None, "PyJWK"]


class WrongKeySet(CustomerClustersError, ValueError):
    """Raised when what was read is no set of keys that tokens are checked with."""

    code = "wrong_key_set"

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class SigningKeys:
    """The keys by their ids; each is of one algorithm, whatever a token says.

    A token with an unknown key's id has them read again, but not before `PAUSE_SECONDS` have
    passed: so keys may be exchanged, and nobody can have them read with every request.
    """

    def __init__(
        self,
        source: str,
        log: Log,
        clock: Callable[[], float] = time.monotonic,
        read: "Callable[[str], Keys] | None" = None,
    ) -> None:
        self._source, self._log, self._clock = source, log, clock
        self._read = read or read_keys
        self._keys: Keys = {}
        self._read_at = self._tried_at = float("-inf")
        self._reading: asyncio.Future[None] | None = None

    async def of(self, key_id: str | None) -> "PyJWK | None":
        """The key that a token names; None where it names none that there is.

        Raises:
            ProblemError: There are no keys, or none that are young enough.
        """
        age = self._clock() - self._read_at
        if self._named(key_id) is None or age > TRUSTED_SECONDS:
            if reading := self._start():
                await asyncio.wait({reading}, timeout=2 * FETCH_SECONDS)
        elif age > KEPT_SECONDS:
            self._start()
        if self._clock() - self._read_at > TRUSTED_SECONDS:
            raise _unread()
        return self._named(key_id)

    def _named(self, key_id: str | None) -> "PyJWK | None":
        """A token that names no key means the only one."""
        if key_id is None and len(self._keys) == 1:
            return next(iter(self._keys.values()))
        return self._keys.get(key_id)

    def _start(self) -> "asyncio.Future[None] | None":
        """The reading that is under way, or a new one where one may be; it never fails."""
        loop = asyncio.get_running_loop()
        if self._reading and not self._reading.done() and self._reading.get_loop() is loop:
            return self._reading
        if self._clock() - self._tried_at < PAUSE_SECONDS:
            return None
        self._tried_at = self._clock()
        self._reading = loop.run_in_executor(None, self._renew)
        return self._reading

    def _renew(self) -> None:
        try:
            self._keys = self._read(self._source)
            self._read_at = self._clock()
        except Exception as error:
            told = isinstance(error, CustomerClustersError)
            reason = str(error) if told else f"unreadable ({type(error).__name__})"
            where = f"keys of tokens not read from {_shown(self._source)}"
            self._log({"level": "error", "message": f"{where}: {reason}"})


def read_keys(source: str) -> Keys:
    """The usable keys of a JWKS at an address or in a file.

    Raises:
        OSError: It cannot be read.
        WrongKeySet: It is no JWKS, is too large, or has no key for RS256 or ES256.
    """
    content = _fetched(source) if "://" in source else _read_file(Path(source))
    try:
        document = json.loads(content)
        listed = document["keys"]
    except (ValueError, TypeError, KeyError):
        raise WrongKeySet("no JSON with a list of keys") from None
    keys = {}
    for entry in listed[:MOST_KEYS] if isinstance(listed, list) else ():
        if isinstance(entry, dict) and (key := _usable(entry)):
            keys[entry.get("kid")] = key
    if not keys:
        raise WrongKeySet(f"no public key for RS256 (from {SMALLEST_RSA:,} bits on) or ES256")
    return keys


def _usable(entry: Mapping[str, Any]) -> "PyJWK | None":
    from jwt import PyJWK
    from jwt.exceptions import PyJWTError

    elliptic = (entry.get("kty"), entry.get("crv")) == ("EC", "P-256")
    if not elliptic and entry.get("kty") != "RSA":
        return None
    algorithm = "ES256" if elliptic else "RS256"
    if entry.get("alg", algorithm) != algorithm or "d" in entry:
        return None
    if entry.get("use", "sig") != "sig" or not isinstance(entry.get("kid"), str | None):
        return None
    try:
        key = PyJWK(dict(entry), algorithm)
    except (PyJWTError, ValueError, TypeError):
        return None
    return key if elliptic or key.key.key_size >= SMALLEST_RSA else None


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """What is configured is what is called."""

    def redirect_request(self, *_: Any) -> None:
        """Follow nothing: the redirect becomes an error."""


class _Timed(HTTPConnection):
    """A connection that is cut after `FETCH_SECONDS`.

    A server may be slow with every byte of a header, and each begins the time of a socket anew.
    """

    def connect(self) -> None:
        """Connect, and begin to count."""
        super().connect()
        timer = threading.Timer(FETCH_SECONDS, _cut, [self.sock])
        timer.daemon = True
        timer.start()


class _TimedSecure(_Timed, HTTPSConnection):
    """The same over TLS."""


class _Connecting(urllib.request.HTTPHandler, urllib.request.HTTPSHandler):
    def http_open(self, request: urllib.request.Request) -> HTTPResponse:
        return self.do_open(_Timed, request)

    def https_open(self, request: urllib.request.Request) -> HTTPResponse:
        return self.do_open(_TimedSecure, request, context=ssl.create_default_context())


def _cut(connected: socket.socket) -> None:
    with suppress(OSError):  # it has ended long ago
        socket.socket.shutdown(connected, socket.SHUT_RDWR)


def _fetched(address: str) -> bytes:
    """What an address answers, in bounded time and size."""
    request = urllib.request.Request(
        address, headers={"Accept": "application/json", "User-Agent": "customer-clusters"}
    )
    deadline = time.monotonic() + FETCH_SECONDS
    content = bytearray()
    try:
        opener = urllib.request.build_opener(_NoRedirect, _Connecting)
        with opener.open(request, timeout=FETCH_SECONDS) as sent:
            while chunk := sent.read1(65_536):
                content += chunk
                if len(content) > MOST_BYTES:
                    raise WrongKeySet(f"more than {MOST_BYTES:,} bytes")
                if time.monotonic() > deadline:
                    raise TimeoutError
    except urllib.error.HTTPError as error:
        with error:
            raise WrongKeySet(f"the answer has status {error.code}") from None
    return bytes(content)


def _read_file(path: Path) -> bytes:
    with path.open("rb") as file:
        content = file.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise WrongKeySet(f"more than {MOST_BYTES:,} bytes")
    return content


def _unread() -> ProblemError:
    return ProblemError(
        503,
        "no token can be checked now: the keys of its issuer cannot be read",
        code="keys_unavailable",
        headers={"Retry-After": f"{PAUSE_SECONDS:.0f}"},
    )


def _shown(source: str) -> str:
    """All that the log tells of an address; a file is named whole."""
    return urlsplit(source).hostname or "" if "://" in source else source
