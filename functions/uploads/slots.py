"""Turns of files: so many are taken, or scored, at once in one process."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager

from functions.http.problems import ProblemError

WAIT_SECONDS = 8.0
"""How long a person waits for the job that is being scored."""
_CHECK_SECONDS = 0.1
_RETRY_SECONDS = 5


class Slots:
    """So many at once, in one process. Jobs wait; people wait for a job, and not for each other."""

    def __init__(self, free: int) -> None:
        self.free = free
        self._of_jobs = self._people = 0
        """Slots that jobs hold; people who wait for one."""
        self._change = threading.Condition()

    def refuse_if_full(self) -> None:
        """Raise ProblemError when no slot is free, and none soon will be."""
        if not self.free and not self._of_jobs:
            raise _busy()

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Hold a slot; ProblemError when none is free."""
        if not self._take():
            raise _busy()
        try:
            yield
        finally:
            self._give_back()

    @asynccontextmanager
    async def taken_soon(self) -> AsyncIterator[None]:
        """Hold a slot, before the jobs that wait; ProblemError when none gets free in time."""
        until = time.monotonic() + WAIT_SECONDS
        self._people += 1
        try:
            while not self._take():
                self.refuse_if_full()
                if time.monotonic() > until:
                    raise _busy()
                await asyncio.sleep(_CHECK_SECONDS)
        finally:
            self._people -= 1
        try:
            yield
        finally:
            self._give_back()

    @contextmanager
    def waited_for(self, check: Callable[[], None]) -> Iterator[None]:
        """Hold a slot for a job, as soon as one is free for it.

        Args:
            check: Called now and then; what it raises ends the waiting.
        """
        while self._people or not self._take():
            check()
            with self._change:
                self._change.wait(_CHECK_SECONDS)
        self._of_jobs += 1
        try:
            yield
        finally:
            self._of_jobs -= 1
            self._give_back()

    def _take(self) -> bool:
        with self._change:
            if self.free:
                self.free -= 1
                return True
            return False

    def _give_back(self) -> None:
        with self._change:
            self.free += 1
            self._change.notify()


def _busy() -> ProblemError:
    after = {"Retry-After": str(_RETRY_SECONDS)}
    words = "other files are being scored; try again soon"
    return ProblemError(503, words, code="busy", headers=after)
