"""What the document says of values besides their type; `TypedDict` as pydantic reads it."""

import sys
from collections.abc import Callable
from typing import Annotated, Any

if sys.version_info >= (3, 12):
    from typing import TypedDict
else:  # pydantic reads only this one before 3.12
    from typing_extensions import TypedDict

__all__ = [
    "ClusterId",
    "Count",
    "Date",
    "Digest",
    "Form",
    "Share",
    "Size",
    "Timestamp",
    "TypedDict",
]


class Form:
    """What a JSON Schema says of a value besides its type."""

    def __init__(self, **keywords: Any) -> None:
        self.keywords = keywords

    def __get_pydantic_json_schema__(
        self, schema: Any, handler: Callable[[Any], dict[str, Any]]
    ) -> dict[str, Any]:
        """Pydantic asks for the schema by this name; no import of it is needed for that."""
        return {**handler(schema), **self.keywords}


Timestamp = Annotated[str, Form(format="date-time")]
Date = Annotated[str, Form(format="date")]
Share = Annotated[float, Form(minimum=0, maximum=1)]
Count = Annotated[int, Form(minimum=0)]
Size = Annotated[float, Form(minimum=0)]
ClusterId = Annotated[int, Form(minimum=1)]
Digest = Annotated[str, Form(pattern="^[0-9a-f]{64}$")]
