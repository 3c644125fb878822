"""What is no file, and a file that is another one by now."""

import os
import socket
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from model_store import Temporary
from pipeline.errors import WrongFile
from pipeline.model.cluster_model import ClusterModel
from pipeline.reading.file_state import FileState, checked_afterwards
from pipeline.reading.open import open_customers
from pipeline.runs import FolderRuns, LocalInput, WholeFile, score
from pipeline.scoring.inputs import InputFile
from pipeline.scoring.parts.part import PartResult, PartTask
from pipeline.scoring.parts.part_plan import Part
from pipeline.scoring.parts.shared_input import SharedInput
from pipeline.scoring.spec import Options, ScoringSpec
from tests.support.comparing import in_parts, one_after_the_other
from tests.support.scoring import score_file

HEADER = "CLIENTNUM,Avg_Utilization_Ratio,Credit_Limit,Contacts_Count_12_mon,Total_Revolving_Bal"
ROWS = f"{HEADER}\n" + "0042,0.061,12691,3,777\n" * 20
OTHER = ROWS.replace("777", "778")


def lengthen(path: Path) -> None:
    path.write_text(ROWS + ROWS.splitlines()[1])


def write_in_place(path: Path) -> None:
    after = path.stat().st_mtime_ns + 1
    path.write_text(OTHER)
    os.utime(path, ns=(after, after))


def take_its_place(path: Path) -> None:
    """Another file of the same size and time."""
    other, then = path.with_suffix(".new"), path.stat().st_mtime_ns
    other.write_text(OTHER)
    os.utime(other, ns=(then, then))
    other.replace(path)


CHANGES = (lengthen, write_in_place, take_its_place, Path.unlink)
Change = Callable[[Path], None]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "customers.csv").write_text(ROWS)
    return tmp_path / "customers.csv"


@pytest.mark.parametrize("change", CHANGES)
def test_a_file_that_changes_while_it_is_scored_leaves_no_run(
    change: Change, path: Path, model: ClusterModel, tmp_path: Path
) -> None:
    with pytest.raises(Temporary, match=rf"could not read in {path}: it (changed|is gone)"):
        score_file(path, model, "v1", tmp_path / "out", Options(), lambda rows: change(path))
    assert list((tmp_path / "out").iterdir()) == []
    path.write_text(ROWS)
    assert score_file(path, model, "v1", tmp_path / "out", Options())["rows_in"] == 20


@pytest.mark.parametrize("change", CHANGES)
def test_nor_does_one_that_changes_between_its_parts(
    change: Change, path: Path, model: ClusterModel, tmp_path: Path
) -> None:
    def run(task: PartTask, parts: Sequence[Part]) -> list[PartResult]:
        done = one_after_the_other(task, parts)
        change(path)
        return done

    with pytest.raises(Temporary, match=rf"could not read in {path}: it (changed|is gone)"):
        in_parts(SharedInput.at(path), model, tmp_path / "out", run=run)
    assert not list((tmp_path / "out").rglob("manifest.json"))


def test_a_change_says_more_than_the_error_that_it_brought(path: Path) -> None:
    state = FileState.of(path)
    path.write_text("a,b")
    with (
        pytest.raises(Temporary, match="it changed"),
        checked_afterwards(lambda: state.refuse_changed(path)),
    ):
        raise WrongFile(path, "ends in the middle of a row")


def test_what_is_no_file_is_refused_before_it_is_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(os.path.relpath(tmp_path / "socket"))
        for path, kind in {
            tmp_path / "pipe": "a pipe",
            tmp_path / "socket": "a socket",
            Path("/dev/zero"): "a device",
            tmp_path: "a folder",
        }.items():
            for look in (InputFile.at, SharedInput.at, lambda it: open_customers(it).__enter__()):
                with pytest.raises(WrongFile, match=f"is {kind}; expected a file"):
                    look(path)
    with pytest.raises(WrongFile, match="cannot be read"):
        InputFile.at(tmp_path / "nothing")


def test_an_error_of_reading_names_the_file_and_one_of_writing_the_results(
    path: Path, model: ClusterModel, tmp_path: Path
) -> None:
    source = LocalInput.at(path)
    assert source.identity.startswith("sha256:")
    path.unlink()
    with pytest.raises(Temporary, match=f"could not read in {path}: it is gone"):
        score(source, ScoringSpec(model, "v1"), FolderRuns(tmp_path / "out"), WholeFile())
    path.write_text(ROWS)
    (tmp_path / "file").write_text("")
    with pytest.raises(Temporary, match=f"could not write in {tmp_path / 'file' / 'out'}"):
        score_file(path, model, "v1", tmp_path / "file" / "out", Options())
