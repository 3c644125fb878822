"""The work on parts in a process of its own, which a file may end without ending the function."""

from collections.abc import Iterator

import pytest

from pipeline.runs.parts.isolated import IsolatedWork
from pipeline.scoring.process.isolated import Isolated
from tests.support.dropping import Drop, customers, is_whole
from tests.support.parts import InPieces, assert_same

KEY = "incoming/März 2026/a+b.csv"


@pytest.fixture
def isolated(aws: None) -> Iterator[Isolated]:
    made = Isolated(module="pipeline.runs.parts.child")
    yield made
    made.close()


def test_a_process_of_its_own_does_the_same(drop: Drop, isolated: Isolated) -> None:
    pieces = InPieces(drop, work=IsolatedWork(isolated))
    event = drop.put(KEY, customers(45, wrong=3))
    whole = pieces.whole(event)
    parts = pieces.scored(event)
    assert_same(parts, whole)
    assert is_whole(parts)
    wrong = drop.put(KEY, b"a,b\n" + b"1,2\n" * 200)
    assert pieces.deliver(wrong) == []
    (failed,) = drop.documents("failed.json")
    assert failed["reason"].startswith(f"s3://{drop.settings.input.bucket}/{KEY}: no column")


def test_a_part_that_ends_its_process_fails_the_file_in_words(drop: Drop, aws: None) -> None:
    dying = Isolated(module="tests.support.dying_parts")
    try:
        pieces = InPieces(drop, work=IsolatedWork(dying))
        pieces.scored(drop.put(KEY, customers(45)))
    finally:
        dying.close()
    (failed,) = drop.documents("failed.json")
    assert failed["code"] == "wrong_file"
    assert "a+b.csv: the reader ended with signal 6 while it read this file" in failed["reason"]
    assert [name.rpartition("/")[2] for name in drop.written()] == ["failed.json"]
