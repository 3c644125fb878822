"""Which encoding a text that is not UTF-8 has, as far as its own letters show it."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

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


@dataclass(frozen=True, slots=True)
class Guess:
    """The encodings that a text may have; of several the likeliest stands first."""

    encodings: tuple[str, ...]
    """Each decodes the text to something else; none: it is no text in any known encoding."""
    shown: tuple[str, ...]
    """A word of the text in each."""

    @property
    def sure(self) -> bool:
        """Whether there is only one."""
        return len(self.encodings) == 1


def detect(text: bytes) -> Guess:
    """What the cells of a sample that are not ASCII may be encoded in."""
    import charset_normalizer  # only for text that is not UTF-8

    cells = b" ".join(_CELL.findall(text[: 1 << 20]))[:_SAMPLE]
    found = charset_normalizer.from_bytes(cells, cp_isolation=_CANDIDATES)
    matches = [it for it in found if not any(map(_odd, _words(str(it))))]
    several = len(cells) - len(cells.decode("ascii", "ignore")) >= _ENOUGH
    if len(matches) > 1 and (
        (several and matches[0].multi_byte_usage > 0) or _best(matches[0], matches[1])
    ):
        matches = matches[:1]
    distinct: dict[str, str] = {}
    for match in matches:
        same = [match.encoding, *match.could_be_from_charset]
        distinct.setdefault(str(match), "cp1252" if "cp1252" in same else match.encoding)
    words = (next((w for w in _words(it) if not w.isascii()), it[:12]) for it in distinct)
    return Guess(tuple(distinct.values()), tuple(words))


def _best(first: Any, second: Any) -> bool:
    """Whether the first reads clearly more like a language than the second."""
    return bool(first.coherence - first.chaos > second.coherence - second.chaos + _CLEARLY_BETTER)


def _words(text: str) -> Iterator[str]:
    return (match[0] for match in _WORD.finditer(text))


def _odd(word: str) -> bool:
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
