"""Version ids: when an artifact was published and what is in it."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple, Self

_PATTERN = re.compile(r"(\d{8}T\d{6}Z)-([0-9a-f]{8})")
_TIME_FORMAT = "%Y%m%dT%H%M%SZ"


class Version(NamedTuple):
    """A UTC second and the first eight hex digits of the content's sha256; sorts by time."""

    published: datetime
    content: str

    @classmethod
    def of(cls, content_sha256: str, now: datetime) -> Self:
        """The version of some content, published at an aware time."""
        return cls(now.astimezone(UTC).replace(microsecond=0), content_sha256[:8])

    def after(self, others: Sequence["Version"]) -> Self:
        """The same content, at least a second later than any of these."""
        latest = max((other.published for other in others), default=None)
        if latest is None or self.published > latest:
            return self
        return self._replace(published=latest + timedelta(seconds=1))

    @classmethod
    def from_string(cls, text: str) -> Self:
        """Read a version id; ValueError when the text is none."""
        match = _PATTERN.fullmatch(text)
        if match is None:
            raise ValueError(f"{text!r} is not a version id like 20260131T093000Z-1a2b3c4d")
        published = datetime.fromisoformat(match[1])
        return cls(published, match[2])

    def __str__(self) -> str:
        return f"{self.published.strftime(_TIME_FORMAT)}-{self.content}"
