"""Results that are kept for a while."""

import json
import os
import time
from pathlib import Path

import pytest

from functions.uploads import disk
from functions.uploads.results import Results
from model_store import Temporary


def keep(results: Results, age: float = 0, size: int = 10) -> str:
    with results.aside() as folder:
        run = folder / "run"
        run.mkdir()
        (run / "a.csv").write_bytes(b"1" * size)
        (run / "manifest.json").write_text(json.dumps({"outputs": {"assigned": "x/y/a.csv"}}))
        kept = results.keep(run)
    made = folder.parent / kept
    if age and made.exists():
        os.utime(made, (time.time() - age,) * 2)
    return kept


def found(results: Results, run: str, name: str) -> Path | None:
    kept = results.find(run)
    return None if kept is None else kept.file(name)


def test_another_process_of_the_host_finds_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    run = keep(Results())
    assert (
        found(Results(), run, "a.csv") == tmp_path / f"customer-clusters-{os.getuid()}/{run}/a.csv"
    )
    assert found(Results(), run, "b.csv") is None


def test_what_is_too_old_is_not_found_and_swept(tmp_path: Path) -> None:
    results = Results(tmp_path / "root", seconds=60)
    old, new = keep(results, age=61), keep(results, age=30)
    assert [path.name for path in (tmp_path / "root").iterdir()] == [new]
    old = keep(results, age=61)
    assert (tmp_path / "root" / old).exists()
    assert found(results, old, "a.csv") is None
    results.sweep()
    assert not (tmp_path / "root" / old).exists()


def test_what_a_killed_process_left_is_swept(tmp_path: Path) -> None:
    results = Results(tmp_path / "root", seconds=60)
    with results.aside() as folder:
        (folder / "input").write_bytes(b"1")
        results.sweep()
        assert folder.exists()
        os.utime(folder, (time.time() - 61,) * 2)
        results.sweep()
        assert not folder.exists()


def test_the_oldest_make_room(tmp_path: Path) -> None:
    results = Results(tmp_path / "root", max_bytes=2_500)
    ids = [keep(results, age=30 - place, size=1_000) for place in range(4)]
    assert [bool(found(results, run, "a.csv")) for run in ids] == [False, False, True, True]


def test_in_a_folder_that_is_memory_less_is_kept_and_the_newest_always(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Six results of 1,000 bytes on a machine of 15,000 bytes."""
    monkeypatch.setattr(disk, "is_memory", lambda folder: True)
    monkeypatch.setattr(disk, "_memory", lambda: 15_000)
    results = Results(tmp_path / "root")
    ids = [keep(results, age=30 - place, size=1_000) for place in range(6)]
    assert [bool(found(results, run, "a.csv")) for run in ids] == [False] * 4 + [True] * 2
    large = keep(results, age=1, size=9_000)
    assert [bool(found(results, run, "a.csv")) for run in (*ids, large)] == [False] * 6 + [True]


def test_whether_a_folder_is_memory_is_read_from_the_mounts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mounts = tmp_path / "mountinfo"
    lines = ("1 0 8:1 / / rw - ext4 /dev/sda rw", f"2 1 0:5 / {tmp_path} rw - tmpfs tmpfs rw")
    mounts.write_text("\n".join(lines), encoding="utf-8")
    monkeypatch.setattr(disk, "_MOUNTS", mounts)
    disk.is_memory.cache_clear()
    assert disk.is_memory(tmp_path / "below")
    assert not disk.is_memory(tmp_path.parent / "beside")
    monkeypatch.setattr(disk, "_MOUNTS", tmp_path / "nothing")
    disk.is_memory.cache_clear()
    assert not disk.is_memory(tmp_path)
    disk.is_memory.cache_clear()


def test_there_are_so_many_at_most_however_small(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("functions.uploads.results.KEPT_RUNS", 2)
    results = Results(tmp_path / "root")
    ids = [keep(results, age=30 - place) for place in range(4)]
    assert [bool(found(results, run, "a.csv")) for run in ids] == [False, False, True, True]


def test_a_process_that_ends_takes_its_own_along(tmp_path: Path) -> None:
    mine, other = Results(tmp_path / "root"), Results(tmp_path / "root")
    first, second = keep(mine), keep(other)
    mine.stop()
    assert found(other, first, "a.csv") is None
    assert found(other, second, "a.csv") is not None
    Results(tmp_path / "nowhere").stop()


@pytest.mark.parametrize("kind", ["open", "link", "file"])
def test_a_folder_that_others_may_change_is_not_used(tmp_path: Path, kind: str) -> None:
    place = tmp_path / "root"
    if kind == "open":
        place.mkdir()
        place.chmod(0o777)
    elif kind == "link":
        (tmp_path / "elsewhere").mkdir(mode=0o700)
        place.symlink_to(tmp_path / "elsewhere")
    else:
        place.write_text("")
    with pytest.raises(Temporary, match="folder for results"), Results(place).aside():
        raise AssertionError("it was used")


def test_a_link_that_took_the_folder_s_place_leads_nowhere(tmp_path: Path) -> None:
    results = Results(tmp_path / "root", seconds=60)
    run = keep(results)
    (tmp_path / "root").rename(tmp_path / "elsewhere")
    old = tmp_path / "elsewhere" / "photos"
    old.mkdir()
    os.utime(old, (1, 1))
    (tmp_path / "root").symlink_to(tmp_path / "elsewhere")
    assert found(results, run, "a.csv") is None
    results.sweep()
    results.stop()
    assert old.exists()
    assert (tmp_path / "elsewhere" / run / "a.csv").exists()
    with pytest.raises(Temporary):
        keep(results)


def test_a_run_that_cannot_be_kept_is_told(tmp_path: Path) -> None:
    results = Results(tmp_path / "root")
    with results.aside() as folder:
        (folder / "run").mkdir()
        (tmp_path / "root").chmod(0o755)
        with pytest.raises(Temporary, match="open to others"):
            results.keep(folder / "run")


def test_a_run_whose_file_is_gone_is_not_found(tmp_path: Path) -> None:
    results = Results(tmp_path / "root")
    run = keep(results)
    (tmp_path / "root" / run / "a.csv").unlink()
    assert found(results, run, "a.csv") is None
    (tmp_path / "root" / run / "manifest.json").unlink()
    assert found(results, run, "a.csv") is None
