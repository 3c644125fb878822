"""A bucket as a drop folder: a listing in place of events, a lease in place of a queue."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError
from click.testing import CliRunner

from functions.cli.main import main
from functions.cli.watch.bucket_worker import bucket_worker
from functions.cli.watch.drop_bucket import GRACE_SECONDS, DropBucket
from functions.cli.watch.said_once import SaidOnce
from functions.live_model import LiveModel
from functions.live_models import LiveModels
from model_store import BUNDLED, Denied, Temporary, open_store
from pipeline.reading.options import ReadingOptions
from pipeline.runs import RunInput, WholeFile
from pipeline.runs.inbox.leases import FOLDER, Leases
from pipeline.scoring.documents import Manifest
from pipeline.scoring.spec import Explaining
from tests.support.dropping import Drop, customers, is_whole


@dataclass
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def asked(drop: Drop) -> Iterator[Counter[str]]:
    """How many requests of each kind were made."""
    made: Counter[str] = Counter()

    def count(event_name: str, **_: Any) -> None:
        made[event_name.rpartition(".")[2]] += 1

    drop.s3.meta.events.register("before-send.s3", count)
    yield made
    drop.s3.meta.events.unregister("before-send.s3", count)


@pytest.fixture
def closed() -> Iterator[Callable[[DropBucket], DropBucket]]:
    made: list[DropBucket] = []

    def keep(one: DropBucket) -> DropBucket:
        made.append(one)
        return one

    yield keep
    for each in made:
        each.batch.runs.files.client.close()


def worker(drop: Drop, clock: Clock | None = None, **changes: Any) -> DropBucket:
    """A worker that was just started."""
    log = SaidOnce(drop.lines.append)
    return DropBucket(replace(drop.function(**changes), log=log), log, clock=clock or Clock())


def test_what_lies_below_the_prefix_is_scored_once(drop: Drop, asked: Counter[str]) -> None:
    for key in ("incoming/a.csv", "incoming/deep/b.csv", "elsewhere/c.csv", "incoming/_SUCCESS"):
        drop.put(key)
    drop.put("incoming/empty.csv", b"")
    drop.put("incoming/bad.csv", b"a,b\n1,2\n")
    watching = worker(drop)
    watching.look()
    assert drop.said() == ["scored", "failed for good", "scored"]
    assert [each["input"]["name"] for each in drop.documents("manifest.json")] == [
        "a.csv", "deep/b.csv",
    ]  # fmt: skip
    assert drop.results.names(FOLDER) == []
    asked.clear()
    watching.look()
    assert asked == {"ListObjectsV2": 2}  # of what somebody waits for, and of all else
    asked.clear()
    worker(drop).look()  # another process, which knows nothing
    assert asked == {"ListObjectsV2": 3}
    assert len(drop.said()) == 3


def test_options_beside_a_file_hold_as_for_the_function(drop: Drop) -> None:
    drop.put("incoming/south/a.csv")
    drop.put("incoming/south/_options.toml", b'format = "parquet"\nwhy = 1\n')
    worker(drop).look()
    (manifest,) = drop.documents("manifest.json")
    assert manifest["options"]["format"] == "parquet"
    assert manifest["outputs"]["assigned"].endswith(".parquet")
    worker(drop).look()
    assert drop.said() == ["scored"]


def test_a_folder_with_the_name_of_a_model_is_scored_with_it(
    drop: Drop, batch_live_model: LiveModel
) -> None:
    original = LiveModel(open_store(BUNDLED), "original", log=lambda line: None)
    original.refresh()
    models = LiveModels({"default": batch_live_model, "old": original})
    drop.put("incoming/old/a.csv", customers(3))
    drop.put("incoming/a.csv")
    for _ in range(2):
        worker(drop, models=models).look()
    assert [(line["message"], line.get("model")) for line in drop.lines] == [
        ("scored", None), ("failed for good", "old"),
    ]  # fmt: skip


def test_a_dropped_file_that_is_another_now_is_scored_again(drop: Drop) -> None:
    watching = worker(drop)
    for rows in (3, 4):
        drop.put("incoming/a.csv", customers(rows))
        watching.look()
    assert sorted(each["rows_in"] for each in drop.documents("manifest.json")) == [3, 4]


def test_a_promotion_does_not_score_all_anew(drop: Drop, batch_live_model: LiveModel) -> None:
    drop.put("incoming/a.csv")
    worker(drop).look()
    other = LiveModel(open_store(BUNDLED), "original", log=lambda line: None)
    other.refresh()
    drop.live_model = other
    worker(drop).look()
    assert drop.said() == ["scored"]


def test_what_somebody_waits_for_comes_first_and_between(drop: Drop, clock: Clock) -> None:
    """A file of the page comes while many others are scored."""
    page = f"incoming/page/{'_' * 32}"
    drop.put(f"{page}/1.csv")
    for name in "abc":
        drop.put(f"incoming/{name}.csv")

    def score(source: RunInput, *arguments: Any) -> Manifest:
        if source.name == "a.csv":
            drop.put(f"{page}/2.csv")
            clock.now += 60
        return WholeFile()(source, *arguments)

    worker(drop, clock, engine=score).look()
    objects = [line["object"].rpartition("/")[2] for line in drop.lines]
    assert objects == ["1.csv", "a.csv", "2.csv", "b.csv", "c.csv"]


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (Temporary("write", "S3", "slow"), "could not write in S3: slow"),
        (Denied("read", "S3", "AccessDenied"), "AccessDenied"),
    ],
)
def test_what_may_succeed_later_is_tried_again_later_and_said_once(
    error: Exception, words: str, drop: Drop, clock: Clock
) -> None:
    tries = []

    def score(source: RunInput, *arguments: Any) -> Manifest:
        if source.name == "mine.csv":
            tries.append(clock.now)
            if len(tries) < 4:
                raise error
        return WholeFile()(source, *arguments)

    drop.put("incoming/mine.csv")
    drop.put("incoming/theirs.csv")
    watching = worker(drop, clock, engine=score)
    for clock.now in range(0, 200, 5):
        watching.look()
    assert tries == [0, 20, 60, 140]
    assert drop.said() == ["given back, to be delivered again", "scored", "scored"]
    assert words in drop.lines[0]["error"]


def test_a_server_that_is_away_is_said_once_and_asked_again(drop: Drop, clock: Clock) -> None:
    def refuse(request: Any, **_: Any) -> None:
        raise EndpointConnectionError(endpoint_url=request.url)

    drop.put("incoming/a.csv")
    watching = worker(drop, clock)
    drop.s3.meta.events.register("before-send.s3", refuse)
    try:
        pauses = []
        for _ in range(9):
            watching.look()
            pauses.append(watching._pause())
        assert pauses == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    finally:
        drop.s3.meta.events.unregister("before-send.s3", refuse)
    watching.look()
    assert drop.said() == [
        "the bucket cannot be looked at; it is tried again", "scored", "the bucket answers again",
    ]  # fmt: skip
    assert "does not answer" in drop.lines[0]["error"]
    assert watching._pause() == watching.interval


def test_a_bucket_that_is_not_there_is_said_in_words(drop: Drop) -> None:
    watching = worker(drop, input=replace(drop.settings.input, bucket="nobody-made-it"))
    watching.look()
    (line,) = drop.lines
    assert line["level"] == "error"
    assert line["error"].startswith("no bucket in s3://nobody-made-it")


def test_a_file_that_another_worker_has_is_left_to_it(drop: Drop, clock: Clock) -> None:
    drop.put("incoming/a.csv")
    watching = worker(drop, clock)
    address = f"s3://{drop.settings.input.bucket}/incoming/a.csv"
    with Leases(drop.results, seconds=3600).held(address):
        watching.look()
        assert drop.said() == []
    watching.look()
    assert drop.said() == ["scored"]


def test_a_worker_that_is_stopped_gives_its_file_back_in_time(drop: Drop, clock: Clock) -> None:
    def score(source: RunInput, *arguments: Any) -> Manifest:
        watching.stop.set()
        checkpoint = arguments[-1]
        checkpoint()  # there is some time left
        clock.now += GRACE_SECONDS + 1
        checkpoint()
        raise AssertionError

    drop.put("incoming/a.csv")
    drop.put("incoming/b.csv")
    watching = worker(drop, clock, engine=score)
    watching.watch()
    assert drop.said()[1:] == ["given back, to be delivered again", "stopped"]
    assert drop.written() == {}
    worker(drop).look()
    assert len(drop.documents("manifest.json")) == 2


def test_notices_that_wait_are_sent(drop: Drop, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[Any] = []

    class Told:
        active = True
        of_commit = of_failure = None

        def deliver_quietly(self, runs: Any) -> None:
            sent.append(runs)
            watching.stop.set()

    watching = worker(drop, notices=Told())
    watching.watch()
    assert sent == [watching.batch.runs]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["s3://b-1/in/", "--out", "s3://b-1/in/results"], "results need another place than"),
        (["s3://b-1/in/", "--out", "results"], "expected s3://bucket"),
        (["s3://b-1/in/", "--settle", "3"], "--settle is for folders"),
        (["inbox", "--interval", "3"], "--interval is for buckets"),
        (["inbox", "--lease", "3"], "--lease is for buckets"),
    ],
)
def test_what_does_not_fit_is_said_in_a_line(arguments: list[str], message: str) -> None:
    done = CliRunner().invoke(main, ["watch", *arguments])
    assert done.exit_code == 2
    assert message in done.output


CHOSEN = {
    "out": "s3://scored/results",
    "store": str(BUNDLED),
    "reference": "champion",
    "challenger": None,
    "format": None,
    "safe_csv": True,
    "max_rejected_share": 0.5,
    "explaining": Explaining(why=2),
    "reading": ReadingOptions(decimal=","),
}


@pytest.mark.usefixtures("aws")
def test_options_stand_over_the_variables_of_the_function(
    monkeypatch: pytest.MonkeyPatch, closed: Callable[[DropBucket], DropBucket]
) -> None:
    for name, value in (
        ("FORMAT", "xlsx"), ("WHY", "5"), ("SENTENCES", "true"), ("DELIMITER", ";"),
        ("MAX_REJECTED_SHARE", "0.25"),
    ):  # fmt: skip
        monkeypatch.setenv(f"CUSTOMER_CLUSTERS_{name}", value)
    made = closed(bucket_worker("s3://dropped/in/", 1, 2, ["safe_csv", "why", "decimal"], CHOSEN))
    settings = made.batch.settings
    assert (settings.format, settings.max_rejected_share, settings.safe_csv) == ("xlsx", 0.25, True)
    assert (settings.why, settings.sentences) == (2, False)
    assert settings.reading == ReadingOptions(decimal=",", delimiter=";")
    assert str(made.batch.runs) == "s3://scored/results"
    assert made.batch.models is None


@pytest.mark.usefixtures("aws")
def test_a_model_that_the_options_name_is_the_default_among_several(
    monkeypatch: pytest.MonkeyPatch, closed: Callable[[DropBucket], DropBucket]
) -> None:
    monkeypatch.setenv("CUSTOMER_CLUSTERS_MODELS", f"default=/elsewhere,cards={BUNDLED}#original")
    chosen = {**CHOSEN, "store": str(BUNDLED), "reference": "champion"}
    made = closed(bucket_worker("s3://dropped/in/", 1, 2, ["store"], chosen))
    assert made.batch.models is not None
    assert made.batch.models.names == ("default", "cards")
    assert made.batch.live_model.address == str(BUNDLED)


def test_each_file_of_an_inbox_comes_out_whole(drop: Drop) -> None:
    drop.put("incoming/a.csv", customers(200))
    worker(drop).look()
    assert is_whole(drop.written())
