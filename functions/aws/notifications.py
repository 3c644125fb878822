"""Notices by AWS: published to a topic of SNS, and put on a bus of EventBridge."""

import json
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, cast

import botocore.session
from botocore.config import Config

from model_store import CustomerClustersError
from model_store.storage.s3_errors import translate_errors
from pipeline.runs.notices import NotDelivered, Notice

SOURCE = "customer-clusters"
_SUBJECT = 99
"""Characters that the subject of a mail may have."""
_TITLES = {
    "run.committed": "Run committed",
    "run.refused": "Run refused",
    "outcomes.measured": "Outcomes measured",
    "candidate.ready": "Candidate ready",
    "test": "Test",
}
"""Type of a notice → how EventBridge and the subject of a mail call it."""


@dataclass
class Topic:
    """A topic of SNS: mail gets a text, queues and functions get the notice as JSON."""

    arn: str
    name: str = field(default="topic", init=False)

    def send(self, notice: Notice) -> None:
        """Publish a notice; NotDelivered where SNS does not take it."""
        data, document = notice["data"], json.dumps(notice, ensure_ascii=False)
        machines = dict.fromkeys(("sqs", "lambda", "http", "https", "firehose"), document)
        attention = "true" if data["attention"] else "false"
        attributes = {"type": notice["type"], "attention": attention}
        _sent(
            self.name,
            lambda: self._client.publish(
                TopicArn=self.arn,
                Subject=subject(notice),
                MessageStructure="json",
                Message=json.dumps({"default": mail(notice), **machines}, ensure_ascii=False),
                MessageAttributes={
                    name: {"DataType": "String", "StringValue": value}
                    for name, value in attributes.items()
                },
            ),
        )

    @cached_property
    def _client(self) -> Any:
        return _connect("sns", self.arn)


@dataclass
class Bus:
    """A bus of EventBridge."""

    arn: str
    name: str = field(default="bus", init=False)

    def send(self, notice: Notice) -> None:
        """Put a notice on the bus; NotDelivered where EventBridge does not take it."""
        entry = {
            "Source": SOURCE,
            "DetailType": _TITLES[notice["type"]],
            "Detail": json.dumps({"id": notice["id"], **notice["data"]}, ensure_ascii=False),
            "Time": datetime.fromisoformat(notice["timestamp"]),
            "EventBusName": self.arn,
        }
        answer = _sent(self.name, lambda: self._client.put_events(Entries=[entry]))
        if answer.get("FailedEntryCount"):
            code = answer["Entries"][0].get("ErrorCode", "an error")
            raise NotDelivered(self.name, f"EventBridge answered {code}")

    @cached_property
    def _client(self) -> Any:
        return _connect("events", self.arn)


def subject(notice: Notice) -> str:
    """One line of ASCII, as SNS wants it."""
    data = notice["data"]
    name = data.get("input") or data.get("model_version", "")
    look = ": please look" if data["attention"] else ""
    line = f"{SOURCE}: {_TITLES[notice['type']].lower()}{look} {name}".strip()
    plain = "".join(char if " " <= char <= "~" else "?" for char in line)
    return plain[:_SUBJECT]


def mail(notice: Notice) -> str:
    """The text of a mail."""
    data = notice["data"]
    facts = {
        "Run": data.get("run"),
        "Results": data.get("results"),
        "Models": data.get("store"),
        "Model": data.get("model_version"),
        "Champion": data.get("champion"),
        "Outcomes": data.get("outcomes"),
        "Belongs to": data.get("as_of"),
        "Time": notice["timestamp"],
        "Notice": notice["id"],
    }
    lines = (f"{name}: {fact}" for name, fact in facts.items() if fact)
    return "\n".join((data["text"], "", *lines, ""))


def _sent(receiver: str, send: Any) -> Any:
    try:
        with translate_errors("send", "a notice", receiver):
            return send()
    except CustomerClustersError as error:
        raise NotDelivered(receiver, str(error)) from error


def _connect(service: str, arn: str) -> Any:
    """A client for where the ARN is, with limits for one who has scored a file and should end."""
    quick = Config(
        connect_timeout=2, read_timeout=4, retries={"mode": "standard", "total_max_attempts": 2}
    )
    session = botocore.session.get_session()
    region = arn.split(":")[3]
    return cast(Any, session.create_client(cast(Any, service), region_name=region, config=quick))
