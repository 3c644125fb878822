"""Objects put together by S3 itself, however large their pieces are."""

import random
from collections.abc import Callable
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING

import pytest

from model_store import S3Address, Temporary
from model_store.storage.s3 import S3Storage
from pipeline.runs.parts.joined import Piece, join

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@pytest.fixture
def files(
    s3: "S3Client", make_bucket: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> S3Storage:
    monkeypatch.setattr("pipeline.runs.parts.joined.SMALLEST", 100)
    monkeypatch.setattr("moto.s3.models.S3_UPLOAD_PART_MIN_SIZE", 100)
    return S3Storage(s3, S3Address(make_bucket(), "results"))


@pytest.mark.parametrize(
    "sizes",
    [[10], [100], [150, 150, 7], [3] * 90, [99, 1, 250, 101, 0, 60, 45, 300], [300, 20, 90]],
)
def test_pieces_of_all_sizes_become_one(files: S3Storage, sizes: list[int]) -> None:
    content = random.Random(len(sizes)).randbytes(sum(sizes))
    pieces = []
    for number, (start, end) in enumerate(pairwise(accumulate(sizes, initial=0))):
        files.create(f"parts/{number}", b"head" + content[start:end] + b"\n")
        pieces.append(Piece(f"parts/{number}", 4, 4 + end - start))
    assert join(files, pieces, "whole.csv") == len(content)
    assert files.read("whole.csv") == content
    uploads = files.client.list_multipart_uploads(Bucket=files.address.bucket)
    assert "Uploads" not in uploads


def test_what_is_gone_meanwhile_is_temporary_and_leaves_nothing(files: S3Storage) -> None:
    files.create("parts/0", b"x" * 200)
    pieces = [Piece("parts/0", 0, 200), Piece("parts/1", 0, 200)]
    with pytest.raises(Temporary, match="another call"):
        join(files, pieces, "whole.csv")
    assert files.names() == ["parts"]
    assert "Uploads" not in files.client.list_multipart_uploads(Bucket=files.address.bucket)
