"""Objects in S3 put together by S3 itself: what is large is copied there, and not brought here."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from model_store import NotFound, Temporary
from model_store.storage.s3 import S3Storage
from model_store.storage.s3_errors import translate_errors

SMALLEST = 5 << 20
"""Bytes of a part of an object that is put together, but for the last one."""
MOST = 10_000
"""So many parts an object may have."""
_AT_ONCE = 8
_CSV = "text/csv"


@dataclass(frozen=True, slots=True)
class Piece:
    """Bytes of an object."""

    name: str
    start: int
    end: int


def join(files: S3Storage, pieces: Sequence[Piece], name: str) -> int:
    """Write a text file out of pieces of others, which stay; it appears when it is whole.

    Args:
        files: Where all of them are.
        pieces: In their order; MOST at most.
        name: The file.

    Returns:
        Its bytes.

    Raises:
        Temporary: One of the others is not there any more, or the storage does not answer.
    """
    at: Any = {"Bucket": files.address.bucket, "Key": f"{files.address.folder}{name}"}
    client = files.client

    def write(step: tuple[int, bytes | Piece]) -> dict[str, Any]:
        number, what = step
        given = {**at, "UploadId": upload, "PartNumber": number}
        if isinstance(what, bytes):
            return {"PartNumber": number, "ETag": client.upload_part(**given, Body=what)["ETag"]}
        source: Any = {"Bucket": at["Bucket"], "Key": f"{files.address.folder}{what.name}"}
        only = f"bytes={what.start}-{what.end - 1}"
        answer = client.upload_part_copy(**given, CopySource=source, CopySourceRange=only)
        return {"PartNumber": number, "ETag": answer["CopyPartResult"]["ETag"]}

    try:
        steps = list(enumerate(_steps(files, pieces), start=1))
        with translate_errors("write", name, str(files)):
            upload = client.create_multipart_upload(**at, ContentType=_CSV)["UploadId"]
            try:
                with ThreadPoolExecutor(_AT_ONCE) as pool:
                    written: Any = {"Parts": list(pool.map(write, steps))}
                client.complete_multipart_upload(**at, UploadId=upload, MultipartUpload=written)
            except BaseException:
                client.abort_multipart_upload(**at, UploadId=upload)
                raise
    except NotFound as error:
        reason = "another call over the same input has ended and removed it"
        raise Temporary("find", f"the parts of {name}", reason) from error
    return sum(piece.end - piece.start for piece in pieces)


def _steps(files: S3Storage, pieces: Sequence[Piece]) -> Iterator[bytes | Piece]:
    """What is copied, and what has to be brought here since it is too small to be copied."""
    small = b""
    for piece in pieces:
        start = piece.start
        if small or piece.end - start < SMALLEST:
            taken = min(piece.end - start, SMALLEST - len(small))
            if taken:
                small += files.read_range(piece.name, start, taken)
            start += taken
            if len(small) < SMALLEST:
                continue
            yield small
            small = b""
        rest = piece.end - start
        if rest >= SMALLEST:
            yield Piece(piece.name, start, piece.end)
        elif rest:
            small = files.read_range(piece.name, start, rest)
    if small:
        yield small
