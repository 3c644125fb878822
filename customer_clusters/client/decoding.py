"""JSON objects as frozen dataclasses, by the types of their fields."""

import types
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from datetime import date, datetime
from functools import cache
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")
Convert = Callable[[Any], Any]
MISFIT = (LookupError, TypeError, ValueError, AttributeError)
"""What `decode` raises of a document that does not have the shape."""


def decode(kind: type[T], document: Any) -> T:
    """An object of a dataclass from a JSON object.

    Args:
        kind: The dataclass.
        document: What has its fields. What it has besides is ignored, so that a newer server may
            say more.

    Raises:
        MISFIT: A field is missing, or is no object where one is expected.
    """
    made: T = _converter(kind)(document)  # type: ignore[arg-type]  # a type can be hashed
    return made


@cache
def _converter(kind: Any) -> Convert:
    """How a value of a type is made of what JSON has for it."""
    if kind in (date, datetime):
        return lambda text: kind.fromisoformat(text)
    if is_dataclass(kind) and isinstance(kind, type):
        return _of_dataclass(kind)
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is tuple:
        item = _converter(arguments[0])
        return lambda values: tuple(map(item, values))
    if origin is not None and isinstance(origin, type) and issubclass(origin, Mapping):
        value = _converter(arguments[1])
        return lambda values: {str(name): value(each) for name, each in values.items()}
    if origin in (Union, types.UnionType) and type(None) in arguments:
        rest = [argument for argument in arguments if argument is not type(None)]
        if len(rest) == 1:
            inner = _converter(rest[0])
            return lambda value: None if value is None else inner(value)
    return _as_it_is


def _of_dataclass(kind: type[Any]) -> Convert:
    hints = get_type_hints(kind)
    converters = [
        (field.name, _converter(hints[field.name]), field.default) for field in fields(kind)
    ]

    def convert(document: Any) -> Any:
        return kind(
            *(
                default
                if default is not MISSING and name not in document
                else to_value(document[name])
                for name, to_value, default in converters
            )
        )

    return convert


def _as_it_is(value: Any) -> Any:
    return value
