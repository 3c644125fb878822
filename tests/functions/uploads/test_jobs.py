"""Jobs where there is a disk: taken, waiting, scored, told, found again by their key, deleted."""

import asyncio
import gzip
import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from errno import ENOSPC
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet
import pytest
from starlette.testclient import TestClient

import functions.uploads.jobs.folders
import functions.uploads.jobs.worker
import functions.uploads.slots
from functions.api import create_app
from functions.http.problems import ProblemError
from functions.live_model import LiveModel
from functions.live_models import LiveModels
from functions.settings import Settings
from functions.settings.models import NamedModel
from functions.settings.public_address import PublicAddress
from functions.uploads.jobs.idempotency import secret_in
from functions.uploads.results import JOBS as UNFINISHED
from functions.uploads.slots import Slots
from model_store import BUNDLED, Temporary, open_store
from pipeline.runs.notices import Notices
from pipeline.scoring.writing.outputs import write_json
from tests.functions.conftest import Lines
from tests.support.jobs import CSV, JOBS, ask, ended, output, scored, send
from tests.support.notices import Inbox
from tests.support.uploading import CUSTOMERS, HEADER, kept
from tests.support.web import BROWSER, app_over

ONE = HEADER + b"0,1900,38\n"
KEY = "4b8f3a0e-nightly"
pytestmark = pytest.mark.usefixtures("temporary")


@pytest.fixture
def client() -> Iterator[TestClient]:
    with TestClient(app_over()) as made:
        yield made


@contextmanager
def another_process(**settings: Any) -> Iterator[TestClient]:
    """An application that shares nothing with the first one but the disk."""
    with TestClient(app_over("original", **settings)) as made:
        yield made


@pytest.fixture
def busy(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Jobs wait until this is set."""
    free = threading.Event()
    wait = Slots.waited_for

    @contextmanager
    def waited_for(slots: Slots, check: Callable[[], None]) -> Iterator[None]:
        while not free.wait(0.02):
            check()
        with wait(slots, check):
            yield

    monkeypatch.setattr(Slots, "waited_for", waited_for)
    yield free
    free.set()


def test_a_file_is_taken_and_scored(client: TestClient, temporary: Path) -> None:
    job = scored(client, CUSTOMERS, "?name=M%C3%A4rz.csv")
    assert job["name"] == "März.csv"
    assert job["counts"] == {"rows_in": 1001, "rows_assigned": 995, "rows_rejected": 6}
    assert job["rows"] == 1001
    assert sum(cluster["customers"] for cluster in job["clusters"]) == 995
    assert [notice["level"] for notice in job["notices"]] == ["fine"]
    assert (job["problem"], job["upload"]) == (None, None)
    assert job["created_at"] <= job["ended_at"] < job["expires_at"]
    assert output(client, job).text.count("\n") == 996
    assert output(client, job, "manifest").json()["rows_in"] == 1001
    for each in job["outputs"]:
        answer = output(client, job, each["role"])
        assert answer.headers["content-type"].startswith(each["media_type"])
        assert each["bytes"] in (None, len(answer.content))
    assert client.get(job["page"], headers=BROWSER).status_code == 200
    assert {run.name for run in kept(temporary)} == {job["id"], UNFINISHED}
    assert not any(path.name == "input" for path in temporary.rglob("*"))


def test_a_form_takes_the_fields_of_the_page_and_the_options_of_score(client: TestClient) -> None:
    form = {"format": "parquet", "why": "2", "what_if": "True", "as_of": "2026-10-31"}
    answer = client.post(
        f"{JOBS}?max_rejected_share=0.9", data=form, files={"file": ("a.csv", CUSTOMERS)}
    )
    job = ended(client, answer.json())
    manifest = output(client, job, "manifest").json()
    assert job["name"] == "a.csv"
    assert manifest["options"] == {
        "format": "parquet",
        "max_rejected_share": 0.9,
        "safe_csv": False,
        "explaining": {"why": 2, "what_if": True},
        "as_of": "2026-10-31",
    }
    table = pyarrow.parquet.read_table(pa.BufferReader(output(client, job).content))
    assert {"reason_2", "change_feature"} <= set(table.column_names)


def test_the_address_says_how_a_file_is_written(client: TestClient) -> None:
    other = b"Saldo|Umsatz|Anzahl\n0|1.900,5|38\n"
    query = "?delimiter=pipe&decimal=,&map=Saldo%3DTotal_Revolving_Bal"
    query += "&map=Umsatz%3DTotal_Trans_Amt&map=Anzahl%3DTotal_Trans_Ct"
    assert scored(client, other, query)["counts"]["rows_assigned"] == 1


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("text/csv; charset=utf-8", "customers.csv"),
        ("application/vnd.apache.parquet", "customers.parquet"),
        ("application/vnd.ms-excel", "customers.xls"),
    ],
)
def test_a_file_without_a_name_is_named_by_its_type(
    client: TestClient, kind: str, name: str
) -> None:
    assert send(client, ONE, content_type=kind)["name"] == name  # what it is its content says


def test_a_packed_body_is_read(client: TestClient) -> None:
    job = scored(client, gzip.compress(ONE), content_encoding="gzip")
    assert job["counts"]["rows_assigned"] == 1


@pytest.mark.parametrize(
    ("query", "headers", "body", "status", "code", "said"),
    [
        ("", {"content-type": "application/json"}, b"{}", 415, "unsupported_media_type", "text/c"),
        ("?name=a", {"content-type": "application/json"}, b"{}", 415, "unsupported_media_type", ""),
        ("", {}, ONE, 415, "unsupported_media_type", "?name=FILE"),
        ("", {**CSV, "content-encoding": "br"}, ONE, 415, "unsupported_media_type", "Content-Enco"),
        ("", CSV, b"", 422, "invalid_request", "the body is empty"),
        ("?color=red", CSV, ONE, 422, "invalid_request", "no parameter 'color'"),
        ("?why=1&why=2", CSV, ONE, 422, "invalid_request", "'why' is there twice"),
        ("?why=many", CSV, ONE, 422, "invalid_form", "'why': expected a whole number from 0 to 20"),
        ("?why=²", CSV, ONE, 422, "invalid_form", "'why'"),
        ("?sentences=true", CSV, ONE, 422, "invalid_form", "sentences are those of reasons"),
        ("?max_rejected_share=nan", CSV, ONE, 422, "invalid_form", "from 0 to 1"),
        ("?as_of=20261031", CSV, ONE, 422, "invalid_form", "a day such as"),
        ("?decimal=x", CSV, ONE, 422, "invalid_form", "'decimal': expected '.' or ','"),
        ("?format=pdf", CSV, ONE, 422, "invalid_form", "csv"),
        ("?name=" + "x" * 10 + "&sheet=" + "x" * 300, CSV, ONE, 422, "invalid_form", "200 bytes"),
        ("", {**CSV, "idempotency-key": "ä"}, ONE, 422, "invalid_request", "Idempotency-Key"),
        ("", {**CSV, "idempotency-key": ""}, ONE, 422, "invalid_request", "Idempotency-Key"),
    ],
)
def test_what_cannot_be_meant_is_refused_at_once(
    client: TestClient, temporary: Path, query: str, headers: dict[str, str], body: bytes,
    status: int, code: str, said: str,
) -> None:  # fmt: skip
    encoded = [(name.encode(), value.encode()) for name, value in headers.items()]
    answer = client.post(f"{JOBS}{query}", content=body, headers=encoded)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert said in answer.json()["detail"]
    assert [each for each in kept(temporary) if each.name != UNFINISHED] == []


def test_address_and_form_may_not_disagree(client: TestClient) -> None:
    form = {"file": ("a.csv", ONE)}
    answer = client.post(f"{JOBS}?why=1", data={"why": "2"}, files=form)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert "'why' is said twice" in answer.json()["detail"]


@pytest.mark.parametrize("chunked", [False, True])
def test_a_file_that_is_too_large_is_refused(chunked: bool) -> None:
    with TestClient(app_over(max_upload_bytes=100)) as client:
        body = iter([CUSTOMERS[:90], CUSTOMERS[90:200]]) if chunked else CUSTOMERS
        answer = client.post(JOBS, content=body, headers=CSV)
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


def test_a_server_that_takes_no_files_says_so() -> None:
    with TestClient(app_over(max_upload_bytes=0)) as client:
        assert client.post(JOBS, content=ONE, headers=CSV).status_code == 403


def test_a_wrong_file_fails_its_job_with_a_problem(client: TestClient, temporary: Path) -> None:
    job = ended(client, send(client, b"a,b\n1,2\n", "?name=other.csv"))
    assert (job["state"], job["name"]) == ("failed", "other.csv")
    problem = job["problem"]
    assert (problem["status"], problem["code"]) == (422, "invalid_file")
    assert problem["detail"].startswith("other.csv: no column")
    assert str(temporary) not in json.dumps(job)
    assert job["outputs"] == [] and job["counts"] is None
    assert client.get(f"/files/{job['id']}").status_code == 404
    assert client.get(f"{JOBS}/{job['id']}/outputs/failed.json").status_code == 404


@pytest.mark.parametrize(
    ("limit", "value", "reason"),
    [("JOB_SECONDS", -1.0, "is not scored within"), ("RUN_BYTES", 10, "has results of more")],
)
def test_a_job_is_bounded(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, limit: str, value: float, reason: str
) -> None:
    monkeypatch.setattr(functions.uploads.jobs.worker, limit, value)
    assert reason in ended(client, send(client, CUSTOMERS))["problem"]["detail"]


def test_a_job_that_fills_the_disk_says_so_and_leaves_room_for_the_next(
    client: TestClient, temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There is no room for a word before what nobody will read is gone."""

    def fill(path: Path, upload: Any, folder: Path, *_: Any) -> None:
        (folder / "assigned.csv").write_bytes(b"1")
        raise Temporary("write", "the folder for results", "No space left on device")

    def write(path: Path, document: Any) -> None:
        job = path.parents[1]
        if path.name == "failed.json" and ((job / "input").exists() or (job / "run").exists()):
            raise OSError(ENOSPC, "No space left on device")
        write_json(path, document)

    with monkeypatch.context() as patched:
        patched.setattr(functions.uploads.jobs.worker, "score_upload", fill)
        patched.setattr(functions.uploads.jobs.folders, "write_json", write)
        job = ended(client, send(client, CUSTOMERS))
    problem = job["problem"]
    assert (problem["status"], problem["code"]) == (503, "storage_unavailable")
    assert "No space left on device" in problem["detail"]
    assert scored(client, ONE)["counts"]["rows_assigned"] == 1


def test_trouble_of_ours_fails_the_job_and_not_the_next(
    live_model: LiveModel, lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("secret of a customer")

    app = create_app(live_model, Settings(), log=lines.append)
    with TestClient(app) as client, monkeypatch.context() as patched:
        patched.setattr(functions.uploads.jobs.worker, "score_upload", fail)
        job = ended(client, send(client, ONE))
        patched.undo()
        assert (job["problem"]["status"], job["problem"]["code"]) == (500, "internal_error")
        assert scored(client, ONE)["counts"]["rows_assigned"] == 1
    told = [line for line in lines if line["message"] == "job"]
    assert [line["state"] for line in told] == ["failed", "succeeded"]
    assert told[0]["error"][0] == "RuntimeError"
    assert told[1]["rows_assigned"] == 1
    assert "secret" not in json.dumps(lines)
    assert job["id"] not in json.dumps(lines)  # whoever has it may look


def test_a_job_waits_while_others_are_scored(
    client: TestClient, busy: threading.Event, temporary: Path
) -> None:
    first, second = send(client, ONE), send(client, CUSTOMERS)
    for job in (first, second):
        answer = ask(client, job)
        assert (answer.json()["state"], answer.json()["rows"]) == ("queued", None)
    busy.set()
    assert {ended(client, job)["state"] for job in (first, second)} == {"succeeded"}


def test_a_file_on_the_page_comes_before_the_jobs_that_wait() -> None:
    slots, order = Slots(1), list[str]()
    begun, end = threading.Event(), threading.Event()

    def work(name: str) -> None:
        with slots.waited_for(lambda: None):
            order.append(name)
            begun.set()
            end.wait(5)

    async def page() -> None:
        slots.refuse_if_full()  # a job ends soon
        asyncio.get_running_loop().call_later(0.2, end.set)
        async with slots.taken_soon():
            order.append("page")
            await asyncio.sleep(0.2)
            with pytest.raises(ProblemError, match="try again soon"):
                slots.refuse_if_full()  # while a person's file is scored, others come back
            with pytest.raises(ProblemError, match="try again soon"):
                async with slots.taken_soon():
                    order.append("another page")

    threads = [threading.Thread(target=work, args=[name]) for name in ("job 1", "job 2")]
    threads[0].start()
    assert begun.wait(5)
    threads[1].start()
    asyncio.run(page())
    for thread in threads:
        thread.join(5)
    assert order == ["job 1", "page", "job 2"]
    assert slots.free == 1


def test_a_person_waits_for_a_job_for_some_seconds_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(functions.uploads.slots, "WAIT_SECONDS", 0.1)
    slots = Slots(1)

    async def page() -> None:
        async with slots.taken_soon():
            raise AssertionError

    with slots.waited_for(lambda: None), pytest.raises(ProblemError, match="try again soon"):
        asyncio.run(page())


def test_a_running_job_says_how_many_rows_it_has_read(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on = threading.Event()

    def slowly(path: Path, upload: object, folder: Path, loaded: object, engine: object,
               bounds: Any, *told: object) -> None:  # fmt: skip
        for rows in range(0, 40_000, 1_000):
            bounds.progress(rows)
            if go_on.wait(0.05):
                break
        raise RuntimeError

    monkeypatch.setattr(functions.uploads.jobs.worker, "score_upload", slowly)
    monkeypatch.setattr(functions.uploads.jobs.worker, "_REPORTED_SECONDS", 0.0)
    job = send(client, ONE)
    seen: set[int] = set()
    while len(seen) < 3:
        answer = ask(client, job).json()
        if answer["state"] == "running":
            seen.add(answer["rows"])
    go_on.set()
    ended(client, job)


def test_a_full_queue_says_when_to_come_back(
    client: TestClient, busy: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(functions.uploads.jobs.folders, "MOST_JOBS", 1)
    first = send(client, ONE)
    with another_process() as other:
        answer = other.post(JOBS, content=ONE, headers=CSV)
    assert (answer.status_code, answer.json()["code"]) == (503, "busy")
    assert answer.headers["retry-after"] == "10"
    assert client.delete(f"{JOBS}/{first['id']}").status_code == 204
    send(client, ONE)
    monkeypatch.setattr(functions.uploads.jobs.folders, "MOST_JOBS", 10)
    monkeypatch.setattr(functions.uploads.jobs.folders, "MOST_BYTES", 1)
    assert client.post(JOBS, content=ONE, headers=CSV).status_code == 503


def test_every_process_of_a_machine_answers_for_a_job(
    client: TestClient, busy: threading.Event
) -> None:
    job = send(client, ONE)
    with another_process() as other:
        assert ask(other, job).json() == ask(client, job).json()
        busy.set()
        assert ended(other, job) == ended(client, job)
        assert (
            output(other, ended(other, job)).content == output(client, ended(client, job)).content
        )
        assert other.delete(f"{JOBS}/{job['id']}").status_code == 204
    assert ask(client, job).json()["code"] == "job_gone"


@pytest.mark.parametrize("when", ["waiting", "ended"])
def test_a_deleted_job_leaves_nothing(
    client: TestClient, busy: threading.Event, temporary: Path, when: str
) -> None:
    job = send(client, ONE)
    if when == "ended":
        busy.set()
        ended(client, job)
    answer = client.delete(f"{JOBS}/{job['id']}")
    assert (answer.status_code, answer.content) == (204, b"")
    busy.set()
    scored(client, ONE)  # the thread goes on, and has seen the first one by now
    for method in ("get", "delete"):
        answer = getattr(client, method)(f"{JOBS}/{job['id']}")
        assert (answer.status_code, answer.json()["code"]) == (404, "job_gone")
    assert client.get(f"/files/{job['id']}").status_code == 404
    assert job["id"] not in {each.name for each in kept(temporary)}


def test_a_deleted_job_does_not_score_the_file_that_its_key_brings_next(
    client: TestClient, busy: threading.Event
) -> None:
    first = send(client, ONE, "?name=first.csv", idempotency_key=KEY)
    assert client.delete(f"{JOBS}/{first['id']}").status_code == 204
    second = send(client, CUSTOMERS, "?name=second.csv", idempotency_key=KEY)
    assert second["id"] == first["id"]
    busy.set()
    done = ended(client, second)
    assert (done["state"], done["name"]) == ("succeeded", "second.csv")
    assert done["counts"]["rows_in"] == 1001


def test_a_job_that_runs_is_cancelled_by_any_process(
    live_model: LiveModel, lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = threading.Event()

    def endless(*arguments: Any) -> None:
        until = time.monotonic() + 20
        while time.monotonic() < until:
            arguments[5].progress(7)
            started.set()
            time.sleep(0.01)

    monkeypatch.setattr(functions.uploads.jobs.worker, "score_upload", endless)
    with TestClient(create_app(live_model, Settings(), log=lines.append)) as client:
        job = send(client, ONE)
        assert started.wait(5)
        with another_process() as other:
            assert other.delete(f"{JOBS}/{job['id']}").status_code == 204
        until = time.monotonic() + 5
        while not (told := [each for each in lines if each["message"] == "job"]):
            assert time.monotonic() < until
            time.sleep(0.01)
    assert told[0]["state"] == "deleted"


def test_a_wrong_name_of_a_result_is_told_with_those_there_are(client: TestClient) -> None:
    job = scored(client, ONE)
    answer = client.get(f"{JOBS}/{job['id']}/outputs/asigned.csv")
    assert answer.status_code == 404
    assert answer.json()["detail"].startswith("no file 'asigned.csv' here; there are: assigned.csv")


def test_results_of_the_page_are_no_job(client: TestClient) -> None:
    sent = client.post("/files", files={"file": ("a.csv", ONE)}, follow_redirects=False)
    run = sent.headers["location"].rpartition("/")[2]
    assert ask(client, {"id": run}).json()["code"] == "job_gone"
    assert client.delete(f"{JOBS}/{run}").status_code == 404
    assert client.get(f"/files/{run}").status_code == 200


def test_the_links_of_the_document_lead_from_a_file_to_its_results(client: TestClient) -> None:
    paths = client.get("/openapi.json").json()["paths"]
    by_id = {
        operation["operationId"]: (method, path, operation)
        for path, item in paths.items()
        for method, operation in item.items()
    }

    def follow(name: str, links: Any, answer: Any) -> Any:
        given = links[by_id[name][2]["operationId"]]["parameters"]
        values = {key: answer[text.rpartition("/")[2]] if text.startswith("$") else text
                  for key, text in given.items()}  # fmt: skip
        method, path, _ = by_id[name]
        return getattr(client, method)(path.format(**values))

    sent = scored(client, ONE)
    links = by_id["createJob"][2]["responses"]["202"]["links"]
    job = follow("getJob", links, sent).json()
    assert job == sent
    further = by_id["getJob"][2]["responses"]["200"]["links"]
    assert follow("getJobOutput", further, job).json()["rows_in"] == 1
    assert follow("deleteJob", links, sent).status_code == 204


def test_an_unknown_job_is_not_found(client: TestClient) -> None:
    for job in ("a", "A" * 32, "..%2F..%2Fetc"):
        assert client.get(f"{JOBS}/{job}").status_code == 404
        assert client.delete(f"{JOBS}/{job}").status_code == 404
    assert client.get(JOBS).status_code == 405


def test_the_same_key_and_file_are_the_same_job(
    client: TestClient, busy: threading.Event, temporary: Path
) -> None:
    first = send(client, ONE, "?why=1", idempotency_key=KEY)
    again = send(client, ONE, "?why=1", idempotency_key=KEY)
    assert again["id"] == first["id"]
    busy.set()
    done = ended(client, first)
    with another_process() as other:
        assert send(other, ONE, "?why=1", idempotency_key=KEY) == done
    runs = [each for each in kept(temporary) if each.name != UNFINISHED]
    assert [run.name for run in runs] == [first["id"]]
    client.delete(f"{JOBS}/{first['id']}")
    assert send(client, ONE, "?why=1", idempotency_key=KEY)["state"] != "succeeded"


@pytest.mark.parametrize(("content", "query"), [(CUSTOMERS, ""), (ONE, "?why=1"), (ONE, "?name=b")])
@pytest.mark.parametrize("when", ["waiting", "ended"])
def test_the_same_key_with_another_body_is_refused(
    client: TestClient, busy: threading.Event, content: bytes, query: str, when: str
) -> None:
    job = send(client, ONE, idempotency_key=KEY)
    if when == "ended":
        busy.set()
        ended(client, job)
    answer = client.post(f"{JOBS}{query}", content=content, headers={**CSV, "idempotency-key": KEY})
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")
    assert send(client, ONE, idempotency_key=KEY)["id"] == job["id"]


def test_the_same_key_of_another_client_is_another_job(client: TestClient) -> None:
    by_key = {send(client, ONE, idempotency_key=KEY, x_api_key=key)["id"] for key in "ab"}
    assert len(by_key) == 2
    bearer = send(client, ONE, idempotency_key=KEY, authorization="Bearer a")["id"]
    assert bearer in by_key  # the same key, sent in another way


def test_the_secret_of_ids_is_one_for_all_processes(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        made = set(pool.map(lambda _: secret_in(tmp_path), range(64)))
    assert len(made) == 1 and len(made.pop()) == 32
    assert len(list(tmp_path.glob("secret*"))) == 1


def test_jobs_without_a_key_are_jobs_of_their_own(client: TestClient) -> None:
    assert send(client, ONE)["id"] != send(client, ONE)["id"]


def test_requests_with_one_key_at_once_make_one_job(
    client: TestClient, busy: threading.Event, temporary: Path
) -> None:
    ids: list[str] = []
    threads = [
        threading.Thread(target=lambda: ids.append(send(client, ONE, idempotency_key=KEY)["id"]))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(ids) == 4 and len(set(ids)) == 1
    busy.set()
    ended(client, {"id": ids[0]})


def test_an_old_job_is_gone(client: TestClient, temporary: Path) -> None:
    job = scored(client, ONE)
    (run,) = (each for each in kept(temporary) if each.name == job["id"])
    os.utime(run, (time.time() - 901,) * 2)
    assert ask(client, job).json()["code"] == "job_gone"


def test_a_job_that_waits_outlives_what_is_swept_away(
    client: TestClient, busy: threading.Event, temporary: Path
) -> None:
    job = send(client, ONE)
    for each in temporary.rglob("*"):
        os.utime(each, (time.time() - 2_000,) * 2)
    assert client.post("/files", files={"file": ("a.csv", ONE)}).status_code == 200
    assert ask(client, job).json()["state"] == "queued"
    busy.set()
    assert ended(client, job)["state"] == "succeeded"


def test_a_server_that_stops_says_that_it_did(busy: threading.Event, temporary: Path) -> None:
    with TestClient(app_over()) as client:
        running, waiting = send(client, CUSTOMERS), send(client, ONE)
    with another_process() as other:
        for job in (running, waiting):
            found = ended(other, job)
            assert (found["state"], found["problem"]["code"]) == ("failed", "interrupted")
            assert "send it again" in found["problem"]["detail"]
    assert not any(path.name == "input" for path in temporary.rglob("*"))


@pytest.mark.parametrize(
    ("settings", "base"),
    [
        (Settings(root_path="/groups"), "/groups"),
        (
            Settings(public_url=PublicAddress.from_text("https://bank.example/groups")),
            "https://bank.example/groups",
        ),
    ],
)
def test_somebody_is_told_of_jobs(
    live_model: LiveModel, temporary: Path, settings: Settings, base: str
) -> None:
    inbox = Inbox()
    app = create_app(live_model, settings, lambda line: None, lambda: Notices((inbox,)))
    with TestClient(app) as client:
        good = scored(client, CUSTOMERS, "?name=march.csv")
        bad = ended(client, send(client, b"a,b\n1,2\n", "?name=bad.csv"))
        until = time.monotonic() + 5
        while len(inbox.got) < 2 and time.monotonic() < until:
            time.sleep(0.02)
    committed, refused = inbox.got
    assert (committed["type"], refused["type"]) == ("run.committed", "run.refused")
    assert (committed["data"]["run"], refused["data"]["run"]) == (good["id"], bad["id"])
    assert committed["data"]["results"] == f"{base}/v1/jobs"
    assert committed["data"]["rows_in"] == 1001
    assert "`bad.csv` was refused for good (wrong_file)" in refused["data"]["text"]
    assert "failed.json" not in refused["data"]["text"]
    assert str(temporary) not in json.dumps(inbox.got)


def test_settings_of_notices_that_cannot_be_used_fail_no_job(
    live_model: LiveModel, lines: Lines
) -> None:
    from functions.settings.variables import WrongSetting

    def wrong() -> Notices:
        raise WrongSetting("CUSTOMER_CLUSTERS_WEBHOOK", "an address")

    with TestClient(create_app(live_model, Settings(), lines.append, wrong)) as client:
        assert scored(client, ONE)["counts"]["rows_assigned"] == 1
    assert any("nobody is told of jobs" in str(line["message"]) for line in lines)


def test_a_job_of_a_named_model_is_scored_and_shown_by_it() -> None:
    bundled = str(BUNDLED)
    named = (NamedModel("cards", bundled, "champion"), NamedModel("old", bundled, "original"))
    settings = Settings(models=named)
    models = LiveModels.from_settings(settings, lambda line: None)
    models.default.refresh()
    with TestClient(create_app(models, settings, lambda line: None)) as site:
        sent = site.post("/v1/models/old/jobs", content=CUSTOMERS, headers=CSV)
        assert (sent.status_code, sent.headers["location"]) == (202, f"{JOBS}/{sent.json()['id']}")
        job = ended(site, sent.json())
        assert job["model_version"] == open_store(BUNDLED).resolve("original")
        assert site.get(job["page"], headers=BROWSER).status_code == 200
        document = site.get("/v1/models/old/openapi.json").json()
        created = document["paths"]["/jobs"]["post"]["responses"]["202"]
        assert "links" not in created  # which lead out of it
