"""When a queue delivers a file again: soon at first, for most trouble is over in a minute.

Left alone the queue waits for its whole visibility timeout, which is long for the sake of calls
that still run.
"""

from collections.abc import Callable

import boto3
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from functions.logs import Log

Redelivery = Callable[[SQSRecord], None]
_FIRST, _FACTOR, _LONGEST = 60, 5, 5400
_QUICK = Config(connect_timeout=2, read_timeout=5, retries={"total_max_attempts": 2})


def seconds_until(deliveries: int) -> int:
    """How long a message waits after so many deliveries: 1, 5, 25 and then 90 minutes."""
    return int(min(_FIRST * _FACTOR ** (deliveries - 1), _LONGEST))


def redelivery(log: Log, wait: Callable[[int], int] = seconds_until) -> Redelivery:
    """What tells the queue of a message when to deliver it again; if it fails, that is logged."""

    def redeliver(record: SQSRecord) -> None:
        seconds = wait(int(record.attributes.approximate_receive_count))
        try:
            client = boto3.client("sqs", region_name=record.aws_region, config=_QUICK)
            try:
                client.change_message_visibility(
                    QueueUrl=record.queue_url,
                    ReceiptHandle=record.receipt_handle,
                    VisibilityTimeout=seconds,
                )
            finally:
                client.close()
        except (BotoCoreError, ClientError) as error:
            log({"level": "warning", "message": f"it waits for the queue's own time: {error}"})

    return redeliver
