"""Leases in S3: of several workers over one bucket, one does a file and the others pass it by.

A lease saves work and nothing else: two workers at one file write the same rows, and the manifest
commits one of them. So no clock has to be right, and where a server ignores conditions on writes,
files are still scored right.
"""

import json
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256

from model_store import Conflict, CustomerClustersError, NotFound
from model_store.storage.base import Storage

FOLDER = "_leases"
"""Beside the runs; names with `_` before them are no inputs."""
SECONDS = 60.0
"""A lease that nobody has renewed for so long is of a worker that died."""
_MOST_SEEN = 10_000


class Leases:
    """The leases of one worker."""

    def __init__(
        self,
        files: Storage,
        seconds: float = SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Nothing is written yet.

        Args:
            files: What lies below all results.
            seconds: How long a lease holds that is not renewed.
            clock: What time it is.
        """
        self._files, self._seconds, self._clock = files, seconds, clock
        self._holder = secrets.token_hex(8)
        self._seen: OrderedDict[str, tuple[str, float]] = OrderedDict()
        """Leases of others: the tag of each, and since when it was this one."""

    @contextmanager
    def held(self, address: str) -> Iterator[bool]:
        """Whether this worker has the lease of an input; it renews it meanwhile, and gives it back.

        Args:
            address: What people call the input.

        Raises:
            Temporary: The storage does not answer.
            Denied: It takes no leases.
        """
        name = f"{FOLDER}/{sha256(address.encode()).hexdigest()[:32]}.json"
        tag = self._take(name, address)
        if tag is None:
            yield False
            return
        renewal = _Renewal(self._files, name, lambda turn: self._content(address, turn), tag)
        thread = threading.Thread(
            target=renewal.run, args=[self._seconds / 3], name="lease", daemon=True
        )
        thread.start()
        try:
            yield True
        finally:
            renewal.end.set()
            thread.join()
            if not renewal.lost:
                with suppress(CustomerClustersError):  # it ends by itself then
                    self._files.delete(name)

    def _take(self, name: str, address: str) -> str | None:
        """The tag of the lease; None while another worker has it."""
        content = self._content(address, 0)
        try:
            return self._files.create(name, content)
        except Conflict:
            pass
        try:
            _, tag = self._files.read_tagged(name)
        except NotFound:  # given back this moment: the next look finds it free
            return None
        if not self._is_dead(name, tag):
            return None
        try:
            return self._files.swap(name, content, tag)
        except Conflict:  # another worker was faster
            return None

    def _is_dead(self, name: str, tag: str) -> bool:
        """Whether a lease is the same since so long that nobody renews it, as seen from here."""
        known, since = self._seen.pop(name, (None, 0.0))
        now = self._clock()
        if known == tag and now - since >= self._seconds:
            return True
        self._seen[name] = (tag, since if known == tag else now)
        if len(self._seen) > _MOST_SEEN:
            self._seen.popitem(last=False)
        return False

    def _content(self, address: str, turn: int) -> bytes:
        """What no other worker writes, nor this one at another time."""
        document = {"input": address, "worker": self._holder, "turn": turn, "time": time.time()}
        return json.dumps(document).encode()


class _Renewal:
    """Writes a lease anew until it ends, in a thread."""

    def __init__(
        self, files: Storage, name: str, content: Callable[[int], bytes], tag: str
    ) -> None:
        self._files, self._name, self._content, self._tag = files, name, content, tag
        self.end = threading.Event()
        self.lost = False
        """Whether another worker has taken it: this one was away for long."""

    def run(self, every_seconds: float) -> None:
        turn = 0
        while not self.end.wait(every_seconds):
            turn += 1
            try:
                self._tag = self._files.swap(self._name, self._content(turn), self._tag)
            except Conflict:
                self.lost = True
                return
            except CustomerClustersError:  # the next time, maybe
                continue
