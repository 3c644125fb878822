"""What every storage does, in a folder and in S3 alike."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from model_store import Conflict, NotFound, Storage


@pytest.fixture
def local(tmp_path: Path) -> Path:
    path = tmp_path / "local.csv"
    path.write_bytes(b"a,b\n1,2\n")
    return path


def test_a_new_file_never_replaces_one(storage: Storage) -> None:
    tag = storage.create("a/b.txt", b"first")
    with pytest.raises(Conflict):
        storage.create("a/b.txt", b"second")
    assert storage.read("a/b.txt") == b"first"
    assert storage.read_tagged("a/b.txt") == (b"first", tag)
    assert storage.names("a") == ["b.txt"]


def test_a_file_is_swapped_only_for_the_one_that_was_read(storage: Storage) -> None:
    first = storage.create("a/x", b"1")
    assert storage.read_tagged("a/x") == (b"1", first)
    second = storage.swap("a/x", b"2", first)
    with pytest.raises(Conflict):
        storage.swap("a/x", b"3", first)
    assert storage.read_tagged("a/x") == (b"2", second)
    storage.delete("a/x")
    storage.delete("a/x")
    assert storage.names("a") == []
    assert not storage.exists("a/x")
    with pytest.raises(Conflict):
        storage.swap("a/x", b"3", second)
    with pytest.raises(NotFound):
        storage.read_tagged("a/x")


def test_a_file_is_replaced_whether_it_was_there_or_not(storage: Storage) -> None:
    for content in (b"first", b"second"):
        storage.replace("a/b.txt", content)
        assert storage.read("a/b.txt") == content
    with pytest.raises(Conflict):
        storage.create("a/b.txt", b"third")


def test_a_folder_names_its_files_and_folders_and_only_its_own(storage: Storage) -> None:
    for name in ("in/b.csv", "in/deep/c.csv", "in/a.csv", "inner/d.csv", "z.csv"):
        storage.create(name, b"x")
    storage.swap("in/a.csv", b"y", storage.read_tagged("in/a.csv")[1])
    assert storage.names("in") == ["a.csv", "b.csv", "deep"]
    assert storage.names("in/deep") == ["c.csv"]
    assert storage.names() == ["in", "inner", "z.csv"]
    assert storage.names("nothing") == storage.names("z.csv") == []


def test_an_empty_storage_names_nothing(storage: Storage) -> None:
    assert storage.names() == []


def test_a_folder_is_no_file(storage: Storage) -> None:
    storage.create("in/b.csv", b"123")
    for name in ("in", "nothing", "in/b.csv/deeper"):
        assert not storage.exists(name)
        assert storage.size(name) is None
        with pytest.raises(NotFound):
            storage.read(name)
    assert storage.exists("in/b.csv")
    assert storage.size("in/b.csv") == 3


def test_a_local_file_is_uploaded_in_place_of_another(storage: Storage, local: Path) -> None:
    storage.create("run/assigned.csv", b"older")
    storage.upload(local, "run/assigned.csv")
    assert storage.read("run/assigned.csv") == local.read_bytes()
    assert storage.size("run/assigned.csv") == local.stat().st_size
    assert storage.names("run") == ["assigned.csv"]


def test_an_upload_outlives_its_local_file(storage: Storage, local: Path) -> None:
    content = local.read_bytes()
    storage.upload(local, "a.csv")
    local.unlink()
    assert storage.read("a.csv") == content


def test_a_link_is_uploaded_as_the_file_that_it_leads_to(
    storage: Storage, local: Path, tmp_path: Path
) -> None:
    link = tmp_path / "link.csv"
    link.symlink_to(local)
    storage.upload(link, "a.csv")
    local.unlink()
    assert storage.read("a.csv") == b"a,b\n1,2\n"


def test_what_is_read_after_an_upload_has_the_tag_to_swap_it(storage: Storage, local: Path) -> None:
    storage.upload(local, "a.csv")
    storage.swap("a.csv", b"new", storage.read_tagged("a.csv")[1])
    assert storage.read("a.csv") == b"new"


def test_names_are_taken_as_they_are(storage: Storage) -> None:
    name = "März 2026/a+b (1) %20.csv"
    storage.create(name, b"x")
    assert storage.read(name) == b"x"
    assert storage.names("März 2026") == ["a+b (1) %20.csv"]


def test_a_folder_tells_when_each_file_below_it_was_written(storage: Storage) -> None:
    before = datetime.now(UTC)
    for name in ("in/b.json", "in/deep/c.json", "in/deep/c.csv", "inner/d.json", "e.json"):
        storage.create(name, b"x")
    storage.swap("in/b.json", b"y", storage.read_tagged("in/b.json")[1])
    times = storage.times("in", ".json")
    assert list(times) == ["in/b.json", "in/deep/c.json"]
    assert all(abs(time - before).total_seconds() < 60 for time in times.values())
    assert len(storage.times()) == 5
    assert list(storage.times("", "/d.json")) == ["inner/d.json"]
    assert storage.times("nothing") == {}
