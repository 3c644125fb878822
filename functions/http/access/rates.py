"""How often a client may ask: a token bucket for each, in the memory of this process."""

import math
from collections import OrderedDict

from functions.settings.clients import Rate

POLICY = "client"
"""What the headers call the policy: it is of one client, and all its requests count alike."""


class TokenBucket:
    """As many requests at once as the rate has, and then as fast as the rate says.

    Its headers are those of draft-ietf-httpapi-ratelimit-headers, revision 11.
    """

    __slots__ = ("_filled_at", "_per_second", "_size", "_tokens", "policy")

    def __init__(self, rate: Rate, now: float) -> None:
        self._size, self._per_second = float(rate.requests), rate.requests / rate.seconds
        self._tokens, self._filled_at = self._size, now
        self.policy = (
            b"ratelimit-policy",
            f'"{POLICY}";q={rate.requests};w={rate.seconds}'.encode(),
        )

    def wait(self, now: float) -> float:
        """In how many seconds there is a token; 0 where there is one."""
        passed, self._filled_at = now - self._filled_at, now
        if passed > 0.0:  # a clock may go back
            tokens = self._tokens + passed * self._per_second
            self._tokens = tokens if tokens < self._size else self._size
        return 0.0 if self._tokens >= 1.0 else (1.0 - self._tokens) / self._per_second

    def take(self, now: float) -> float:
        """Take a token for a request, where there is one; else as `wait`."""
        wait = self.wait(now)
        if not wait:
            self._tokens -= 1.0
        return wait

    def left(self, wait: float) -> tuple[bytes, bytes]:
        """The header that says how many requests are left, and in what time all of them are.

        Args:
            wait: What the latest request was told to wait; then it is the time until the next.
        """
        seconds = math.ceil(wait or (self._size - self._tokens) / self._per_second) or 1
        return b"ratelimit", f'"{POLICY}";r={int(self._tokens)};t={seconds}'.encode()


class Buckets:
    """The buckets of the clients that asked last; who comes back later has a full one."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._buckets: OrderedDict[str, TokenBucket] = OrderedDict()

    def of(self, name: str, rate: Rate, now: float) -> TokenBucket:
        """The bucket of a client."""
        bucket = self._buckets.get(name)
        if bucket is None:
            bucket = self._buckets[name] = TokenBucket(rate, now)
            if len(self._buckets) > self._most:
                self._buckets.popitem(last=False)
        else:
            self._buckets.move_to_end(name)
        return bucket
