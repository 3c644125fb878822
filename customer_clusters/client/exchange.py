"""What is asked of a server and what it says, and how its answer is read."""

import contextlib
import io
import json
import re
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from http.client import HTTPException, HTTPResponse
from typing import IO, Any, TypeVar

from customer_clusters.client.decoding import MISFIT, decode
from customer_clusters.client.errors import ProblemAnswer, StrangeAnswer

T = TypeVar("T")
Body = bytes | Callable[[], Iterable[bytes]]
"""What is sent: bytes, or what makes them again for each attempt."""
LONGEST_ANSWER = 256 << 20
"""Bytes of an answer that is kept in memory."""
_CHUNK = 1 << 16
_GZIP = 16 + zlib.MAX_WBITS
_MESSAGE = re.compile(rb"<Error>.*?<Message>([^<]{1,300})</Message>", re.DOTALL)


class FileTrouble(Exception):
    """Raised where a file of this machine is to blame, and not the network."""

    def __init__(self, error: OSError) -> None:
        self.error = error
        super().__init__(str(error))


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked of a server."""

    method: str
    path: str
    """On the server, with its query, quoted."""
    body: Body | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    shown: str = ""
    """The path in an error, where the other one holds a customer's id."""

    @property
    def name(self) -> str:
        """The request in an error: without its query, which may be signed."""
        return f"{self.method} {self.shown or self.path.partition('?')[0]}"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server says."""

    request: str
    where: str
    status: int
    headers: Mapping[str, str]
    """By names in small letters."""
    content: bytes

    def json(self) -> Any:
        """The document that it is; StrangeAnswer where it is none."""
        try:
            return json.loads(self.content)
        except (ValueError, RecursionError):
            kind = self.headers.get("content-type", "something without a content type")
            raise StrangeAnswer(self.request, self.where, kind) from None

    def decoded(self, kind: type[T]) -> T:
        """The document as an object of a dataclass; StrangeAnswer where it is none."""
        return self.read(lambda document: decode(kind, document))

    def read(self, convert: Callable[[Any], T]) -> T:
        """What is made of the document; StrangeAnswer where it has not the shape for it."""
        document = self.json()
        try:
            return convert(document)
        except MISFIT as error:
            found = f"a document of another shape ({type(error).__name__}: {error})"
            raise StrangeAnswer(self.request, self.where, " ".join(found.split())[:200]) from None

    @property
    def retry_after(self) -> float | None:
        """The seconds after which to ask again; None where nothing is said of it."""
        return _asked_to_wait(self.headers.get("retry-after"))


def problem_of(answer: Answer) -> ProblemAnswer:
    """The error that an answer means."""
    document: Any = None
    with contextlib.suppress(ValueError, RecursionError):
        document = json.loads(answer.content)
    if not isinstance(document, dict):
        document = {}
    if 300 <= answer.status < 400 and "location" in answer.headers:
        detail = f"the API is at another address, {answer.headers['location'].partition('?')[0]}"
        document = {"code": "redirected", "detail": detail}
    elif "detail" not in document and isinstance(document.get("message"), str):  # of a gateway
        document = {**document, "detail": document["message"]}
    elif found := _MESSAGE.search(answer.content):  # of a bucket
        document = {"detail": found[1].decode(errors="replace")}
    return ProblemAnswer(answer.request, answer.status, document)


def content_of(response: HTTPResponse) -> bytes:
    """The body of an answer, unpacked; HTTPException where it is broken, or more than is kept."""
    file = io.BytesIO()
    save(response, file, LONGEST_ANSWER)
    return file.getvalue()


def save(response: HTTPResponse, file: IO[bytes], most: int | None = None) -> None:
    """Write the body of an answer into a file, unpacked.

    Args:
        response: The answer.
        file: Where it goes.
        most: Bytes that it may have; None: any number.

    Raises:
        HTTPException: It is broken, or has more bytes.
        FileTrouble: The file does not take it.
    """
    size = 0
    for part in _parts(response):
        size += len(part)
        if most is not None and size > most:
            raise HTTPException(f"the answer has more than {most:,} bytes")
        try:
            file.write(part)
        except OSError as error:
            raise FileTrouble(error) from None


def _parts(response: HTTPResponse) -> Iterator[bytes]:
    """The body of an answer, unpacked, piece by piece; HTTPException where it is broken."""
    packed = response.headers.get("content-encoding", "").lower() == "gzip"
    unpacking = zlib.decompressobj(_GZIP) if packed else None
    come = False
    while chunk := response.read(_CHUNK):
        come = True
        if unpacking is None:
            yield chunk
        while chunk and unpacking is not None:
            part, chunk = _unpacked(unpacking, chunk)
            yield part
    if unpacking is not None and come:
        yield unpacking.flush()
    if response.length or (unpacking is not None and come and not unpacking.eof):
        raise HTTPException("the answer ended before it was complete")


def _unpacked(unpacking: "zlib._Decompress", chunk: bytes) -> tuple[bytes, bytes]:
    """What a part of a gzip stream holds, as far as it is taken at once, and what is left."""
    try:
        return unpacking.decompress(chunk, _CHUNK), unpacking.unconsumed_tail
    except zlib.error as error:
        raise HTTPException(f"the answer cannot be unpacked: {error}") from None


def _asked_to_wait(retry_after: str | None) -> float | None:
    """The seconds of a Retry-After, which may be a number or a date; None where it says neither."""
    if retry_after is None:
        return None
    text = retry_after.strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        then = float(parsedate_to_datetime(text).timestamp())
    except (ValueError, OverflowError):
        return None
    return max(then - time.time(), 0.0)
