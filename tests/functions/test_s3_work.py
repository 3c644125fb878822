"""Folders for the files of a run."""

import tempfile
from pathlib import Path

import pytest

from functions.s3_work import sweep, work_folder


@pytest.fixture(autouse=True)
def disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_a_folder_is_gone_when_its_run_ends(disk: Path) -> None:
    with pytest.raises(ValueError), work_folder() as folder:
        (folder / "input").write_text("x")
        raise ValueError
    assert list(disk.iterdir()) == []


def test_a_sweep_leaves_the_folder_of_a_living_worker(disk: Path) -> None:
    dead = disk / "customer-clusters-dead"
    dead.mkdir()
    (disk / "customer-clusters-dead.lock").touch()
    (disk / "others.lock").touch()
    with work_folder() as folder:
        sweep()
        assert folder.is_dir()
        assert not dead.exists()
    assert [path.name for path in disk.iterdir()] == ["others.lock"]
