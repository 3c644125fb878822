"""The form that compares a scored file with an earlier one; it is a part of the results page."""

from collections.abc import Mapping
from typing import Any

from functions.http.problems import ProblemError
from functions.web.files import FIELDS, LABELS, files_view
from functions.web.run import ScoredFile
from pipeline.reading.options import ReadingOptions
from pipeline.scoring.documents import Manifest

_ITS_OWN = ("sheet", "header_row")
"""What is said of one file, and hardly holds for the next one."""


def moves_form(
    file: ScoredFile,
    limit: int,
    problem: ProblemError | None = None,
    choices: Mapping[str, str] | None = None,
) -> dict[str, object] | None:
    """What the form shows; None where nobody could be found again, or no files are taken.

    Args:
        file: The newer file.
        limit: Bytes that the earlier one may have.
        problem: Why the last one was not compared.
        choices: What was said of how it is written; at first as the newer one was read.
    """
    if not limit or file.loaded.model.contract.id_column is None:
        return None
    view = files_view(file.loaded, limit, LABELS, problem)
    return view | {"fields": FIELDS, "choices": choices or _stated(file.manifest)}


def _stated(manifest: Manifest) -> dict[str, str]:
    """How somebody said that a file is written, as a form has it; but for sheet and row."""
    facts: dict[str, Any] = {**manifest["options"].get("reading", {})}
    texts = ReadingOptions(**facts).texts
    return {name: text for name, text in texts.items() if name not in _ITS_OWN}
