"""Tensors of the Open Inference Protocol: lists of values, as JSON or in their binary form.

Binary is little-endian, without padding; of BYTES each element has its length before it.
"""

import struct
from collections.abc import Mapping, Sequence
from math import nan
from typing import Any

from functions.http.problems import ProblemError
from functions.protocols.predictions import Datatype
from functions.protocols.rows import MAX_ROWS, too_many
from pipeline.errors import shortened

_FORMATS = {
    "BOOL": "?",
    "INT8": "b",
    "INT16": "h",
    "INT32": "i",
    "INT64": "q",
    "UINT8": "B",
    "UINT16": "H",
    "UINT32": "I",
    "UINT64": "Q",
    "FP16": "e",
    "FP32": "f",
    "FP64": "d",
}
"""Datatype → how `struct` writes an element."""
DATATYPES = (*_FORMATS, "BYTES")
_LENGTH = struct.Struct("<I")


def read_tensors(given: object, binary: bytes | None) -> dict[str, Sequence[Any]]:
    """The inputs of a request: name → a value for each customer.

    Args:
        given: What the request says of them.
        binary: What stands after its JSON; None where the request has no such part.

    Raises:
        ProblemError: One of them is no column of values, or they are not equally long.
    """
    if not isinstance(given, list) or not given:
        raise ProblemError(422, 'expected "inputs", an array with a tensor for each feature')
    tensors: dict[str, Sequence[Any]] = {}
    at, most = 0, _name_and_rows(given[0], 0)[1]
    for position, each in enumerate(given):
        name, rows = _name_and_rows(each, position)
        if name in tensors:
            raise ProblemError(422, f"input {shortened(name)} is there twice")
        if rows != most:
            detail = f"has {rows:,} rows, and the first has {most:,}: expected as many in each"
            raise ProblemError(422, f"input {shortened(name)} {detail}")
        size = _binary_size(each, name)
        if size is None:
            tensors[name] = _from_json(each, name, rows)
            continue
        if binary is None or at + size > len(binary):
            raise ProblemError(400, _BINARY.format(shortened(name)), code="invalid_request")
        tensors[name] = _from_binary(each, name, rows, binary[at : at + size])
        at += size
    if binary is not None and at != len(binary):
        detail = f"{len(binary) - at:,} bytes follow the last tensor: expected none"
        raise ProblemError(400, detail, code="invalid_request")
    return tensors


_BINARY = (
    "input {} has a binary_data_size that the body does not hold: expected its JSON, as many bytes "
    "as Inference-Header-Content-Length says, and the tensors after it"
)


def binary_of(datatype: Datatype, values: Sequence[Any]) -> bytes:
    """Values in the binary form; a number that is not known is NaN."""
    if datatype == "BYTES":
        texts = [str(value).encode() for value in values]
        return b"".join(_LENGTH.pack(len(text)) + text for text in texts)
    known = [nan if value is None else value for value in values]
    return struct.pack(f"<{len(known)}{_FORMATS[datatype]}", *known)


def _name_and_rows(given: Any, position: int) -> tuple[str, int]:
    """The name of a tensor, and for how many customers it has values."""
    name = given.get("name") if isinstance(given, dict) else None
    if not isinstance(name, str):
        raise ProblemError(422, f"input {position}: expected an object with a name")
    shape = given.get("shape")
    whole = isinstance(shape, list) and all(type(size) is int and size >= 0 for size in shape)
    if not whole or len(shape) not in (1, 2) or shape[1:] not in ([], [1]):
        raise ProblemError(
            422,
            f"input {shortened(name)}: expected shape [n] or [n, 1], one value for each customer, "
            f"found {shortened(shape)}",
        )
    if shape[0] > MAX_ROWS:
        raise too_many()
    if given.get("datatype") not in DATATYPES:
        raise ProblemError(
            422,
            f"input {shortened(name)}: expected datatype {', '.join(DATATYPES)}, "
            f"found {shortened(given.get('datatype'))}",
        )
    return name, shape[0]


def _binary_size(given: Mapping[str, Any], name: str) -> int | None:
    parameters = given.get("parameters")
    size = parameters.get("binary_data_size") if isinstance(parameters, dict) else None
    if size is not None and (type(size) is not int or size < 0):
        raise ProblemError(422, f"input {shortened(name)}: binary_data_size is no whole number")
    return size


def _from_json(given: Mapping[str, Any], name: str, rows: int) -> Sequence[Any]:
    """The elements, flat or each in an array of its own; JSON's null is a missing value."""
    data = given.get("data")
    if not isinstance(data, list) or len(data) != rows:
        found = f"{len(data):,} elements" if isinstance(data, list) else "none"
        raise ProblemError(
            422, f'input {shortened(name)}: expected "data" with {rows:,} elements, found {found}'
        )
    if data and all(isinstance(element, list) and len(element) == 1 for element in data):
        return [element[0] for element in data]
    return data


def _from_binary(given: Mapping[str, Any], name: str, rows: int, data: bytes) -> Sequence[Any]:
    datatype = given["datatype"]
    if datatype == "BYTES":
        return _texts(name, rows, data)
    elements = struct.Struct(f"<{rows}{_FORMATS[datatype]}")
    if len(data) != elements.size:
        raise ProblemError(
            422,
            f"input {shortened(name)}: expected {elements.size:,} bytes for {rows:,} elements of "
            f"{datatype}, found {len(data):,}",
        )
    return elements.unpack(data)


def _texts(name: str, rows: int, data: bytes) -> list[str]:
    texts, at = [], 0
    for _ in range(rows):
        start = at + _LENGTH.size
        end = start + (_LENGTH.unpack_from(data, at)[0] if start <= len(data) else 0)
        if end > len(data) or start > len(data):
            break
        try:
            texts.append(data[start:end].decode())
        except UnicodeDecodeError:
            raise ProblemError(
                422, f"input {shortened(name)}: row {len(texts)} is not valid UTF-8"
            ) from None
        at = end
    if len(texts) != rows or at != len(data):
        raise ProblemError(
            422,
            f"input {shortened(name)}: expected {rows:,} elements of BYTES, each after its length "
            "in 4 bytes",
        )
    return texts
