"""Large files scored in parts: the same results, whatever comes how often and in which order."""

import gzip
import json
import random
from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from functions.aws.emr import State
from functions.aws.handover import PENDING, Handover
from functions.aws.parts.queue import PartOrder
from functions.live_model import LiveModel
from model_store import BUNDLED, Temporary, open_store
from pipeline.runs.notices import Notices
from pipeline.runs.parts.work import InThisProcess, ObjectParts
from pipeline.scoring.parts.part import PartResult
from pipeline.scoring.parts.part_plan import Part
from tests.support.dropping import customers, is_whole
from tests.support.notices import Inbox
from tests.support.parts import InPieces, Post, assert_same

KEY = "incoming/März 2026/a+b.csv"
HEADER = "CLIENTNUM,Note,Total_Revolving_Bal,Total_Trans_Amt,Total_Trans_Ct\n"


def quoted() -> bytes:
    rows = (
        f'{n:06d},"two\nlines, and\n""more""",{n * 30},{1000 + n * 9},{20 + n % 90}\n'
        for n in range(24)
    )
    return (HEADER + "".join(rows) + "x,?,1,many,2\n").encode()


def windows() -> bytes:
    return customers(45).decode().replace("n°", "Straße €").encode("cp1252")


def parquet() -> bytes:
    rows = range(60)
    table = pa.table(
        {
            "CLIENTNUM": [f"{n:06d}" for n in rows],
            "Total_Revolving_Bal": [n * 30.0 if n % 9 else None for n in rows],
            "Total_Trans_Amt": [1000 + n * 9 for n in rows],
            "Total_Trans_Ct": [20 + n for n in rows],
        }
    )
    return pq_of(table, row_group_size=15)


def pq_of(table: pa.Table, **how: Any) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, **how)
    content: bytes = sink.getvalue().to_pybytes()
    return content


@pytest.mark.parametrize(
    ("key", "content"),
    [
        (KEY, customers(45, wrong=7)),
        (KEY, quoted()),
        (KEY, windows()),
        ("incoming/a.parquet", parquet()),
    ],
    ids=["plain", "newlines in quotes", "windows-1252", "parquet"],
)
def test_parts_give_what_one_call_gives(pieces: InPieces, key: str, content: bytes) -> None:
    event = pieces.drop.put(key, content)
    whole = pieces.whole(event)
    parts = pieces.scored(event)
    assert_same(parts, whole)
    assert is_whole(parts)


def test_many_parts_that_are_read_again_are_sent_again(
    pieces: InPieces, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who finds the last of them concludes: before, nobody has asked for them once more."""
    monkeypatch.setattr("pipeline.scoring.parts.kept.FEW", 0)
    event = pieces.drop.put(KEY, quoted())
    whole = pieces.whole(event)
    assert pieces.deliver(event) == []
    assert pieces.deliver(*pieces.post.take()) == []
    first, *others = pieces.post.take()
    assert others and json.loads(first)["wave"] == [
        Part(**json.loads(each)["part"]).name for each in (first, *others)
    ]
    assert pieces.deliver(first) == []
    assert pieces.post.messages == []
    waves = 1
    while others and waves < 9:
        assert pieces.deliver(*others) == []
        others, waves = pieces.post.take(), waves + 1
    assert pieces.drop.written() == whole


class Halting(Post):
    """A queue that takes one message, and then whoever sends them dies."""

    def send(self, orders: Sequence[PartOrder]) -> None:
        super().send(orders[:1])
        raise Temporary("send parts to", "the queue", "it was cut short")


def test_parts_of_which_some_messages_were_sent_are_sent_again(
    pieces: InPieces, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those of a file at first, then those that are read again."""
    monkeypatch.setattr("pipeline.scoring.parts.kept.FEW", 0)
    event = pieces.drop.put(KEY, quoted())
    whole = pieces.whole(event)
    pieces.post = Halting()
    assert len(pieces.deliver(event)) == 1
    sent = pieces.post.take()
    pieces.post = Post()
    assert pieces.deliver(event) == []
    *others, last = sent + pieces.post.take()
    assert pieces.deliver(*others) == []
    pieces.post = Halting()
    assert len(pieces.deliver(last)) == 1
    waiting = [*pieces.post.take(), last]
    pieces.post = Post()
    waves = 0
    while waiting and waves < 9:
        assert pieces.deliver(*waiting) == []
        waiting, waves = pieces.post.take(), waves + 1
    assert pieces.drop.written() == whole


def test_a_run_is_scored_in_parts_or_on_spark_and_not_by_both(pieces: InPieces) -> None:
    class Spark:
        def start(self, name: str, token: str, arguments: Any) -> str:
            return "job-1"

        def state(self, job_run: str) -> State:
            return State("RUNNING")

        def arguments(self, job_run: str) -> list[str]:
            return []

    spark, drop = Handover(Spark(), 500, str(BUNDLED)), pieces.drop
    for key, first, then in (
        (KEY, {}, {"handover": spark}),
        ("incoming/b.csv", {"handover": spark}, {}),
    ):
        event = drop.put(key)
        assert pieces.deliver(event, **first) == pieces.deliver(event, **then) == []
    said = ["handed out in parts", "its parts are being scored", "handed to Spark"]
    assert drop.said() == [*said, "Spark is at it"]


def test_a_small_file_is_scored_at_once(pieces: InPieces) -> None:
    assert pieces.deliver(pieces.drop.put(KEY, customers(9))) == []
    assert pieces.drop.said() == ["scored"]
    assert is_whole(pieces.drop.written())


def test_a_file_is_planned_once_and_what_is_missing_is_sent_again(pieces: InPieces) -> None:
    drop, event = pieces.drop, pieces.drop.put(KEY)
    assert pieces.deliver(event) == []
    messages = pieces.post.take()
    (plan,) = drop.documents(PENDING)
    assert (plan["state"], plan["parts"]) == ("IN_PARTS", len(messages))
    assert plan["input"]["bytes"] == len(customers())
    assert pieces.deliver(*messages[1:]) == []
    assert pieces.deliver(event, event) == []
    assert pieces.post.take() == [messages[0]] * 2
    handed_out, *scored, known, _ = drop.said()
    assert handed_out == "handed out in parts"
    assert set(scored) == {"part scored"}
    assert known == "its parts are being scored"
    assert drop.figures == []
    assert drop.documents("manifest.json") == []


def test_what_comes_again_after_the_end_changes_nothing(pieces: InPieces) -> None:
    drop, event = pieces.drop, pieces.drop.put(KEY)
    pieces.deliver(event)
    messages = list(pieces.post.messages)
    whole = pieces.scored(event)
    assert drop.documents(PENDING) == []
    assert pieces.deliver(*messages, event) == []
    assert drop.written() == whole
    *skipped, done = drop.said()[-len(messages) - 1 :]
    assert set(skipped) == {"skipped: the run of this part has ended"}
    assert done == "done before"
    assert sum("FilesScored" in figures for figures in drop.figures) == 1


def test_a_slow_call_leaves_nothing_behind_where_the_run_ended_meanwhile(
    pieces: InPieces,
) -> None:
    """It misread its part, which another one has read again, and writes that after the commit."""
    event = pieces.drop.put(KEY, quoted())
    pieces.deliver(event)
    messages = pieces.post.take()

    class Slow(InThisProcess):
        def score(self, parts: ObjectParts, part: Part) -> PartResult:
            assert pieces.deliver(*messages) == []
            return super().score(parts, part)

    assert InPieces(pieces.drop, work=Slow()).deliver(messages[2]) == []
    assert is_whole(pieces.drop.written())
    assert pieces.drop.said()[-1] == "done before"


def test_a_run_that_nobody_concluded_is_when_its_file_comes_again(pieces: InPieces) -> None:
    """The message of the last part was lost after its work was done."""
    event = pieces.drop.put(KEY)
    pieces.deliver(event)

    class Lost(InThisProcess):
        def conclude(self, *arguments: Any) -> Any:
            raise Temporary("read", "S3", "slow")

    lost = InPieces(pieces.drop, work=Lost())
    assert len(lost.deliver(*pieces.post.take())) == 1
    assert pieces.deliver(event) == []
    (last,) = pieces.post.take()
    assert pieces.deliver(last) == []
    assert is_whole(pieces.drop.written())


def test_parts_are_scored_with_the_planned_model_whatever_answers_now(pieces: InPieces) -> None:
    """And so is the file, where it comes again after its planner was killed."""
    drop, event = pieces.drop, pieces.drop.put(KEY)
    planned = drop.live_model.current().version

    class Full(Post):
        def send(self, orders: Sequence[PartOrder]) -> None:
            super().send(orders[:2])
            raise Temporary("send", "the queue", "it is busy")

    assert InPieces(drop, Full()).deliver(event) == ["m0"]
    other = LiveModel(open_store(BUNDLED), "original", log=lambda line: None)
    other.refresh()
    drop.live_model = other
    assert pieces.deliver(event) == []
    assert pieces.deliver(*pieces.post.take()) == []
    (manifest,) = drop.documents("manifest.json")
    assert manifest["model_version"] == planned != other.current().version
    assert is_whole(drop.written())


def test_what_has_no_parts_is_scored_by_one_call(pieces: InPieces) -> None:
    noise = "".join(random.Random(1).choices("abcdefgh", k=2000)).encode()
    content = gzip.compress(customers().replace("n° 7,".encode(), noise + b","))
    one_group = pq_of(pa.table({name: [20] * 40 for name in HEADER.strip().split(",")}))
    for key, body in ((f"{KEY}.gz", content), ("incoming/a.parquet", one_group)):
        assert pieces.deliver(pieces.drop.put(key, body)) == []
    workbook = pieces.drop.put("incoming/b.csv")
    assert pieces.deliver(workbook, format="xlsx") == []
    assert pieces.drop.said() == ["scored"] * 3
    assert pieces.post.messages == []


def test_history_index_and_notice_are_those_of_any_run(pieces: InPieces) -> None:
    drop, inbox = pieces.drop, Inbox()
    drop.notices = Notices((inbox,))
    event = drop.put(KEY)
    pieces.deliver(event)
    assert inbox.got == []
    for message in pieces.post.take():
        pieces.deliver(message, index_key="a secret")
    assert [notice["data"]["rows_in"] for notice in inbox.got] == [40]
    assert [entry["run"] for entry in drop.ledger()] == [drop.run_of(event)]
    assert any(name.rpartition("/")[2].startswith("customers-") for name in drop.written())
    assert "FilesScored" in drop.figures[-1] and "RejectedShare" in drop.figures[-1]


def test_parquet_that_somebody_waits_for_stays_one_file(pieces: InPieces) -> None:
    event = pieces.drop.put(f"incoming/page/{'x' * 32}/a.parquet", parquet())
    assert pieces.deliver(event) == []
    assert pieces.drop.said() == ["scored"]
    assert pieces.post.messages == []
