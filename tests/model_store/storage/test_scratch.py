"""What dead processes left is swept, and nothing else."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from model_store import FolderStorage, Store
from model_store.storage.scratch import unfinished

WORKER = """
import sys, time
from pathlib import Path
from model_store.storage.scratch import unfinished
with unfinished(Path(sys.argv[1])) as folder:
    (folder / "half").write_bytes(b"x" * 1000)
    print(folder.name, flush=True)
    time.sleep(60)
"""


@contextmanager
def another_process(root: Path) -> Iterator[Path]:
    """The folder in which another process works, which is killed at the end."""
    command = [sys.executable, "-c", WORKER, str(root)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as worker:
        assert worker.stdout
        try:
            yield root / worker.stdout.readline().strip()
        finally:
            os.kill(worker.pid, signal.SIGKILL)


def test_a_folder_is_gone_at_the_end_unless_it_was_moved(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="cut"), unfinished(tmp_path) as folder:
        (folder / "half").touch()
        raise ValueError("cut")
    with unfinished(tmp_path) as folder:
        folder.rename(tmp_path / "whole")
    assert [path.name for path in tmp_path.iterdir()] == ["whole"]


def test_what_a_killed_process_left_goes_and_what_a_living_one_holds_stays(tmp_path: Path) -> None:
    with another_process(tmp_path) as dead, another_process(tmp_path) as other:
        assert (dead / "half").exists() and (other / "half").exists()
    assert dead.exists() and other.exists()
    with another_process(tmp_path) as living:
        assert not dead.exists()
        with unfinished(tmp_path) as mine, unfinished(tmp_path) as other:
            assert {mine, other, living} == set(tmp_path.iterdir())
        assert (living / "half").exists()


def test_a_store_sweeps_when_it_is_written_to(tmp_path: Path) -> None:
    with another_process(tmp_path) as dead:
        pass
    store = Store(FolderStorage(tmp_path))
    store.point("champion", store.publish({"model.json": b"{}"}, {}).version)
    assert not dead.exists()
    assert not list(tmp_path.rglob("*unfinished*"))


def test_links_and_files_of_others_are_left_alone(tmp_path: Path) -> None:
    with another_process(tmp_path / "root") as dead:
        pass
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "kept").touch()
    link = dead.with_name(f"{dead.name}2")
    link.symlink_to(tmp_path / "mine")
    file = dead.with_name(f"{dead.name}3")
    file.touch()
    with unfinished(tmp_path / "root"):
        pass
    assert (tmp_path / "mine" / "kept").exists()
    assert set((tmp_path / "root").iterdir()) == {link, file}


def test_nobody_loses_a_folder_to_those_who_begin_at_the_same_moment(tmp_path: Path) -> None:
    def work(number: int) -> bool:
        with unfinished(tmp_path) as folder:
            (folder / "half").write_text(str(number))
            with unfinished(tmp_path):
                return (folder / "half").read_text() == str(number)

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, range(400)))
    assert list(tmp_path.iterdir()) == []
