"""The index of a run: where each customer went, found by a keyed hash of the id in one read.

A record a row of the assigned file, sorted by the hash. Hashes lie evenly, so a record is where its
hash lies among all hashes, give or take the square root of their number: one ranged read, from a
folder or from S3, has it. Ids are in no index: without the key nobody can tell whose a record is.
Standard library only.
"""

import math
import struct
from bisect import bisect_left
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import blake2b, sha256

DIGEST = 16
"""Bytes of a hash: BLAKE2b of the id under the key (RFC 7693), in a third of HMAC's time."""
RECORD = struct.Struct(">16sHBBf")
"""The hash, the cluster, whether the customer is an outlier, whether it is known that he has
churned (0 no, 1 yes, 2 unknown), and the risk; NaN where the run has none."""
_REACH = 3
"""Six standard deviations of where a hash lies among n others, in square roots of n."""
_MORE = 64
"""Records that are read around that, for runs of few customers."""
UNKNOWN = 2
_DECIMALS = 5
"""Of a risk, as files have it; a record has it with seven digits."""
Read = Callable[[int, int], bytes]
"""Reads so many bytes of an index from a position on, fewer where it ends."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a run says of one row."""

    cluster: int
    outlier: bool
    churned: bool | None
    """Whether the file says that the customer has churned; None where it does not say."""
    risk: float | None
    """Where the model has a risk score."""


class IndexKey:
    """What ids are hashed with. Another key makes another index, and finds nothing in this one."""

    def __init__(self, secret: str) -> None:
        self._base = blake2b(digest_size=DIGEST, key=sha256(secret.encode()).digest())
        mark = self.digest("\0index")[:4].hex()  # no id begins with a zero
        self.file = f"customers-{mark}.idx"
        """What an index under this key is called, in the folder of its run."""

    def digest(self, customer: str) -> bytes:
        """The hash of an id, as `id_text` writes it."""
        drawn = self._base.copy()
        drawn.update(customer.encode("utf-8", "surrogateescape"))
        return drawn.digest()

    def nobody(self, row: int) -> bytes:
        """The hash that stands for a row without an id: as even as the others, found by nobody."""
        return self.digest(f"\0row {row}")


def is_index(name: str) -> bool:
    """Whether a file of a run is an index, under whatever key."""
    return name.startswith("customers-") and name.endswith(".idx")


def id_text(value: object) -> str | None:
    """An id as text; None for none. A whole number is the same whether its column has fractions."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    text = "" if value is None else str(value).strip()
    return text or None


def find(read: Read, records: int, digest: bytes) -> list[Found]:
    """What an index says of a customer: an element a row, in the order of the file.

    Args:
        read: Reads the index.
        records: How many it has: the assigned rows of the run.
        digest: The hash of the id.

    Returns:
        Nothing where the customer is in no row.

    Raises:
        ValueError: It is no index of so many records.
    """
    expected = int.from_bytes(digest[:8]) * records >> 64
    reach = _REACH * math.isqrt(records) + _MORE
    while True:
        first = max(expected - reach, 0)
        count = min(expected + reach, records) - first
        part = read(first * RECORD.size, count * RECORD.size) if count else b""
        if len(part) != count * RECORD.size:
            raise ValueError("the index is damaged")
        at = bisect_left(range(count), digest, key=lambda index: _digest(part, index))
        found = list(_same(part, at, count, digest))
        ends_inside = at + len(found) < count or first + count == records
        if ends_inside and (at > 0 or first == 0):
            return found
        reach *= 8  # once in a billion times, or where an id stands in very many rows


def _digest(part: bytes, index: int) -> bytes:
    return part[index * RECORD.size : index * RECORD.size + DIGEST]


def _same(part: bytes, at: int, count: int, digest: bytes) -> Iterator[Found]:
    for index in range(at, count):
        hashed, cluster, outlier, churned, risk = RECORD.unpack_from(part, index * RECORD.size)
        if hashed != digest:
            return
        yield Found(
            cluster,
            bool(outlier),
            None if churned == UNKNOWN else bool(churned),
            None if math.isnan(risk) else round(risk, _DECIMALS),
        )
