"""Many files at once through a queue that delivers twice, late and in any order, and gives up."""

import json
import random
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

import boto3
import pytest

from model_store import Temporary
from pipeline.runs import Workspace
from pipeline.scoring.documents import Manifest
from pipeline.scoring.spec import ScoringSpec
from pipeline.scoring.writing.outputs import write_json
from tests.support.dropping import HEADER, Context, Drop, queued

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

WORKERS = 2
MOST_DELIVERIES = "5"


@pytest.fixture
def sqs(aws: None) -> "Iterator[SQSClient]":
    client = boto3.client("sqs")
    yield client
    client.close()


def tiny(rows: int) -> bytes:
    return (
        HEADER + "".join(f"{n},x,{n * 60},{1000 + n * 90},{20 + n}\n" for n in range(rows))
    ).encode()


@dataclass(slots=True)
class Quick:
    """Counts rows and writes none, for what is tried is the queue; at times S3 does not answer."""

    pattern: Manifest
    summary: Any
    seen: Counter[str] = field(default_factory=Counter)

    def __call__(
        self, source: Any, spec: ScoringSpec, workspace: Workspace, progress: Any, checkpoint: Any
    ) -> Manifest:
        self.seen[source.identity] += 1
        if self.seen[source.identity] == 1 and len(self.seen) % 4 == 0:
            raise Temporary("read", "S3", "slow down")
        with source.on_disk(checkpoint) as file:
            rows = file.path.read_bytes().count(b"\n") - 1
        manifest: Any = {**self.pattern, "run": spec.run_id(source.identity), "rows_in": rows}
        manifest["input"] = {**manifest["input"], "name": source.name, "identity": source.identity}
        run = f"{source.name}/{manifest['run']}"
        manifest["outputs"] = {
            role: f"{run}/{name.rpartition('/')[2]}" for role, name in manifest["outputs"].items()
        }
        write_json(workspace.folder / "summary.json", self.summary)
        write_json(workspace.folder / "manifest.json", manifest)
        return cast("Manifest", manifest)


@pytest.fixture
def engine(drop: Drop) -> Quick:
    drop.deliver(drop.put("incoming/pattern.csv", tiny(4)))
    pattern: Any
    (pattern,) = drop.documents("manifest.json")
    summary = json.loads(drop.written()[pattern["outputs"]["summary"]])
    for name in drop.written():
        drop.results.delete(name)
    for name in drop.results.names("_ledger"):
        drop.results.delete(f"_ledger/{name}")
    drop.lines.clear()
    return Quick(pattern, summary)


def drain(drop: Drop, sqs: "SQSClient", engine: Quick, events: list[Any]) -> tuple[int, int]:
    """Have workers take messages until there are none; messages given back, and given up."""
    name = drop.settings.input.bucket
    dead = sqs.create_queue(QueueName=f"{name}-dead")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]
    redrive = {"deadLetterTargetArn": arn["QueueArn"], "maxReceiveCount": MOST_DELIVERIES}
    queue = sqs.create_queue(QueueName=name, Attributes={"RedrivePolicy": json.dumps(redrive)})
    url, given_back = queue["QueueUrl"], []
    for start in range(0, len(events), 10):
        entries: Any = [
            {"Id": str(number), "MessageBody": json.dumps(event)}
            for number, event in enumerate(events[start : start + 10])
        ]
        sqs.send_message_batch(QueueUrl=url, Entries=entries)

    def work(_: int) -> None:
        function = drop.function(engine=engine)
        while messages := sqs.receive_message(
            QueueUrl=url, MaxNumberOfMessages=10, MessageSystemAttributeNames=["All"]
        ).get("Messages", []):
            batch = queued(*(message["Body"] for message in messages))
            for record, message in zip(batch["Records"], messages, strict=True):
                record["attributes"] = message["Attributes"]
            failed = {
                each["itemIdentifier"] for each in function(batch, Context())["batchItemFailures"]
            }
            for number, message in enumerate(messages):
                receipt = message["ReceiptHandle"]
                if f"m{number}" in failed:
                    given_back.append(receipt)
                    sqs.change_message_visibility(
                        QueueUrl=url, ReceiptHandle=receipt, VisibilityTimeout=0
                    )
                else:
                    sqs.delete_message(QueueUrl=url, ReceiptHandle=receipt)

    with ThreadPoolExecutor(WORKERS) as pool:
        list(pool.map(work, range(WORKERS)))
    told = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["ApproximateNumberOfMessages"])
    return len(given_back), int(told["Attributes"]["ApproximateNumberOfMessages"])


def test_two_hundred_versions_each_end_in_one_run(
    drop: Drop, sqs: "SQSClient", engine: Quick
) -> None:
    """180 keys, 20 of them in two versions; 40 are told twice, a quarter fails at first."""
    bucket = drop.settings.input.bucket
    drop.s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    events = [drop.put(f"incoming/day {n % 7}/{n}.csv", tiny(2)) for n in range(180)]
    events += [drop.put(f"incoming/day {n % 7}/{n}.csv", tiny(3)) for n in range(20)]
    versions = {each["Records"][0]["s3"]["object"]["versionId"] for each in events}
    assert len(versions) == 200
    told = events + events[::5]
    random.Random(23).shuffle(told)
    given_back, given_up = drain(drop, sqs, engine, told)
    assert given_back > 10
    assert given_up == 0
    manifests = drop.documents("manifest.json")
    scored = [urlsplit(each["input"]["identity"]).query for each in manifests]
    assert sorted(scored) == sorted(f"versionId={version}" for version in versions)
    assert Counter(each["rows_in"] for each in manifests) == {2: 180, 3: 20}
    assert len(drop.ledger()) == 200
    assert drop.documents("failed.json") == []


def test_without_versions_the_newest_of_a_key_answers_whatever_the_order(
    drop: Drop, sqs: "SQSClient", engine: Quick
) -> None:
    old = [drop.put(f"incoming/{n}.csv", tiny(2)) for n in range(10)]
    new = [drop.put(f"incoming/{n}.csv", tiny(3)) for n in range(10)]
    _, given_up = drain(drop, sqs, engine, [*new, *old, *new])
    assert given_up == 0
    manifests = drop.documents("manifest.json")
    assert sorted(each["input"]["name"] for each in manifests) == [f"{n}.csv" for n in range(10)]
    assert {each["rows_in"] for each in manifests} == {3}
    assert "skipped: it was replaced since the event was sent" in drop.said()
