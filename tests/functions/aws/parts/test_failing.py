"""Large files in parts that cannot be scored, or not yet: told in words, with nothing half left."""

import json
from dataclasses import replace
from errno import ENOSPC
from pathlib import Path
from typing import Any

import pytest

from functions.aws.handover import PENDING
from model_store import Temporary
from pipeline.errors import WrongFile
from pipeline.runs.parts.work import InThisProcess, ObjectParts
from pipeline.scoring.documents import ScoredRows
from pipeline.scoring.parts.part import PartResult
from pipeline.scoring.parts.part_plan import Part
from pipeline.scoring.spec import Progress
from tests.support.dropping import Waning, customers, is_whole, queued
from tests.support.parts import InPieces

KEY = "incoming/März 2026/a+b.csv"


def test_a_file_that_was_replaced_is_not_read_in_its_place(pieces: InPieces) -> None:
    drop = pieces.drop
    pieces.deliver(drop.put(KEY))
    first, *messages = pieces.post.take()
    pieces.deliver(first)
    event = drop.put(KEY, customers(50))
    assert pieces.deliver(*messages) == []
    (failed,) = drop.documents("failed.json")
    assert failed["code"] == "gone" and "was replaced" in failed["reason"]
    assert drop.figures[-1] == {"FilesFailed": 1}
    assert [name.rpartition("/")[2] for name in drop.written()] == ["failed.json"]
    pieces.scored(event)
    (manifest,) = drop.documents("manifest.json")
    assert manifest["rows_in"] == 50


def test_the_version_that_came_is_scored_where_versions_are_kept(pieces: InPieces) -> None:
    drop = pieces.drop
    kept: Any = {"Status": "Enabled"}
    drop.s3.put_bucket_versioning(Bucket=drop.settings.input.bucket, VersioningConfiguration=kept)
    pieces.deliver(drop.put(KEY))
    drop.put(KEY, customers(50))
    assert pieces.deliver(*pieces.post.take()) == []
    (manifest,) = drop.documents("manifest.json")
    assert manifest["rows_in"] == 40


def test_a_part_that_ends_its_reader_fails_the_file_in_words(pieces: InPieces) -> None:
    class Poisoned(InThisProcess):
        def score(self, parts: ObjectParts, part: Part) -> PartResult:
            if part.index == 2:
                raise WrongFile(parts.ref.address, "the reader ended with signal 6")
            return super().score(parts, part)

        def conclude(self, parts: ObjectParts, folder: Path, progress: Progress) -> ScoredRows:
            self.score(parts, replace(parts_of(parts)[2], exact=True))
            raise AssertionError

    def parts_of(parts: ObjectParts) -> list[Part]:
        return [*InThisProcess().plan(parts).parts]

    event = pieces.drop.put(KEY)
    poisoned = InPieces(pieces.drop, work=Poisoned())
    poisoned.scored(event)
    (failed,) = pieces.drop.documents("failed.json")
    assert failed["code"] == "wrong_file"
    assert failed["reason"].endswith("a+b.csv: the reader ended with signal 6")
    assert pieces.drop.figures[-1] == {"FilesFailed": 1, "FilesRefused": 1}
    assert [name.rpartition("/")[2] for name in pieces.drop.written()] == ["failed.json"]


def test_a_wrong_file_is_refused_before_it_is_cut(pieces: InPieces) -> None:
    assert pieces.deliver(pieces.drop.put(KEY, b"a,b\n" + b"1,2\n" * 200)) == []
    (failed,) = pieces.drop.documents("failed.json")
    assert "no column" in failed["reason"]
    assert pieces.post.messages == [] and pieces.drop.documents(PENDING) == []


def test_too_many_rejects_are_told_by_their_rows_in_the_file(pieces: InPieces) -> None:
    pieces.scored(pieces.drop.put(KEY, customers(60, wrong=50)))
    (failed,) = pieces.drop.documents("failed.json")
    assert "50 of 60 rows cannot be scored" in failed["reason"]
    assert "first in row 11 (line 12)" in failed["reason"]


def test_a_part_of_another_release_is_told(pieces: InPieces) -> None:
    drop, event = pieces.drop, pieces.drop.put(KEY)
    pieces.deliver(event)
    name = f"{drop.run_of(event)}/{PENDING}"
    plan = json.loads(drop.results.read(name))
    plan["arguments"].append("--of-a-later-release=1")
    drop.results.replace(name, json.dumps(plan).encode())
    assert pieces.deliver(*pieces.post.take()[:1]) == []
    (failed,) = drop.documents("failed.json")
    assert failed["code"] == "parts_failed"
    assert "drop the file again" in failed["reason"]


def test_a_failed_run_is_tried_again_once_its_failure_is_deleted(pieces: InPieces) -> None:
    drop, event = pieces.drop, pieces.drop.put(KEY)
    pieces.deliver(event)
    pieces.deliver(pieces.post.take()[0])
    drop.results.create(f"{drop.run_of(event)}/failed.json", b'{"code": "x"}')
    pieces.deliver(event)
    drop.results.delete(f"{drop.run_of(event)}/failed.json")
    drop.results.delete(f"{drop.run_of(event)}/{PENDING}")
    assert is_whole(pieces.scored(event))


def test_a_part_is_given_back_before_the_time_is_up(pieces: InPieces) -> None:
    drop = pieces.drop
    pieces.deliver(drop.put(KEY))
    messages = pieces.post.take()
    for looks in (0, 1):
        function = drop.function(in_parts=pieces.fan_out)
        answer = function(queued(messages[0]), Waning(looks=looks))
        assert len(answer["batchItemFailures"]) == 1
        assert "5 s are left" in drop.lines[-1]["error"]
    assert pieces.deliver(*messages) == []
    assert is_whole(drop.written())


def test_a_part_that_stumbles_once_rings_no_alarm(pieces: InPieces) -> None:
    drop = pieces.drop
    pieces.deliver(drop.put(KEY))
    (record,) = queued(pieces.post.take()[0])["Records"]

    class Slow(InThisProcess):
        def score(self, parts: ObjectParts, part: Part) -> PartResult:
            raise Temporary("write", "S3", "slow")

    function = drop.function(in_parts=InPieces(drop, work=Slow()).fan_out)
    for deliveries in (1, 2):
        attributes = {**record["attributes"], "ApproximateReceiveCount": str(deliveries)}
        function({"Records": [{**record, "attributes": attributes}]}, None)
    assert drop.said()[-2:] == ["given back, to be delivered again"] * 2
    assert drop.figures == [{"FilesGivenBack": 1}]


def test_a_full_disk_at_the_end_is_told_in_words(pieces: InPieces) -> None:
    class Full(InThisProcess):
        def conclude(self, *arguments: Any) -> Any:
            raise OSError(ENOSPC, "No space left on device")

    InPieces(pieces.drop, work=Full()).scored(pieces.drop.put(KEY))
    (failed,) = pieces.drop.documents("failed.json")
    assert failed["code"] == "too_large" and "ephemeral storage" in failed["reason"]


def test_a_job_that_is_deleted_while_its_parts_are_put_together_leaves_nothing(
    pieces: InPieces,
) -> None:
    drop = pieces.drop
    deleted = f"page/{'x' * 32}/deleted.json"

    class Deleted(InThisProcess):
        def conclude(self, parts: ObjectParts, folder: Path, progress: Progress) -> ScoredRows:
            drop.results.replace(deleted, b"{}")
            rows = super().conclude(parts, folder, progress)
            raise AssertionError(rows)

    pieces = InPieces(drop, work=Deleted())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("functions.aws.page_runs.EVERY_SECONDS", 0)
        pieces.scored(drop.put(f"incoming/page/{'x' * 32}/a.csv"))
    assert [*drop.written()] == [deleted]
    assert drop.said()[-1].startswith("skipped")
