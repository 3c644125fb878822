"""Large files handed to EMR Serverless: one job a run, whatever is delivered how often."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from functions.aws.emr import EmrServerless
from functions.aws.events import DELIVER
from functions.aws.handover import PENDING, Handover
from functions.aws.job_arguments import JobArguments
from functions.settings import BatchSettings, SparkSettings, WrongSetting
from functions.spark_job import perform
from model_store import BUNDLED, Temporary
from model_store.storage.s3 import S3Storage
from pipeline.reading.options import ReadingOptions
from pipeline.runs.notices import Notices, Outbox, Rule
from tests.support.comparing import one_after_the_other
from tests.support.dropping import Drop, customers, golden, is_whole, queued
from tests.support.notices import Inbox

KEY = "incoming/März 2026/a+b.csv"
ROLE = "arn:aws:iam::123456789012:role/customer-clusters-spark"


@pytest.fixture
def emr(aws: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """EMR Serverless as moto has it; its jobs run for ever, until somebody cancels them."""
    monkeypatch.setattr("moto.emrserverless.models.JOB_STATUS", "RUNNING")
    client = boto3.client("emr-serverless")
    yield client
    client.close()


@pytest.fixture
def engine(emr: Any) -> EmrServerless:
    label = "emr-7.9.0"  # moto knows none of emr-spark-…
    made = emr.create_application(releaseLabel=label, type="SPARK", clientToken="1")
    return EmrServerless(SparkSettings(made["applicationId"], ROLE, threshold_bytes=500), emr)


def handover(engine: Any) -> Handover:
    return Handover(engine, 500, str(BUNDLED))


def deliver(drop: Drop, engine: Any, event: Any) -> dict[str, Any]:
    return drop.function(handover=handover(engine))(queued(event), None)


def jobs(engine: EmrServerless, emr: Any) -> list[Any]:
    found = emr.list_job_runs(applicationId=engine.settings.application)["jobRuns"]
    return [
        emr.get_job_run(applicationId=engine.settings.application, jobRunId=job["id"])["jobRun"]
        for job in found
    ]


def test_a_small_file_is_scored_at_once(drop: Drop, engine: EmrServerless, emr: Any) -> None:
    assert deliver(drop, engine, drop.put(KEY, customers(9))) == {"batchItemFailures": []}
    assert drop.said() == ["scored"]
    assert is_whole(drop.written())


def test_a_large_file_gets_one_job_whose_state_is_seen(
    drop: Drop, engine: EmrServerless, emr: Any
) -> None:
    event = drop.put(KEY)
    for _ in range(3):
        assert deliver(drop, engine, event) == {"batchItemFailures": []}
    assert drop.said() == ["handed to Spark", "Spark is at it", "Spark is at it"]
    assert drop.figures == [{"FilesHandedToSpark": 1}]
    (job,) = jobs(engine, emr)
    (pending,) = drop.documents(PENDING)
    assert pending["job_run"] == job["jobRunId"]
    assert pending["input"]["bytes"] == len(customers())
    assert job["executionRole"] == ROLE
    submitted = job["jobDriver"]["sparkSubmit"]
    assert submitted["entryPoint"] == "local:///opt/code/functions/spark_job.py"
    order = JobArguments.from_list(submitted["entryPointArguments"])
    assert (order.ref.bucket, order.ref.key) == (drop.settings.input.bucket, KEY)
    assert order.identity == pending["input"]["identity"]
    assert order.model == drop.live_model.current().version


def test_the_job_replaces_what_is_pending_by_the_results(
    drop: Drop, engine: EmrServerless, emr: Any
) -> None:
    event = drop.put(KEY)
    deliver(drop, engine, event)
    (job,) = jobs(engine, emr)
    order = JobArguments.from_list(job["jobDriver"]["sparkSubmit"]["entryPointArguments"])
    outcome = perform(order, one_after_the_other, log=drop.lines.append, part_bytes=400)
    assert outcome.new and outcome.state == "committed"
    assert drop.documents(PENDING) == []
    assert is_whole(drop.written())
    (manifest,) = drop.documents("manifest.json")
    assert sum(name.startswith("assigned.csv/part-") for name in manifest["bytes"]) == 3
    assert (manifest["rows_in"], manifest["rows_rejected"]) == (40, 1)
    deliver(drop, engine, event)
    assert drop.said()[-1] == "done before"
    assert len(jobs(engine, emr)) == 1


def test_the_same_results_as_without_spark(drop: Drop, engine: EmrServerless) -> None:
    event = drop.put(KEY)
    drop.deliver(event)
    whole = drop.written()
    (manifest,) = drop.documents("manifest.json")
    for name in whole:
        drop.results.delete(name)
    order = order_of(drop, engine, event)
    perform(order, one_after_the_other, log=drop.lines.append, part_bytes=400)
    (apart,) = drop.documents("manifest.json")
    assert {**apart, "bytes": None} == {**manifest, "bytes": None}
    parts = drop.written()
    for name, content in whole.items():
        if not name.endswith(("manifest.json", "assigned.csv")):
            assert parts[name] == content
    rows = [parts[name].split(b"\n", 1)[1] for name in sorted(parts) if "/assigned.csv/" in name]
    (assigned,) = (content for name, content in whole.items() if name.endswith("assigned.csv"))
    assert b"".join(rows) == assigned.split(b"\n", 1)[1]


def order_of(drop: Drop, engine: EmrServerless, event: Any) -> JobArguments:
    starts: list[Any] = []

    class Listening:
        def start(self, name: str, token: str, arguments: Any) -> str:
            starts.append(arguments)
            return "job"

        state = engine.state
        arguments = engine.arguments

    deliver(drop, Listening(), event)
    return JobArguments.from_list(starts[0])


def test_the_job_reads_the_file_as_the_settings_say(drop: Drop, engine: EmrServerless) -> None:
    header = b"Total_Revolving_Bal;Total_Trans_Amt;Total_Trans_Ct\n"
    drop.settings = replace(drop.settings, reading=ReadingOptions(";", ","))
    order = order_of(drop, engine, drop.put(KEY, header + b"0;4.604;38\n" * 50))
    outcome = perform(order, one_after_the_other, log=drop.lines.append, part_bytes=400)
    assert outcome.state == "committed"
    (manifest,) = drop.documents("manifest.json")
    assert manifest["options"]["reading"] == {"delimiter": ";", "decimal": ","}
    summary = json.loads(drop.written()[manifest["outputs"]["summary"]])
    (own,) = (cluster for cluster in summary["clusters"] if cluster["customers"])
    assert (own["customers"], own["means"]["Total_Trans_Amt"]) == (50, 4604)


def test_the_job_scores_by_the_options_beside_the_file_and_keeps_its_notice_for_the_function(
    drop: Drop, engine: EmrServerless
) -> None:
    inbox = Inbox()
    drop.notices = Notices((inbox,), Rule(0.01))
    options = b"safe_csv = true\nmax_rejected_share = 0.9"
    drop.s3.put_object(
        Bucket=drop.settings.input.bucket, Key="incoming/_options.toml", Body=options
    )
    order = order_of(drop, engine, drop.put(KEY, customers(40, wrong=30)))
    perform(order, one_after_the_other, log=drop.lines.append, part_bytes=400)
    (manifest,) = drop.documents("manifest.json")
    assert (manifest["options"]["safe_csv"], manifest["rows_rejected"]) == (True, 30)
    assert inbox.got == []
    assert drop.deliver(DELIVER) == {}
    (notice,) = inbox.got
    assert notice["data"]["verdicts"][-1]["kind"] == "rejected"
    assert Outbox(drop.results).names() == []


def test_a_job_that_refuses_a_file_keeps_a_notice_of_that(
    drop: Drop, engine: EmrServerless
) -> None:
    inbox = Inbox()
    drop.notices = Notices((inbox,))
    order = order_of(drop, engine, drop.put(KEY, b"a,b\n" + b"1,2\n" * 200))
    perform(order, one_after_the_other, log=drop.lines.append)
    drop.deliver(DELIVER)
    assert [notice["data"]["code"] for notice in inbox.got] == ["wrong_file"]


def test_a_job_that_failed_is_told_on_the_next_delivery_and_may_be_tried_again(
    drop: Drop, engine: EmrServerless, emr: Any
) -> None:
    event = drop.put(KEY)
    deliver(drop, engine, event)
    (job,) = jobs(engine, emr)
    emr.cancel_job_run(applicationId=engine.settings.application, jobRunId=job["jobRunId"])
    for _ in range(2):
        assert deliver(drop, engine, event) == {"batchItemFailures": []}
    (failed,) = drop.documents("failed.json")
    assert failed["code"] == "spark_failed"
    assert f"job run {job['jobRunId']} ended as CANCELLED without results" in failed["reason"]
    assert drop.documents(PENDING) == []
    assert len(jobs(engine, emr)) == 1
    drop.results.delete(f"{drop.run_of(event)}/failed.json")
    deliver(drop, engine, event)
    tokens = {pending["token"] for pending in drop.documents(PENDING)}
    assert len(jobs(engine, emr)) == 2
    assert len(tokens) == 1


def test_eventbridge_tells_of_a_job_that_died(drop: Drop, engine: EmrServerless, emr: Any) -> None:
    deliver(drop, engine, drop.put(KEY))
    (job,) = jobs(engine, emr)
    emr.cancel_job_run(applicationId=engine.settings.application, jobRunId=job["jobRunId"])
    event = golden("emr_job_failed")
    event["detail"] |= {"jobRunId": job["jobRunId"], "applicationId": job["applicationId"]}
    assert deliver(drop, engine, event) == {"batchItemFailures": []}
    (failed,) = drop.documents("failed.json")
    assert failed["code"] == "spark_failed"
    assert drop.documents(PENDING) == []


def test_a_job_that_cannot_be_started_is_told(drop: Drop, engine: EmrServerless, emr: Any) -> None:
    settings = replace(engine.settings, role=ROLE.replace("123456789012", "210987654321"))
    event = drop.put(KEY)
    assert deliver(drop, EmrServerless(settings, emr), event) == {"batchItemFailures": []}
    (failed,) = drop.documents("failed.json")
    assert failed["code"] == "not_started"
    assert "AccessDenied" in failed["reason"]
    assert drop.documents(PENDING) == []


class Answering:
    """An engine that gives its answers one after the other, or raises them."""

    def __init__(self, *answers: Any) -> None:
        self.answers, self.tokens = list(answers), list[str]()

    def start(self, name: str, token: str, arguments: Any) -> str:
        self.tokens.append(token)
        answer = self.answers.pop(0)
        if isinstance(answer, BaseException):
            raise answer
        return str(answer)

    def state(self, job_run: str) -> Any:
        raise AssertionError("nobody asks")

    arguments = state


def test_a_start_that_was_cut_off_is_tried_again_as_the_same(drop: Drop) -> None:
    event = drop.put(KEY)
    engine = Answering(KeyboardInterrupt(), Temporary("start", "EMR", "it is busy"), "job-1")
    with pytest.raises(KeyboardInterrupt):
        deliver(drop, engine, event)
    assert deliver(drop, engine, event)["batchItemFailures"]
    assert deliver(drop, engine, event) == {"batchItemFailures": []}
    assert len(engine.tokens) == 3 and len(set(engine.tokens)) == 1
    assert [pending["job_run"] for pending in drop.documents(PENDING)] == ["job-1"]


def test_two_deliveries_at_once_start_one_job(drop: Drop) -> None:
    """Both try the same start: by its token the service knows that it is one."""
    event, other = drop.put(KEY), Answering("job-1")

    class Slow(Answering):
        def start(self, name: str, token: str, arguments: Any) -> str:
            assert deliver(drop, other, event) == {"batchItemFailures": []}
            return super().start(name, token, arguments)

    slow = Slow("job-1")
    assert deliver(drop, slow, event) == {"batchItemFailures": []}
    assert len(slow.tokens) == 1 and slow.tokens == other.tokens
    assert [pending["job_run"] for pending in drop.documents(PENDING)] == ["job-1"]


def test_a_job_that_another_worker_has_started_is_not_started_again(drop: Drop) -> None:
    """It was announced here, started there, and is found when this one goes on."""
    event = drop.put(KEY)
    deliver(drop, Answering(Temporary("start", "EMR", "it is busy")), event)
    (pending,) = drop.documents(PENDING)
    name = f"{drop.run_of(event)}/{PENDING}"
    started = {**pending, "state": "SUBMITTED", "job_run": "job-1"}

    class Racing(S3Storage):
        def create(self, name: str, content: bytes) -> str:
            self.replace(name, json.dumps(started).encode())
            return super().create(name, content)

    drop.results.delete(name)
    racing = Racing(drop.s3, drop.results.address)
    answer = drop.function(results=racing, handover=handover(Answering()))(queued(event), None)
    assert answer == {"batchItemFailures": []}
    assert drop.said()[-1] == "Spark is at it"


def test_the_job_writes_why_a_file_is_refused(drop: Drop, engine: EmrServerless) -> None:
    event = drop.put(KEY, b"a,b\n" + b"1,2\n" * 200)
    outcome = perform(order_of(drop, engine, event), one_after_the_other, log=drop.lines.append)
    assert outcome.state == "failed"
    (failed,) = drop.documents("failed.json")
    assert failed["code"] == "wrong_file"
    assert "no column" in failed["reason"] and "customer-clusters-" not in failed["reason"]
    assert drop.documents(PENDING) == []


def test_the_job_tries_again_what_may_succeed_and_then_tells(
    drop: Drop, engine: EmrServerless
) -> None:
    order, waited = order_of(drop, engine, drop.put(KEY)), list[float]()

    def never(*args: Any) -> Any:
        raise Temporary("score", "Spark", "no worker answered")

    perform(order, never, log=drop.lines.append, sleep=waited.append)
    assert waited == [60.0] * 3
    (failed,) = drop.documents("failed.json")
    assert failed["code"] == "spark_failed"
    assert "no worker answered" in failed["reason"]


def test_the_job_scores_what_has_no_parts(drop: Drop, engine: EmrServerless) -> None:
    import gzip
    import random

    noise = "".join(random.Random(1).choices("abcdefgh", k=2000)).encode()
    content = customers().replace("n° 7,".encode(), noise + b",")
    order = order_of(drop, engine, drop.put(f"{KEY}.gz", gzip.compress(content)))
    outcome = perform(order, one_after_the_other, log=drop.lines.append)
    assert outcome.manifest["rows_in"] == 40
    assert is_whole(drop.written())


def test_an_object_that_was_replaced_is_not_read_in_its_place(
    drop: Drop, engine: EmrServerless
) -> None:
    order = order_of(drop, engine, drop.put(KEY))
    drop.put(KEY, customers(50))
    perform(order, one_after_the_other, log=drop.lines.append)
    (failed,) = drop.documents("failed.json")
    assert failed["code"] == "gone" and "was replaced" in failed["reason"]


def test_the_settings_name_the_application() -> None:
    places = {
        "CUSTOMER_CLUSTERS_INPUT": "s3://in-bucket/incoming",
        "CUSTOMER_CLUSTERS_OUTPUT": "s3://out-bucket",
    }
    assert BatchSettings.from_environment(places).spark is None
    spark = {"CUSTOMER_CLUSTERS_SPARK_APPLICATION": "00f1", "CUSTOMER_CLUSTERS_SPARK_ROLE": ROLE}
    found = BatchSettings.from_environment(places | spark).spark
    assert found == SparkSettings("00f1", ROLE)
    for name, text in (("ROLE", "admin"), ("APPLICATION", "../x"), ("THRESHOLD_BYTES", "1 GB")):
        wrong = places | spark | {f"CUSTOMER_CLUSTERS_SPARK_{name}": text}
        with pytest.raises(WrongSetting, match=f"CUSTOMER_CLUSTERS_SPARK_{name}"):
            BatchSettings.from_environment(wrong)


def test_what_emr_refuses_for_a_while_is_temporary(engine: EmrServerless) -> None:
    class Busy:
        def start_job_run(self, **arguments: Any) -> None:
            told = {"Error": {"Code": "ServiceQuotaExceededException", "Message": "vCPU"}}
            raise ClientError(told, "StartJobRun")  # type: ignore[arg-type]

    busy = EmrServerless(engine.settings, Busy())  # type: ignore[arg-type]
    with pytest.raises(Temporary, match="ServiceQuotaExceeded"):
        busy.start("run", "token", [])
    assert json.dumps(engine.settings.application)
