"""The S3 function tells of runs, and measures what alarms look at."""

import json

import pytest

from functions.aws.events import DELIVER
from pipeline.runs.notices import Notices, Outbox, Rule
from tests.support.dropping import Context, Drop, Waning, customers, queued
from tests.support.notices import Clock, Inbox

KEY = "incoming/march.csv"


@pytest.fixture
def inbox(drop: Drop) -> Inbox:
    made = Inbox()
    drop.notices = Notices((made,), tell=drop.lines.append)
    return made


def test_a_dropped_file_is_told_once_without_a_customers_value_or_id(
    drop: Drop, inbox: Inbox
) -> None:
    event = drop.put(KEY)
    for _ in range(2):
        drop.deliver(queued(event))
    (notice,) = inbox.got
    assert notice["type"] == "run.committed"
    assert notice["data"]["results"] == str(drop.results)
    assert notice["data"]["run"] == drop.run_of(event)
    counts = {"rows_in": 40, "rows_assigned": 39, "rows_rejected": 1}
    assert counts.items() <= notice["data"].items()
    text = json.dumps(notice)
    assert not any(value in text for value in ("many", "000001", "n° 1", "1090"))


def test_a_file_that_is_refused_is_told_by_its_code_alone(drop: Drop, inbox: Inbox) -> None:
    event = drop.put(KEY, b"Jane Doe,0711 1234\nJohn Doe,0711 4321\n")
    for _ in range(2):
        drop.deliver(queued(event))
    (notice,) = inbox.got
    assert (notice["type"], notice["data"]["code"]) == ("run.refused", "wrong_file")
    assert "Doe" not in json.dumps(notice)
    assert "Doe" in drop.documents("failed.json")[0]["reason"]  # which is why it stays there


def test_an_object_that_is_gone_is_told_once(drop: Drop, inbox: Inbox) -> None:
    event = drop.put(KEY)
    drop.s3.delete_object(Bucket=drop.settings.input.bucket, Key=KEY)
    for _ in range(2):
        drop.deliver(queued(event))
    assert [notice["data"]["code"] for notice in inbox.got] == ["gone"]


def test_what_could_not_be_told_is_sent_by_the_next_call_or_the_schedule(
    drop: Drop, inbox: Inbox
) -> None:
    clock = Clock()
    drop.notices = Notices((inbox,), clock=clock)
    inbox.down = True
    drop.deliver(drop.put(KEY))
    inbox.down = False
    clock.pass_by(minutes=2)
    drop.deliver(drop.put("incoming/april.csv", customers(50)))
    assert sorted(notice["data"]["input"] for notice in inbox.got) == ["april.csv", "march.csv"]
    inbox.down = True
    drop.deliver(drop.put("incoming/may.csv", customers(60)))
    inbox.down = False
    clock.pass_by(minutes=2)
    assert drop.deliver(DELIVER) == {}
    assert inbox.got[-1]["data"]["input"] == "may.csv"
    assert Outbox(drop.results).names() == []


def test_a_call_with_little_time_left_sends_nothing_of_others(drop: Drop, inbox: Inbox) -> None:
    inbox.down = True
    drop.deliver(drop.put(KEY))
    asked = inbox.asked
    drop.notices = Notices((inbox,), clock=Clock())
    drop.function()(drop.put("incoming/folder/"), Waning(looks=0))
    assert inbox.asked == asked


def test_a_receiver_that_is_down_keeps_no_file_waiting(drop: Drop, inbox: Inbox) -> None:
    inbox.down = True
    event = drop.put(KEY)
    assert drop.deliver(queued(event), Context()) == {"batchItemFailures": []}
    assert len(drop.documents("manifest.json")) == 1
    assert "webhook did not take a notice: it is down; it is kept and sent again" in drop.lines


def test_figures_say_what_alarms_look_at(drop: Drop) -> None:
    drop.deliver(drop.put(KEY))
    cents = b"CLIENTNUM,Total_Revolving_Bal,Total_Trans_Amt,Total_Trans_Ct\n" + b"".join(
        b"%d,%d,%d,%d\n" % (n, 100_000 + n * 10, 400_000 + n * 100, 40 + n % 40) for n in range(300)
    )
    drop.deliver(drop.put("incoming/cents.csv", cents))
    drop.deliver(drop.put("incoming/wrong.csv", b"a,b\n1,2\n"))
    first, second, third = drop.figures
    assert (first["DriftVerdict"], first["RejectedShare"]) == (0.0, 1 / 40)
    assert (second["DriftVerdict"], second["RejectedShare"]) == (1.0, 0.0)
    assert third == {"FilesFailed": 1, "FilesRefused": 1}


def test_only_what_needs_attention_is_told_where_the_settings_say_so(
    drop: Drop, inbox: Inbox
) -> None:
    drop.notices = Notices((inbox,), Rule(only_attention=True))
    drop.deliver(drop.put(KEY, customers(10, wrong=0)))
    assert inbox.got == []
    assert Outbox(drop.results).names() == []
    drop.deliver(drop.put("incoming/april.csv", customers(10, wrong=2)))
    assert inbox.got[-1]["data"]["verdicts"][-1]["kind"] == "rejected"
