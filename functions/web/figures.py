"""The figures of an artifact, read once and kept while its model answers."""

import asyncio
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass

from functions.live_model import LoadedModel
from pipeline.pages.drawing import on_paper

_SIZE = re.compile(rb'<svg[^>]*? width="([0-9.]+)"[^>]*? height="([0-9.]+)"')


@dataclass(frozen=True, slots=True)
class Figure:
    """A drawing that training made."""

    name: str
    content: bytes
    fingerprint: str
    width: str
    height: str

    @property
    def address(self) -> str:
        """Changes with the drawing, so that a browser may keep what it has for ever."""
        return f"/figures/{self.name}?v={self.fingerprint}"


class Figures:
    """Those of the model that answered last."""

    def __init__(self) -> None:
        self._kept: tuple[str, Mapping[str, Figure]] = ("", {})

    async def of(self, loaded: LoadedModel) -> Mapping[str, Figure]:
        """Name → figure, for every SVG file in the artifact."""
        if self._kept[0] != loaded.version:
            self._kept = (loaded.version, await asyncio.to_thread(_read, loaded))
        return self._kept[1]


def _read(loaded: LoadedModel) -> dict[str, Figure]:
    figures = {}
    for name in loaded.artifact.manifest.files:
        if name.endswith(".svg"):
            content = on_paper(loaded.artifact.read(name).decode()).encode()
            size = _SIZE.search(content[:1_000])
            width, height = (part.decode() for part in size.groups()) if size else ("", "")
            fingerprint = hashlib.sha256(content).hexdigest()[:12]
            figures[name] = Figure(name, content, fingerprint, width, height)
    return figures
