"""Jobs where there are buckets: the form, what the batch function shows, the results, the end."""

import json
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx2
import pytest
from starlette.testclient import TestClient

import functions.aws.page_runs
from functions.aws.page_runs import PageRun
from functions.aws.prefix_options import settings_for
from functions.http.lambda_adapter import handler_for
from functions.uploads.bucket import BucketFiles
from functions.uploads.jobs.bucket_state import BucketState
from functions.uploads.jobs.options_file import options_file
from functions.uploads.upload import Upload
from pipeline.runs import WholeFile
from pipeline.runs.objects import ObjectRef
from pipeline.runs.store import RunKey
from tests.support.dropping import Context, Drop, customers, golden, is_whole
from tests.support.jobs import JOBS, output
from tests.support.parts import InPieces
from tests.support.web import app_over

pytestmark = pytest.mark.usefixtures("aws")


@dataclass
class Site:
    """Jobs over two buckets."""

    drop: Drop
    client: TestClient

    def make(self, query: str = "", status: int = 201, **headers: str) -> Any:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = self.client.post(f"{JOBS}{query}", headers=named)
        assert answer.status_code == status, answer.text
        return answer.json()

    def upload(self, job: Any, content: bytes, name: str = "customers.csv") -> Any:
        """Send the file as the answer says; the event of S3."""
        form = job["upload"]
        answer = httpx2.post(form["url"], data=form["fields"], files={"file": (name, content)})
        assert answer.status_code == 204, answer.text
        bucket = self.drop.settings.input.bucket
        listed = self.drop.s3.list_objects_v2(Bucket=bucket, Prefix=f"incoming/page/{job['id']}/")
        (entry,) = (each for each in listed["Contents"] if each["Key"].endswith(name))
        told = {"key": entry["Key"], "size": entry["Size"], "eTag": entry["ETag"].strip('"')}
        return {"Records": [self.drop.record(told)]}

    def ask(self, job: Any, status: int = 200) -> Any:
        answer = self.client.get(f"{JOBS}/{job['id']}")
        assert answer.status_code == status, answer.text
        return answer.json()

    def options(self, job: Any) -> Any:
        key = f"incoming/page/{job['id']}/_options.toml"
        body = self.drop.s3.get_object(Bucket=self.drop.settings.input.bucket, Key=key)["Body"]
        return tomllib.loads(body.read().decode())


@pytest.fixture
def site(drop: Drop) -> Iterator[Site]:
    app = app_over(buckets=drop.settings, job_key="of a test")
    with TestClient(app, follow_redirects=True) as client:
        yield Site(drop, client)


def test_a_job_has_a_form_for_its_file_and_then_its_results(site: Site) -> None:
    job = site.make()
    assert (job["state"], job["name"]) == ("queued", None)
    form = job["upload"]
    assert form["fields"]["key"] == f"incoming/page/{job['id']}/${{filename}}"
    assert "success_action_redirect" not in form["fields"]
    assert form["max_bytes"] == 2 << 30
    left = datetime.fromisoformat(form["expires_at"]) - datetime.now(UTC)
    assert timedelta(minutes=29) < left <= timedelta(minutes=30)
    waiting = site.ask(job)
    assert (waiting["state"], waiting["name"], waiting["upload"]) == ("queued", None, None)
    event = site.upload(job, customers(), "march.csv")
    assert (site.ask(job)["state"], site.ask(job)["name"]) == ("queued", "march.csv")
    assert site.drop.deliver(event) == {}
    done = site.ask(job)
    assert (done["state"], done["name"]) == ("succeeded", "march.csv")
    assert done["counts"] == {"rows_in": 40, "rows_assigned": 39, "rows_rejected": 1}
    assert done["expires_at"] is None  # which is for the bucket to say
    assert output(site.client, done).text.count("\n") == 40
    assert is_whole(site.drop.written())  # nothing is left that says how far it is
    assert "march.csv" in site.client.get(done["page"]).text


def test_a_job_whose_file_is_scored_in_parts_says_how_far_it_is(site: Site) -> None:
    pieces, job = InPieces(site.drop), site.make()
    pieces.deliver(site.upload(job, customers(), "march.csv"))
    first, *others = pieces.post.take()
    assert (site.ask(job)["state"], site.ask(job)["name"]) == ("running", "march.csv")
    assert pieces.deliver(first) == []
    assert (site.ask(job)["state"], 0 < site.ask(job)["rows"] < 40) == ("running", True)
    assert pieces.deliver(*others) == []
    done = site.ask(job)
    assert (done["state"], done["counts"]["rows_in"]) == ("succeeded", 40)
    assert output(site.client, done).text.count("\n") == 40
    assert is_whole(site.drop.written())


def test_the_parts_of_a_deleted_job_are_not_scored(site: Site) -> None:
    pieces, job = InPieces(site.drop), site.make()
    pieces.deliver(site.upload(job, customers()))
    first, *others = pieces.post.take()
    pieces.deliver(first)
    assert site.client.delete(f"{JOBS}/{job['id']}").status_code == 204
    assert pieces.deliver(*others) == []
    assert [name.rpartition("/")[2] for name in site.drop.written()] == ["deleted.json"]
    assert site.drop.documents("manifest.json") == []


def test_answers_say_where_and_when_to_ask(site: Site) -> None:
    answer = site.client.post(JOBS)
    assert answer.headers["location"] == f"{JOBS}/{answer.json()['id']}"
    assert answer.headers["retry-after"] == "5"
    assert site.client.get(answer.headers["location"]).headers["retry-after"] == "5"


def test_a_name_that_is_given_is_the_files(site: Site) -> None:
    job = site.make("?name=../../M%C3%A4rz.csv")
    assert job["name"] == "März.csv"
    assert job["upload"]["fields"]["key"] == f"incoming/page/{job['id']}/März.csv"


def test_the_options_of_a_job_are_those_of_its_run(site: Site) -> None:
    query = "?name=a.csv&format=csv&why=2&sentences=true&max_rejected_share=0.9&as_of=2026-10-31"
    job = site.make(f"{query}&safe_csv=true&delimiter=;&map=Saldo%3DTotal_Revolving_Bal")
    other = customers().replace(b",", b";").replace(b"Total_Revolving_Bal", b"Saldo")
    site.drop.deliver(site.upload(job, other, "a.csv"))
    assert output(site.client, site.ask(job), "manifest").json()["options"] == {
        "format": "csv",
        "max_rejected_share": 0.9,
        "safe_csv": True,
        "reading": {"delimiter": ";", "map": ["Saldo=Total_Revolving_Bal"]},
        "explaining": {"why": 2, "sentences": True},
        "as_of": "2026-10-31",
    }


@pytest.mark.parametrize("text", ['"', "\\", "ä\U0001f600", "\x7f\x01\t", "'''", "a # b", "\u2028"])
def test_any_text_of_an_option_is_what_the_function_reads(text: str) -> None:
    upload = Upload.of("", {"sheet": text, "map": f"x{text}=Total_Trans_Ct"})
    read = tomllib.loads(options_file(upload).decode())
    assert read == {"sheet": text, "map": [*upload.reading.map]}


def test_options_say_as_of_which_day_a_file_is(drop: Drop) -> None:
    drop.put("incoming/a/_options.toml", b"as_of = 2026-10-31\n")
    settings = settings_for(
        drop.s3, ObjectRef(drop.settings.input.bucket, "incoming/a/b.csv"), drop.settings
    )
    assert settings.as_of == date(2026, 10, 31)
    drop.deliver(drop.put("incoming/b/_options.toml", b"as_of = 2026-10-31T00:00:00\n"))
    drop.deliver(drop.put("incoming/b/c.csv"))
    (failure,) = drop.documents("failed.json")
    assert "as_of: expected a day such as 2026-11-27" in failure["reason"]


def test_a_run_shows_how_far_it_is(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(functions.aws.page_runs, "EVERY_SECONDS", 0.0)
    job, seen = site.make(), []

    def engine(*arguments: Any) -> Any:
        arguments[-2](12)
        seen.append(site.ask(job))
        return WholeFile()(*arguments)

    event = site.upload(job, customers(), "running.json")
    site.drop.function(engine=engine)(event, Context())
    assert [(each["state"], each["rows"], each["name"]) for each in seen] == [
        ("running", 12, "running.json")
    ]
    assert site.ask(job)["state"] == "succeeded"


def test_a_run_that_died_waits_to_be_delivered_again(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = site.make()
    site.upload(job, customers())
    name = f"page/{job['id']}/customers.csv/some-run"
    site.drop.results.replace(f"{name}/running.json", b'{"rows": 7}')
    assert (site.ask(job)["state"], site.ask(job)["rows"]) == ("running", 7)
    monkeypatch.setattr("functions.uploads.jobs.bucket_state.STALE_SECONDS", -1.0)
    assert (site.ask(job)["state"], site.ask(job)["rows"]) == ("queued", None)


def test_a_job_on_spark_runs(site: Site) -> None:
    job = site.make()
    name = f"page/{job['id']}/customers.csv/some-run"
    site.drop.results.replace(f"{name}/pending.json", b'{"state": "SUBMITTED"}')
    found = site.ask(job)
    assert (found["state"], found["name"], found["rows"]) == ("running", "customers.csv", None)


def test_other_runs_write_nothing_of_how_far_they_are(
    drop: Drop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(functions.aws.page_runs, "EVERY_SECONDS", 0.0)
    seen: list[str] = []

    def engine(*arguments: Any) -> Any:
        seen.extend(drop.written())
        return WholeFile()(*arguments)

    drop.function(engine=engine)(drop.put("incoming/a.csv"), Context())
    assert seen == []


def test_a_run_is_not_failed_by_a_word_about_it(drop: Drop) -> None:
    drop.s3.delete_bucket(Bucket=drop.settings.output.bucket)
    run = PageRun(drop.results, RunKey("page/a/b.csv", lambda: "run"))
    run.reached(7)
    run.end()


def test_a_file_that_cannot_be_scored_fails_its_job(site: Site) -> None:
    job = site.make()
    site.drop.deliver(site.upload(job, b"a,b\n1,2\n", "bad.csv"))
    found = site.ask(job)
    assert (found["state"], found["name"]) == ("failed", "bad.csv")
    assert (found["problem"]["status"], found["problem"]["code"]) == (422, "invalid_file")
    assert found["problem"]["detail"].startswith("bad.csv: no column")
    assert "s3://" not in json.dumps(found)


def test_what_is_our_fault_is_told_so(site: Site) -> None:
    job = site.make()
    name = f"page/{job['id']}/a.csv"
    document = {
        "input": {"name": name, "identity": "x"},
        "model_version": "v",
        "error": "JobFailed",
        "code": "job_failed",
        "reason": "job run 7 ended as FAILED",
    }
    site.drop.results.replace(f"{name}/run/failed.json", json.dumps(document).encode())
    assert site.ask(job)["problem"]["status"] == 500


@pytest.mark.parametrize("when", ["made", "uploaded", "ended"])
def test_a_deleted_job_leaves_nothing(site: Site, when: str) -> None:
    job = site.make()
    event = site.upload(job, customers()) if when != "made" else None
    if when == "ended":
        site.drop.deliver(event)
    assert site.client.delete(f"{JOBS}/{job['id']}").status_code == 204
    assert site.ask(job, 404)["code"] == "job_gone"
    assert site.client.delete(f"{JOBS}/{job['id']}").status_code == 404
    if event is not None:
        site.drop.deliver(event)  # it was in the queue: there is no object any more
    assert [name for name in site.drop.written() if not name.endswith("/deleted.json")] == []
    listed = site.drop.s3.list_objects_v2(Bucket=site.drop.settings.input.bucket)
    assert "Contents" not in listed


def test_a_run_whose_job_is_deleted_ends(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(functions.aws.page_runs, "EVERY_SECONDS", 0.0)
    job = site.make()

    def engine(*arguments: Any) -> Any:
        assert site.client.delete(f"{JOBS}/{job['id']}").status_code == 204
        return WholeFile()(*arguments)

    event = site.upload(job, customers())
    assert site.drop.function(engine=engine)(event, Context()) == {}
    assert "skipped: its job was deleted" in site.drop.said()
    assert site.drop.documents("manifest.json") == []
    assert site.ask(job, 404)


def test_results_that_come_after_the_end_of_a_job_stay_hidden(site: Site) -> None:
    job = site.make()
    event = site.upload(job, customers())
    state = BucketState(BucketFiles(site.drop.settings))
    site.drop.deliver(event)
    site.drop.results.replace(f"page/{job['id']}/deleted.json", b"{}")
    assert state.find(job["id"]) is None
    assert site.ask(job, 404)
    assert site.client.get(f"{JOBS}/{job['id']}/outputs/manifest.json").status_code == 404


def test_an_unknown_job_is_not_found(site: Site) -> None:
    for unknown in ("a", "A" * 32):
        assert site.ask({"id": unknown}, 404)["code"] == "job_gone"


def test_a_file_that_is_sent_here_is_shown_the_way(site: Site) -> None:
    answer = site.client.post(JOBS, content=customers(), headers={"content-type": "text/csv"})
    assert answer.status_code == 422
    assert "the answer has the form" in answer.json()["detail"]
    assert site.client.post(f"{JOBS}?why=x").json()["code"] == "invalid_form"


def test_the_same_key_is_the_same_job_with_no_state_here(site: Site) -> None:
    first = site.make("?why=1", idempotency_key="k1")
    again = TestClient(app_over(buckets=site.drop.settings, job_key="of a test"))
    other_process = Site(site.drop, again)
    assert other_process.make("?why=1", idempotency_key="k1")["id"] == first["id"]
    assert site.make("?why=1", idempotency_key="k2")["id"] != first["id"]
    assert site.make("?why=1", idempotency_key="k1", x_api_key="b")["id"] != first["id"]
    refused = site.make("?why=2", 422, idempotency_key="k1")
    assert refused["code"] == "idempotency_key_reused"
    assert site.options(first) == {"why": 1}


def test_ids_of_keys_need_a_secret(drop: Drop) -> None:
    def over(**settings: Any) -> Any:
        client = TestClient(app_over(buckets=drop.settings, **settings))
        return client.post(JOBS, headers={"idempotency-key": "k", "x-api-key": "key"}).json()

    assert "CUSTOMER_CLUSTERS_JOB_KEY" in over()["detail"]
    assert over(job_key="a")["id"] != over(job_key="b")["id"]


def test_a_deleted_job_may_be_sent_again_by_its_key(site: Site) -> None:
    job = site.make(idempotency_key="k")
    site.client.delete(f"{JOBS}/{job['id']}")
    again = site.make(idempotency_key="k")
    assert again["id"] == job["id"]
    assert site.ask(again)["state"] == "queued"


def test_trouble_with_s3_is_told(site: Site) -> None:
    broken = replace(site.drop.settings, output=replace(site.drop.settings.output, bucket="none"))
    client = TestClient(app_over(buckets=broken))
    answer = client.get(f"{JOBS}/{'A' * 32}")
    assert (answer.status_code, answer.json()["code"]) == (503, "storage_unavailable")


@pytest.mark.usefixtures("event_loop")
def test_on_lambda_a_job_is_made_asked_for_and_deleted(drop: Drop) -> None:
    handler = handler_for(app_over(buckets=drop.settings))

    def call(method: str, path: str) -> Any:
        event = golden("http_api_v2_stage")
        event["requestContext"]["http"] |= {"method": method, "path": f"/prod{path}"}
        event |= {"rawPath": f"/prod{path}", "body": None}
        event["headers"].pop("content-length", None)
        return handler(event, None)

    made = call("POST", JOBS)
    assert made["statusCode"] == 201
    location = made["headers"]["location"]
    assert location == f"/prod{JOBS}/{json.loads(made['body'])['id']}"
    path = location.removeprefix("/prod")
    assert json.loads(call("GET", path)["body"])["state"] == "queued"
    assert call("DELETE", path)["statusCode"] == 204
    assert call("GET", path)["statusCode"] == 404
