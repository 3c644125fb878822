"""A table that comes back as one table: every row in its place."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from model_store import BUNDLED, open_store
from pipeline.errors import WrongFile
from pipeline.model.cluster_model import ClusterModel
from pipeline.model.published.loading import load_model
from pipeline.scoring.inputs import InputFile
from pipeline.scoring.spec import Explaining, Options, ScoringSpec
from pipeline.scoring.table import ANSWER, REJECTED, TableFormat, TableRequest, score_table
from tests.support.scoring import score_file

HEADER = "CLIENTNUM,Total_Trans_Ct,Total_Trans_Amt,Total_Revolving_Bal,note"
CSV = f'{HEADER}\n007,38,1900,0,a\n2,-1,9,0,b\n\n3,40,2000,x,"c,\nd"\n4,80,4000,1500,e\n5,1\n'
Score = Callable[..., pa.Table]


@pytest.fixture(scope="module")
def champion() -> ClusterModel:
    return load_model(open_store(BUNDLED).open("champion"))


@pytest.fixture
def score(champion: ClusterModel, tmp_path: Path) -> Score:
    """Scores what is written in a kind; gives the table that comes back as Arrow."""

    def score(content: bytes, kind: TableFormat = "csv", **given: Any) -> pa.Table:
        explaining = given.pop("explaining", Explaining())
        results = tmp_path / "results"
        results.mkdir()
        (tmp_path / "table").write_bytes(content)
        request = {"format": "arrow", "most_rows": 1_000, **given}
        TableRequest(kind, **request).write(results)
        options = Options("parquet", max_rejected_share=1.0, explaining=explaining)
        spec = ScoringSpec(champion, "v", options)
        score_table(results, InputFile(tmp_path / "table", "table"), spec)
        answer = (results / ANSWER).read_bytes()
        if request["format"] == "csv":
            return answer
        if request["format"] == "parquet":
            return pq.read_table(io.BytesIO(answer))
        return pa.ipc.open_stream(answer).read_all()

    return score


def arrow(table: pa.Table) -> bytes:
    target = io.BytesIO()
    with pa.ipc.new_stream(target, table.schema) as stream:
        stream.write_table(table)
    return target.getvalue()


def parquet(table: pa.Table) -> bytes:
    target = io.BytesIO()
    pq.write_table(table, target)
    return target.getvalue()


def customers(**columns: Any) -> pa.Table:
    return pa.table({
        "CLIENTNUM": pa.array([1, 2, 3], pa.int32()),
        "Total_Trans_Ct": [38, -1, 50],
        "Total_Trans_Amt": [1900.0, 100, 3000],
        "Total_Revolving_Bal": [0, 0, None],
        **columns,
    })  # fmt: skip


def test_every_row_of_a_text_stands_in_its_place(score: Score) -> None:
    rows = score(CSV.encode()).to_pylist()
    assert [row["CLIENTNUM"] for row in rows] == ["007", "2", "3", "4", None]
    assert [row["cluster"] for row in rows] == [5, None, None, 2, None]
    assert [row["note"] for row in rows] == ["a", None, None, "e", None]
    assert rows[0][REJECTED] is rows[3][REJECTED] is None
    assert "Total_Trans_Ct: expected a whole number" in rows[1][REJECTED]
    assert "found 'x'" in rows[2][REJECTED]
    assert rows[4][REJECTED] == "expected 5 fields, found 2"


def test_assigned_rows_are_those_of_a_scored_file(
    score: Score, champion: ClusterModel, tmp_path: Path
) -> None:
    path = tmp_path / "customers.csv"
    path.write_text(CSV)
    options = Options("parquet", max_rejected_share=1.0)
    manifest = score_file(path, champion, "v", tmp_path / "out", options)
    (assigned,) = (tmp_path / "out").glob("**/assigned.parquet")
    assert manifest["input"]["name"] == "customers.csv"
    table = score(CSV.encode())
    good = table.filter(pa.compute.is_null(table[REJECTED])).drop_columns([REJECTED])
    assert good.to_pylist() == pq.read_table(assigned).to_pylist()


def test_a_text_comes_back_with_commas_and_points_and_other_columns_as_they_were(
    score: Score,
) -> None:
    german = f"{HEADER.replace(',', ';')}\n007;38;1.900,5;0;ä\n1;x;1;1;\n"
    text = score(german.encode(), format="csv").decode()
    header, first, second = text.splitlines()
    assert header.startswith(f"{HEADER},cluster,cluster_name,churn_rate,")
    assert first.startswith('"007","38","1.900,5","0","ä",5,"')
    assert second.startswith('"1",,,,,,')


def test_columns_of_arrow_come_back_in_their_own_types(score: Score) -> None:
    others = {
        "coded": pa.array(["a", "b", "a"]).dictionary_encode(),
        "large": pa.array(["a", "b", "c"], pa.large_string()),
        "when": pa.array([1, 2, 3], pa.timestamp("s", "UTC")),
        "list": pa.array([[1], [], [2]]),
    }
    given = customers(**others)
    table = score(arrow(given), "arrow")
    assert table.schema.names[: len(given.schema.names)] == given.schema.names
    for field in given.schema:
        assert table.schema.field(field.name).type == field.type
        assert table[field.name][0].as_py() == given[field.name][0].as_py()
    assert table["CLIENTNUM"].to_pylist() == [1, 2, 3]
    assert table["cluster"].to_pylist() == [5, None, None]
    assert table.schema.metadata[b"model_version"] == b"v"


def test_parquet_comes_back_as_parquet(score: Score) -> None:
    table = score(parquet(customers()), "parquet", format="parquet")
    assert table["cluster"].to_pylist() == [5, None, None]
    assert [text is None for text in table[REJECTED].to_pylist()] == [True, False, False]


def test_some_columns_alone_are_given(score: Score) -> None:
    columns = ("id", "cluster", "runner_up", "reason_1", "reason_1_sentence", "nothing_such")
    table = score(CSV.encode(), columns=columns, explaining=Explaining(why=3, sentences=True))
    assert table.column_names == [
        "CLIENTNUM", "cluster", "runner_up", "reason_1", "reason_1_sentence", REJECTED,
    ]  # fmt: skip


def test_names_that_are_taken_are_not_overwritten(score: Score) -> None:
    text = CSV.replace("note", REJECTED, 1)
    table = score(text.encode())
    assert table[REJECTED].to_pylist() == ["a", None, None, "e", None]
    assert table.column_names[-1] == f"assigned_{REJECTED}"


def test_a_table_of_which_all_is_rejected_is_no_error(score: Score) -> None:
    rows = score(f"{HEADER}\n1,-1,0,0,\n2,-1,0,0,\n".encode()).to_pylist()
    assert [row["CLIENTNUM"] for row in rows] == ["1", "2"]
    assert all(row[REJECTED] for row in rows)


def test_a_table_with_no_id_column_is_answered_too(score: Score) -> None:
    table = score(arrow(customers().drop_columns(["CLIENTNUM"])), "arrow")
    assert [bool(text) for text in table[REJECTED].to_pylist()] == [False, True, True]


@pytest.mark.parametrize(
    ("content", "kind", "problem"),
    [
        (parquet(customers()), "csv", "is no text, though its content type says so"),
        (b"PK\x03\x04", "csv", "is no text"),
        (b"\x1f\x8b\x08", "csv", "is no text"),
        (CSV.encode(), "parquet", "is no Parquet, though its content type says so"),
        (CSV.encode(), "arrow", "is not readable as an Arrow stream"),
        (arrow(customers())[:-40], "arrow", "is not readable as an Arrow stream"),
        (b"", "arrow", "is not readable as an Arrow stream"),
        (b"PAR1", "parquet", "is not readable as Parquet"),
        (HEADER.encode() + b"\n", "csv", "has a header but no customers"),
        (arrow(customers().slice(0, 0)), "arrow", "has a header but no customers"),
        (arrow(pa.table({"a": [1]})), "arrow", "no column Total_Revolving_Bal"),
        (arrow(pa.table({"a": pa.nulls(2_000)})), "arrow", "has more than 1,000 rows"),
        ((HEADER + "\n" + "1,1,1,1,\n" * 2_000).encode(), "csv", "has more than 1,000 rows"),
    ],
    ids=range(13),
)
def test_what_is_no_such_table_is_refused(
    score: Score, content: bytes, kind: TableFormat, problem: str
) -> None:
    with pytest.raises(WrongFile, match=problem):
        score(content, kind)


def test_what_a_text_cannot_hold_is_refused(score: Score) -> None:
    nested = customers(nested=[[1], [2], [3]])
    with pytest.raises(WrongFile, match="cannot be written as csv"):
        score(arrow(nested), "arrow", format="csv")
