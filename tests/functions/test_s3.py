"""The handler for dropped files, over a stand-in for S3 that is reached through real HTTP."""

import io
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError
from openpyxl import load_workbook

from functions.live_model import LiveModel
from functions.s3 import Batch, _from_environment
from functions.settings import BatchSettings
from model_store import CustomerClustersError, NotFound, Store, Temporary
from model_store.storage.s3 import S3Storage
from pipeline.runs import WholeFile
from pipeline.runs.challengers import Challengers
from pipeline.runs.history.entry import LEDGER
from pipeline.scoring.process.isolated import Isolated
from tests.support.dropping import Context, Drop, customers, golden, is_whole, queued

if TYPE_CHECKING:
    pass

KEY = "incoming/März 2026/a+b (1) %20.csv"


def test_a_dropped_file_comes_back_assigned(drop: Drop) -> None:
    assert drop.deliver(drop.put(KEY)) == {}
    written = drop.written()
    assert is_whole(written)
    (manifest,) = drop.documents("manifest.json")
    folder = f"März 2026/a+b (1) %20.csv/{manifest['run']}"
    names = ["assigned.csv", "clusters.csv", "manifest.json", "rejected.csv"]
    names += ["report.html", "summary.json"]
    assert sorted(written) == [f"{folder}/{name}" for name in names]
    assert manifest["outputs"]["assigned"] == f"{folder}/assigned.csv"
    assert manifest["input"]["identity"].startswith(
        f"s3://{drop.settings.input.bucket}/{KEY}?etag="
    )
    assert (manifest["rows_in"], manifest["rows_assigned"]) == (40, 39)
    assert written[f"{folder}/assigned.csv"].startswith(b"CLIENTNUM,Note,")


def test_a_dropped_file_has_an_entry_in_the_ledger_with_the_period_of_its_folder(
    drop: Drop,
) -> None:
    event = drop.put("incoming/2026-11/customers.csv")
    drop.deliver(event)
    drop.deliver(event)
    (entry,) = drop.ledger()
    (manifest,) = drop.documents("manifest.json")
    assert entry["run"] == f"2026-11/customers.csv/{manifest['run']}"
    assert (entry["as_of"], entry["dated_by"]) == ("2026-11-01", "name")
    assert manifest["as_of"] == "2026-11-01"
    assert (entry["rows_in"], entry["rows_rejected"]) == (40, 1)


def test_an_entry_that_cannot_be_written_is_logged_and_the_file_is_scored(drop: Drop) -> None:
    class Full(S3Storage):
        def create(self, name: str, content: bytes) -> str:
            if name.startswith(f"{LEDGER}/"):
                raise Temporary(f"write {name}", str(self), "slow down")
            return super().create(name, content)

    function = drop.function(Full(drop.s3, drop.settings.output.below("results")))
    event = drop.put(KEY)
    assert function(event, None) == {}
    untold, scored = drop.lines
    assert (untold["level"], scored["message"]) == ("warning", "scored")
    assert "is scored, and not in the history yet: could not write _ledger/" in untold["message"]
    assert drop.ledger() == []
    drop.deliver(event)
    assert len(drop.ledger()) == 1


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
        "RejectedShare": 1 / 40, "DriftVerdict": 0.0,
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


def test_a_topic_between_bucket_and_function_changes_nothing(drop: Drop) -> None:
    told = json.dumps(drop.put(KEY))
    (bare,) = golden("sns_s3")["Records"]
    envelope = {**json.loads(golden("sqs_sns_s3")["Records"][0]["body"]), "Message": told}
    assert drop.deliver(queued(envelope)) == {"batchItemFailures": []}
    assert drop.deliver(queued(told)) == {"batchItemFailures": []}  # raw message delivery
    assert drop.deliver({"Records": [{**bare, "Sns": {**bare["Sns"], "Message": told}}]}) == {}
    assert drop.said() == ["scored", "done before", "done before"]


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
    names = "s3_several s3_test_event sqs_s3 eventbridge_deleted sqs_eventbridge sns_s3 sqs_sns_s3"
    for name in names.split():
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
    assert drop.said() == ["scored", *["skipped: it is a result"] * 6]
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
    assert failed["model_version"] == drop.live_model.current().version
    drop.deliver({"Records": [drop.record({"key": "incoming/never.csv"})]})
    assert drop.said() == ["failed for good"] * 3
    assert drop.lines[-1]["run"] == ""
    assert drop.figures == [{"FilesFailed": 1}] * 2


@pytest.mark.parametrize(
    "code", ["AccessDenied", "InvalidAccessKeyId", "KMS.DisabledException", "PermanentRedirect"]
)
def test_what_an_operator_can_mend_fails_no_file(drop: Drop, code: str) -> None:
    """A right, a key or a region is missing: the queue keeps the file until it is there."""

    class Refusing:
        def __getattr__(self, name: str) -> Any:
            return getattr(drop.s3, name)

        def get_object(self, **asked: Any) -> Any:
            if asked["Key"] != KEY:
                return drop.s3.get_object(**asked)
            answer: Any = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": 403}}
            raise ClientError(answer, "GetObject")

    event = queued(drop.put(KEY))
    refusing: Any = Refusing()
    function = drop.function(S3Storage(refusing, drop.settings.output.below("results")))
    assert function(event, Context()) == {"batchItemFailures": [{"itemIdentifier": "m0"}]}
    assert drop.figures == [{"FilesGivenBack": 1}]
    assert not drop.written()
    assert code in drop.lines[-1]["error"]
    assert drop.deliver(event) == {"batchItemFailures": []}
    assert is_whole(drop.written())


def test_a_run_stays_done_when_its_input_goes(drop: Drop) -> None:
    event = drop.put(KEY)
    drop.deliver(event)
    drop.s3.delete_object(Bucket=drop.settings.input.bucket, Key=KEY)
    drop.deliver(event)
    assert drop.documents("failed.json") == []
    assert drop.said() == ["scored", "done before"]


@pytest.mark.parametrize(
    ("content", "reason", "error"),
    [
        (b"a,b\n1,2\n", "Total_Revolving_Bal", "UnmatchedColumns"),
        (customers(10, wrong=9), "9 of 10 rows cannot be scored", "WrongFile"),
    ],
    ids=["columns", "rows"],
)
def test_a_wrong_file_is_told_once_and_not_tried_again(
    drop: Drop, content: bytes, reason: str, error: str
) -> None:
    event = drop.put(KEY, content)
    for _ in range(2):
        assert drop.deliver(queued(event)) == {"batchItemFailures": []}
    (failed,) = drop.documents("failed.json")
    assert (failed["code"], failed["error"]) == ("wrong_file", error)
    assert failed["reason"].startswith(f"s3://{drop.settings.input.bucket}/{KEY}: ")
    assert reason in failed["reason"]
    assert reason in failed["problem"]
    assert drop.settings.input.bucket not in failed["problem"]
    assert drop.figures == [{"FilesFailed": 1, "FilesRefused": 1}]
    assert drop.documents("manifest.json") == []
    assert [line["code"] for line in drop.lines] == ["wrong_file"] * 2


def test_a_file_that_ends_its_reader_is_failed_for_good(drop: Drop) -> None:
    function = drop.function(engine=WholeFile(Isolated(module="tests.support.dying")))
    for name, content in {"b.csv": b"abort", "c.csv": customers()}.items():
        function(drop.put(f"incoming/{name}", content), Context())
    (failed,) = drop.documents("failed.json")
    assert failed["code"] == "wrong_file"
    assert failed["reason"].startswith(
        f"s3://{drop.settings.input.bucket}/incoming/b.csv: the reader ended with signal"
    )
    (manifest,) = drop.documents("manifest.json")
    assert manifest["input"]["name"] == "c.csv"


def test_the_function_that_is_deployed_reads_in_another_process(
    aws: None, make_bucket: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUSTOMER_CLUSTERS_INPUT", f"s3://{make_bucket()}/incoming")
    monkeypatch.setenv("CUSTOMER_CLUSTERS_OUTPUT", f"s3://{make_bucket()}")
    batch = _from_environment()
    assert isinstance(batch, Batch)
    assert isinstance(batch.engine, WholeFile) and isinstance(batch.engine.file_engine, Isolated)


def test_settings_say_how_files_are_written_that_do_not_show_it(drop: Drop) -> None:
    header = "Total_Revolving_Bal;Total_Trans_Amt;Total_Trans_Ct\n"
    content = (header + "0;4.604;38\n" * 8).encode()
    event = drop.put("incoming/März.csv", content)
    drop.deliver(event)
    (failed,) = drop.documents("failed.json")
    assert "4.604 or 4604" in failed["reason"] and "--decimal" in failed["reason"]
    environment = {
        "CUSTOMER_CLUSTERS_INPUT": str(drop.settings.input),
        "CUSTOMER_CLUSTERS_OUTPUT": str(drop.settings.output),
        "CUSTOMER_CLUSTERS_DECIMAL": ",",
    }
    drop.settings = BatchSettings.from_environment(environment)
    drop.deliver(event)
    (manifest,) = drop.documents("manifest.json")
    assert manifest["options"]["reading"] == {"decimal": ","}
    assert manifest["rows_assigned"] == 8
    summary = json.loads(drop.written()[manifest["outputs"]["summary"]])
    (own,) = (cluster for cluster in summary["clusters"] if cluster["customers"])
    assert own["means"]["Total_Trans_Amt"] == 4604


def test_too_large_a_file_is_refused_before_it_is_read(drop: Drop) -> None:
    event = drop.put(KEY)
    drop.function(max_input_bytes=100)(event, Context())
    (failed,) = drop.documents("failed.json")
    assert failed["code"] == "too_large"
    assert "at most 100 may be" in failed["reason"]


def test_a_file_that_fills_the_disk_is_failed_in_words_and_not_tried_five_times(drop: Drop) -> None:
    class Full:
        def __call__(self, *_: Any) -> Any:
            raise OSError(28, "No space left on device")

    event = queued(drop.put(KEY))
    function = drop.function(engine=WholeFile(Full()))
    assert function(event, Context()) == {"batchItemFailures": []}
    (failed,) = drop.documents("failed.json")
    assert failed["code"] == "too_large"
    assert "leaves no space in" in failed["reason"] and "ephemeral storage" in failed["reason"]
    assert drop.figures == [{"FilesFailed": 1, "FilesRefused": 1}]


def test_without_a_model_files_are_given_back_and_test_events_accepted(
    drop: Drop, store: Store, tmp_path: Path
) -> None:
    (tmp_path / "store" / "aliases" / "champion.json").unlink()
    drop.live_model = LiveModel(store, "champion", log=drop.lines.append)
    function = drop.function()
    answer = function(queued(golden("s3_test_event"), drop.put(KEY)), Context())
    assert answer == {"batchItemFailures": [{"itemIdentifier": "m1"}]}
    assert "no model 'champion'" in drop.lines[-1]["error"]
    store.point("champion", store.resolve("original"))
    with pytest.raises(Temporary, match="no model"):
        function.live_model.current()


def test_a_moved_alias_is_followed_between_invocations(drop: Drop, store: Store) -> None:
    drop.live_model = LiveModel(store, "champion", log=lambda line: None)
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


def test_rows_are_written_as_the_settings_say(drop: Drop) -> None:
    event = drop.put(KEY)
    drop.settings = replace(drop.settings, format="xlsx")
    drop.deliver(event)
    (manifest,) = drop.documents("manifest.json")
    assert manifest["options"]["format"] == "xlsx"
    workbook = drop.written()[manifest["outputs"]["assigned"]]
    assert load_workbook(io.BytesIO(workbook)).sheetnames == ["Groups", "Customers", "Rejects"]


def test_a_challenger_is_a_run_of_its_own(drop: Drop, store: Store) -> None:
    told: list[CustomerClustersError] = []
    event = drop.put(KEY)
    drop.deliver(event)
    function = drop.function()
    function.challengers = Challengers(store, "original", told.append)
    function(event, Context())
    function(event, Context())
    assert drop.said() == ["scored", "scored", "done before"]
    plain, both = drop.documents("manifest.json")
    if "challenger" in plain["options"]:
        plain, both = both, plain
    assert both["options"]["challenger"] == store.resolve("original")
    assert "challenger" not in plain["options"]
    written = drop.written()
    summary = json.loads(written[both["outputs"]["summary"]])
    assert summary["challenger"]["version"] == store.resolve("original")
    assert told == []


def test_a_challenger_follows_its_alias_and_may_be_missing(drop: Drop, store: Store) -> None:
    told: list[CustomerClustersError] = []
    challengers = Challengers(store, "candidate", told.append)
    champion, original = store.resolve("champion"), store.resolve("original")
    assert challengers.challenger_for(champion) is None
    assert "no model 'candidate'" in str(told[0])
    store.point("candidate", original)
    found = challengers.challenger_for(champion)
    assert found is not None and (found.version, found.related) == (original, False)
    assert challengers.challenger_for(champion) is found  # loaded once
    assert challengers.challenger_for(original) is None
    store.point("candidate", champion)
    assert challengers.challenger_for(champion) is None
    assert len(told) == 1


def test_storage_that_does_not_answer_about_a_challenger_makes_the_file_wait(
    drop: Drop, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut(reference: str) -> str:
        raise Temporary("read", "the store", "cut")

    event, function = drop.put(KEY), drop.function()
    monkeypatch.setattr(store, "resolve", cut)
    function.challengers = Challengers(store, "candidate", lambda error: None)
    with pytest.raises(Temporary, match="cut"):
        function(event, Context())
    assert drop.written() == {}


def test_a_setting_says_which_columns_are_meant(drop: Drop) -> None:
    content = b"Saldo;Total Trans Amt;Total_Trans_Ct\n" + b"0;1900;38\n" * 8
    event = drop.put("incoming/a.csv", content)
    drop.deliver(event)
    (failed,) = drop.documents("failed.json")
    assert failed["code"] == "wrong_file"
    assert '--map "Total Trans Amt=Total_Trans_Amt"' in failed["reason"]
    environment = {
        "CUSTOMER_CLUSTERS_INPUT": str(drop.settings.input),
        "CUSTOMER_CLUSTERS_OUTPUT": str(drop.settings.output),
        "CUSTOMER_CLUSTERS_MAP": "Total Trans Amt=Total_Trans_Amt; Saldo=Total_Revolving_Bal",
    }
    drop.settings = BatchSettings.from_environment(environment)
    drop.deliver(event)
    (manifest,) = drop.documents("manifest.json")
    assert manifest["options"]["reading"] == {
        "map": ["Saldo=Total_Revolving_Bal", "Total Trans Amt=Total_Trans_Amt"]
    }
    assert manifest["rows_assigned"] == 8
    assigned = drop.written()[manifest["outputs"]["assigned"]]
    assert assigned.startswith(b"Saldo;Total Trans Amt;Total_Trans_Ct;cluster;")
