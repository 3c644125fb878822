"""The work on parts, in a process of its own: what damages it ends that process and no other."""

from collections.abc import Mapping
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

from model_store.storage.scratch import unfinished
from pipeline.runs.parts.work import ObjectParts, Plan
from pipeline.scoring.documents import ScoredRows
from pipeline.scoring.inputs import InputFile
from pipeline.scoring.parts.kept import part_from
from pipeline.scoring.parts.part import PartResult
from pipeline.scoring.parts.part_plan import Part
from pipeline.scoring.process.isolated import Isolated
from pipeline.scoring.spec import Progress

_WORK = "object_parts"
_SILENT_SECONDS = 600.0
"""Nothing is heard of a part until it is scored."""


class IsolatedWork:
    """A `pipeline.runs.parts.work.PartWork` whose process serves one request after the other."""

    def __init__(self, process: Isolated | None = None) -> None:
        """The process starts with the first request.

        Args:
            process: What runs `pipeline.runs.parts.child`; by default one for all.
        """
        self._process = process

    def plan(self, parts: ObjectParts) -> Plan:
        """As `PartWork.plan`."""
        with unfinished() as folder:
            found = self._ask(parts, folder, {"do": "plan"})
        return Plan([part_from(each) for each in found["parts"]], found["format"])

    def score(self, parts: ObjectParts, part: Part) -> PartResult:
        """As `PartWork.score`."""
        with unfinished() as folder:
            request = {"do": "score", "part": asdict(part)}
            return PartResult(**self._ask(parts, folder, request))

    def conclude(self, parts: ObjectParts, folder: Path, progress: Progress) -> ScoredRows:
        """As `PartWork.conclude`."""
        rows: ScoredRows = self._ask(parts, folder, {"do": "conclude"}, progress)
        return rows

    def _ask(
        self,
        parts: ObjectParts,
        folder: Path,
        request: Mapping[str, Any],
        progress: Progress = lambda rows: None,
    ) -> Any:
        process = self._process or _shared()
        there = {
            "ref": asdict(parts.ref),
            "folder": str(parts.folder),
            "part_bytes": parts.part_bytes,
        }
        source = InputFile(Path(parts.ref.address), parts.name, parts.ref.identity)
        asked = {**request, "object": there}
        return process.ask(folder, source, parts.spec, {_WORK: asked}, progress)[_WORK]


@cache
def _shared() -> Isolated:
    return Isolated(silent_seconds=_SILENT_SECONDS, module=f"{__package__}.child")
