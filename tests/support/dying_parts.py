"""A process that works on parts, as `pipeline.runs.parts.child`, and dies over the second one."""

import os
from typing import Any

from pipeline.runs.parts import child
from pipeline.scoring.parts.part import PartResult, PartTask
from pipeline.scoring.parts.part_plan import Part
from pipeline.scoring.process.child import engine, main

_score = PartTask.score


def score(task: PartTask, part: Part) -> PartResult:
    if part.index == 1:
        os.abort()
    return _score(task, part)


PartTask.score = score  # type: ignore[method-assign, assignment]
_answers: dict[str, Any] = {child.WORK: child.answer}

if __name__ == "__main__":
    main(engine, _answers)
