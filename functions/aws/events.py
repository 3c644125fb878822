"""The objects that an event tells of: S3's own notification, EventBridge's, or either by SNS.

Only shapes are read here. Whether an object is still there, or another by now, is asked of S3
itself when it is read: that holds for events out of order too, with a `sequencer` or without.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import unquote_plus

from model_store import CustomerClustersError, S3Address

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


@dataclass(frozen=True, slots=True)
class ObjectRef:
    """An object that was created, as its event tells it; the key is the real one."""

    bucket: str
    key: str
    version: str | None = None
    etag: str | None = None
    size: int | None = None
    sequencer: str | None = None
    """Grows from event to event of one key; told in the log."""

    @property
    def address(self) -> str:
        return f"{S3Address.SCHEME}{self.bucket}/{self.key}"


def object_refs(event: object) -> list[ObjectRef]:
    """Every object that an event says was created; UnknownEvent when it is another event.

    Removals, restores and the test event of a new notification tell of none.
    """
    try:
        return _told(event)
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise UnknownEvent.of(event) from error


def why_skipped(arrival: ObjectRef, place: S3Address, results: S3Address) -> str | None:
    """Why an object is not to be scored; None when it is."""
    if results.holds(arrival.bucket, arrival.key):
        return "it is a result"
    if not place.holds(arrival.bucket, arrival.key):
        return "it lies outside the input's prefix"
    if arrival.key.endswith("/"):
        return "it marks a folder"
    if arrival.size == 0:
        return "it is empty"
    return None


def _told(event: object) -> list[ObjectRef]:
    if isinstance(event, Mapping):
        if event.get("Event") == "s3:TestEvent":
            return []
        if event.get("source") == "aws.s3":
            return _bridged(event)
        if event.get("Type") == "Notification":  # of SNS, which has the event as text
            return _told(json.loads(event["Message"]))
        records = event["Records"]
        if all(_is_notification(record) for record in records):
            return list(_notified(records))
        if all(record["EventSource"] == "aws:sns" for record in records):  # its own spelling
            return [arrival for record in records for arrival in _told(record["Sns"])]
    raise UnknownEvent.of(event)


def _is_notification(record: object) -> bool:
    return isinstance(record, Mapping) and "s3" in record and record.get("eventSource") == "aws:s3"


def _notified(records: Iterable[Mapping[str, Any]]) -> Iterable[ObjectRef]:
    """From S3's own notification, in which keys are encoded as in a form."""
    for record in records:
        if str(record.get("eventName", "")).startswith("ObjectCreated:"):
            told = record["s3"]["object"]
            bucket = record["s3"]["bucket"]["name"]
            yield _arrival(bucket, unquote_plus(told["key"]), told.get("versionId"), told)


def _bridged(event: Mapping[str, Any]) -> list[ObjectRef]:
    """From EventBridge, in which keys are as they are."""
    if event.get("detail-type") != "Object Created":
        return []
    told = event["detail"]["object"]
    bucket = event["detail"]["bucket"]["name"]
    return [_arrival(bucket, told["key"], told.get("version-id"), told)]


def _arrival(bucket: str, key: str, version: str | None, told: Mapping[str, Any]) -> ObjectRef:
    etag = told.get("eTag") or told.get("etag")
    return ObjectRef(
        bucket,
        key,
        version=None if version in _UNVERSIONED else version,
        etag=str(etag).strip('"') if etag else None,
        size=None if told.get("size") is None else int(told["size"]),
        sequencer=told.get("sequencer"),
    )
