"""The queue that brings the parts of large files: what its messages say, and what sends them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any, Protocol, Self, cast

import botocore.session
from botocore.config import Config

from model_store import Temporary
from model_store.storage.s3_errors import translate_errors
from pipeline.runs.objects import ObjectRef

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

    from pipeline.scoring.parts.part_plan import Part

_SCORE = "part"
_AT_ONCE = 10
"""So many messages SQS takes by one request."""


@dataclass(frozen=True, slots=True)
class PartOrder:
    """A part of a run that is to be scored."""

    run: str
    """The run's folder, below all results."""
    bucket: str
    key: str
    """Of the object, for the log and for its model; the plan says which version it is."""
    part: Mapping[str, Any]
    """The fields of the `Part`."""
    wave: Sequence[str] = ()
    """The names of the parts that are read again at once, this one among them."""

    @classmethod
    def of(cls, run: str, ref: ObjectRef, part: "Part", wave: Sequence[str] = ()) -> Self:
        """To score a part of a run over an object."""
        return cls(run, ref.bucket, ref.key, asdict(part), wave)

    @property
    def ref(self) -> ObjectRef:
        """The object by its name."""
        return ObjectRef(self.bucket, self.key)

    def to_message(self) -> str:
        """As `from_event` reads it."""
        return json.dumps({"score": _SCORE, **asdict(self)})

    @classmethod
    def from_event(cls, event: object) -> Self | None:
        """Read what `to_message` wrote; None for any other event."""
        if not isinstance(event, Mapping) or event.get("score") != _SCORE:
            return None
        found: list[Any] = [event.get(each.name) for each in fields(cls)]
        kinds = (str, str, str, Mapping, list)
        ours = all(isinstance(each, kind) for each, kind in zip(found, kinds, strict=True))
        return cls(*found) if ours else None


class PartsQueue(Protocol):
    """What brings parts; `SqsPartsQueue` does."""

    def send(self, orders: Sequence[PartOrder]) -> None:
        """Have the parts brought to somebody, each at least once.

        Raises:
            Temporary: Not all of them could be sent.
        """
        ...


class SqsPartsQueue:
    """A queue of SQS."""

    def __init__(self, address: str, client: "SQSClient | None" = None) -> None:
        """Nothing is sent yet.

        Args:
            address: The queue's URL.
            client: What asks SQS; by default one is made with the first parts.
        """
        self._address, self._client = address, client

    def send(self, orders: Sequence[PartOrder]) -> None:
        """As `PartsQueue.send`."""
        if self._client is None:
            self._client = _connect()
        for start in range(0, len(orders), _AT_ONCE):
            few = enumerate(orders[start : start + _AT_ONCE])
            entries: Any = [{"Id": str(n), "MessageBody": each.to_message()} for n, each in few]
            with translate_errors("send parts to", "the queue", self._address):
                answer = self._client.send_message_batch(QueueUrl=self._address, Entries=entries)
            if failed := answer.get("Failed"):
                raise Temporary("send parts to", self._address, failed[0]["Code"])


def _connect() -> "SQSClient":
    config = Config(
        connect_timeout=5, read_timeout=30, retries={"mode": "standard", "total_max_attempts": 4}
    )
    return cast("SQSClient", botocore.session.get_session().create_client("sqs", config=config))
