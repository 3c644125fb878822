"""How the text files of a run are written: as the input is, so that one program reads them all."""

import codecs
from dataclasses import dataclass
from typing import Self

from pipeline.reading.facts import ReadingFacts

_UTF_8 = "utf-8"


@dataclass(frozen=True, slots=True)
class CsvDialect:
    """Delimiter, decimal mark and encoding of a text file."""

    delimiter: str = ","
    decimal: str = "."
    """The decimal mark; empty where the input shows none."""
    encoding: str = _UTF_8
    """What its text is encoded in, where all of it can be."""
    mark: str = ""
    """What it begins with where it is UTF-8: the byte order mark, by which Excel knows that."""

    @classmethod
    def of(cls, facts: ReadingFacts) -> Self:
        """The dialect of an input; of a workbook what Excel opens, of Parquet plain UTF-8."""
        encoding = facts.get("encoding", _UTF_8)
        marked = encoding != _UTF_8 or facts["kind"] == "excel"
        decimal = facts.get("decimal", ".")
        return cls(
            facts.get("delimiter", ","),
            "" if decimal == "not shown" else decimal,
            encoding if _is_plain(encoding) else _UTF_8,
            "\ufeff" if marked else "",
        )

    def number(self, value: float) -> str:
        """A number with the decimal mark, in the shortest text that reads back as the same."""
        return repr(value).replace(".", self.decimal or ".")

    def encode(self, text: str) -> bytes:
        """The bytes of a whole file; UTF-8 with a mark where its encoding lacks a letter."""
        if self.encoding == _UTF_8:
            return f"{self.mark}{text}".encode()
        try:
            return text.encode(self.encoding)
        except UnicodeEncodeError:
            return codecs.BOM_UTF8 + text.encode()


PLAIN = CsvDialect()
"""Commas, points and UTF-8 without a mark."""


def _is_plain(encoding: str) -> bool:
    """Whether results are written in an encoding: UTF-8 with its mark, and UTF-16, get the mark."""
    return not encoding.startswith("utf") and encoding != "unknown"
