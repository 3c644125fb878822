"""What is written reads back as what it was, whatever stands in names and cells."""

import csv
import io
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.model.cluster_model import ClusterModel
from pipeline.scoring.rejects import Reject, RejectWriter
from pipeline.scoring.sinks.columns import unique_names
from pipeline.scoring.sinks.table import without_formulas
from pipeline.scoring.spec import Options
from pipeline.scoring.writing.outputs import NUMBER, csv_line, without_formula
from tests.support.scoring import score_file

FEATURES = {
    "Avg_Utilization_Ratio": 0.061,
    "Credit_Limit": 12691,
    "Contacts_Count_12_mon": 3,
    "Total_Revolving_Bal": 777,
}
TEXT = st.text(
    st.characters(exclude_categories=["Cs"]) | st.sampled_from("\r\n\",;='\t"), max_size=9
)
TEXT_TYPES = [
    pa.string(),
    pa.large_string(),
    pa.string_view(),
    pa.dictionary(pa.int8(), pa.string()),
]
BINARY_TYPES = [pa.binary(), pa.large_binary(), pa.binary_view()]
FORMULAS = ["=1+1", "+SUM(A1)", "-x", "@now", "\tx", "-12", "+1,5", "text"]
HARMLESS = ["'=1+1", "'+SUM(A1)", "'-x", "'@now", "'\tx", "-12", "+1,5", "text"]


def records(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file, strict=True))


@settings(max_examples=60)
@given(st.lists(TEXT, min_size=1, max_size=4), st.data())
def test_any_names_and_texts_read_back(
    model: ClusterModel, tmp_path_factory: pytest.TempPathFactory, names: list[str], data: Any
) -> None:
    folder = tmp_path_factory.mktemp("odd")
    rows = data.draw(st.integers(1, 4))
    texts = [data.draw(st.lists(TEXT, min_size=rows, max_size=rows)) for _ in names]
    kinds = [data.draw(st.sampled_from(TEXT_TYPES)) for _ in names]
    columns = [pa.array(column).cast(kind) for column, kind in zip(texts, kinds, strict=True)]
    columns += [pa.array([value] * rows) for value in FEATURES.values()]
    header = [name if name not in FEATURES else f"{name}?" for name in names]
    header = [f"{name}." if name.strip().casefold() in LIKE else name for name in header]
    pq.write_table(pa.table(columns, [*header, *FEATURES]), folder / "odd.parquet")
    manifest = score_file(
        folder / "odd.parquet", model, "v1", folder / "out", Options(format="csv")
    )
    first, *lines = records(folder / "out" / manifest["outputs"]["assigned"])
    assert first == unique_names([*header, *FEATURES, *manifest["columns"].values()])
    assert [line[: len(names)] for line in lines] == [list(row) for row in zip(*texts, strict=True)]
    assert {len(line) for line in lines} == {len(first)}


LIKE = {name.casefold() for name in FEATURES}


@given(st.lists(st.tuples(TEXT, TEXT, TEXT), max_size=5), st.booleans())
def test_any_rejects_read_back(texts: list[tuple[str, str, str]], safe: bool) -> None:
    file = io.StringIO(newline="")
    writer = RejectWriter(file, safe=safe)
    writer.write(
        Reject(1, None, customer, "a", "b", value, "c", text) for customer, value, text in texts
    )
    assert writer.rows == len(texts)
    _, *found = csv.reader(io.StringIO(file.getvalue(), newline=""), strict=True)
    shown = without_formula if safe else str
    assert [(row[2], row[5], row[7]) for row in found] == [
        (shown(customer), shown(value), shown(text)) for customer, value, text in texts
    ]


@given(st.lists(TEXT, min_size=1), st.sampled_from(",;\t|"))
def test_any_line_reads_back(cells: list[str], delimiter: str) -> None:
    text = io.StringIO(csv_line(cells, delimiter) + "\n", newline="")
    assert list(csv.reader(text, delimiter=delimiter, strict=True)) == [cells]


@pytest.mark.parametrize("kind", [*TEXT_TYPES, *BINARY_TYPES])
def test_no_cell_of_any_type_is_run_by_a_spreadsheet(
    model: ClusterModel, tmp_path: Path, kind: pa.DataType
) -> None:
    rows = len(FORMULAS) + 1
    table = {name: [value] * rows for name, value in FEATURES.items()}
    text = pa.array([*FORMULAS, "=reject"]).cast(pa.binary() if kind in BINARY_TYPES else kind)
    table["CLIENTNUM"] = text.cast(kind)
    table["Credit_Limit"] = pa.array([*[12691] * (rows - 1), -1])
    pq.write_table(pa.table(table), tmp_path / "a.parquet")
    options = Options(format="csv", safe_csv=True)
    manifest = score_file(tmp_path / "a.parquet", model, "v1", tmp_path / "out", options)
    assigned = records(tmp_path / "out" / manifest["outputs"]["assigned"])
    at = assigned[0].index("CLIENTNUM")
    assert [line[at] for line in assigned[1:]] == HARMLESS
    _, (_, _, customer, *_) = records(tmp_path / "out" / manifest["outputs"]["rejected"])
    assert customer == "'=reject"


@given(st.lists(TEXT | st.from_regex(NUMBER), min_size=1))
def test_one_text_and_a_column_of_them_lose_their_formulas_alike(texts: list[str]) -> None:
    found = without_formulas(pa.array(texts, pa.string()))
    assert found.to_pylist() == [without_formula(text) for text in texts]


@pytest.mark.parametrize("name", ["", "same", "same_2"])
def test_names_that_are_there_already_are_numbered_without_counting_anew(name: str) -> None:
    """Twenty thousand columns of one name took hours when each looked through all before it."""
    names = unique_names([*[name] * 20_000, "same_3"])
    assert names[:2] == [name or "column", f"{name or 'column'}_2"]
    assert len(set(names)) == 20_001


def test_bytes_are_read_as_numbers(model: ClusterModel, tmp_path: Path) -> None:
    table = {
        name: pa.array([str(value).encode(), b"?", b"\xff"]) for name, value in FEATURES.items()
    }
    pq.write_table(pa.table(table), tmp_path / "a.parquet")
    manifest = score_file(
        tmp_path / "a.parquet", model, "v1", tmp_path / "out", Options(max_rejected_share=1)
    )
    assert (manifest["rows_assigned"], manifest["rows_rejected"]) == (1, 2)
    _, *rejected = records(tmp_path / "out" / manifest["outputs"]["rejected"])
    assert [reject[5] for reject in rejected] == ["?", r"b'\xff'"]
    assert (
        pq.read_schema(tmp_path / "out" / manifest["outputs"]["assigned"]).field(0).type
        == pa.binary()
    )


@pytest.mark.parametrize("written", ["csv", "parquet"])
@pytest.mark.parametrize(
    "kind",
    [
        *(pa.timestamp(unit, zone) for unit in ("s", "ms", "us", "ns") for zone in (None, "UTC")),
        *(pa.time32("s"), pa.time32("ms"), pa.time64("us"), pa.time64("ns")),
        *(pa.duration("s"), pa.duration("ns"), pa.date32(), pa.date64()),
    ],
)
def test_moments_stay_what_they_are(
    model: ClusterModel, tmp_path: Path, kind: pa.DataType, written: Any
) -> None:
    number = {pa.date32(): 20_000, pa.date64(): 20_000 * 86_400_000}.get(kind, 86_399)
    narrow = pa.types.is_time32(kind) or pa.types.is_date32(kind)
    moment = pa.array([number, None], pa.int32() if narrow else pa.int64()).cast(kind)
    table = {"when": moment} | {name: [value] * 2 for name, value in FEATURES.items()}
    pq.write_table(pa.table(table), tmp_path / "a.parquet")
    given = pq.read_table(tmp_path / "a.parquet")["when"]
    manifest = score_file(
        tmp_path / "a.parquet", model, "v1", tmp_path / "out", Options(format=written)
    )
    path = tmp_path / "out" / manifest["outputs"]["assigned"]
    if written == "parquet":
        assert pq.read_table(path)["when"].equals(given)
    else:
        text = given.cast(pa.int64()) if pa.types.is_duration(kind) else given.cast(pa.string())
        assert [line[0] for line in records(path)[1:]] == [str(text[0]), ""]


def test_a_writer_that_loses_a_row_is_noticed(
    model: ClusterModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pq.write_table(pa.table({name: [value] for name, value in FEATURES.items()}), tmp_path / "a")
    lost = "pipeline.scoring.sinks.parquet.ParquetSink.write"
    monkeypatch.setattr(lost, lambda sink, shaped: sink._waiting.append(shaped.slice(1)))
    with pytest.raises(AssertionError, match="another number written"):
        score_file(tmp_path / "a", model, "v1", tmp_path / "out", Options())
