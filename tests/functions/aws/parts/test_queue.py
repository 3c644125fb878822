"""The messages of parts, and the queue that brings them."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from functions.aws.parts.queue import PartOrder, SqsPartsQueue
from functions.s3 import Batch, _from_environment
from functions.settings import BatchSettings, FanOutSettings, WrongSetting
from model_store import Temporary
from pipeline.runs.objects import ObjectRef
from pipeline.scoring.parts.kept import part_from
from pipeline.scoring.parts.part_plan import Part
from tests.support.dropping import Drop, is_whole, queued

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

REF = ObjectRef("in", "incoming/März.csv", "v1")
PARTS = [Part(index, index * 10, index * 10 + 10, exact=not index) for index in range(25)]


@pytest.fixture
def sqs(aws: None) -> "Iterator[SQSClient]":
    client = boto3.client("sqs")
    yield client
    client.close()


def test_each_part_is_a_message_of_the_queue(sqs: "SQSClient") -> None:
    address = sqs.create_queue(QueueName="parts")["QueueUrl"]
    SqsPartsQueue(address).send([PartOrder.of("a/b.csv/run", REF, part) for part in PARTS])
    found: list[Any] = []
    while len(found) < len(PARTS):
        messages = sqs.receive_message(QueueUrl=address, MaxNumberOfMessages=10)["Messages"]
        found += [PartOrder.from_event(json.loads(each["Body"])) for each in messages]
    assert {order.run for order in found} == {"a/b.csv/run"}
    assert {order.ref for order in found} == {ObjectRef("in", "incoming/März.csv")}
    parts = [part_from(dict(order.part)) for order in found]
    assert sorted(parts, key=lambda part: part.index) == PARTS


def test_a_handler_made_of_settings_sends_parts_and_scores_them(
    drop: Drop, sqs: "SQSClient", monkeypatch: pytest.MonkeyPatch
) -> None:
    address = sqs.create_queue(QueueName=drop.settings.input.bucket)["QueueUrl"]
    for name, value in {
        "INPUT": str(drop.settings.input),
        "OUTPUT": str(drop.settings.output),
        "FAN_OUT_THRESHOLD_BYTES": "500",
        "FAN_OUT_QUEUE": address,
    }.items():
        monkeypatch.setenv(f"CUSTOMER_CLUSTERS_{name}", value)
    batch = _from_environment()
    assert isinstance(batch, Batch) and batch.in_parts is not None
    batch.in_parts = replace(batch.in_parts, part_bytes=400)
    assert batch(queued(drop.put("incoming/a.csv")), None) == {"batchItemFailures": []}
    assert drop.documents("manifest.json") == []
    while messages := sqs.receive_message(QueueUrl=address).get("Messages"):
        for message in messages:
            assert batch(queued(message["Body"]), None) == {"batchItemFailures": []}
    assert is_whole(drop.written())


def test_what_the_queue_does_not_take_is_temporary() -> None:
    class Busy:
        def send_message_batch(self, **given: Any) -> Any:
            return {"Failed": [{"Id": "0", "Code": "InternalError", "SenderFault": False}]}

    queue = SqsPartsQueue("https://sqs.example/parts", Busy())  # type: ignore[arg-type]
    with pytest.raises(Temporary, match="InternalError"):
        queue.send([PartOrder.of("run", REF, PARTS[0])])


@pytest.mark.parametrize(
    "event",
    [None, {}, {"Records": []}, {"deliver": "notices"}, "part", {"score": "part"},
     {"score": "part", "run": 5, "bucket": [], "key": None, "part": {}, "wave": 3}],
)  # fmt: skip
def test_other_events_are_no_parts(event: Any) -> None:
    assert PartOrder.from_event(event) is None


def test_settings_say_from_which_size_files_are_scored_in_parts() -> None:
    places = {
        "CUSTOMER_CLUSTERS_INPUT": "s3://in-bucket/incoming",
        "CUSTOMER_CLUSTERS_OUTPUT": "s3://out-bucket",
    }
    queue = {"CUSTOMER_CLUSTERS_FAN_OUT_QUEUE": "https://sqs.eu-central-1.amazonaws.com/1/parts"}
    for threshold in ("", " ", "0"):
        none = {"CUSTOMER_CLUSTERS_FAN_OUT_THRESHOLD_BYTES": threshold}
        assert BatchSettings.from_environment(places | none).fan_out is None
    some = {"CUSTOMER_CLUSTERS_FAN_OUT_THRESHOLD_BYTES": "500000000"}
    found = BatchSettings.from_environment(places | queue | some).fan_out
    assert found == FanOutSettings(queue["CUSTOMER_CLUSTERS_FAN_OUT_QUEUE"], 500_000_000)
    with pytest.raises(WrongSetting, match="FAN_OUT_QUEUE"):
        BatchSettings.from_environment(places | some)
    with pytest.raises(WrongSetting, match="FAN_OUT_THRESHOLD_BYTES"):
        BatchSettings.from_environment(
            places | queue | {"CUSTOMER_CLUSTERS_FAN_OUT_THRESHOLD_BYTES": "1 GB"}
        )
