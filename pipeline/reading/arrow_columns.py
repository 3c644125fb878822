"""What a column of Arrow holds, whatever type its writer chose for it."""

import pyarrow as pa

from pipeline.reading.arrow_numpy import text_column


def without_dictionary(column: pa.Array) -> pa.Array:
    """A column without dictionary encoding; any other stays what it is."""
    return column.dictionary_decode() if pa.types.is_dictionary(column.type) else column


def is_text(column: pa.Array) -> bool:
    """Whether a column's cells are text."""
    kind = column.type
    return bool(
        pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
    )


def is_binary(column: pa.Array) -> bool:
    """Whether a column's cells are bytes, which may be text that its writer did not call so."""
    kind = column.type
    return bool(
        pa.types.is_binary(kind)
        or pa.types.is_large_binary(kind)
        or pa.types.is_fixed_size_binary(kind)
        or pa.types.is_binary_view(kind)
    )


def as_text(column: pa.Array) -> pa.Array:
    """A column of bytes as text, as Impala and old Spark mean them; any other stays what it is."""
    if not is_binary(column):
        return column
    try:
        return column.cast(pa.large_binary()).cast(pa.large_string())
    except pa.ArrowInvalid:
        cells = (None if cell is None else _text_of(cell) for cell in column.to_pylist())
        return text_column(cells, large=True)


def _text_of(cell: bytes) -> str:
    try:
        return cell.decode()
    except UnicodeDecodeError:  # no number and no category either
        return repr(cell)


def filtered(column: pa.Array, good: pa.Array) -> pa.Array:
    """The cells that are good. Arrow cannot tell that of views, which Polars writes."""
    kept = without_view(column).filter(good)
    return kept if kept.type == column.type else kept.cast(column.type)


def without_view(column: pa.Array) -> pa.Array:
    """A column of views as the type that all of Arrow's functions know."""
    kind = column.type
    if pa.types.is_string_view(kind):
        return column.cast(pa.large_string())
    return column.cast(pa.large_binary()) if pa.types.is_binary_view(kind) else column
