"""Parts of one local file, scored by processes of this machine into one file of assigned rows."""

import io
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from pipeline.scoring.inputs import InputFile
from pipeline.scoring.parts.inspection import inspect
from pipeline.scoring.parts.locations import LocalTarget
from pipeline.scoring.parts.part import PartTask
from pipeline.scoring.parts.shared_input import shared_file
from pipeline.scoring.sinks.open import make_sink
from pipeline.scoring.spec import ScoringSpec

_COPIED_AT_ONCE = 1 << 20


def local_task(folder: Path, source: InputFile, spec: ScoringSpec, part_bytes: int) -> PartTask:
    """What the parts of a file have in common, as every process finds it for itself."""
    shared = shared_file(source)
    inspected = inspect(shared, spec.model, spec.options, part_bytes)
    files = [each.file for each in inspected]
    return PartTask.of(spec, files, shared.sources, LocalTarget(folder))


def head_and_ending(task: PartTask) -> tuple[bytes, bytes]:
    """What each part of a text has before its rows and behind them, and the whole has once."""
    file, text = task.files[0], io.BytesIO()
    sink = make_sink(text, file, task.scorer(file), task.format, safe=task.options.safe_csv)
    head = text.getvalue()
    sink.finish()
    return head, text.getvalue()[len(head) :]


def join_parts(target: LocalTarget, task: PartTask, names: Sequence[str], path: Path) -> int:
    """Put the assigned rows of all parts into one text file, as one reader would have written it.

    Args:
        target: Where the parts are; they go as they are joined.
        task: What the parts have in common.
        names: Their names, in the order of the rows.
        path: The file to write.

    Returns:
        Its bytes.
    """
    head, ending = head_and_ending(task)
    with path.open("wb") as joined:
        joined.write(head)
        for name in names:
            with (target.folder / name).open("rb") as part:
                part.seek(len(head))
                shutil.copyfileobj(part, joined, _COPIED_AT_ONCE)
            joined.seek(-len(ending), os.SEEK_CUR)
            target.delete(name)
        joined.write(ending)
        joined.truncate()
        return joined.tell()
