"""Connections to one server that are kept between requests, directly or by way of a proxy."""

import base64
import os
import ssl
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPResponse, HTTPSConnection
from typing import Self
from urllib.parse import SplitResult, unquote, urlsplit

_MOST_KEPT = 8
_PORTS = {"http": 80, "https": 443}
Body = bytes | Iterable[bytes]


@dataclass(frozen=True, slots=True)
class Origin:
    """A server, and what stands before the paths of the API on it."""

    scheme: str
    host: str
    port: int
    prefix: str = ""

    @classmethod
    def of(cls, url: str) -> Self:
        """The server of an address.

        Raises:
            ValueError: It is none that can be asked.

        Example:
            >>> Origin.of("https://api.example.com/prod/")
            Origin(scheme='https', host='api.example.com', port=443, prefix='/prod')
        """
        expected = "expected an address such as https://clusters.example.com"
        try:
            parts = urlsplit(url.strip())
            port = parts.port
        except ValueError as error:
            raise ValueError(f"{expected}, found one that cannot be read: {error}") from None
        if parts.scheme not in _PORTS or not parts.hostname:
            raise ValueError(f"{expected}, found {url!r:.100}")
        if "@" in parts.netloc:
            raise ValueError(f"{expected} without a name or password; the key is an argument")
        if parts.query or parts.fragment:
            raise ValueError(f"{expected} without a query, found {url!r:.100}")
        if not f"{parts.hostname}{parts.path}".isascii() or " " in parts.path:
            raise ValueError(f"{expected}, quoted and in ASCII, found {url!r:.100}")
        port = _PORTS[parts.scheme] if port is None else port
        return cls(parts.scheme, parts.hostname, port, parts.path.rstrip("/"))

    @property
    def authority(self) -> str:
        """Host and port, as a URL has them."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    def __str__(self) -> str:
        return f"{self.scheme}://{self.authority}{self.prefix}"

    def serves(self, other: "Origin") -> bool:
        """Whether another address is on this server: what is for it alone may be sent there."""
        return (other.scheme, other.host, other.port) == (self.scheme, self.host, self.port)


class Connection:
    """One connection to a server."""

    def __init__(self, http: HTTPConnection, before: str, headers: Mapping[str, str]) -> None:
        self._http, self._before, self._headers = http, before, headers

    def request(
        self, method: str, path: str, body: Body | None, headers: Mapping[str, str]
    ) -> HTTPResponse:
        """Send a request; the answer with its headers, and its body still to be read."""
        everything = {**self._headers, **headers}
        try:
            self._http.request(method, f"{self._before}{path}", body, everything)
        except ConnectionError:  # it may have answered before it had all, and ended then
            if self._http.sock is None:
                raise
        return self._http.getresponse()

    def close(self) -> None:
        """End it."""
        self._http.close()


class Connections:
    """Connections to one server, for any number of threads."""

    def __init__(
        self,
        origin: Origin,
        seconds: float,
        context: ssl.SSLContext | None = None,
        most_kept: int = _MOST_KEPT,
    ) -> None:
        """Nothing is connected yet.

        Args:
            origin: The server.
            seconds: How long connecting may take, and each time that nothing comes.
            context: What a server over TLS has to show; None: a certificate that the system
                believes.
            most_kept: So many wait at most for another request.
        """
        self._most_kept = most_kept
        self.origin, self.seconds, self.context = origin, seconds, context
        self._idle: list[Connection] = []
        self._process = os.getpid()
        self._lock = threading.Lock()
        self._make: Callable[[], Connection] | None = None

    def kept(self) -> Connection | None:
        """A connection that was used before; None where there is none."""
        with self._lock:
            if self._process != os.getpid():  # a fork has them too, and would mix up the answers
                self._idle, self._process = [], os.getpid()
            return self._idle.pop() if self._idle else None

    def new(self) -> Connection:
        """Another connection; it is made with its first request."""
        if self._make is None:
            self._make = self._maker()
        return self._make()

    def keep(self, connection: Connection, response: HTTPResponse) -> None:
        """Keep a connection whose answer was read, if the server does."""
        if response.isclosed() and not response.will_close:
            with self._lock:
                if len(self._idle) < self._most_kept:
                    self._idle.append(connection)
                    return
        connection.close()

    def close(self) -> None:
        """End those that wait; the next request makes a new one."""
        with self._lock:
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def _maker(self) -> Callable[[], Connection]:
        """How a connection is made, which the environment's proxies have a say in."""
        origin, proxy = self.origin, _proxy_for(self.origin)
        if origin.scheme == "https":
            context = self.context or ssl.create_default_context()

            def secure() -> Connection:
                if proxy is None:
                    http = HTTPSConnection(
                        origin.host, origin.port, timeout=self.seconds, context=context
                    )
                else:
                    http = HTTPSConnection(
                        str(proxy.hostname), proxy.port, timeout=self.seconds, context=context
                    )
                    http.set_tunnel(origin.host, origin.port, _credentials(proxy))
                return Connection(http, "", {})

            return secure

        def plain() -> Connection:
            if proxy is None:
                http = HTTPConnection(origin.host, origin.port, timeout=self.seconds)
                return Connection(http, "", {})
            http = HTTPConnection(str(proxy.hostname), proxy.port, timeout=self.seconds)
            return Connection(http, f"http://{origin.authority}", _credentials(proxy))

        return plain


def _proxy_for(origin: Origin) -> SplitResult | None:
    """The proxy that the environment names for a server, as for all of the standard library."""
    from urllib.request import getproxies, proxy_bypass

    address = getproxies().get(origin.scheme)
    if not address or proxy_bypass(f"{origin.host}:{origin.port}"):
        return None
    proxy = urlsplit(address if "://" in address else f"http://{address}")
    return proxy if proxy.hostname else None


def _credentials(proxy: SplitResult) -> dict[str, str]:
    if proxy.username is None:
        return {}
    text = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}"
    return {"Proxy-Authorization": f"Basic {base64.b64encode(text.encode()).decode()}"}
