"""A file that is sent: here or into a bucket, followed, and fetched."""

import errno
import io
import re
import socket
import threading
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

import customer_clusters as cc
from customer_clusters.client import Job, JobUnfinished, StrangeAnswer
from customer_clusters.client.decoding import decode
from tests.customer_clusters.client.conftest import Connected, Scripted
from tests.support.answering import Asked, Reply

ID = "J7-id_of_a_job"
EMPTY = Reply(422, {"code": "invalid_request", "detail": "the body is empty: expected a file"})
KEY = "a-key-of-somebody"


def job(state: str = "queued", **known: Any) -> dict[str, Any]:
    empty: dict[str, Any] = {"clusters": [], "notices": [], "outputs": []}
    names = ("name", "created_at", "ended_at", "expires_at", "model_version", "rows", "counts",
             "page", "problem", "upload")  # fmt: skip
    return {"id": ID, "state": state, **dict.fromkeys(names), **empty, **known}


def output(role: str, name: str, href: str = "") -> dict[str, Any]:
    href = href or f"/v1/jobs/{ID}/outputs/{name}"
    return {"role": role, "name": name, "href": href, "bytes": 3, "media_type": "text/csv"}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "März & co.csv"
    path.write_bytes(b"a,b\r\n1,2\r\n" * 100_000)
    return path


def test_a_file_is_sent_as_it_is_with_its_name_and_options(
    scripted: Scripted, connected: Connected, file: Path
) -> None:
    server = scripted(EMPTY, Reply(202, job(name=file.name)), Reply(202, job()))
    client, _ = connected(server.url)
    made = client.score_file(file, why=3, sentences=True, safe_csv=False,
                             map={"Spend = a": "Total_Trans_Amt", "n": "Total_Trans_Ct"},
                             as_of=date(2026, 10, 31))  # fmt: skip
    assert (made.id, made.state, made.name, made.ended) == (ID, "queued", file.name, False)
    asked, sent = server.asked
    assert asked.body == b""
    assert sent.body == file.read_bytes()
    assert (
        asked.path
        == sent.path
        == (
            "/v1/jobs?name=M%C3%A4rz+%26+co.csv&why=3&sentences=true&safe_csv=false"
            "&map=Spend+%3D+a%3DTotal_Trans_Amt&map=n%3DTotal_Trans_Ct&as_of=2026-10-31"
        )
    )
    assert re.fullmatch(r"[\w-]{32}", sent.headers["idempotency-key"])
    client.score_file(file, name="a.csv", idempotency_key="monthly-2026-10")
    again = server.asked[2]
    assert (again.path, again.body) == ("/v1/jobs?name=a.csv", sent.body)  # it knows by now
    assert again.headers["idempotency-key"] == "monthly-2026-10"


def test_a_named_models_files_are_its_own(
    scripted: Scripted, connected: Connected, file: Path
) -> None:
    server = scripted(EMPTY, Reply(202, job()), Reply(200, job("running", rows=5)))
    client, _ = connected(server.url, model="cards")
    assert client.job(client.score_file(file)).rows == 5
    assert server.asked[1].path.startswith("/v1/models/cards/jobs?")
    assert server.asked[2].path == f"/v1/jobs/{ID}"


def test_a_file_is_sent_whole_each_time(
    scripted: Scripted, connected: Connected, file: Path
) -> None:
    busy = Reply(503, {"code": "busy", "detail": "later"})
    server = scripted(EMPTY, busy, Reply(breaks=True), Reply(202, job()))
    client, waits = connected(server.url)
    client.score_file(file)
    assert [len(asked.body) for asked in server.asked] == [0, *[file.stat().st_size] * 3]
    assert len({asked.headers["idempotency-key"] for asked in server.asked[1:]}) == 1
    assert len(waits) == 1  # the connection that broke had been kept


def test_a_file_for_a_bucket_goes_there_without_the_key(
    scripted: Scripted, connected: Connected, file: Path
) -> None:
    bucket = scripted(Reply(204))
    form = {"key": f"incoming/page/{ID}/a.csv", "policy": "e30="}
    upload = {"url": f"{bucket.url}/in?x=1", "fields": form, "max_bytes": 10,
              "expires_at": "2026-11-27T10:00:00Z"}  # fmt: skip
    server = scripted(Reply(201, job(upload=upload)), Reply(200, job(name="a.csv")))
    client, _ = connected(server.url, KEY)
    assert client.score_file(file).name == "a.csv"
    [sent] = bucket.asked
    assert sent.path == "/in?x=1"
    assert "authorization" not in sent.headers
    assert KEY.encode() not in sent.body
    boundary = sent.headers["content-type"].partition("boundary=")[2].encode()
    *parts, end = sent.body.split(b"--" + boundary)
    assert end == b"--\r\n"
    assert [part.partition(b"\r\n\r\n")[2][:-2] for part in parts[1:3]] == [
        form["key"].encode(), b"e30="
    ]  # fmt: skip
    assert parts[3].partition(b"\r\n\r\n")[2][:-2] == file.read_bytes()
    assert 'name="file"; filename="März & co.csv"\r\n'.encode() in parts[3]


def test_what_a_bucket_refuses_is_told_in_its_words(
    scripted: Scripted, connected: Connected, file: Path
) -> None:
    said = b"<?xml?><Error><Code>EntityTooLarge</Code><Message>Too large</Message></Error>"
    bucket = scripted(Reply(400, said, {"Content-Type": "application/xml"}))
    upload = {"url": bucket.url, "fields": {}, "max_bytes": 10,
              "expires_at": "2026-11-27T10:00:00+00:00"}  # fmt: skip
    client, _ = connected(scripted(Reply(201, job(upload=upload))).url)
    with pytest.raises(cc.ProblemAnswer, match=r"POST /: Too large \(400 http_error\)"):
        client.score_file(file)


@pytest.mark.parametrize(
    ("code", "detail"),
    [
        ("invalid_form", "field 'why': expected a number"),
        ("invalid_request", "Idempotency-Key: is taken where there are keys"),
    ],
)
def test_another_problem_is_not_taken_for_a_server_with_a_disk(
    scripted: Scripted, connected: Connected, file: Path, code: str, detail: str
) -> None:
    server = scripted(Reply(422, {"code": code, "detail": detail}))
    client, _ = connected(server.url)
    with pytest.raises(cc.ProblemAnswer, match=detail):
        client.score_file(file, why=1, idempotency_key="monthly")
    assert [asked.headers["idempotency-key"] for asked in server.asked] == ["monthly"]


@pytest.mark.parametrize("url", ["ftp://host/in", "nothing", "https://me:word@host/"])
def test_a_bucket_that_is_none_is_refused(
    scripted: Scripted, connected: Connected, file: Path, url: str
) -> None:
    upload = {"url": url, "fields": {}, "max_bytes": 10, "expires_at": "2026-11-27T10:00:00Z"}
    client, _ = connected(scripted(Reply(201, job(upload=upload))).url)
    with pytest.raises(StrangeAnswer, match="an address that nobody can ask"):
        client.score_file(file)


def test_a_file_that_is_not_there_or_changes_is_its_users_business(
    scripted: Scripted, connected: Connected, file: Path
) -> None:
    def change(asked: Asked) -> Reply:
        file.write_bytes(b"a,b\r\n")
        return EMPTY

    server = scripted(change)
    client, waits = connected(server.url)
    with pytest.raises(FileNotFoundError):
        client.score_file(file.with_name("another.csv"))
    assert server.asked == []
    with pytest.raises(OSError, match="was changed while it was sent"):
        client.score_file(file)
    assert waits == []


def test_a_refusal_before_the_whole_file_came_is_heard(connected: Connected, file: Path) -> None:
    """The server answers and ends the connection, while the client still sends."""
    answer = b'{"code":"too_large","detail":"at most 5 bytes"}'
    head = b"HTTP/1.1 413 Too Large\r\nContent-Length: %d\r\nConnection: close\r\n\r\n"
    with socket.create_server(("127.0.0.1", 0)) as server:

        def refuse() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(1_000)
                connection.sendall(head % len(answer) + answer)
                connection.shutdown(socket.SHUT_WR)
                while connection.recv(65_536):
                    pass

        listening = threading.Thread(target=refuse)
        listening.start()
        client, _ = connected(f"http://127.0.0.1:{server.getsockname()[1]}")
        client._files._takes_body = True
        with pytest.raises(cc.ProblemAnswer, match="at most 5 bytes"):
            client.score_file(file)
        listening.join()


def test_a_job_is_followed_to_its_end(scripted: Scripted, connected: Connected) -> None:
    counts = {"rows_in": 3, "rows_assigned": 2, "rows_rejected": 1}
    done = job("succeeded", counts=counts, ended_at="2026-11-27T10:00:00+00:00", rows=3,
               clusters=[{"id": 5, "name": "A", "customers": 2, "share": 1.0}],
               notices=[{"level": "note", "heading": "h", "text": "t", "advice": "a"}],
               outputs=[output("assigned", "assigned.csv")])  # fmt: skip
    server = scripted(Reply(200, job(), {"Retry-After": "5"}), Reply(200, job("running", rows=1)),
                      Reply(200, job("running", rows=2), {"Retry-After": "900"}),
                      Reply(200, done))  # fmt: skip
    client, waits = connected(server.url)
    seen: list[tuple[str, int | None]] = []
    ended = client.wait_for(ID, progress=lambda job: seen.append((job.state, job.rows)))
    assert waits == [5, 1, 30]
    assert seen == [("queued", None), ("running", 1), ("running", 2), ("succeeded", 3)]
    assert ended.ended and ended.counts is not None and ended.counts.rows_rejected == 1
    assert ended.ended_at == datetime(2026, 11, 27, 10, tzinfo=UTC)
    assert (ended.clusters[0].customers, ended.notices[0].level) == (2, "note")


def test_a_job_that_failed_says_why(scripted: Scripted, connected: Connected) -> None:
    problem = {"status": 422, "code": "invalid_file", "detail": "a.csv: no column Total_Trans_Ct"}
    client, _ = connected(scripted(Reply(200, job("failed", problem=problem))).url)
    with pytest.raises(cc.ProblemAnswer) as raised:
        client.wait_for(ID)
    assert str(raised.value) == f"job {ID}: a.csv: no column Total_Trans_Ct (422 invalid_file)"


def test_nobody_waits_longer_than_he_wants_to(scripted: Scripted, connected: Connected) -> None:
    client, waits = connected(scripted(Reply(200, job("running"), {"Retry-After": "5"})).url)
    with pytest.raises(JobUnfinished, match=f"job {ID} is running after 2 seconds"):
        client.wait_for(ID, seconds=2)
    assert waits == []


def test_results_are_saved_by_their_roles(
    scripted: Scripted, connected: Connected, tmp_path: Path
) -> None:
    """From this server behind a path, and from a bucket to which it leads: without the key."""
    bucket = scripted(Reply(200, b"<html>"))
    led = Reply(303, b"", {"Location": f"{bucket.url}/report?signature=1"})
    server = scripted(Reply(200, b"a,b\r\n"), led)
    client, _ = connected(f"{server.url}/prod", KEY)
    outputs = (output("assigned", "assigned.csv"), output("report", "report.html"))
    saved = client.download(made(*outputs), tmp_path / "x")
    assert {role: path.read_bytes() for role, path in saved.items()} == {
        "assigned": b"a,b\r\n", "report": b"<html>"
    }  # fmt: skip
    assert sorted(path.name for path in (tmp_path / "x").iterdir()) == [
        "assigned.csv", "report.html"
    ]  # fmt: skip
    assert server.asked[0].path == f"/prod/v1/jobs/{ID}/outputs/assigned.csv"
    assert server.asked[0].headers["authorization"] == f"Bearer {KEY}"
    assert "authorization" not in bucket.asked[0].headers
    assert bucket.asked[0].path == "/report?signature=1"


def test_results_that_are_gone_leave_no_file(
    scripted: Scripted, connected: Connected, tmp_path: Path
) -> None:
    gone = Reply(404, {"code": "job_gone", "detail": "there is no such job, or no longer"})
    client, _ = connected(scripted(gone).url)
    with pytest.raises(cc.ProblemAnswer, match="job_gone"):
        client.download(made(output("report", "report.html")), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_its_users_business(
    scripted: Scripted, connected: Connected, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Full(io.BytesIO):
        def write(self, content: object) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

    client, waits = connected(scripted(Reply(200, b"a,b")).url)
    monkeypatch.setattr(Path, "open", lambda self, mode: Full())
    with pytest.raises(OSError, match="No space left") as raised:
        client.download(made(output("report", "report.html")), tmp_path)
    assert not isinstance(raised.value, cc.NoAnswer)
    assert waits == []


@pytest.mark.parametrize("name", ["../a", "a/b", "", ".bashrc", "..", "C:\\a", "a\0", "a\n.csv"])
def test_no_result_gets_out_of_its_folder(
    scripted: Scripted, connected: Connected, tmp_path: Path, name: str
) -> None:
    client, _ = connected(scripted().url)
    with pytest.raises(StrangeAnswer, match="a result with the name"):
        client.download(made(output("report", name)), tmp_path / "x")


def test_an_endless_way_is_left(scripted: Scripted, connected: Connected, tmp_path: Path) -> None:
    def lead(asked: Asked) -> Reply:
        return Reply(302, b"", {"Location": asked.path})

    client, _ = connected(scripted(*[lead] * 9).url)
    with pytest.raises(cc.ProblemAnswer, match="redirected"):
        client.download(made(output("report", "report.html")), tmp_path)


def test_a_job_is_removed_once_or_twice(scripted: Scripted, connected: Connected) -> None:
    gone = Reply(404, {"code": "job_gone", "detail": "there is no such job"})
    server = scripted(Reply(204), gone, Reply(403, {"code": "forbidden", "detail": "no"}))
    client, _ = connected(server.url)
    client.delete_job(ID)
    client.delete_job(made())
    with pytest.raises(cc.ProblemAnswer, match="forbidden"):
        client.delete_job(ID)
    assert {(each.method, each.path) for each in server.asked} == {("DELETE", f"/v1/jobs/{ID}")}


def made(*outputs: dict[str, Any]) -> Job:
    return decode(Job, job("succeeded", outputs=outputs))
