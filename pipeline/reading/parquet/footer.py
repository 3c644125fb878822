"""What the footer of a Parquet file says of its column chunks, read here.

Arrow ends the process when it is asked for a chunk that is encrypted, or whose statistics are
damaged. The footer is Thrift's compact protocol, of which only the way to the first row group is
read: https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_TRUE, _FALSE, _BYTE, _DOUBLE, _BINARY, _LIST, _SET, _STRUCT = 1, 2, 3, 7, 8, 9, 10, 12
_INTEGERS = (4, 5, 6)
_DEEPEST = 32
_ROW_GROUPS, _COLUMNS = 4, 1
"""Of FileMetaData, of RowGroup."""
_META_DATA, _CRYPTO_METADATA = 3, 8
"""Of ColumnChunk."""
_PATH, _VALUES, _UNCOMPRESSED, _DICTIONARY = 3, 5, 6, 11
"""Of ColumnMetaData."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """A column of a row group."""

    column: str
    encrypted: bool
    values: int
    size: int
    """Bytes of its pages, unpacked."""
    dictionary: bool


def first_chunks(path: Path) -> list[Chunk]:
    """The columns of the first row group; none where there is none, or the footer is damaged."""
    try:
        group = _first_row_group(_footer(path))
        return [_chunk(column) for column in group.get(_COLUMNS, [])]
    except (ValueError, IndexError, AttributeError, TypeError):
        return []


def _chunk(column: dict[int, Any]) -> Chunk:
    metadata, crypto = column.get(_META_DATA, {}), column.get(_CRYPTO_METADATA)
    path = metadata.get(_PATH) or (crypto or {}).get(2, {}).get(1, [])
    return Chunk(
        b".".join(path).decode(),
        crypto is not None,
        metadata.get(_VALUES, 0),
        metadata.get(_UNCOMPRESSED, 0),
        _DICTIONARY in metadata,
    )


def _footer(path: Path) -> bytes:
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - 8))
        length = int.from_bytes(file.read(4), "little")
        if length + 8 > size:
            raise ValueError("the footer is longer than the file")
        file.seek(size - 8 - length)
        return file.read(length)


def _first_row_group(footer: bytes) -> dict[int, Any]:
    reader = _Compact(footer)
    for field, kind in reader.fields():
        if field == _ROW_GROUPS and kind == _LIST:
            count, element = reader.head()
            return dict(reader.value(element)) if count else {}
        reader.value(kind)
    return {}


class _Compact:
    """Reads values one after the other; ValueError or IndexError where there is none."""

    def __init__(self, data: bytes) -> None:
        self._data, self._position, self._depth = data, 0, 0

    def fields(self) -> Iterator[tuple[int, int]]:
        """Number and kind of each field of a struct, whose value has to be read in between."""
        field = 0
        while head := self._byte():
            field = field + (head >> 4) if head >> 4 else self._signed()
            yield field, head & 0x0F

    def head(self) -> tuple[int, int]:
        """Of a list: how many elements, and their kind."""
        head = self._byte()
        count = head >> 4
        return (self._number() if count == 15 else count), head & 0x0F

    def value(self, kind: int) -> Any:
        """A struct is a dict by the numbers of its fields; no field of a footer is a map."""
        if kind in (_TRUE, _FALSE):
            return kind == _TRUE
        if kind in _INTEGERS:
            return self._signed()
        if kind == _BYTE:
            return self._byte()
        if kind == _DOUBLE:
            return self._bytes(8)
        if kind == _BINARY:
            return self._bytes(self._number())
        return self._nested(kind)

    def _nested(self, kind: int) -> Any:
        self._depth += 1
        if self._depth > _DEEPEST or kind not in (_LIST, _SET, _STRUCT):
            raise ValueError("no such value")
        value: Any
        if kind == _STRUCT:
            value = {field: self.value(each) for field, each in self.fields()}
        else:
            count, element = self.head()
            # in a list a truth value takes a byte
            each = _BYTE if element in (_TRUE, _FALSE) else element
            value = [self.value(each) for _ in range(count)]
        self._depth -= 1
        return value

    def _signed(self) -> int:
        number = self._number()
        return (number >> 1) ^ -(number & 1)

    def _number(self) -> int:
        number = shift = 0
        while True:
            byte = self._byte()
            number |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return number
            if shift > 63:
                raise ValueError("a number of more than 64 bits")

    def _byte(self) -> int:
        self._position += 1
        return self._data[self._position - 1]

    def _bytes(self, count: int) -> bytes:
        self._position += count
        if self._position > len(self._data):
            raise ValueError("the footer ends too early")
        return self._data[self._position - count : self._position]
