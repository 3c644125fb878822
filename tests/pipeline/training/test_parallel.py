import os
from functools import partial

import pytest

from pipeline.training import parallel


def killed_elsewhere(here: int, item: int) -> int:
    """Ends every process but the one that asks."""
    if os.getpid() != here:
        os._exit(1)
    return item * item


def where(item: int) -> int:
    return os.getpid()


@pytest.fixture(autouse=True)
def two_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parallel, "cores", lambda: 2)


def nested(item: int) -> set[int]:
    return set(parallel.each(where, range(4), heavy=True))


def test_what_a_killed_process_had_to_do_is_done_here() -> None:
    found = parallel.each(partial(killed_elsewhere, os.getpid()), range(8), heavy=True)
    assert found == [item * item for item in range(8)]


def test_what_takes_no_time_starts_no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    assert set(parallel.each(where, range(300))) == {os.getpid()}
    monkeypatch.setattr(parallel, "START_SECONDS", 0)
    monkeypatch.setattr(parallel, "WORTH_SECONDS", 0)
    first, *others = parallel.each(where, range(9))
    assert first == os.getpid()
    assert os.getpid() not in others


def test_whoever_helps_does_not_ask_for_help() -> None:
    for processes in parallel.each(nested, range(4), heavy=True):
        (one,) = processes
        assert one != os.getpid()
