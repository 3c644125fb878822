"""The control group: who is in it follows from the id and a key alone, on every machine."""

import hmac
from collections.abc import Iterable, Iterator
from hashlib import sha256

_DRAWN = 1 << 64


def in_control(ids: Iterable[object], share: float, key: str) -> Iterator[bool]:
    """Whether each customer is in the control group.

    The first 64 bits of HMAC-SHA-256 of the id under the key are a number from 0 to 1; whoever is
    below the share is in. So the group of a smaller share is a part of that of a larger one.

    Args:
        ids: The ids, text or whole numbers; the same id is the same customer in every file.
        share: From 0 to 1.
        key: Another key draws another group.
    """
    base, bound = hmac.new(key.encode(), digestmod=sha256), int(share * _DRAWN)
    for each in ids:
        drawn = base.copy()
        drawn.update(_canonical(each).encode())
        yield int.from_bytes(drawn.digest()[:8]) < bound


def _canonical(value: object) -> str:
    """An id as text; a whole number is the same whether its column knows fractions or not."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return "" if value is None else str(value).strip()
