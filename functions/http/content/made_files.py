"""Files that are made for one client: made one at a time, streamed, and closed in any case."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from typing import BinaryIO

from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from functions.http.problems import ProblemError

WAIT_SECONDS = 10.0
"""How long one waits for those before it."""
SENT_BYTES = 256 << 20
"""How many bytes may wait to be sent before no more is made: they take room on disk."""
_PIECE = 1 << 18


class MadeFiles:
    """Whose turn it is to have one made, and how much of what was made is not sent yet.

    Args:
        what: What is made, in messages: "tables", "lists".
    """

    def __init__(self, what: str) -> None:
        self._what = what
        self._free, self._sending = asyncio.Semaphore(1), 0

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """One file's turn to be made.

        Raises:
            ProblemError: Those before it take too long, or too much waits to be sent.
        """
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                await self._free.acquire()
        except TimeoutError:
            raise self._busy("made") from None
        try:
            if self._sending > SENT_BYTES:
                raise self._busy("sent")
            yield
        finally:
            self._free.release()

    def answer(
        self, file: BinaryIO, headers: Mapping[str, str], media_type: str
    ) -> StreamingResponse:
        """An answer that streams a file, and closes it even where the client goes away.

        Args:
            file: It can be read from its beginning, and has no name that is left behind.
            headers: All but the length, which is told as well.
            media_type: What the file is written in.
        """
        size = file.seek(0, 2)
        file.seek(0)
        self._sending += size

        def close() -> None:
            self._sending -= size
            file.close()

        pieces = iter(partial(file.read, _PIECE), b"")
        return _Closing(pieces, {"Content-Length": str(size), **headers}, media_type, close)

    def _busy(self, done: str) -> ProblemError:
        words = f"other {self._what} are being {done}; try again soon"
        return ProblemError(503, words, code="busy", headers={"Retry-After": "5"})


class _Closing(StreamingResponse):
    def __init__(
        self,
        pieces: Iterator[bytes],
        headers: Mapping[str, str],
        media_type: str,
        close: Callable[[], None],
    ) -> None:
        super().__init__(pieces, 200, headers, media_type)
        self._close = close

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._close()
