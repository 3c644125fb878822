"""What a call on Lambda works with: its time."""

from collections.abc import Callable
from typing import Any

UNLIMITED = float("inf")


def remaining(context: Any) -> Callable[[], float]:
    """What tells the seconds until Lambda stops this call."""
    millis = getattr(context, "get_remaining_time_in_millis", None)
    return (lambda: millis() / 1000) if millis else (lambda: UNLIMITED)
