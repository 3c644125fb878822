"""The function as AWS finds it: events that S3 itself sends, and a handler made of settings."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from functions.aws.queue import redelivery, seconds_until
from functions.settings import WrongSetting
from model_store import Temporary
from tests.support.dropping import Context, Drop, customers, is_whole, queued

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

KEY = "incoming/März 2026/a+b (1) %20.csv"


@pytest.fixture
def sqs(aws: None) -> "Iterator[SQSClient]":
    client = boto3.client("sqs")
    yield client
    client.close()


def test_events_that_s3_itself_sends_to_a_queue(drop: Drop, sqs: "SQSClient") -> None:
    queue = sqs.create_queue(QueueName=drop.settings.input.bucket)["QueueUrl"]
    facts = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]
    arn = facts["QueueArn"]
    rules: Any = [{"Key": {"FilterRules": [{"Name": "prefix", "Value": "incoming/"}]}}]
    configuration: Any = {"QueueArn": arn, "Events": ["s3:ObjectCreated:*"], "Filter": rules[0]}
    drop.s3.put_bucket_notification_configuration(
        Bucket=drop.settings.input.bucket,
        NotificationConfiguration={"QueueConfigurations": [configuration]},
    )
    for key, content in (
        (KEY, customers()),
        ("incoming/wrong.csv", b"a,b\n1,2\n"),
        ("other/x", b"1"),
    ):
        drop.put(key, content)
    messages: list[Any] = []
    deadline = time.monotonic() + 10
    while len(messages) < 3 and time.monotonic() < deadline:
        answer = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10)
        messages += answer.get("Messages", [])
    assert drop.deliver(queued(*(m["Body"] for m in messages))) == {"batchItemFailures": []}
    assert sorted(drop.said()) == ["failed for good", "scored"]
    assert is_whole({k: v for k, v in drop.written().items() if not k.endswith("failed.json")})


def unreachable(*_: Any) -> Any:
    raise Temporary("write", "S3", "slow")


def test_what_failed_comes_again_soon_and_not_when_the_queue_would_give_it(
    drop: Drop, sqs: "SQSClient"
) -> None:
    name = drop.settings.input.bucket
    queue = sqs.create_queue(QueueName=name, Attributes={"VisibilityTimeout": "5400"})["QueueUrl"]
    sqs.send_message(QueueUrl=queue, MessageBody=json.dumps(drop.put(KEY)))
    function, waits = drop.function(), []

    def wait(deliveries: int) -> int:
        waits.append(deliveries)
        return 0

    function.redeliver = redelivery(drop.lines.append, wait)
    function.engine = unreachable
    for _ in range(2):
        (message,) = sqs.receive_message(
            QueueUrl=queue, MessageSystemAttributeNames=["ApproximateReceiveCount"]
        )["Messages"]
        event = queued(message["Body"])
        event["Records"][0] |= {
            "receiptHandle": message["ReceiptHandle"],
            "attributes": message["Attributes"],
            "awsRegion": "eu-central-1",
            "eventSourceARN": f"arn:aws:sqs:eu-central-1:123456789012:{name}",
        }
        assert function(event, Context()) == {"batchItemFailures": [{"itemIdentifier": "m0"}]}
    assert waits == [1, 2]
    assert drop.said() == ["given back, to be delivered again"] * 2
    sqs.delete_queue(QueueUrl=queue)
    function(event, Context())
    assert "it waits for the queue's own time: " in drop.said()[-1]


def test_trouble_that_stays_is_met_less_and_less_often() -> None:
    assert [seconds_until(n) for n in range(1, 6)] == [60, 300, 1500, 5400, 5400]


def test_the_handler_is_made_of_the_environment_when_it_is_asked_for(drop: Drop, aws: None) -> None:
    """In a process of its own: nothing is read before, and its figures are lines of the log."""
    event = drop.put("incoming/stand 11.2026.csv")
    code = (
        "import json, sys, functions.s3 as s3\n"
        "assert 'handler' not in vars(s3)\n"
        "print(json.dumps(s3.handler(json.load(sys.stdin), None)))\n"
        "assert s3.handler is vars(s3)['handler']\n"
    )
    environment = {
        **os.environ,
        "CUSTOMER_CLUSTERS_INPUT": str(drop.settings.input),
        "CUSTOMER_CLUSTERS_OUTPUT": str(drop.settings.output),
        "CUSTOMER_CLUSTERS_AS_OF_PATTERN": "stand {month}.{year}",
    }
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], input=json.dumps(queued(event)), text=True,
        env=environment, capture_output=True, check=True,
    )  # fmt: skip
    loaded, figures, line, answer = map(json.loads, done.stdout.splitlines())
    assert loaded["message"] == "model loaded"
    assert line["message"] == "scored"
    assert answer == {"batchItemFailures": []}
    (told,) = figures["_aws"]["CloudWatchMetrics"]
    assert told["Namespace"] == "CustomerClusters"
    assert told["Dimensions"] == [["function"]]
    assert {"Name": "ScoringSeconds", "Unit": "Seconds"} in told["Metrics"]
    assert figures["RowsAssigned"] == 39
    assert done.stderr == ""
    assert is_whole(drop.written())
    assert [entry["as_of"] for entry in drop.ledger()] == ["2026-11-01"]


def test_a_wrong_environment_is_told_when_the_handler_is_made(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import functions.s3

    for name in ("INPUT", "OUTPUT"):
        monkeypatch.setenv(f"CUSTOMER_CLUSTERS_{name}", "s3://customers/incoming")
    with pytest.raises(WrongSetting, match="CUSTOMER_CLUSTERS_OUTPUT: expected another bucket"):
        functions.s3.handler  # noqa: B018
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        functions.s3.nothing  # noqa: B018


def test_a_cold_start_loads_what_every_call_needs_and_nothing_else(drop: Drop, aws: None) -> None:
    late = {"boto3", "jinja2", "numpy", "pandas", "pyarrow", "rich", "s3transfer", "sklearn"}
    code = f"import sys, functions.s3 as s3; s3.handler; print(sorted({late} & set(sys.modules)))"
    environment = {
        **os.environ,
        "CUSTOMER_CLUSTERS_INPUT": str(drop.settings.input),
        "CUSTOMER_CLUSTERS_OUTPUT": str(drop.settings.output),
    }
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
