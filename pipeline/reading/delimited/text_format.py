"""How the bytes of a delimited file become text, and text of ours becomes bytes of the file."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from pipeline.reading.delimited.compression import Packing

LineEnd = Literal["newline", "either", "return"]
UTF_8 = ("utf-8", "utf-8-sig")
UTF_16 = ("utf-16", "utf-16-le", "utf-16-be")
LONE_RETURN = re.compile(rb"\r(?!\n)")
_ANY_BYTES = "latin-1"
"""Turns any bytes into text and back: so a text is read whose bytes are to stay what they are."""
_SWAPPED = bytes.maketrans(b"\r\n", b"\n\r")
_ESCAPE = re.compile(rb'\\([\\"])')


@dataclass(frozen=True, slots=True)
class TextFormat:
    """How a file's bytes become text."""

    packing: Packing
    encoding: str
    """Python's name of it; `unknown` where the bytes show none."""
    undecoded: bool = False
    """Its bytes are not decoded: each stands for one character, and is written as it was."""
    line_end: LineEnd = "newline"
    """What ends a line: a newline, with a return before it or not; either of both; or a return
    alone, as on old machines, and newlines are parts of cells."""
    backslashes: bool = False
    """Quotes within quotes are written with a backslash, and not doubled."""

    @property
    def codec(self) -> str:
        """What the bytes are decoded with here."""
        return _ANY_BYTES if self.undecoded else self.encoding

    @property
    def is_single_byte(self) -> bool:
        """Whether every byte of the file is one character, so that it can be cut anywhere."""
        return self.undecoded or self.encoding in ("cp1252", "iso8859-1")

    @property
    def is_standard(self) -> bool:
        """Whether newlines end its lines and quotes in quotes are doubled, as in RFC 4180."""
        return self.line_end == "newline" and not self.backslashes

    def standardise(self, text: bytes) -> bytes:
        """Text with newlines and doubled quotes, as the rest reads it; no byte more or less."""
        if self.backslashes:
            text = _ESCAPE.sub(_doubled_quote, text)
        if self.line_end == "return":
            return text.translate(_SWAPPED)
        return LONE_RETURN.sub(b"\n", text) if self.line_end == "either" else text

    def standardise_chunks(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        """The same for a text in chunks, wherever they end."""
        if self.is_standard:
            yield from chunks
            return
        held = b""
        for chunk in chunks:
            text = held + chunk
            held = _undecided_end(text)
            yield self.standardise(text[: len(text) - len(held)])
        yield self.standardise(held)

    def display(self, text: str) -> str:
        """Text as people read it, where its bytes were not decoded; it may end in `…`."""
        if not self.undecoded:
            return text
        head = text.removesuffix("…")
        codec = "cp1252" if self.encoding == "unknown" else self.encoding  # to be looked at only
        return head.encode(_ANY_BYTES, "replace").decode(codec, "replace") + text[len(head) :]

    def encode(self, text: str) -> bytes:
        """Text of ours as bytes that stand beside the file's own.

        Raises:
            UnicodeEncodeError: The file's encoding has no such letter.
        """
        if self.undecoded:
            return text.encode("ascii" if self.encoding == "unknown" else self.encoding)
        return text.encode()


def _undecided_end(text: bytes) -> bytes:
    """The last byte, where what follows says what it means."""
    escapes = len(text) - len(text.rstrip(b"\\"))
    return text[-1:] if escapes % 2 or text.endswith(b"\r") else b""


def _doubled_quote(match: re.Match[bytes]) -> bytes:
    return b'""' if match[1] == b'"' else match[0]
