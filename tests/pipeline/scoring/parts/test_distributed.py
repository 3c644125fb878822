"""A file scored in parts, in this process, gives what it gives as a whole."""

import contextlib
import json
import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from model_store import BUNDLED, open_store
from pipeline.errors import WrongFile
from pipeline.model.cluster_model import ClusterModel
from pipeline.model.published.loading import load_model
from pipeline.reading.facts import Format
from pipeline.reading.options import ReadingOptions
from pipeline.scoring.parts.part_plan import CannotSplit
from pipeline.scoring.spec import Challenger, Explaining, Options
from tests.pipeline.reading.test_fuzz import damaged, whole
from tests.support.comparing import assert_same, in_parts

Write = Callable[..., Path]
NAMES = ("CLIENTNUM", "Note", "Avg_Utilization_Ratio", "Credit_Limit")
HEADER = ",".join([*NAMES, "Contacts_Count_12_mon", "Total_Revolving_Bal"])


def customers(rows: int, note: Callable[[int], str] = lambda n: f"n° {n}") -> str:
    """Every seventh has no number where one is needed."""
    return "".join(
        f"{n:05d},{note(n)},0.{n % 1000:03d},{1438 + n},{n % 6 if n % 7 else 'x'},{n % 2500}\n"
        for n in range(rows)
    )


def multiline(n: int) -> str:
    return '"two\nlines, and ""more"""' if n % 5 == 0 else '"one"'


LINES_OF_Y = "y\n" * 3000
OTHER_HEADER = ",".join(reversed(HEADER.split(",")))
TEXTS = {
    "plain": f"{HEADER}\n{customers(60)}",
    "no newline at the end": f"{HEADER}\n{customers(20)}".rstrip("\n"),
    "windows": f"{HEADER}\n{customers(60)}".replace("\n", "\r\n"),
    "empty lines": f"\n\n{HEADER}\n" + customers(40).replace("\n", "\n\n"),
    "wrong fields": f"{HEADER}\n{customers(20)}a,b\n{customers(20)},,,,,,,\n{customers(9)}",
    "quotes astray": f'{HEADER}\n{customers(20)}1,a"b,0.1,2000,1,1\n"{customers(30)}',
    "quoted newlines": f"{HEADER}\n{customers(60, multiline)}",
    "all in quotes": f"{HEADER}\n" + customers(60, lambda n: '"' + "x\n,y\n" * (n % 9) + '"'),
    "one long field": f'{HEADER}\n{customers(3)}1,"{LINES_OF_Y}",0.1,2000,1,1\n{customers(9)}',
    "a header in quotes": f"{HEADER}\n"
    + customers(30, lambda n: f'"{(OTHER_HEADER + chr(10)) * 9}"' if n % 5 == 2 else "a"),
    "header of lines": f'"a\nb\nc",{HEADER}\n' + customers(20).replace("\n0", "\n,0"),
    "returns in cells": f"{HEADER}\n" + customers(60, lambda n: '"a\rb"'),
    "returns without quotes": f"{HEADER}\n" + customers(60, lambda n: "a\rb" if n % 9 else "c"),
    "backslashes": f"{HEADER}\n" + customers(60, lambda n: '"a \\"b\\", c"'),
    "semicolons": f"sep=;\n{HEADER}\n{customers(60)}".replace(",", ";").replace("0.", "0,"),
    "tabs": f"{HEADER}\n{customers(60)}".replace(",", "\t"),
}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
@pytest.mark.parametrize("kind", TEXTS)
def test_text_in_parts(
    kind: str, encoding: str, model: ClusterModel, write: Write, tmp_path: Path
) -> None:
    path = write(TEXTS[kind].encode(encoding))
    for part_bytes in (250, 1500):
        assert_same(path, model, tmp_path / str(part_bytes), part_bytes=part_bytes)


def test_bytes_that_are_no_text(model: ClusterModel, write: Write, tmp_path: Path) -> None:
    text = TEXTS["plain"].encode() + b"1,\xff\xfe,0.1,2000,1,1\n" + customers(30).encode()
    assert_same(write(text), model, tmp_path / "utf-8")
    undefined = TEXTS["quoted newlines"].encode("cp1252").replace(b"two", b"\x81\x9d\xe4")
    assert_same(write(undefined), model, tmp_path / "cp1252")


@pytest.mark.parametrize("options", [Options("parquet"), Options(safe_csv=True)])
def test_every_kind_of_output(
    options: Options, model: ClusterModel, write: Write, tmp_path: Path
) -> None:
    assert_same(write(TEXTS["plain"]), model, tmp_path, options)


def test_a_challenger_is_counted_in_parts(
    model: ClusterModel, write: Write, tmp_path: Path
) -> None:
    artifact = open_store(BUNDLED).open("champion")
    second = load_model(artifact)
    for number, challenger in enumerate((model, second)):  # the file lacks columns of the second
        options = Options(challenger=Challenger(challenger, "v2", related=True))
        assert_same(write(TEXTS["plain"]), model, tmp_path / str(number), options, part_bytes=400)


@pytest.mark.parametrize("to", [None, "parquet"])
def test_what_explains_is_the_same_in_parts(
    to: Format | None, model: ClusterModel, write: Write, tmp_path: Path
) -> None:
    explaining = Explaining(why=2, sentences=True, what_if=True)
    options = Options(to, explaining=explaining)
    assert_same(write(TEXTS["plain"]), model, tmp_path, options, part_bytes=400)
    summary = json.loads(next(tmp_path.glob("parts/**/summary.json")).read_bytes())
    means = [
        part["mean"] for each in summary["contributions"] for part in each["features"].values()
    ]
    assert len(means) >= len(model.contract.features) and any(means)


def test_what_the_contract_fills_in_is_counted_in_parts(
    model: ClusterModel, write: Write, tmp_path: Path
) -> None:
    features = tuple(
        replace(feature, missing=2) if feature.name == "Contacts_Count_12_mon" else feature
        for feature in model.contract.features
    )
    filling = replace(model, contract=replace(model.contract, features=features))
    text = TEXTS["plain"].replace(",x,", ",,")
    path = write(text)
    assert_same(path, filling, tmp_path, part_bytes=400)
    summary = json.loads(next(tmp_path.glob("**/summary.json")).read_bytes())
    assert summary["filled"] == {"Contacts_Count_12_mon": text.count(",,")}


@pytest.mark.parametrize("to", [None, "csv"])
def test_parquet_in_parts(to: Format | None, model: ClusterModel, tmp_path: Path) -> None:
    rows = 5000
    table = pa.table(
        {
            "CLIENTNUM": pa.array(range(rows), pa.int32()),
            "when": pa.array(range(rows), pa.timestamp("ms", "UTC")),
            "kind": pa.array(["a", None] * (rows // 2)).dictionary_encode(),
            "Avg_Utilization_Ratio": pa.array([n % 1000 / 1000 for n in range(rows)], pa.float32()),
            "Credit_Limit": pa.array([1438 + n for n in range(rows)], pa.decimal128(12, 2)),
            "Contacts_Count_12_mon": pa.array([n % 6 if n % 7 else None for n in range(rows)]),
            "Total_Revolving_Bal": pa.array([n % 2500 for n in range(rows)], pa.int16()),
        },
        metadata={"made": "here"},
    )
    path = tmp_path / "customers.parquet"
    pq.write_table(table, path, row_group_size=300)
    found = assert_same(path, model, tmp_path, Options(to), part_bytes=20_000)
    assert len([name for name in found["bytes"] if name.startswith("assigned.")]) > 3
    pq.write_table(table.slice(0, 0), path)
    with pytest.raises(WrongFile, match="no customers"):
        in_parts(path, model, tmp_path / "nobody")


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_damaged_files_have_the_same_fate(kind: str, model: ClusterModel, tmp_path: Path) -> None:
    champion = load_model(open_store(BUNDLED).open("champion"))
    content, rng, scored = whole(kind), random.Random(kind), 0
    for number in range(40):
        path = tmp_path / f"{number}.dat"
        path.write_bytes(damaged(content, rng))
        try:
            scored += bool(assert_same(path, champion, tmp_path / f"{number}", part_bytes=1500))
        except CannotSplit:
            continue
    assert scored > 0


CELLS = st.text(st.sampled_from('a"\n,\r é'), max_size=8)
LINES = st.lists(
    st.one_of(
        CELLS,
        CELLS.map(lambda cell: '1,"' + cell.replace('"', '""') + '",0.1,2000,1,1'),
        st.just("2,b,0.2,3000,2,2"),
    ),
    max_size=25,
)


@example(["\r\r"], 60, "utf-8", True)  # a carriage return more than the other lines have
@given(
    LINES, st.integers(40, 300), st.sampled_from(["utf-8", "utf-8-sig", "cp1252"]), st.booleans()
)
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_quotes_and_newlines(
    model: ClusterModel,
    tmp_path_factory: pytest.TempPathFactory,
    lines: list[str],
    part_bytes: int,
    encoding: str,
    ended: bool,
) -> None:
    folder = tmp_path_factory.mktemp("any")
    path = folder / "customers.csv"
    text = "\n".join([HEADER, "0,é,0.1,2000,1,1", *lines]) + "\n" * ended
    path.write_bytes(text.encode(encoding))
    with contextlib.suppress(CannotSplit):  # where a return may end a line
        assert_same(path, model, folder, Options(max_rejected_share=1.0), part_bytes=part_bytes)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("customers.csv.gz", b"\x1f\x8b\x08\x00"),
        ("customers.csv", TEXTS["plain"].encode("utf-16")),
        ("customers.csv", TEXTS["plain"].replace("\n", "\r").encode()),
    ],
)
def test_what_has_no_parts_is_told(
    name: str, content: bytes, model: ClusterModel, write: Write, tmp_path: Path
) -> None:
    with pytest.raises(CannotSplit):
        in_parts(write(content, name), model, tmp_path / "parts")


def test_a_line_without_an_end_is_refused(
    model: ClusterModel, write: Write, tmp_path: Path
) -> None:
    text = f"{HEADER}\n{customers(2000)}{'x' * (3 << 20)}\n{customers(9)}"
    with pytest.raises(WrongFile, match=r"customers.csv: has a line of more than 1,048,576 bytes"):
        in_parts(write(text), model, tmp_path / "parts", part_bytes=100_000)


def test_parts_of_a_run_that_died_are_removed(
    model: ClusterModel, write: Write, tmp_path: Path
) -> None:
    place = tmp_path / "assigned.csv"
    place.mkdir()
    for name in ("part-00099.csv", ".part-00001.csv.0a"):
        (place / name).write_text("left")
    (tmp_path / "input").mkdir()
    found = in_parts(write(TEXTS["plain"], "input/customers.csv"), model, tmp_path)
    left = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert left == {*found["bytes"], "manifest.json", "input/customers.csv"}


RENAMED = TEXTS["plain"].replace("Credit_Limit", "Limit (USD)").replace("CLIENTNUM", "Number")
LIMIT, NUMBER = "Limit (USD)=Credit_Limit", "Number=CLIENTNUM"


@pytest.mark.parametrize("stated", [(LIMIT,), (LIMIT, NUMBER), (NUMBER,), ("x=Credit_Limit",)])
def test_columns_by_other_names_are_read_or_refused_alike(
    stated: tuple[str, ...], model: ClusterModel, write: Write, tmp_path: Path
) -> None:
    options = Options(reading=ReadingOptions(map=stated))
    assert_same(write(RENAMED), model, tmp_path, options, part_bytes=400)


def test_a_contract_may_know_the_names(model: ClusterModel, write: Write, tmp_path: Path) -> None:
    features = tuple(
        replace(feature, aliases=("Limit (USD)",) if feature.name == "Credit_Limit" else ())
        for feature in model.contract.features
    )
    knowing = replace(model, contract=replace(model.contract, features=features))
    found = assert_same(write(RENAMED), knowing, tmp_path, part_bytes=400)
    assert found["input"]["matched"] == {"Limit (USD)": "Credit_Limit"}
