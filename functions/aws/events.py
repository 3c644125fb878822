"""The objects that an event tells of: S3's own notification, EventBridge's, or either by SNS.

Only shapes are read here. Whether an object is still there, or another by now, is asked of S3
itself when it is read: that holds for events out of order too, with a `sequencer` or without.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Self
from urllib.parse import unquote_plus

from functions.aws.prefix_options import OPTIONS_FILE
from model_store import CustomerClustersError, S3Address
from pipeline.runs.objects import ObjectRef

DELIVER = {"deliver": "notices"}
"""What the schedule in serverless.yml sends, so that nothing waits for the next file."""
_UNVERSIONED = (None, "", "null")
"""How S3 names the version of an object in a bucket that keeps none, or keeps none any more."""


class UnknownEvent(CustomerClustersError, ValueError):
    """Raised when an event is neither S3's nor EventBridge's, nor a queue's or topic's with one."""

    code = "unknown_event"

    def __init__(self, fields: Sequence[str]) -> None:
        self.fields = tuple(fields)
        names = ", ".join(fields) or "no fields"
        super().__init__(f"expected a notification of S3 about an object; found one with {names}")

    @classmethod
    def of(cls, event: object) -> Self:
        """Tells of an event by the names of its first fields: the values may be anything."""
        return cls(sorted(map(str, event))[:8] if isinstance(event, dict) else ())


def object_refs(event: object) -> list[ObjectRef]:
    """Every object that an event says was created; UnknownEvent when it is another event.

    Removals, restores and the test event of a new notification tell of none.
    """
    try:
        return _refs(event)
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise UnknownEvent.of(event) from error


def why_skipped(ref: ObjectRef, inputs: S3Address, results: S3Address) -> str | None:
    """Why an object is not to be scored; None when it is."""
    if results.holds(ref.bucket, ref.key):
        return "it is a result"
    if not inputs.holds(ref.bucket, ref.key):
        return "it lies outside the input's prefix"
    if ref.key.endswith("/"):
        return "it marks a folder"
    if ref.key.rpartition("/")[2] == OPTIONS_FILE:
        return "it holds options, and no customers"
    if ref.size == 0:
        return "it is empty"
    return None


def asks_for_notices(event: object) -> bool:
    """Whether a schedule asks for the notices that wait to be sent."""
    return event == DELIVER


def _refs(event: object) -> list[ObjectRef]:
    if isinstance(event, Mapping):
        if event.get("Event") == "s3:TestEvent":
            return []
        if event.get("source") == "aws.s3":
            return _bridged(event)
        if event.get("Type") == "Notification":  # of SNS, which has the event as text
            return _refs(json.loads(event["Message"]))
        records = event["Records"]
        if all(_is_notification(record) for record in records):
            return list(_notified(records))
        if all(record["EventSource"] == "aws:sns" for record in records):  # its own spelling
            return [ref for record in records for ref in _refs(record["Sns"])]
    raise UnknownEvent.of(event)


def _is_notification(record: object) -> bool:
    return isinstance(record, Mapping) and "s3" in record and record.get("eventSource") == "aws:s3"


def _notified(records: Iterable[Mapping[str, Any]]) -> Iterable[ObjectRef]:
    """From S3's own notification, in which keys are encoded as in a form."""
    for record in records:
        if str(record.get("eventName", "")).startswith("ObjectCreated:"):
            details = record["s3"]["object"]
            bucket = record["s3"]["bucket"]["name"]
            yield _ref(bucket, unquote_plus(details["key"]), details.get("versionId"), details)


def _bridged(event: Mapping[str, Any]) -> list[ObjectRef]:
    """From EventBridge, in which keys are as they are."""
    if event.get("detail-type") != "Object Created":
        return []
    details = event["detail"]["object"]
    bucket = event["detail"]["bucket"]["name"]
    return [_ref(bucket, details["key"], details.get("version-id"), details)]


def _ref(bucket: str, key: str, version: str | None, details: Mapping[str, Any]) -> ObjectRef:
    etag = details.get("eTag") or details.get("etag")
    return ObjectRef(
        bucket,
        key,
        version=None if version in _UNVERSIONED else version,
        etag=str(etag).strip('"') if etag else None,
        size=None if details.get("size") is None else int(details["size"]),
        sequencer=details.get("sequencer"),
    )
