"""The header `traceparent`, by which tracing systems tell of what a request is a part.

By W3C's recommendation Trace Context, https://www.w3.org/TR/trace-context/: what is malformed is as
good as not sent.
"""

import re
from collections.abc import Iterable
from typing import NamedTuple

HEADER = b"traceparent"
_LONGEST = 256
_PARENT = re.compile(rb"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(-[!-~]*)?")
_FIRST_VERSION, _NO_VERSION = b"00", b"ff"
_NO_TRACE, _NO_SPAN = b"0" * 32, b"0" * 16


class TraceParent(NamedTuple):
    """Of what a request is a part."""

    trace_id: str
    span_id: str
    """Of the span inside which it was sent."""

    @classmethod
    def of(cls, headers: Iterable[tuple[bytes, bytes]]) -> "TraceParent | None":
        """What the headers of a request say; None where they say it wrong, or twice."""
        (text, *others) = [value for name, value in headers if name == HEADER]
        found = _PARENT.fullmatch(text) if len(text) <= _LONGEST and not others else None
        if found is None:
            return None
        version, trace, span, more = found.groups()
        if version == _NO_VERSION or trace == _NO_TRACE or span == _NO_SPAN:
            return None
        if version == _FIRST_VERSION and more is not None:
            return None
        return cls(trace.decode(), span.decode())
