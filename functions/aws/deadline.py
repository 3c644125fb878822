"""The time that is left of a call on Lambda."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

from model_store import Temporary

UNLIMITED = float("inf")


class OutOfTime(Temporary):
    """Raised when a run could not be finished before its call ends; the file comes again."""

    def __init__(self, what: str, seconds: float) -> None:
        self.what, self.seconds = what, seconds
        super().__init__(f"finish {what}", "this call", f"{max(seconds, 0):.0f} s are left of it")


@dataclass(frozen=True, slots=True)
class Deadline:
    """When Lambda ends a call, and how much of the time is to be left."""

    remaining: Callable[[], float] = lambda: UNLIMITED
    """Seconds until the call is ended."""
    margin: float = 0.0
    """Seconds that must be left, or a run is given up."""

    @classmethod
    def of(cls, context: Any, margin: float = 0.0) -> Self:
        """The deadline of an invocation; there is none where the context tells of none."""
        millis = getattr(context, "get_remaining_time_in_millis", None)
        return cls((lambda: millis() / 1000) if millis else (lambda: UNLIMITED), margin)

    def check(self, what: str) -> None:
        """OutOfTime when too little time is left for something."""
        if (seconds := self.remaining()) < self.margin:
            raise OutOfTime(what, seconds)
