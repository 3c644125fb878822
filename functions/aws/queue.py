"""Messages of an SQS queue: each ends for itself, and the queue is told which have to come again.

When it delivers one again is decided here: soon at first, for most trouble is over in a minute.
Left alone the queue waits for its whole visibility timeout, which is long for the sake of calls
that still run.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from functions.logs import Log

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

_FIRST, _FACTOR, _LONGEST = 60, 5, 5400


class Message(NamedTuple):
    """A message as Lambda hands it over."""

    record: Mapping[str, Any]

    @property
    def body(self) -> str:
        """Its text."""
        return str(self.record["body"])

    @property
    def deliveries(self) -> int:
        """How often it was delivered, this time included."""
        return int(self.record["attributes"]["ApproximateReceiveCount"])

    @property
    def region(self) -> str:
        """Where its queue is."""
        return str(self.record["awsRegion"])

    @property
    def queue_url(self) -> str:
        """The address of its queue."""
        _, partition, _, region, account, name = self.record["eventSourceARN"].split(":")
        suffix = ".cn" if partition == "aws-cn" else ""
        return f"https://sqs.{region}.amazonaws.com{suffix}/{account}/{name}"


Redelivery = Callable[[Message], None]


def messages_of(event: object) -> list[Message] | None:
    """The messages that an event consists of; None where it is no queue's."""
    records = event.get("Records") if isinstance(event, dict) else None
    if not isinstance(records, list) or not records:
        return None
    if not all(isinstance(it, dict) and it.get("eventSource") == "aws:sqs" for it in records):
        return None
    return [Message(record) for record in records]


def handle_each(messages: list[Message], handle: Callable[[Message], None]) -> dict[str, Any]:
    """Handle every message, and answer the queue which ones have to come again.

    Args:
        messages: The messages of one call.
        handle: What is done with each; whatever it raises brings the message back.
    """
    failed = []
    for message in messages:
        try:
            handle(message)
        except Exception:
            failed.append({"itemIdentifier": message.record["messageId"]})
    return {"batchItemFailures": failed}


def seconds_until(deliveries: int) -> int:
    """How long a message waits after so many deliveries: 1, 5, 25 and then 90 minutes."""
    return int(min(_FIRST * _FACTOR ** (deliveries - 1), _LONGEST))


def redelivery(log: Log, wait: Callable[[int], int] = seconds_until) -> Redelivery:
    """What tells the queue of a message when to deliver it again; if it fails, that is logged."""

    def redeliver(message: Message) -> None:
        import botocore.session  # few messages need it
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError, ClientError

        quick = Config(connect_timeout=2, read_timeout=5, retries={"total_max_attempts": 2})
        try:
            session = botocore.session.get_session()
            made = session.create_client("sqs", region_name=message.region, config=quick)
            client = cast("SQSClient", made)
            try:
                client.change_message_visibility(
                    QueueUrl=message.queue_url,
                    ReceiptHandle=message.record["receiptHandle"],
                    VisibilityTimeout=wait(message.deliveries),
                )
            finally:
                client.close()
        except (BotoCoreError, ClientError) as error:
            waits = f"it waits for the queue's own time: {error}"
            log({"level": "warning", "message": waits, "message_id": message.record["messageId"]})

    return redeliver
