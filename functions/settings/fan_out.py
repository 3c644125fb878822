"""Settings of the fan-out: large files scored in parts, by as many calls of the batch function."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from functions.settings.kinds import WHOLE_OR_NONE
from functions.settings.variables import Kind, read, setting


def _address(text: str) -> str:
    if not text.startswith(("https://", "http://")):
        raise ValueError
    return text


@dataclass(frozen=True, slots=True)
class FanOutSettings:
    """From which size files are scored in parts, and the queue of the parts."""

    queue: str = setting(
        "CUSTOMER_CLUSTERS_FAN_OUT_QUEUE",
        Kind(_address, "the address of a queue, https://sqs…"),
        "The address of the queue that brings the parts, each in a message",
        shown="needed with it",
    )
    threshold_bytes: int = setting(
        "CUSTOMER_CLUSTERS_FAN_OUT_THRESHOLD_BYTES",
        WHOLE_OR_NONE,
        "Larger files are scored in parts, by as many calls at once; 0: none",
        default=0,
    )

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self | None:
        """Read them from a mapping; None where no file is scored in parts."""
        threshold = environment.get("CUSTOMER_CLUSTERS_FAN_OUT_THRESHOLD_BYTES", "").strip()
        return None if threshold in ("", "0") else read(cls, environment)
