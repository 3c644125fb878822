"""A file's identity: the same whoever hashes its blocks, and to be checked by other tools."""

import hashlib
import io
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

import pytest

import pipeline.hashing
from pipeline.hashing import block_count, digest_of_block, identity_of_blocks, identity_of_file
from pipeline.model.cluster_model import ClusterModel
from pipeline.scoring.parts.part import PartResult, PartTask
from pipeline.scoring.parts.part_plan import Part
from pipeline.scoring.parts.shared_input import SharedInput
from tests.pipeline.scoring.parts.test_distributed import TEXTS
from tests.support.comparing import assert_same, in_parts

CONTENT = bytes(range(256)) * 10


@pytest.fixture
def _small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline.hashing, "BLOCK", 1000)
    monkeypatch.setattr(pipeline.hashing, "_READ_SIZE", 300)


@pytest.mark.parametrize("content", [b"", b"abc", CONTENT])
def test_up_to_one_block_it_is_what_sha256sum_tells(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    assert identity_of_file(path) == f"sha256:{hashlib.sha256(content).hexdigest()}"


@pytest.mark.usefixtures("_small_blocks")
@pytest.mark.parametrize("size", [1001, 2000, 2560])
def test_beyond_it_is_that_of_the_blocks_digests(tmp_path: Path, size: int) -> None:
    path, content = tmp_path / "file", CONTENT[:size]
    path.write_bytes(content)
    blocks = [content[at : at + 1000] for at in range(0, size, 1000)]
    whole = hashlib.sha256(b"".join(hashlib.sha256(block).digest() for block in blocks))
    assert identity_of_file(path) == f"sha256:{whole.hexdigest()}-{len(blocks)}"


@pytest.mark.usefixtures("_small_blocks")
def test_only_blocks_that_nobody_hashed_are_read() -> None:
    opened = []

    def open_content() -> BinaryIO:
        opened.append(1)
        return io.BytesIO(CONTENT)

    size = len(CONTENT)
    whole = identity_of_blocks(open_content, size)
    assert len(opened) == block_count(size) == 3
    known = {block: digest_of_block(io.BytesIO(CONTENT), block) for block in range(3)}
    assert identity_of_blocks(open_content, size, known) == whole
    assert len(opened) == 3
    del known[1]
    assert identity_of_blocks(open_content, size, known) == whole
    assert len(opened) == 4


@pytest.mark.usefixtures("_small_blocks")
@pytest.mark.parametrize("kind", ["plain", "one long field", "all in quotes"])
@pytest.mark.parametrize("part_bytes", [150, 700, 5000])
def test_parts_take_it_while_they_are_scored(
    kind: str, part_bytes: int, model: ClusterModel, tmp_path: Path
) -> None:
    path = tmp_path / "customers.csv"
    path.write_text(TEXTS[kind])
    found = assert_same(path, model, tmp_path, part_bytes=part_bytes)
    assert found["input"]["identity"] == identity_of_file(path)


@pytest.mark.usefixtures("_small_blocks")
def test_each_block_is_asked_of_one_part(model: ClusterModel, tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.csv").write_text(TEXTS["plain"])
    asked: list[tuple[int, int]] = []

    def run(task: PartTask, parts: Sequence[Part]) -> list[PartResult]:
        asked.extend((part.file, block) for part in parts for block in range(*part.blocks))
        return [task.score(part) for part in parts]

    data = SharedInput.below(tmp_path)
    blocks = block_count(data.sources[0].size)
    assert blocks > 1
    found = in_parts(data, model, tmp_path / "out", run=run, part_bytes=400)
    assert asked == [(file, block) for file in (0, 1) for block in range(blocks)]
    assert found["input"]["identity"] == data.identity


def test_who_knows_the_identity_asks_for_no_digests(model: ClusterModel, tmp_path: Path) -> None:
    path = tmp_path / "customers.csv"
    path.write_text(TEXTS["plain"])
    seen: list[Part] = []

    def run(task: PartTask, parts: Sequence[Part]) -> list[PartResult]:
        seen.extend(parts)
        return [task.score(part) for part in parts]

    shared = SharedInput.at(path).identified_by("etag:1")
    found = in_parts(shared, model, tmp_path / "out", run=run)
    assert found["input"]["identity"] == "etag:1"
    assert {part.blocks for part in seen} == {(0, 0)}
