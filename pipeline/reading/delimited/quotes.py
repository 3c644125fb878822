"""Which bytes of a text stand within quotes, found on bits.

64 bytes of the text at a time, after Langdale & Lemire (2019), VLDB Journal 28:941-960: a byte is
within quotes where the exclusive or of all quotes up to it is set.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

_NEWLINE, _RETURN, _QUOTE = b"\n"[0], b"\r"[0], b'"'[0]
Words = NDArray[np.uint64]
"""A bit for each byte of a text."""


class Quoting(NamedTuple):
    """What well-placed quotes mean for the newlines of a text."""

    within: Words
    """The bytes within quotes."""
    length: int
    """Bytes of the text."""
    has_newlines: bool
    """Whether any byte within quotes is a newline."""
    open_at_end: bool

    def outside(self) -> NDArray[np.bool_]:
        """For each byte of the text whether it stands outside of quotes."""
        bits = np.unpackbits(self.within.view(np.uint8), count=self.length, bitorder="little")
        return ~bits.view(bool)


def quoting_of(buffer: NDArray[np.uint8], delimiter: int) -> Quoting | None:
    """Where the quotes of a text enclose.

    Args:
        buffer: The bytes of the text, from the beginning of a record on.
        delimiter: The byte between two fields.

    Returns:
        None unless each quote opens or closes a field, or is half of a doubled one.
    """
    mask = np.zeros(-(-len(buffer) // 64) * 64, bool)

    def where(byte: int) -> Words:
        np.equal(buffer, byte, out=mask[: len(buffer)])
        return np.packbits(mask, bitorder="little").view("<u8")

    quotes, newlines = where(_QUOTE), where(_NEWLINE)
    within = quotes.copy()
    for shift in (1, 2, 4, 8, 16, 32):
        within ^= within << np.uint64(shift)
    open_after = np.bitwise_xor.accumulate(within >> np.uint64(63))
    within[1:] ^= np.uint64(0) - open_after[:-1]
    stops = newlines | where(delimiter)
    opening, closing = quotes & within, quotes & ~within
    may_open = _next_byte(stops | closing)  # behind a closing quote: a doubled one
    may_open[0] |= np.uint64(1)
    may_close = _byte_before(stops | where(_RETURN) | opening)
    last = len(buffer) - 1
    may_close[last >> 6] |= np.uint64(1 << (last & 63))  # what follows is not here yet
    if (opening & ~may_open).any() or (closing & ~may_close).any():
        return None
    has_newlines = bool((newlines & within).any())
    return Quoting(within, len(buffer), has_newlines, bool(open_after[-1]))


def _next_byte(words: Words) -> Words:
    moved = words << np.uint64(1)
    moved[1:] |= words[:-1] >> np.uint64(63)
    return moved


def _byte_before(words: Words) -> Words:
    moved = words >> np.uint64(1)
    moved[:-1] |= words[1:] << np.uint64(63)
    return moved
