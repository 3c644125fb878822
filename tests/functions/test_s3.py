"""The handler for dropped files, over a stand-in for S3 that is reached through real HTTP."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from functions.s3 import Batch
from functions.serving import Serving
from functions.settings import WrongSetting
from model_store import CustomerClustersError, NotFound, Store, Temporary
from tests.functions.dropping import Context, Drop, customers, golden, is_whole, queued

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

KEY = "incoming/März 2026/a+b (1) %20.csv"


def test_a_dropped_file_comes_back_assigned(drop: Drop) -> None:
    assert drop.deliver(drop.put(KEY)) == {}
    written = drop.written()
    assert is_whole(written)
    (manifest,) = drop.documents("manifest.json")
    folder = f"März 2026/a+b (1) %20.csv/{manifest['run']}"
    names = ["assigned.csv", "clusters.csv", "manifest.json", "rejected.csv", "summary.json"]
    assert sorted(written) == [f"{folder}/{name}" for name in names]
    assert manifest["outputs"]["assigned"] == f"{folder}/assigned.csv"
    assert manifest["input"]["identity"].startswith(
        f"s3://{drop.settings.input.bucket}/{KEY}?etag="
    )
    assert (manifest["rows_in"], manifest["rows_assigned"]) == (40, 39)
    assert written[f"{folder}/assigned.csv"].startswith(b"CLIENTNUM,Note,")


def test_the_log_and_the_figures_tell_of_it_without_a_customers_values(drop: Drop) -> None:
    drop.deliver(drop.put(KEY))
    (line,) = drop.lines
    (figures,) = drop.figures
    told = {"level": "info", "message": "scored", "rows_in": 40, "rows_rejected": 1}
    assert told.items() <= line.items()
    assert line["object"].endswith(KEY)
    assert line["request_id"] == "request-1"
    assert {**figures, "ScoringSeconds": 0} == {
        "FilesScored": 1, "RowsIn": 40, "RowsAssigned": 39, "RowsRejected": 1, "ScoringSeconds": 0,
    }  # fmt: skip
    assert "many" not in json.dumps(drop.lines)


@pytest.mark.parametrize("wrap", [dict, queued], ids=["bare", "queued"])
def test_a_file_told_twice_is_scored_once(drop: Drop, wrap: Callable[[Any], Any]) -> None:
    event = drop.put(KEY)
    drop.deliver(event)
    first = drop.written()
    drop.deliver(wrap(event))
    assert drop.written() == first
    assert drop.said() == ["scored", "done before"]
    assert len(drop.figures) == 1


@pytest.mark.parametrize("wrap", [dict, queued], ids=["bare", "queued"])
def test_eventbridge_tells_the_key_as_it_is(drop: Drop, wrap: Callable[[Any], Any]) -> None:
    drop.put("incoming/a+b%20c.csv")
    event = golden("eventbridge_created")
    event["detail"]["bucket"]["name"] = drop.settings.input.bucket
    event["detail"]["object"] = {"key": "incoming/a+b%20c.csv", "size": 9, "sequencer": "00"}
    assert drop.deliver(wrap(event)) in ({}, {"batchItemFailures": []})
    assert drop.documents("manifest.json")[0]["input"]["name"] == "a+b%20c.csv"


def test_every_record_of_every_message_is_scored(drop: Drop) -> None:
    both = [
        drop.put(f"incoming/{name}.csv", customers(n))["Records"][0]
        for n, name in ((10, "a"), (11, "b"))
    ]
    answer = drop.deliver(
        queued({"Records": both}, golden("s3_test_event"), drop.put("incoming/c/d.csv"))
    )
    assert answer == {"batchItemFailures": []}
    names = sorted(manifest["input"]["name"] for manifest in drop.documents("manifest.json"))
    assert names == ["a.csv", "b.csv", "c/d.csv"]


def test_the_golden_events_leave_other_buckets_alone(drop: Drop) -> None:
    for name in ("s3_several", "s3_test_event", "sqs_s3", "eventbridge_deleted", "sqs_eventbridge"):
        drop.deliver(golden(name))
    assert set(drop.said()) == {"skipped: it lies outside the input's prefix"}
    assert drop.written() == {}


def test_an_object_that_turns_out_empty_is_skipped_like_one_told_as_empty(drop: Drop) -> None:
    event = drop.put("incoming/empty.csv", b"")
    drop.deliver(event)
    del event["Records"][0]["s3"]["object"]["size"]
    drop.deliver(event)
    assert drop.said() == ["skipped: it is empty"] * 2
    assert drop.written() == {}


def test_results_in_the_same_bucket_are_never_scored_again(drop: Drop) -> None:
    bucket = drop.settings.input.bucket
    drop.settings = type(drop.settings)(
        drop.settings.input, drop.settings.input.__class__(bucket, "out")
    )
    drop.deliver(drop.put(KEY))
    for name in list(drop.written()):
        told = {"key": f"out/results/{name}".replace(" ", "+"), "size": 9}
        drop.deliver({"Records": [drop.record(told)]})
    assert drop.said() == ["scored", *["skipped: it is a result"] * 5]
    assert len(drop.documents("manifest.json")) == 1


def test_a_version_is_read_as_it_was(drop: Drop) -> None:
    drop.s3.put_bucket_versioning(
        Bucket=drop.settings.input.bucket, VersioningConfiguration={"Status": "Enabled"}
    )
    old, new = drop.put(KEY, customers(10)), drop.put(KEY, customers(20))
    drop.deliver(new)
    drop.deliver(old)
    found = drop.documents("manifest.json")
    assert sorted(manifest["rows_in"] for manifest in found) == [10, 20]
    versions = {event["Records"][0]["s3"]["object"]["versionId"] for event in (old, new)}
    assert {m["input"]["identity"].partition("?versionId=")[2] for m in found} == versions


def test_the_event_of_a_replaced_object_is_done(drop: Drop) -> None:
    old, new = drop.put(KEY, customers(10)), drop.put(KEY, customers(20))
    assert drop.deliver(queued(new, old, new)) == {"batchItemFailures": []}
    assert [manifest["rows_in"] for manifest in drop.documents("manifest.json")] == [20]
    assert drop.said()[1] == "skipped: it was replaced since the event was sent"


def test_an_object_that_is_gone_is_told_and_not_tried_again(drop: Drop) -> None:
    event = drop.put(KEY)
    drop.s3.delete_object(Bucket=drop.settings.input.bucket, Key=KEY)
    assert drop.deliver(queued(event, event)) == {"batchItemFailures": []}
    (failed,) = drop.documents("failed.json")
    assert failed["code"] == "gone"
    assert failed["input"]["name"] == "März 2026/a+b (1) %20.csv"
    assert failed["model_version"] == drop.serving.current().version
    drop.deliver({"Records": [drop.record({"key": "incoming/never.csv"})]})
    assert drop.said() == ["failed for good"] * 3
    assert drop.lines[-1]["run"] == ""


def test_a_run_stays_done_when_its_input_goes(drop: Drop) -> None:
    event = drop.put(KEY)
    drop.deliver(event)
    drop.s3.delete_object(Bucket=drop.settings.input.bucket, Key=KEY)
    drop.deliver(event)
    assert drop.documents("failed.json") == []


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"a,b\n1,2\n", "Total_Revolving_Bal"),
        (customers(10, wrong=9), "9 of 10 rows cannot be scored"),
    ],
    ids=["columns", "rows"],
)
def test_a_wrong_file_is_told_once_and_not_tried_again(
    drop: Drop, content: bytes, reason: str
) -> None:
    event = drop.put(KEY, content)
    for _ in range(2):
        assert drop.deliver(queued(event)) == {"batchItemFailures": []}
    (failed,) = drop.documents("failed.json")
    assert failed["code"] == "wrong_file"
    assert failed["reason"].startswith(f"s3://{drop.settings.input.bucket}/{KEY}: ")
    assert reason in failed["reason"]
    assert drop.figures == [{"FilesFailed": 1}]
    assert drop.documents("manifest.json") == []
    assert [line["code"] for line in drop.lines] == ["wrong_file"] * 2
    assert drop.documents("claim.json")[0]["state"] == "given back"


def test_too_large_a_file_is_refused_before_it_is_read(drop: Drop) -> None:
    event = drop.put(KEY)
    drop.function(max_input_bytes=100)(event, Context())
    (failed,) = drop.documents("failed.json")
    assert failed["code"] == "too_large"
    assert "at most 100 may be" in failed["reason"]


def test_without_a_model_files_are_given_back_and_test_events_accepted(
    drop: Drop, store: Store, tmp_path: Path
) -> None:
    (tmp_path / "store" / "aliases" / "champion.json").unlink()
    drop.serving = Serving(store, "champion", log=drop.lines.append)
    function = drop.function()
    answer = function(queued(golden("s3_test_event"), drop.put(KEY)), Context())
    assert answer == {"batchItemFailures": [{"itemIdentifier": "m1"}]}
    assert "no model 'champion'" in drop.lines[-1]["error"]
    store.point("champion", store.resolve("original"))
    with pytest.raises(Temporary, match="no model"):
        function.serving.current()


def test_a_moved_alias_is_followed_between_invocations(drop: Drop, store: Store) -> None:
    drop.serving = Serving(store, "champion", log=lambda line: None)
    function = drop.function()
    event = drop.put(KEY)
    function(event, Context())
    store.point("champion", store.resolve("original"))
    function(event, Context())
    assert drop.said() == ["scored", "done before"]  # nobody looked yet
    function.model_ttl_seconds = 0
    function(event, Context())
    assert drop.said()[-1] == "failed for good"  # the other model needs other columns
    assert drop.documents("failed.json")[0]["model_version"] == store.resolve("original")


def test_an_output_that_is_not_there_is_raised(drop: Drop) -> None:
    event = drop.put(KEY)
    drop.s3.delete_bucket(Bucket=drop.settings.output.bucket)
    with pytest.raises(NotFound, match="no bucket"):
        drop.deliver(event)
    assert drop.lines[0]["level"] == "error"


def test_our_own_fault_is_raised_and_told_without_its_message(drop: Drop) -> None:
    class Failing(Context):
        def get_remaining_time_in_millis(self) -> float:
            raise RuntimeError("customer 4711")

    with pytest.raises(RuntimeError):
        drop.deliver(drop.put(KEY), Failing())
    assert drop.lines[0]["error"][0] == "RuntimeError"
    assert "4711" not in json.dumps(drop.lines)


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


def test_the_handler_is_made_of_the_environment_when_it_is_asked_for(drop: Drop, aws: None) -> None:
    """In a process of its own: nothing is read before, and its figures are lines of the log."""
    event = drop.put(KEY)
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
    assert told["Dimensions"] == [["service"]]
    assert {"Name": "ScoringSeconds", "Unit": "Seconds"} in told["Metrics"]
    assert figures["RowsAssigned"] == [39.0]
    assert done.stderr == ""
    assert is_whole(drop.written())


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
    assert isinstance(Batch.__call__, object)
    assert issubclass(WrongSetting, CustomerClustersError)
