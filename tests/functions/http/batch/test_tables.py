"""Tables on `/v1/assign/batch`: in kind, by Accept, packed, within bounds."""

import gzip
import io
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from starlette.testclient import TestClient

from functions.http.batch import tables
from functions.http.batch.media import TABLES
from functions.http.content import made_files
from functions.settings import Settings
from tests.functions.conftest import Lines

HEADER = b"CLIENTNUM,Total_Trans_Ct,Total_Trans_Amt,Total_Revolving_Bal\n"
CSV = HEADER + b"0710001,38,1900,0\n2,-1,1,1\n"
TEXT, ARROW, PARQUET = TABLES
READ: dict[str, Callable[[bytes], pa.Table]] = {
    TEXT: lambda content: pyarrow.csv.read_csv(io.BytesIO(content)),
    ARROW: lambda content: pa.ipc.open_stream(content).read_all(),
    PARQUET: lambda content: pq.read_table(io.BytesIO(content)),
}
Clients = Callable[..., TestClient]


def ask(
    client: TestClient, content: bytes, kind: str = TEXT, query: str = "", **headers: str
) -> Any:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.post(
        f"/v1/assign/batch{query}", content=content, headers={"content-type": kind, **named}
    )


def written(kind: str) -> bytes:
    """The customers of CSV, the second of whom is wrong."""
    table = pyarrow.csv.read_csv(io.BytesIO(CSV))
    target = io.BytesIO()
    if kind == TEXT:
        return CSV
    if kind == PARQUET:
        pq.write_table(table, target)
    else:
        with pa.ipc.new_stream(target, table.schema) as stream:
            stream.write_table(table)
    return target.getvalue()


@pytest.mark.parametrize("accept", [None, *TABLES])
@pytest.mark.parametrize("kind", TABLES)
def test_a_table_is_answered_in_kind_or_as_asked(
    client: TestClient, leaver: dict[str, Any], kind: str, accept: str | None
) -> None:
    answer = ask(client, written(kind), kind, **({} if accept is None else {"accept": accept}))
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].partition(";")[0] == accept or kind
    assert answer.headers["customers-assigned"] == answer.headers["customers-rejected"] == "1"
    first, second = READ[accept or kind](answer.content).to_pylist()
    alone = client.post("/v1/assign", json=leaver).json()
    assert first["cluster"] == alone["cluster"]["id"] == 5
    assert first["churn_rate"] == alone["churn"]["rate"]
    assert first["distance"] == pytest.approx(alone["distance"], rel=1e-12)
    assert first["risk"] == pytest.approx(alone["risk_score"]["rate"], rel=1e-9)
    assert "Total_Trans_Ct: expected a whole number" in second["rejected"]
    assert answer.headers["model-version"] == alone["model_version"]


def test_json_is_answered_as_json_alone(client: TestClient, leaver: dict[str, Any]) -> None:
    batch = {"customers": [leaver]}
    for accept, status in (("application/*", 200), ("*/*", 200), (TEXT, 406)):
        headers = {"accept": accept}
        assert client.post("/v1/assign/batch", json=batch, headers=headers).status_code == status


@pytest.mark.parametrize("accept", ["application/json", "text/html", "text/csv;q=0"])
def test_another_form_is_406_with_those_there_are(client: TestClient, accept: str) -> None:
    answer = ask(client, CSV, accept=accept)
    assert (answer.status_code, answer.json()["code"]) == (406, "not_acceptable")
    assert all(kind in answer.json()["detail"] for kind in TABLES)


@pytest.mark.parametrize("kind", ["", "text/plain", "application/x-ndjson", "text/csv2", "json"])
def test_another_content_type_is_refused_with_those_there_are(
    client: TestClient, kind: str
) -> None:
    answer = ask(client, CSV, kind)
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")
    assert PARQUET in answer.headers["accept-post"]


def test_the_encoding_of_a_text_may_be_said(client: TestClient) -> None:
    text = HEADER.replace(b"\n", b",name\n") + "1,38,1900,0,Škoda\n".encode("cp1250")
    answer = ask(client, text, 'Text/CSV; header=present; charset="cp1250"')
    assert "Škoda" in answer.text
    assert "Škoda" in ask(client, text, query="?encoding=cp1250").text
    unclear = ask(client, text)
    assert unclear.status_code == 422
    assert unclear.json()["detail"].endswith("; say which with encoding")
    wrong = ask(client, text, "text/csv; charset=nope")
    assert wrong.status_code == 422
    assert wrong.json()["detail"].startswith("encoding: expected an encoding such as cp1250")


def test_how_numbers_are_written_may_be_said(client: TestClient) -> None:
    text = HEADER.replace(b",", b";") + b"1;38;1,900;0\n"
    assert "say which mark is decimal with decimal" in ask(client, text).json()["detail"]
    for decimal, distance in ((".", "near"), (",", "far")):
        (row,) = READ[TEXT](ask(client, text, query=f"?decimal={decimal}").content).to_pylist()
        assert (row["distance"] < 1) == (distance == "near")


def test_fields_are_columns(client: TestClient) -> None:
    (row, _) = READ[TEXT](ask(client, CSV, query="?fields=id,cluster,reasons").content).to_pylist()
    assert [*row][:4] == ["CLIENTNUM", "cluster", "cluster_name", "reason_1"]
    assert "reason_3_sentence" in row
    assert "distance" not in row
    (row, _) = READ[TEXT](ask(client, CSV, query="?fields=runner_up").content).to_pylist()
    assert [*row] == ["runner_up", "rejected"]
    answer = ask(client, CSV, query="?fields=unusual,cluster")
    assert answer.status_code == 422
    assert answer.json()["detail"].startswith("fields: a table has no column for unusual; it has:")


def test_packed_tables_are_read(client: TestClient) -> None:
    answer = ask(client, gzip.compress(CSV), content_encoding="gzip")
    assert answer.content == ask(client, CSV).content


def test_a_table_may_be_as_large_as_any_body(client: TestClient) -> None:
    limit = Settings().max_body_bytes
    rows = CSV + b"2,38,1900,0\n" * ((limit - len(CSV)) // 12)
    answer = ask(client, rows)
    assert answer.status_code == 200
    assert int(answer.headers["customers-assigned"]) > 80_000
    large = ask(client, rows + b"2,38,1900,0\n" * 2)
    assert (large.status_code, large.json()["code"]) == (413, "too_large")


def test_a_table_that_unpacks_to_very_many_rows_is_refused(client: TestClient) -> None:
    target = io.BytesIO()
    count = tables.MOST_ROWS + 1
    named = ("Total_Trans_Ct", "Total_Trans_Amt", "Total_Revolving_Bal")
    pq.write_table(pa.table({name: pa.repeat(38, count) for name in named}), target)
    assert len(target.getvalue()) < 100_000
    answer = ask(client, target.getvalue(), PARQUET)
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
    assert "has more than 250,000 rows; cut it into parts" in answer.json()["detail"]


def test_a_wrong_table_is_refused_in_words_and_leaves_nothing_behind(
    client: TestClient, lines: Lines, temporary: Path
) -> None:
    answer = ask(client, b"a,b\n1,2\n")
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_file")
    assert answer.json()["detail"].startswith("the table: no column Total_Revolving_Bal,")
    assert ask(client, CSV).status_code == 200
    assert tempfile.gettempdir() == str(temporary)
    assert list(temporary.iterdir()) == []
    assert "0710001" not in str(lines)


def test_one_that_takes_too_long_is_refused(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables, "SCORE_SECONDS", -1.0)
    answer = ask(client, CSV)
    assert answer.status_code == 413
    assert "is not scored within -1 seconds; cut it into parts" in answer.json()["detail"]


def test_while_others_wait_for_theirs_one_is_told_to_come_back(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(made_files, "SENT_BYTES", -1)
    answer = ask(client, CSV)
    assert (answer.status_code, answer.json()["code"]) == (503, "busy")
    assert answer.headers["retry-after"] == "5"
