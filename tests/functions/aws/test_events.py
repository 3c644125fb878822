"""Events as AWS documents them, and the objects they tell of."""

import json
from typing import Any

import pytest

from functions.aws.events import UnknownEvent, object_refs, why_skipped
from model_store import S3Address
from pipeline.runs.objects import ObjectRef
from tests.support.dropping import golden

ETAG = "0123456789abcdef0123456789abcdef"
IN, OUT = S3Address("customers-in", "incoming"), S3Address("customers-out", "")


def test_every_record_counts_and_every_key_is_decoded_once() -> None:
    found = object_refs(golden("s3_several"))
    assert [(it.key, it.version, it.size) for it in found] == [
        ("incoming/März 2026/a+b (1).csv", None, 20480),
        ("incoming/100%25 of them.csv", "3HL4kqtJvjVBH40Nrjfkd", 20480),
        ("incoming/parts.parquet", None, 41943040),
        ("incoming/suspended.csv", None, 20480),  # its version is "null", which is none
    ]
    assert found[0] == ObjectRef(
        "customers-in", "incoming/März 2026/a+b (1).csv", None, ETAG, 20480, "0068F1A2B3C4D5E6F7"
    )
    assert found[2].etag == "9b2cf535f27731c974343645a3985328-3"


def test_the_keys_of_eventbridge_are_as_they_are() -> None:
    (found,) = object_refs(golden("eventbridge_created"))
    assert found == ObjectRef(
        "customers-in", "incoming/März 2026/a+b %28.csv", "3HL4kqtJvjVBH40Nrjfkd", ETAG, 20480,
        "0068F1A2B3C4D5E6F7",
    )  # fmt: skip


@pytest.mark.parametrize("name", ["s3_test_event", "eventbridge_deleted"])
def test_other_news_of_s3_tell_of_no_object(name: str) -> None:
    assert object_refs(golden(name)) == []


def test_messages_hold_the_same_events() -> None:
    bodies = [json.loads(message["body"]) for message in golden("sqs_s3")["Records"]]
    assert [len(object_refs(body)) for body in bodies] == [2, 0, 0]
    (first, _) = golden("sqs_eventbridge")["Records"]
    assert object_refs(json.loads(first["body"]))[0].key == "incoming/a b+c.csv"


def test_a_topic_hands_on_the_same_events() -> None:
    expected = object_refs(golden("s3_put"))
    bodies = [json.loads(message["body"]) for message in golden("sqs_sns_s3")["Records"]]
    enveloped, test, bridged, raw = bodies  # the last by "raw message delivery"
    assert object_refs(enveloped) == object_refs(raw) == object_refs(golden("sns_s3")) == expected
    assert object_refs(bridged) == object_refs(golden("eventbridge_created"))
    assert object_refs(test) == []


@pytest.mark.parametrize(
    "event",
    [
        {}, [], None, "ping", 5, {"Records": None}, {"Records": [1]}, {"Records": [{}]},
        {"Records": [{"eventSource": "aws:sns"}]}, {"Records": [{"EventSource": "aws:sns"}]},
        {"Type": "Notification", "Message": "ping"}, {"Type": "Notification", "Message": 5},
        {"Type": "Notification", "Message": "[" * 100_000}, {"Type": "SubscriptionConfirmation"},
        {"Records": [{"eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "s3": {}}]},
        {"Records": [{"eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "s3": None}]},
        {"source": "aws.s3", "detail-type": "Object Created"},
        {"source": "aws.ec2", "detail-type": "Object Created", "detail": {}},
        golden("alb"),
    ],
)  # fmt: skip
def test_another_event_is_a_clear_error(event: Any) -> None:
    with pytest.raises(UnknownEvent, match="expected a notification of S3"):
        object_refs(event)


@pytest.mark.parametrize(
    ("bucket", "key", "size", "why"),
    [
        ("customers-in", "incoming/a.csv", 5, None),
        ("customers-in", "incoming/a.csv", None, None),
        ("customers-in", "incoming/deep/", 0, "it marks a folder"),
        ("customers-in", "incoming/a.csv", 0, "it is empty"),
        ("customers-in", "incoming-old/a.csv", 5, "it lies outside the input's prefix"),
        ("customers-in", "a.csv", 5, "it lies outside the input's prefix"),
        ("others", "incoming/a.csv", 5, "it lies outside the input's prefix"),
        ("customers-out", "results/a.csv/r/assigned.csv", 5, "it is a result"),
    ],
)
def test_what_is_not_to_be_scored_is_skipped(
    bucket: str, key: str, size: int | None, why: str | None
) -> None:
    assert why_skipped(ObjectRef(bucket, key, size=size), IN, OUT) == why
