"""Which files are inputs."""

import os
from collections.abc import Callable
from itertools import chain
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_store import S3Address
from pipeline.errors import WrongFile
from pipeline.reading.input_files import (
    Entry,
    files_at,
    inputs_among,
    refuse_table_around,
    why_skipped,
)
from pipeline.runs.objects import list_objects

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

KEPT = [
    "a.csv",
    "2026/a.csv",
    "country=AT/day=1/part-0.parquet",
    "_day=1/part-0.csv",
    "data/b_part.csv",
    "metadata/notes.csv",
    "x.part.csv",
]
SKIPPED = {
    "hidden": [
        "_SUCCESS", "_temporary/0/part-0.csv", ".part-0.csv.crc", "_metadata", "deep/.x/a.csv",
        "~$book.xlsx", ".~lock.book.ods#", ".DS_Store", "Thumbs.db", "deep/desktop.ini",
        "__MACOSX/a.csv",
    ],
    "unfinished downloads": ["a.csv.tmp", "a.csv.PART", "b.crdownload", "c.csv._COPYING_"],
    "results of earlier runs": [
        "results/a.csv/20260131T093000Z-1a2b3c4d-0123456789ab/assigned.csv",
        "results/a.csv/20260131T093000Z-1a2b3c4d-0123456789ab/failed.json",
    ],
    "empty": ["empty.csv"],
}  # fmt: skip
TABLES = {
    "Delta": "_delta_log/00000000000000000000.json",
    "Iceberg": "metadata/v3.metadata.json",
    "Hudi": ".hoodie/hoodie.properties",
}


def make(folder: Path, names: list[str]) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("" if "empty" in name or name == "_SUCCESS" else "x")


def test_a_folder_a_pattern_and_a_prefix_have_the_same_inputs(
    tmp_path: Path, s3: "S3Client", make_bucket: Callable[[], str]
) -> None:
    names, bucket = [*KEPT, *chain.from_iterable(SKIPPED.values())], make_bucket()
    make(tmp_path / "in", names)
    for name in [*names, "", "deep/"]:
        s3.put_object(
            Bucket=bucket, Key=f"in/{name}", Body=b"" if "empty" in name or not name else b"x"
        )
    told: list[str] = []
    local = files_at(str(tmp_path / "in"), told.append)
    assert [file.name for file in local] == sorted(KEPT)
    assert all(file.path == tmp_path / "in" / file.name for file in local)
    assert files_at(str(tmp_path / "in" / "*"), told.append) == local
    assert files_at(str(tmp_path / "in" / "**/*"), told.append) == local
    objects = list_objects(s3, S3Address(bucket, "in/"), told.append)
    assert [(ref.key, name) for ref, name in objects] == [(f"in/{n}", n) for n in sorted(KEPT)]
    counts = ", ".join(f"{kind}: {len(names)}" for kind, names in sorted(SKIPPED.items()))
    assert [line.partition(": ")[2] for line in told] == 4 * [
        f"skipped {counts}",
        "names of folders such as '_day=1' are not read as columns",
    ]


@given(st.lists(st.text("a_.~$/=", min_size=1, max_size=8)), st.randoms())
def test_each_name_is_an_input_or_counted_as_a_kind_in_any_order(
    names: list[str], random: Random
) -> None:
    names = ["a", *(name for name in names if name.strip("/") and not name.endswith("/"))]
    told: list[str] = []
    found = inputs_among("here", [Entry(name, 1) for name in names], told.append)
    skipped = [name for name in names if why_skipped(Entry(name, 1))]
    assert sorted([*found, *skipped]) == sorted(names)
    assert any("skipped" in line for line in told) == bool(skipped)
    random.shuffle(names)
    assert inputs_among("here", [Entry(name, 1) for name in names], told.append) == found


@pytest.mark.parametrize("kind", TABLES)
def test_tables_are_refused_however_they_are_named(kind: str, tmp_path: Path) -> None:
    log = TABLES[kind]
    with pytest.raises(WrongFile, match=rf"here: an? {kind} table .*; export the table"):
        inputs_among("here", [Entry("data/a.parquet", 9), Entry(log, 9)], print)
    make(tmp_path, ["other/b.csv"])
    table = tmp_path / "warehouse" / "sales"
    make(table, [log, "a.parquet", "day=1/a.parquet", "data/day=2/a.parquet"])
    for text in (
        "..", "../*", "", "*.parquet", "a.parquet", "day=1", "day=*", "day=1/a.parquet",
        "data/day=2/*",
    ):  # fmt: skip
        with pytest.raises(WrongFile, match=f": an? {kind} table"):
            files_at(str(table / text), print)
    assert len(files_at(str(tmp_path / "other"), print)) == 1
    with pytest.raises(WrongFile, match=kind):
        refuse_table_around(table)


def test_what_matches_nothing_says_so_and_names_what_was_skipped(tmp_path: Path) -> None:
    make(tmp_path, ["hidden/_SUCCESS", "hidden/.a.csv.crc", "hidden/empty.csv"])
    (tmp_path / "nothing").mkdir()
    for text, why in {
        "*.csv": r"\*\.csv: no file matches$",
        "nothing": "nothing: no file matches$",
        "hidden": "hidden: no file matches; skipped empty: 1, hidden: 2$",
        "**x": "is no pattern|no file matches",  # from Python 3.13 on it is one
    }.items():
        with pytest.raises(WrongFile, match=why):
            files_at(str(tmp_path / text), print)


def test_links_and_what_is_no_file_are_skipped_in_folders_and_told(tmp_path: Path) -> None:
    make(tmp_path, ["in/a.csv", "out/b.csv"])
    (tmp_path / "in" / "file.csv").symlink_to(tmp_path / "out" / "b.csv")
    (tmp_path / "in" / "folder").symlink_to(tmp_path / "out")
    (tmp_path / "in" / "circle").symlink_to(tmp_path / "in")
    (tmp_path / "in" / "gone.csv").symlink_to(tmp_path / "nowhere")
    os.mkfifo(tmp_path / "in" / "pipe.csv")
    told: list[str] = []
    for text in ("in", "in/*", "in/**/*"):
        assert [it.name for it in files_at(str(tmp_path / text), told.append)] == ["a.csv"]
    assert all(
        line.endswith("skipped pipes, sockets or devices: 1, symbolic links: 4") for line in told
    )
    (by_name,) = files_at(str(tmp_path / "in" / "file.csv"), told.append)
    assert by_name.name == "file.csv"


def test_names_with_the_signs_of_patterns_are_taken_as_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(tmp_path, ["a[1].csv", "deep/a1.csv"])
    monkeypatch.chdir(tmp_path)
    for text, names in {"a[1].csv": ["a[1].csv"], "*/a?.csv": ["deep/a1.csv"], ".": 2}.items():
        found = [file.name for file in files_at(text, print)]
        assert found == names or len(found) == names
