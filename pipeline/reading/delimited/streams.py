"""A file's bytes as UTF-8 text, whatever they are packed and encoded in."""

import codecs
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from pipeline.errors import WrongFile, first_line
from pipeline.reading import kinds
from pipeline.reading.delimited.compression import Packing, Stream, packing_of, unpacked
from pipeline.reading.delimited.encodings import encoding_of, guess_encodings
from pipeline.reading.delimited.text_format import UTF_8, UTF_16, TextFormat
from pipeline.reading.options import known_encoding

CHUNK = 4 << 20
"""Bytes that are read at once, at most."""


class Beginning(NamedTuple):
    """The beginning of a file's text, and how it becomes one."""

    text_format: TextFormat
    start: bytes
    """As UTF-8, without a byte order mark."""
    whole: bool
    """Whether that is all of it."""


def read_beginning(
    path: Path, size: int, encoding: str | None = None, *, keep_bytes: bool = False
) -> Beginning:
    """How a file is packed and encoded, and the beginning of its text.

    Args:
        path: The file.
        size: How many bytes of it are read, unpacked.
        encoding: What it is encoded in, where somebody said so.
        keep_bytes: Do not decode what is neither UTF-8 nor UTF-16.

    Raises:
        WrongFile: It cannot be unpacked, holds something else than text, or its encoding has to be
            known and is not shown by its letters.
    """
    with path.open("rb") as file:
        packing = packing_of(file.read(8))
    with unpacked(path, packing) as stream:
        start = _read_up_to(stream, size)
    if packing == "none":
        kinds.refuse_other(path, start)
    else:
        kinds.refuse_packed(path, start, packing)
    text_format = _text_format(path, packing, start, encoding, keep_bytes=keep_bytes)
    decoded = b"".join(_decoded(path, [start], text_format, final=False))
    return Beginning(text_format, decoded, len(start) < size)


def read_chunks(path: Path, text_format: TextFormat, size: int) -> Iterator[bytes]:
    """The whole text as UTF-8 without a byte order mark, in chunks of bounded size.

    What is no text in its encoding stays invalid UTF-8, so that it costs a row and not the file.

    Raises:
        WrongFile: It cannot be unpacked, or ends in the middle of a character.
    """
    with unpacked(path, text_format.packing) as stream:
        packed = iter(lambda: stream.read(min(size, CHUNK)), b"")
        decoded = _decoded(path, packed, text_format, final=True)
        yield from text_format.standardise_chunks(decoded)


def _text_format(
    path: Path, packing: Packing, start: bytes, stated: str | None, *, keep_bytes: bool
) -> TextFormat:
    encoding = known_encoding(stated) if stated else encoding_of(start)
    if encoding == "utf-8" and start.startswith(codecs.BOM_UTF8):
        encoding = "utf-8-sig"
    if encoding in UTF_8 or encoding in UTF_16:
        return TextFormat(packing, encoding)
    if encoding is not None:
        return TextFormat(packing, encoding, undecoded=keep_bytes)
    guess = guess_encodings(start)
    if keep_bytes:
        return TextFormat(packing, guess.encodings[0] if guess.sure else "unknown", undecoded=True)
    if guess.sure:
        return TextFormat(packing, guess.encodings[0])
    examples = zip(guess.encodings[:3], guess.examples, strict=False)
    either = " or ".join(f"{name} ({word!r})" for name, word in examples)
    doubt = f"that may be {either}" if either else "in no encoding that its letters show"
    raise WrongFile(path, f"is text {doubt}; say which with --encoding")


def _read_up_to(stream: Stream, size: int) -> bytes:
    """So many bytes; fewer only at the end."""
    parts, left = [], size
    while left and (part := stream.read(left)):
        parts.append(part)
        left -= len(part)
    return b"".join(parts)


def _decoded(
    path: Path, chunks: Iterable[bytes], text_format: TextFormat, *, final: bool
) -> Iterator[bytes]:
    if text_format.encoding in UTF_8:
        yield from _without_mark(chunks)
        return
    errors = "surrogatepass" if text_format.encoding in UTF_16 else "surrogateescape"
    decoder = codecs.getincrementaldecoder(text_format.codec)(errors)
    mark = "\ufeff"
    for chunk in chunks:
        if chunk.isascii() and text_format.is_single_byte:
            yield chunk
            continue
        try:
            decoded = decoder.decode(chunk).removeprefix(mark)
            encoded = decoded.encode("utf-8", errors)
        except UnicodeError as error:  # what its handler of errors is not even asked about
            problem = f"is no text in {text_format.encoding} ({first_line(error)})"
            raise WrongFile(path, f"{problem}; say another with --encoding") from error
        mark = ""
        yield encoded
    if final and decoder.getstate()[0]:
        raise WrongFile(path, f"ends in the middle of a character ({text_format.encoding})")


def _without_mark(chunks: Iterable[bytes]) -> Iterator[bytes]:
    mark = codecs.BOM_UTF8
    for chunk in chunks:
        yield chunk.removeprefix(mark)
        mark = b""
