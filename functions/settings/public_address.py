"""The address under which people and programs reach a server, where it is behind a proxy."""

import re
from dataclasses import dataclass
from typing import Self

_ADDRESS = re.compile(
    r"(https?)://(\[[0-9a-f:.]+\]|[a-z0-9_-]+(?:\.[a-z0-9_-]+)*)(:[1-9]\d{0,4})?"
    r"((?:/[A-Za-z0-9._~-]+)*)/?",
    re.ASCII | re.IGNORECASE,
)
_LAST_PORT = 65_535
_USUAL = {"https": ":443", "http": ":80"}


@dataclass(frozen=True, slots=True)
class PublicAddress:
    """An address such as https://clusters.bank.example/base; none of our paths is in it."""

    scheme: str
    name: str
    """Of the host, without a port."""
    port: str
    """With its colon; empty where it is the usual one, which browsers leave out too."""
    path: str
    """What stands before our paths: `/base`, or nothing."""

    @classmethod
    def from_text(cls, text: str) -> Self:
        """An address of text; ValueError for one with a user, a query, a fragment or dots."""
        found = _ADDRESS.fullmatch(text)
        if not found or {".", ".."} & set(found[4].split("/")):
            raise ValueError
        if found[3] and int(found[3][1:]) > _LAST_PORT:
            raise ValueError
        scheme, name, path = found[1].lower(), found[2].lower(), found[4]
        port = found[3] or ""
        return cls(scheme, name, "" if port == _USUAL[scheme] else port, path)

    @property
    def host(self) -> str:
        """What a browser sends as Host."""
        return f"{self.name}{self.port}"

    @property
    def origin(self) -> str:
        """What a browser sends as Origin."""
        return f"{self.scheme}://{self.host}"

    def __str__(self) -> str:
        return f"{self.origin}{self.path}"
