"""What waits in a bucket is told by listings: of what was dropped, and of the results."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from model_store import S3Address
from model_store.storage.s3 import S3Storage
from pipeline.runs.inbox import arrivals
from pipeline.runs.inbox.arrivals import Inbox
from pipeline.runs.inbox.ended_runs import ended_runs
from pipeline.runs.objects import ObjectRef

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

NOW = "now"
"""The id of the run that a file would get."""


@dataclass
class Bucket:
    """An inbox and its results, and which requests are made."""

    s3: "S3Client"
    name: str
    asked: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.results = S3Storage(self.s3, S3Address(self.name, "results"))

    def drop(self, *names: str, content: bytes = b"rows") -> None:
        for name in names:
            self.s3.put_object(Bucket=self.name, Key=f"in/{name}", Body=content)

    def ref(self, name: str) -> ObjectRef:
        head = self.s3.head_object(Bucket=self.name, Key=f"in/{name}")
        etag = head["ETag"].strip('"')
        return ObjectRef(
            self.name, f"in/{name}", head.get("VersionId"), etag, head["ContentLength"]
        )

    def end(self, name: str, run: str = NOW, file: str = "manifest.json", of: Any = None) -> None:
        """Commit a run, which tells that it was of an object."""
        document = {"input": {"identity": of and of.identity}}
        self.results.replace(f"{name}/{run}/assigned.csv", b"rows")
        self.results.replace(f"{name}/{run}/{file}", json.dumps(document).encode())

    def inbox(self) -> Inbox:
        def name_of(ref: ObjectRef) -> str | None:
            name = ref.key.removeprefix("in/")
            return None if name.startswith("_") else name

        return Inbox(S3Address(self.name, "in"), self.results, name_of, lambda ref: NOW)

    def waiting(self, inbox: Inbox | None = None) -> list[str]:
        self.asked.clear()
        return [each.name for each in (inbox or self.inbox()).waiting()]


@pytest.fixture
def bucket(s3: "S3Client", make_bucket: Callable[[], str]) -> Iterator[Bucket]:
    made = Bucket(s3, make_bucket())

    def count(event_name: str, **_: Any) -> None:
        made.asked[event_name.rpartition(".")[2]] += 1

    s3.meta.events.register("before-send.s3", count)
    yield made
    s3.meta.events.unregister("before-send.s3", count)


@pytest.fixture
def small_pages(s3: "S3Client", monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Two objects of the inbox at once, and three of the results."""
    monkeypatch.setattr(arrivals, "_PAGE", 2)

    def shorten(params: dict[str, Any], **_: Any) -> None:
        params.setdefault("MaxKeys", 3)

    s3.meta.events.register("provide-client-params.s3.ListObjectsV2", shorten)
    yield
    s3.meta.events.unregister("provide-client-params.s3.ListObjectsV2", shorten)


def test_what_has_its_run_is_done_and_nothing_is_read_to_know(bucket: Bucket) -> None:
    bucket.drop("a.csv", "b.csv", "c.csv", "_options.toml", "deep/d.csv")
    bucket.end("a.csv")
    bucket.end("deep/d.csv")
    bucket.end("c.csv", file="failed.json")
    assert bucket.waiting() == ["b.csv"]
    assert bucket.asked == {"ListObjectsV2": 2}


def test_what_was_found_done_is_asked_of_no_more(bucket: Bucket) -> None:
    bucket.drop("a.csv", "b.csv")
    bucket.end("a.csv")
    inbox = bucket.inbox()
    (waiting,) = inbox.waiting()
    inbox.done(waiting)
    assert bucket.waiting(inbox) == []
    assert bucket.asked == {"ListObjectsV2": 1}


def test_what_another_worker_has_done_meanwhile_waits_no_more(bucket: Bucket) -> None:
    bucket.drop("a.csv")
    inbox = bucket.inbox()
    (arrival,) = inbox.waiting()
    assert inbox.still_waits(arrival)
    bucket.end("a.csv")
    assert not inbox.still_waits(arrival)


def test_what_another_model_has_scored_is_done_too(bucket: Bucket) -> None:
    """Its run has another id: what it wrote of its input tells."""
    bucket.drop("a.csv", "b.csv")
    bucket.end("a.csv", "old", of=bucket.ref("a.csv"))
    bucket.end("b.csv", "old", of=bucket.ref("a.csv"))
    assert bucket.waiting() == ["b.csv"]
    assert bucket.asked == {"ListObjectsV2": 2, "GetObject": 2}


def test_what_was_replaced_while_it_was_scored_waits(bucket: Bucket) -> None:
    bucket.drop("a.csv")
    before = bucket.ref("a.csv")
    bucket.drop("a.csv", content=b"more rows")
    bucket.end("a.csv", "old", of=before)
    assert bucket.waiting() == ["a.csv"]


def test_versions_are_told_apart_where_a_bucket_keeps_them(bucket: Bucket) -> None:
    bucket.s3.put_bucket_versioning(
        Bucket=bucket.name, VersioningConfiguration={"Status": "Enabled"}
    )
    bucket.drop("a.csv", "b.csv")
    before = bucket.ref("b.csv")
    bucket.drop("b.csv")  # the same once more, which is another version
    bucket.end("a.csv", "of the version", of=bucket.ref("a.csv"))
    bucket.end("b.csv", "of the version", of=before)
    assert bucket.waiting() == ["b.csv"]


def test_a_failure_that_somebody_deleted_makes_its_file_wait(bucket: Bucket) -> None:
    bucket.drop("a.csv")
    bucket.end("a.csv", file="failed.json")
    assert bucket.waiting() == []
    bucket.results.delete(f"a.csv/{NOW}/failed.json")
    assert bucket.waiting() == ["a.csv"]


@pytest.mark.usefixtures("small_pages")
def test_pages_of_both_listings_are_followed(bucket: Bucket) -> None:
    names = [f"{letter}.csv" for letter in "abcdefgh"]
    bucket.drop(*names)
    for name in names[::2]:
        bucket.end(name)
    assert bucket.waiting() == names[1::2]


@pytest.mark.usefixtures("small_pages")
@pytest.mark.parametrize(
    ("asked", "requests"),
    [(["a", "z"], 2), (["a", "a-2", "a.csv", "a/b", "m"], 5), (["nobody"], 1), ([], 0)],
)
def test_the_listing_of_results_leaps_to_what_is_asked_for(
    bucket: Bucket, asked: list[str], requests: int
) -> None:
    """Names may begin with one another, and lie below one another."""
    for name in ("a", "a-2", "a.csv", "a/b", "m", *"bcdefghijkl", "z"):
        bucket.end(name)
    bucket.asked.clear()
    found = ended_runs(bucket.results, set(asked))
    assert sorted(found) == sorted({*asked} - {"nobody"})
    assert all([run.id for run in runs] == [NOW] for runs in found.values())
    assert bucket.asked["ListObjectsV2"] <= requests + 1
