"""A data set of many files gives what one file with all their rows gives."""

import csv
import os
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from pipeline.errors import WrongFile
from pipeline.model.cluster_model import ClusterModel
from pipeline.scoring.parts.part_plan import CannotSplit
from pipeline.scoring.parts.shared_input import SharedInput
from pipeline.scoring.spec import Options
from tests.pipeline.scoring.parts.test_distributed import HEADER, TEXTS, customers, multiline
from tests.support.comparing import assert_same_assigned, in_parts
from tests.support.scoring import score_file

Write = Callable[..., Path]
TABLES = [customers(40, multiline), "a,b\n" + customers(25), "", customers(60)]
"""The rows of each file."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Text files as Spark leaves them, one of them without rows."""
    place = tmp_path / "exports"
    (place / "more").mkdir(parents=True)
    names = ("part-0.csv", "part-1.csv", "part-2.csv", "more/part-3.csv")
    for name, rows in zip(sorted(names), TABLES, strict=True):
        (place / name).write_text(f"{HEADER}\n{rows}")
    (place / "_SUCCESS").touch()
    (place / ".part-0.csv.crc").write_bytes(b"crc")
    (place / "nothing.csv").touch()
    return place


def test_text_files_as_one(folder: Path, model: ClusterModel, tmp_path: Path, write: Write) -> None:
    together = write(f"{HEADER}\n{''.join(TABLES)}", "together.csv")
    whole = score_file(together, model, "v1", tmp_path / "whole", Options())
    out = tmp_path / "parts"
    found = in_parts(SharedInput.below(folder), model, out, part_bytes=300)
    assert found["input"]["name"] == "exports"
    page = (out / "report.html").read_text()
    assert "4, from “more/part-3.csv” to “part-2.csv”" in page
    assert "rows are counted through all files" in page
    sizes = [row["rows"] for row in found["input"]["files"]]
    assert [file["name"] for file in found["input"]["files"]] == [
        "more/part-3.csv", "part-0.csv", "part-1.csv", "part-2.csv"
    ]  # fmt: skip
    assert sizes == [40, 26, 0, 60]
    assert [row["first_row"] for row in found["input"]["files"]] == [1, 41, 67, 67]
    at = tmp_path / "whole" / whole["outputs"]["summary"]
    assert (out / "summary.json").read_bytes() == at.read_bytes()
    tables = [
        [line.rsplit(",", 3)[0] for line in path.read_text().splitlines()]  # without its run
        for path in (out / "clusters.csv", at.with_name("clusters.csv"))
    ]
    assert tables[0] == tables[1]
    assert_same_assigned(found, out, at.with_name("assigned.csv"))
    with (out / "rejected.csv").open(newline="") as file:
        rejects = list(csv.DictReader(file))
    with at.with_name("rejected.csv").open(newline="") as file:
        alone = list(csv.DictReader(file))
    for reject in rejects:
        text = (folder / reject.pop("file")).read_text().split("\n")
        line = text[int(reject.pop("line")) - 1]
        assert line.startswith(reject["id"] or "a,b")
    assert rejects == [{k: v for k, v in row.items() if k != "line"} for row in alone]


def test_parquet_files_as_one(model: ClusterModel, tmp_path: Path, write: Write) -> None:
    table = pa.csv.read_csv(write(f"{HEADER}\n{customers(900)}"))
    place = tmp_path / "exports"
    place.mkdir()
    for number, start in enumerate(range(0, 900, 300)):
        pq.write_table(table.slice(start, 300), place / f"{number}.parquet", row_group_size=70)
    pq.write_table(table, tmp_path / "together.parquet")
    whole = score_file(tmp_path / "together.parquet", model, "v1", tmp_path / "whole", Options())
    found = in_parts(SharedInput.below(place), model, tmp_path / "parts", part_bytes=5000)
    at = tmp_path / "whole" / whole["outputs"]["summary"]
    assert (tmp_path / "parts" / "summary.json").read_bytes() == at.read_bytes()
    assert_same_assigned(found, tmp_path / "parts", at.with_name("assigned.parquet"))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (TEXTS["plain"].replace("Note", "Notes"), "differs from .* in its columns: found"),
        (TEXTS["tabs"], "in its delimiter"),
        ("a,b\n1,2\n", "in its columns: found .a, b., expected .CLIENTNUM"),
    ],
)
def test_a_file_unlike_the_first_is_refused(
    text: str, told: str, folder: Path, model: ClusterModel, tmp_path: Path
) -> None:
    (folder / "part-9.csv").write_text(text)
    with pytest.raises(WrongFile, match=told) as raised:
        in_parts(SharedInput.below(folder), model, tmp_path / "parts")
    assert str(folder / "part-9.csv") in str(raised.value)
    assert "\n" not in str(raised.value)


def test_text_among_parquet_is_refused(folder: Path, model: ClusterModel, tmp_path: Path) -> None:
    table = pa.csv.read_csv(folder / "part-2.csv")
    pq.write_table(table, folder / "part-9.parquet")
    with pytest.raises(WrongFile, match=r"part-9\.parquet: differs from .* in its format"):
        in_parts(SharedInput.below(folder), model, tmp_path / "parts")


def test_a_packed_file_cannot_be_split(folder: Path, model: ClusterModel, tmp_path: Path) -> None:
    (folder / "part-9.csv.gz").write_bytes(b"\x1f\x8b\x08\x00")
    with pytest.raises(CannotSplit, match=r"part-9\.csv\.gz: is packed"):
        in_parts(SharedInput.below(folder), model, tmp_path / "parts")


def test_too_many_rejects_among_all_files_are_refused(
    folder: Path, model: ClusterModel, tmp_path: Path
) -> None:
    (folder / "part-9.csv").write_text(f"{HEADER}\n" + "x,,,,,\n" * 900)
    with pytest.raises(WrongFile, match=r"exports: 9\d\d of 1,026 rows cannot be scored"):
        in_parts(SharedInput.below(folder), model, tmp_path / "parts")


def test_the_same_files_are_the_same_data_set(folder: Path) -> None:
    before = SharedInput.below(folder).identity
    (folder / "_committed").write_text("x")
    assert SharedInput.below(folder).identity == before
    (folder / "part-2.csv").rename(folder / "part-4.csv")
    assert SharedInput.below(folder).identity != before


def test_what_is_no_data_set_is_refused(tmp_path: Path, write: Write) -> None:
    with pytest.raises(WrongFile, match="is no folder"):
        SharedInput.below(write(TEXTS["plain"]))
    (tmp_path / "empty").mkdir()
    with pytest.raises(WrongFile, match="no file matches"):
        SharedInput.below(tmp_path / "empty")


def test_a_folder_is_called_what_it_is_called_however_it_is_written(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its results must not land above the folder that was asked for."""
    for where, address in ((folder, "."), (folder / "more", "..")):
        monkeypatch.chdir(where)
        assert SharedInput.below(Path(address)).name == "exports"


def test_a_file_whose_name_is_no_text_is_refused(folder: Path) -> None:
    (folder / os.fsdecode(b"part-\xff.csv")).write_text(TEXTS["plain"])
    with pytest.raises(WrongFile, match="has a name that is no text"):
        SharedInput.below(folder)
