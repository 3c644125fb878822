"""The process that reads objects in parts for another one, which may outlive it: see `isolated`."""

import json
from dataclasses import asdict
from functools import lru_cache
from typing import Any

from model_store import S3Address
from pipeline.runs.objects import ObjectRef
from pipeline.runs.parts.work import InThisProcess, ObjectParts
from pipeline.scoring.parts.kept import part_from
from pipeline.scoring.process.child import engine, given, main
from pipeline.scoring.spec import Progress

WORK = "object_parts"
"""The kind of these requests."""


def answer(request: dict[str, Any], progress: Progress) -> Any:
    """Do what a request asks for."""
    asked, work = request[WORK], InThisProcess()
    parts = _parts(json.dumps({**request, "folder": "", WORK: asked["object"]}))
    folder, *_ = given(request)  # to where temporary files go
    if asked["do"] == "plan":
        return asdict(work.plan(parts))
    if asked["do"] == "score":
        return asdict(work.score(parts, part_from(asked["part"])))
    return work.conclude(parts, folder, progress)


@lru_cache(maxsize=1)
def _parts(text: str) -> ObjectParts:
    """An object that is scored in parts, looked at once for all of them."""
    request = json.loads(text)
    _, source, spec = given(request)
    its = request[WORK]
    folder = S3Address.from_string(its["folder"])
    return ObjectParts(ObjectRef(**its["ref"]), source.name, spec, folder, its["part_bytes"])


if __name__ == "__main__":
    main(engine, {WORK: answer})
