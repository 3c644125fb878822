"""Who is told: a webhook, a topic, a bus. Those that send are made by the doors."""

from typing import Protocol

from model_store import CustomerClustersError
from pipeline.runs.notices.notice import Notice


class NotDelivered(CustomerClustersError):
    """Raised when a receiver did not take a notice; it is kept, and sent again later."""

    code = "not_delivered"

    def __init__(self, receiver: str, reason: str) -> None:
        self.receiver, self.reason = receiver, reason
        super().__init__(f"{receiver} did not take a notice: {reason}")


class Receiver(Protocol):
    """Takes notices."""

    @property
    def name(self) -> str:
        """A word for it, such as webhook: it stands beside what was delivered."""
        ...

    def send(self, notice: Notice) -> None:
        """Hand a notice over, within some seconds.

        Raises:
            NotDelivered: It did not take it, or did not say so.
        """
        ...
