"""A file that a form brings, on its way to disk: never whole in memory, bounded in size and time.

It is written between two reads from the network: a part is at most some 64 kB, which the system
takes into its cache at once.
"""

import asyncio
import logging
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO
from urllib.parse import unquote_to_bytes

from python_multipart import MultipartParser
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import parse_options_header
from starlette.requests import Request
from starlette.types import Receive

from functions.http.problems import ProblemError
from functions.uploads.results import RUN_BYTES
from functions.uploads.upload import CHOICES, Upload, longest_choice, shown_name
from functions.web.files import bytes_text
from model_store import Temporary
from model_store.errors import reason_of

FIELD = "file"
"""What the form calls its file."""
AROUND = 16_384
"""Bytes that a form may have besides the file."""
SLOW_SECONDS, LEAST_PER_SECOND = 10.0, 8_000
"""A form gets so long to begin, and then has to bring so many bytes a second on average."""
_EXTENDED = re.compile(rb"filename\*=utf-8'[^';]*'([^;\s]*)", re.IGNORECASE)
_PACKED = (".gz", ".zst", ".bz2", ".xz", ".zip", ".xlsx", ".xlsm", ".xlsb", ".ods", ".parquet")
"""How names of files end that hardly get smaller."""
logging.getLogger("python_multipart").setLevel(logging.CRITICAL)  # would quote bytes of customers


async def save_upload(request: Request, path: Path, limit: int, seconds: float) -> Upload:
    """Write the one file of a form; return what else the form says.

    ProblemError when the form is none or has anything else in it, is too large or too slow;
    Temporary when the disk does not take it.
    """
    boundary = _boundary(request)
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise ProblemError(
            415, "Content-Encoding: expected none; the file in the form may be packed"
        )
    refuse_long(request, limit + AROUND, limit)
    try:
        with written(path) as file:
            form = _Form(boundary, file, limit)
            await receive_into(request.receive, form.take, limit, limit + AROUND, seconds)
    except FormParserError as error:
        raise _unreadable() from error
    return form.finished()


def refuse_long(request: Request, most: int, limit: int, name: str = "") -> None:
    """ProblemError for a body that says it is longer than it may be.

    Args:
        request: It brings the body.
        most: Bytes that the body may have.
        limit: Bytes that the file in it may have.
        name: What the file is called.
    """
    length = request.headers.get("content-length", "0")
    if length.isdigit() and int(length[:20]) > most:
        raise too_large(limit, name)


@contextmanager
def written(path: Path) -> Iterator[BinaryIO]:
    """A new file to write to; Temporary when the disk does not take it."""
    try:
        with path.open("xb") as file:
            yield file
    except OSError as error:
        reason = reason_of(error)
        raise Temporary("write", "the folder for uploads", reason) from error


async def receive_into(
    receive: Receive, take: Callable[[bytes], object], limit: int, most: int, seconds: float
) -> None:
    """Take a body piece by piece.

    Args:
        receive: What brings it.
        take: Called with each piece.
        limit: Bytes that the file in it may have.
        most: Bytes that the body may have.
        seconds: How long it may take.

    Raises:
        ProblemError: It is too large or too slow, or the client goes away.
    """
    try:
        async with asyncio.timeout(None) as patience:
            await _receive_pieces(receive, take, limit, most, _Pace(patience, seconds))
    except TimeoutError:
        least = f"{LEAST_PER_SECOND // 1000} kB a second"
        detail = f"the file did not arrive within {seconds:g} seconds, or with less than {least}"
        raise ProblemError(408, detail) from None


class _Pace:
    """Ends an upload that takes too long, or comes so slowly that it only holds its place."""

    def __init__(self, patience: asyncio.Timeout, seconds: float) -> None:
        self._patience, self._start = patience, asyncio.get_running_loop().time()
        self._seconds = seconds

    def reached(self, size: int) -> None:
        """Give the bytes that are left as much time as those that came have earned."""
        earned = SLOW_SECONDS + size / LEAST_PER_SECOND
        self._patience.reschedule(self._start + min(self._seconds, earned))


async def _receive_pieces(
    receive: Receive, take: Callable[[bytes], object], limit: int, most: int, pace: _Pace
) -> None:
    size, more = 0, True
    while more:
        pace.reached(size)
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ProblemError(400, "the client went away before the file was complete")
        part, more = message.get("body", b""), message.get("more_body", False)
        size += len(part)
        if size > most:
            raise too_large(limit)
        take(part)


class _Form:
    """Takes a form apart, piece by piece; only its one file is kept, on disk."""

    def __init__(self, boundary: bytes, file: BinaryIO, limit: int) -> None:
        self._file, self._limit = file, limit
        self._name: str | None = None
        self._choices: dict[str, bytes] = {}
        self._choice = ""
        self._ended = False
        self._size = 0
        self._key, self._value = b"", b""
        self._disposition = b""
        self._parser = MultipartParser(boundary, {
            "on_part_begin": self._begin_part,
            "on_header_field": self._header_name,
            "on_header_value": self._header_value,
            "on_header_end": self._end_header,
            "on_headers_finished": self._end_headers,
            "on_part_data": self._data,
            "on_end": self._end,
        })  # fmt: skip

    def take(self, part: bytes) -> None:
        """Take the next bytes of the body apart."""
        if part and not self._ended:  # whatever follows the end means nothing (RFC 2046)
            self._parser.write(part)

    def finished(self) -> Upload:
        """What the form says; ProblemError when there is no file or it is not all there."""
        if not self._ended:
            raise _unreadable()
        if self._name is None:
            raise _other_than_one()
        texts = {name: raw.decode(errors="replace") for name, raw in self._choices.items()}
        return Upload.of(self._name, texts)

    def _begin_part(self) -> None:
        self._disposition, self._choice = b"", ""

    def _header_name(self, data: bytes, start: int, end: int) -> None:
        self._key += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _end_header(self) -> None:
        if self._key.lower() == b"content-disposition":
            self._disposition = self._value
        self._key, self._value = b"", b""

    def _end_headers(self) -> None:
        kind, parameters = parse_options_header(self._disposition)
        choice = parameters.get(b"name", b"").decode("latin-1")
        if kind == b"form-data" and choice in CHOICES and choice not in self._choices:
            self._choice, self._choices[choice] = choice, b""
            return
        if self._name is not None:
            raise _other_than_one()
        name = parameters.get(b"filename", _extended_name(self._disposition))
        if kind != b"form-data" or parameters.get(b"name") != FIELD.encode() or name is None:
            raise _other_than_one()
        if not name:
            raise ProblemError(422, "choose a file first", code="invalid_form")
        self._name = shown_name(name)

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._choice:
            value = self._choices[self._choice] + data[start:end]
            self._choices[self._choice] = value[
                : longest_choice(self._choice) + 1
            ]  # and no more of it
            return
        self._size += end - start
        if self._size > self._limit:
            raise too_large(self._limit, self._name or "")
        self._file.write(memoryview(data)[start:end])

    def _end(self) -> None:
        self._ended = True


def _extended_name(disposition: bytes) -> bytes | None:
    """The name in `filename*=utf-8''…` (RFC 5987), which some clients send alone; None without."""
    found = _EXTENDED.search(disposition)
    return unquote_to_bytes(found[1]) if found else None


def _boundary(request: Request) -> bytes:
    kind, parameters = parse_options_header(request.headers.get("content-type", ""))
    if kind != b"multipart/form-data" or not parameters.get(b"boundary"):
        raise ProblemError(415, "expected a form with a file (multipart/form-data)")
    return parameters[b"boundary"]


def too_large(limit: int, name: str = "") -> ProblemError:
    """What is answered to a file that is too large: pack it, unless it is, or use the command."""
    packed = (
        f"compress it (a .gz of up to {bytes_text(limit)} works, with results of up to "
        f"{bytes_text(RUN_BYTES)})"
    )
    advice = "cut it into parts" if name.lower().endswith(_PACKED) else packed
    return ProblemError(
        413,
        f"the file is larger than the {limit:,} bytes that are taken here: {advice}, "
        f"or use the command customer-clusters score {name or 'FILE'}",
    )


def _unreadable() -> ProblemError:
    return ProblemError(400, "the form cannot be read", code="invalid_form")


def _other_than_one() -> ProblemError:
    return ProblemError(400, f"expected one file, in the field {FIELD!r}", code="invalid_form")
