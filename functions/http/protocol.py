"""uvicorn's HTTP protocol with limits to what a client may send before any key is looked at.

uvicorn's own on httptools has none: headers may be as large, as many and as slow as a client likes.
"""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from functions.http.problems import ProblemError, problem_response

HEADER_BYTES = 65_536
"""How large a request line with its headers may be, trailers, or anything else but content."""
HEADER_SECONDS = 10.0
"""How long the headers of a request may take, the first ones from the connection's start."""
PIPELINED = 32
"""How many requests may wait for an answer to one before them; one more ends the connection."""
TAKEN_SECONDS, LEAST_TAKEN = 30.0, 240_000
"""So many bytes of an answer that waits for its client have to be taken in so long: what is sent
holds memory, or a file."""
_LINGER_SECONDS = 1.0
"""How long a connection stays open after a refusal, which a client that still sends would not see
were it cut at once."""


class BoundedProtocol(HttpToolsProtocol):
    """One connection whose requests have bounded headers that arrive in time."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._in_headers = self._advanced = self._ended = False
        self._received = self._unfinished = 0
        self._problem: ProblemError | None = None
        self._deadline: asyncio.TimerHandle | None = None
        self._taken_by: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for the first headers."""
        super().connection_made(transport)
        self._wait_for_headers()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing any more."""
        self._stop_waiting()
        self._stop_watching()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """Watch whether the client takes what waits for it."""
        super().pause_writing()
        self._watch()

    def resume_writing(self) -> None:
        """Watch no more: most of it was taken."""
        self._stop_watching()
        super().resume_writing()

    def data_received(self, data: bytes) -> None:
        """Take bytes; end a connection whose headers are too large."""
        if self._ended:
            return
        self._advanced, self._received = False, len(data)
        super().data_received(data)
        self._unfinished = 0 if self._advanced else self._unfinished + len(data)
        if self._unfinished > HEADER_BYTES:
            self._end(_too_large())
        elif self._deadline is None and self._is_idle():
            self._wait_for_headers()

    def on_message_begin(self) -> None:
        """Begin a request."""
        self._in_headers = True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Look at the headers of a request; ValueError ends the parser when it is refused."""
        self._in_headers, self._advanced = False, True
        if self._deadline is not None:
            self._stop_waiting()
        if self._received + self._unfinished > HEADER_BYTES and self._size() > HEADER_BYTES:
            self._problem = _too_large()
        elif len(self.pipeline) >= PIPELINED:
            self._problem = ProblemError(429, f"more than {PIPELINED} requests wait for an answer")
        if self._problem is not None:
            raise ValueError  # which ends the parser, and comes back to send_400_response
        super().on_headers_complete()
        self.headers = []  # for the trailers, which must not pass for headers

    def on_body(self, body: bytes) -> None:
        """Take a part of a body."""
        self._advanced = True
        super().on_body(body)

    def send_400_response(self, msg: str) -> None:
        """Refuse what the parser could not take, or what was refused while it parsed."""
        self._end(
            self._problem or ProblemError(400, "this is no HTTP request", code="invalid_request")
        )

    def _size(self) -> int:
        return len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)

    def _is_idle(self) -> bool:
        """Whether no request waits for its answer."""
        return getattr(self.cycle, "response_complete", True)  # None before the first

    def _wait_for_headers(self) -> None:
        self._deadline = self.loop.call_later(HEADER_SECONDS, self._is_late)

    def _stop_waiting(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _watch(self) -> None:
        waiting = self.transport.get_write_buffer_size()
        self._taken_by = self.loop.call_later(TAKEN_SECONDS, self._is_stalled, waiting)

    def _stop_watching(self) -> None:
        if self._taken_by is not None:
            self._taken_by.cancel()
            self._taken_by = None

    def _is_stalled(self, before: int) -> None:
        if before - self.transport.get_write_buffer_size() < LEAST_TAKEN:
            self.transport.abort()
        else:
            self._watch()

    def _is_late(self) -> None:
        self._deadline = None
        if self._in_headers:
            self._end(
                ProblemError(408, f"the headers did not arrive within {HEADER_SECONDS:g} seconds")
            )
        elif self._is_idle():
            self.transport.close()

    def _end(self, problem: ProblemError) -> None:
        """Take nothing more; refuse, or answer what was asked before and close then."""
        self._ended = True
        self._stop_waiting()
        if not self._is_idle():
            if self.pipeline or self.cycle.response_started or not self.cycle.more_body:
                self.cycle.keep_alive = False
                return
            self.cycle.disconnected = True  # the rest of its body will not come
            self.cycle.message_event.set()
        answer = problem_response(problem, "none")
        fields = [*answer.raw_headers, (b"connection", b"close")]
        head = b"".join(name + b": " + value + b"\r\n" for name, value in fields)
        self.transport.write(STATUS_LINE[problem.status] + head + b"\r\n" + bytes(answer.body))
        self.transport.write_eof()
        self.loop.call_later(_LINGER_SECONDS, self.transport.close)


def _too_large() -> ProblemError:
    return ProblemError(431, f"expected at most {HEADER_BYTES:,} bytes of headers")
