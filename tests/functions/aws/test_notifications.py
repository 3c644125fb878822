"""Notices by SNS and EventBridge, over a stand-in for both that is reached through real HTTP."""

import json
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, cast

import botocore.session
import pytest

from functions.aws.notifications import Bus, Topic, mail, subject
from pipeline.runs.notices import NotDelivered, Notice, Rule
from pipeline.runs.notices.candidates import candidate_notice
from pipeline.runs.notices.notice import (
    CANDIDATE,
    COMMITTED,
    OUTCOMES,
    REFUSED,
    TEST,
    committed_notice,
)
from tests.support.notices import small_manifest, small_summary

pytestmark = pytest.mark.usefixtures("aws")
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def client() -> Callable[[str], Any]:
    session = botocore.session.get_session()
    return lambda service: session.create_client(cast(Any, service), region_name="eu-central-1")


@pytest.fixture
def queue(client: Callable[[str], Any]) -> tuple[str, str]:
    """A queue of the test's own: its address and its ARN."""
    sqs = client("sqs")
    url = sqs.create_queue(QueueName=f"q-{uuid.uuid4().hex}")["QueueUrl"]
    asked = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    return url, asked["Attributes"]["QueueArn"]


def notice(name: str = "march.csv", rejected: int = 0) -> Notice:
    manifest = small_manifest(name, rejected=rejected)
    return committed_notice(manifest, small_summary(), f"{name}/r", "s3://b/results", Rule(), NOW)


def received(client: Callable[[str], Any], url: str) -> Any:
    (message,) = client("sqs").receive_message(QueueUrl=url)["Messages"]
    return json.loads(message["Body"])


def test_a_topic_gets_the_notice_with_what_subscriptions_filter_by(
    client: Callable[[str], Any], queue: tuple[str, str]
) -> None:
    url, queue_arn = queue
    sns = client("sns")
    arn = sns.create_topic(Name=f"t-{uuid.uuid4().hex}")["TopicArn"]
    sns.subscribe(
        TopicArn=arn, Protocol="sqs", Endpoint=queue_arn,
        Attributes={"FilterPolicy": json.dumps({"attention": ["true"]})},
    )  # fmt: skip
    Topic(arn).send(notice())  # nobody filters for that
    Topic(arn).send(notice(rejected=50))
    envelope = received(client, url)
    assert envelope["Subject"] == "customer-clusters: run committed: please look march.csv"
    assert json.loads(envelope["Message"]) == notice(rejected=50)
    assert envelope["MessageAttributes"]["type"]["Value"] == "run.committed"


def test_a_bus_gets_the_notice_as_an_event_that_rules_can_match(
    client: Callable[[str], Any], queue: tuple[str, str]
) -> None:
    url, queue_arn = queue
    events, name = client("events"), f"b-{uuid.uuid4().hex}"
    arn = events.create_event_bus(Name=name)["EventBusArn"]
    pattern = {"source": ["customer-clusters"], "detail": {"attention": [True]}}
    events.put_rule(Name="look", EventBusName=name, EventPattern=json.dumps(pattern))
    target = {"Id": "queue", "Arn": queue_arn}
    events.put_targets(Rule="look", EventBusName=name, Targets=[target])
    Bus(arn).send(notice())
    Bus(arn).send(notice(rejected=50))
    event = received(client, url)
    assert (event["source"], event["detail-type"]) == ("customer-clusters", "Run committed")
    assert event["detail"] == {"id": notice(rejected=50)["id"], **notice(rejected=50)["data"]}


@pytest.mark.parametrize(
    "receiver",
    [
        Topic("arn:aws:sns:eu-central-1:123456789012:nothing-there"),
        Bus("arn:aws:events:eu-central-1:123456789012:event-bus/nothing-there"),
    ],
)
def test_what_aws_does_not_take_is_not_delivered(receiver: Topic | Bus) -> None:
    with pytest.raises(NotDelivered, match=f"{receiver.name} did not take a notice: "):
        receiver.send(notice())


def test_a_bus_that_takes_the_call_and_not_the_event_did_not_take_it() -> None:
    class Full:
        def put_events(self, **given: Any) -> Any:
            return {"FailedEntryCount": 1, "Entries": [{"ErrorCode": "ThrottlingException"}]}

    bus = Bus("arn:aws:events:eu-central-1:123456789012:event-bus/b")
    bus.__dict__["_client"] = Full()
    with pytest.raises(NotDelivered, match="EventBridge answered ThrottlingException"):
        bus.send(notice())


def test_a_service_that_is_away_is_not_waited_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with pytest.raises(NotDelivered, match=r"127\.0\.0\.1:9 does not answer"):
        Topic("arn:aws:sns:eu-central-1:123456789012:t").send(notice())


def test_a_candidate_is_named_by_its_version_wherever_it_is_told(
    client: Callable[[str], Any], queue: tuple[str, str]
) -> None:
    url, queue_arn = queue
    events, name = client("events"), f"b-{uuid.uuid4().hex}"
    arn = events.create_event_bus(Name=name)["EventBusArn"]
    pattern = {"source": ["customer-clusters"], "detail-type": ["Candidate ready"]}
    events.put_rule(Name="look", EventBusName=name, EventPattern=json.dumps(pattern))
    events.put_targets(Rule="look", EventBusName=name, Targets=[{"Id": "q", "Arn": queue_arn}])
    made = candidate_notice("v2", "v1", {}, 0.1, ["it is worse"], "s3://b/models", NOW)
    Bus(arn).send(notice(rejected=50))
    Bus(arn).send(made)
    assert received(client, url)["detail"] == {"id": made["id"], **made["data"]}
    assert subject(made) == "customer-clusters: candidate ready: please look v2"
    assert "Models: s3://b/models\nModel: v2\nChampion: v1\n" in mail(made)


@pytest.mark.parametrize("kind", [COMMITTED, REFUSED, OUTCOMES, CANDIDATE, TEST])
def test_every_type_of_notice_has_a_title(kind: str) -> None:
    assert subject({**notice(), "type": kind}).startswith("customer-clusters: ")


def test_the_subject_of_a_mail_is_short_and_plain() -> None:
    line = subject(notice("März\n2026/" + "x" * 200 + ".csv"))
    assert len(line) == 99
    assert line.startswith("customer-clusters: run committed M?rz?2026/xxx")


def test_a_mail_says_where_the_results_are() -> None:
    text = mail(notice(rejected=50))
    assert text.startswith("`march.csv`: 50 customers scored, 50 rows rejected. Please look at it")
    assert "Run: march.csv/r\nResults: s3://b/results\nModel: 20260101" in text
