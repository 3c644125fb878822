"""Leases: one worker has a file, and one that died gives it up."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from model_store import FolderStorage, S3Address
from model_store.storage.base import Storage
from model_store.storage.s3 import S3Storage
from pipeline.runs.inbox.leases import FOLDER, Leases

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_s3 import S3Client

FILE = "s3://customers/incoming/a.csv"


@dataclass
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def files(s3: "S3Client", make_bucket: "Callable[[], str]") -> Storage:
    return S3Storage(s3, S3Address(make_bucket(), "results"))


@pytest.fixture
def dead(tmp_path: Path, files: Storage) -> Iterator[None]:
    """A worker that died with a lease: it never renews it."""
    leases = Leases(files, seconds=3600)
    held = leases.held(FILE)
    assert held.__enter__()
    yield
    held.__exit__(None, None, None)


def test_of_two_workers_one_has_a_file_until_it_gives_it_back(files: Storage) -> None:
    mine, theirs = Leases(files), Leases(files)
    with (
        mine.held(FILE) as first,
        theirs.held(FILE) as second,
        theirs.held("s3://customers/other") as other,
    ):
        assert (first, second, other) == (True, False, True)
    assert files.names(FOLDER) == []
    with theirs.held(FILE) as again:
        assert again


@pytest.mark.usefixtures("dead")
def test_the_lease_of_a_dead_worker_is_taken_over_once_it_was_long_the_same(files: Storage) -> None:
    clock = Clock()
    leases, others = Leases(files, 60, clock), Leases(files, 60, clock)
    for now, expected in ((0, False), (59, False), (60, True)):
        clock.now = now
        with leases.held(FILE) as held:
            assert held is expected
            if held:
                with others.held(FILE) as too:
                    assert not too


def test_a_lease_that_is_renewed_is_never_taken_over(files: Storage) -> None:
    renewed = threading.Event()

    class Told(S3Storage):
        def swap(self, name: str, content: bytes, tag: str) -> str:
            try:
                return super().swap(name, content, tag)
            finally:
                renewed.set()

    assert isinstance(files, S3Storage)
    clock = Clock()
    other = Leases(files, 60, clock)
    with Leases(Told(files.client, files.address), 0.05).held(FILE) as mine:
        assert mine
        for now in (0.0, 60.0, 120.0):
            clock.now = now
            with other.held(FILE) as theirs:
                assert not theirs
            renewed.clear()
            assert renewed.wait(5)


def test_whoever_lost_a_lease_leaves_it_to_the_other(tmp_path: Path) -> None:
    """As a process that was frozen for long; it goes on, for the manifest decides."""
    files = FolderStorage(tmp_path)
    with Leases(files, 0.03).held(FILE) as mine:
        assert mine
        (name,) = files.names(FOLDER)
        files.replace(f"{FOLDER}/{name}", b"another worker's")
        threading.Event().wait(0.1)
    assert files.read(f"{FOLDER}/{name}") == b"another worker's"
