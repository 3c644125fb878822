"""Which encoding a text has, as far as its own bytes and letters show it."""

import codecs
import re
import unicodedata
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}
_CANDIDATES = [
    *(f"cp125{number}" for number in range(9)),
    *("iso8859_2", "iso8859_5", "iso8859_7", "iso8859_9", "iso8859_15", "koi8_r", "koi8_u"),
    *("cp437", "cp850", "cp852", "cp866", "cp874", "mac_roman"),
    *("cp932", "euc_jp", "gb18030", "big5", "cp949"),
]
_SAMPLE = 64 << 10
_CELL = re.compile(rb'[^,;\t"\r\n]*[\x80-\xff][^,;\t"\r\n]*')
_WORD = re.compile(r"[^\W\d_]+(?:[^\w\s.,;:/()'-]+[^\W\d_]+)*")
_ENOUGH = 8
"""Bytes beyond ASCII that show an encoding of several bytes a character."""
_CLEARLY_BETTER = 0.1


class Guess(NamedTuple):
    """The encodings that a text may have; of several the likeliest stands first."""

    encodings: tuple[str, ...]
    """Each decodes the text to something else; none: it is no text in any known encoding."""
    examples: tuple[str, ...]
    """A word of the text in each."""

    @property
    def sure(self) -> bool:
        """Whether there is only one."""
        return len(self.encodings) == 1


def encoding_of(start: bytes) -> str | None:
    """The Unicode encoding of a text, by its beginning.

    Returns:
        What the byte order mark says; else UTF-16 where every second byte is zero; else UTF-8,
        unless most bytes beyond ASCII are not that; else None.
    """
    for mark, encoding in _MARKS.items():
        if start.startswith(mark):
            return encoding
    if b"\0" in start[:1000]:
        even, odd = start[0:1000:2].count(0), start[1:1000:2].count(0)
        if max(even, odd) > 4 * min(even, odd) and max(even, odd) > len(start[:1000]) // 5:
            return "utf-16-be" if even > odd else "utf-16-le"
    if start.isascii():
        return "utf-8"
    ascii_bytes = len(start.decode("ascii", "ignore"))
    well_formed = len(start.decode("utf-8", "ignore").encode()) - ascii_bytes
    return "utf-8" if 2 * well_formed >= len(start) - ascii_bytes else None


def guess_encodings(text: bytes) -> Guess:
    """What the cells of a text that are not ASCII may be encoded in, by the sense they make."""
    import charset_normalizer  # only for text that is not UTF-8

    cells = b" ".join(_CELL.findall(text[: 1 << 20]))[:_SAMPLE]
    ranked = charset_normalizer.from_bytes(cells, cp_isolation=_CANDIDATES)
    matches = [match for match in ranked if not any(map(_is_odd, _words(str(match))))]
    enough = len(cells) - len(cells.decode("ascii", "ignore")) >= _ENOUGH
    if len(matches) > 1 and (
        (enough and matches[0].multi_byte_usage > 0) or _is_clearly_better(*matches[:2])
    ):
        matches = matches[:1]
    distinct: dict[str, str] = {}
    for match in matches:
        same = [match.encoding, *match.could_be_from_charset]
        distinct.setdefault(str(match), "cp1252" if "cp1252" in same else match.encoding)
    return Guess(tuple(distinct.values()), _differing_words(list(distinct)))


def _differing_words(readings: Sequence[str]) -> tuple[str, ...]:
    """The first word beyond ASCII that the readings of a text disagree on, in each."""
    words = ([word for word in _words(text) if not word.isascii()] for text in readings)
    together = zip(*words, strict=False)
    some = tuple(text[:12] for text in readings)
    return next((each for each in together if len({*each}) > 1 or len(readings) == 1), some)


def _is_clearly_better(first: Any, second: Any) -> bool:
    """Whether the first reads clearly more like a language than the second."""
    return bool(first.coherence - first.chaos > second.coherence - second.chaos + _CLEARLY_BETTER)


def _words(text: str) -> Iterator[str]:
    return (match[0] for match in _WORD.finditer(text))


def _is_odd(word: str) -> bool:
    """Whether a word is none: of several scripts, with signs or capitals inside, or C1 controls."""
    if word.isascii():
        return False
    if not word.isalpha() or any(unicodedata.category(char) == "Lm" for char in word):
        return True
    scripts = {unicodedata.name(char, "?").split()[0] for char in word}
    if scripts == {"LATIN"} and len(word) > 2 and not any(char.isascii() for char in word):
        return True
    mixed = len(scripts) > 1 and not scripts.isdisjoint({"LATIN", "CYRILLIC", "GREEK"})
    capitals = any(char.isupper() and not char.isascii() for char in word[1:])
    return mixed or (capitals and not word.isupper())
