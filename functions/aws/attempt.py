"""One call's attempt at a file, and what a file is told that no call can finish.

A packed file says nothing of what it unpacks to, or lies: what is too much shows while it is read.
"""

import tempfile
from dataclasses import dataclass, field
from errno import ENOSPC

from functions.aws.deadline import Deadline, OutOfTime
from pipeline.errors import TooLarge

_SMALLER = "cut it into parts"
_PACKED = "unpack it, and cut it into parts"
_PACKINGS = (".gz", ".zst", ".bz2", ".xz", ".zip")


@dataclass(slots=True)
class Attempt:
    """How long a file had, and how far it came."""

    deadline: Deadline
    deliveries: int = 1
    """How often the file was delivered, this time included."""
    rows: int = 0
    """Read so far."""
    seconds: float = field(init=False)
    """The time that was left when it began."""

    def __post_init__(self) -> None:
        self.seconds = self.deadline.remaining()

    def too_large(self, address: str, error: OSError, *, at_once: bool) -> TooLarge | None:
        """What an error means that ended the attempt; None where another one may succeed.

        Args:
            address: The file.
            error: What ended it.
            at_once: Whether the first time that runs out is enough. Otherwise it may have been the
                storage that was slow, and the file gets a second call.
        """
        smaller = _PACKED if address.lower().endswith(_PACKINGS) else _SMALLER
        if error.errno == ENOSPC:
            where, more = tempfile.gettempdir(), "give the function more ephemeral storage"
            problem = f"leaves no space in {where} with its results after {self.rows:,} rows"
            return TooLarge(address, f"{problem}: {smaller}, or {more}")
        if not isinstance(error, OutOfTime) or not self.rows:
            return None
        if self.deliveries < 2 and not at_once:
            return None
        seconds = self.seconds - max(error.seconds, 0)
        problem = f"is too large for one call: {self.rows:,} rows were read in {seconds:,.0f} s"
        return TooLarge(address, f"{problem}; {smaller}, or give the function more memory")
