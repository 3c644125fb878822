"""Where outcomes are kept: beside the run or in a folder of one's own, written once."""

import json
from typing import cast

from model_store import Conflict, NotFound
from model_store.errors import MALFORMED
from model_store.storage.base import Storage
from pipeline.errors import WrongFile
from pipeline.runs.committed import CommittedRun
from pipeline.runs.outcomes.page import render
from pipeline.runs.store import as_json
from pipeline.scoring.outcome_documents import (
    OUTCOMES_FILE,
    OUTCOMES_FOLDER,
    OUTCOMES_PAGE,
    OutcomesDocument,
)


def keep(document: OutcomesDocument, files: Storage, folder: str = "") -> OutcomesDocument:
    """Write outcomes and their page, the document last; what is there already stays.

    Args:
        document: The outcomes.
        files: Where they go.
        folder: Below it; empty for the storage itself.

    Returns:
        The outcomes that are there now: those of the same files and day are the same.

    Raises:
        WrongFile: Others are there.
    """
    prefix = f"{folder}/" if folder else ""
    name = f"{prefix}{OUTCOMES_FILE}"
    if (there := _existing(files, name)) is None:
        files.replace(f"{prefix}{OUTCOMES_PAGE}", render(document).encode())
        try:
            files.create(name, as_json(document))
            return document
        except Conflict:
            there = _existing(files, name)
    if there is None or there["outcomes"] != document["outcomes"]:
        raise WrongFile(name, "has other outcomes, which are not replaced; choose another --out")
    return there


def folder_of(document: OutcomesDocument) -> str:
    """Where outcomes lie in the folder of their run."""
    return f"{OUTCOMES_FOLDER}/{document['outcomes']}"


def kept(run: CommittedRun) -> list[OutcomesDocument]:
    """All outcomes that lie beside a run, the oldest day first."""
    names = run.files.names(OUTCOMES_FOLDER)
    each = (_existing(run.files, f"{OUTCOMES_FOLDER}/{name}/{OUTCOMES_FILE}") for name in names)
    return [document for document in each if document is not None]


def _existing(files: Storage, name: str) -> OutcomesDocument | None:
    try:
        document = json.loads(files.read(name))
        str(document["outcomes"])
    except NotFound:
        return None
    except MALFORMED as error:
        raise WrongFile(name, "is damaged; delete it and run outcomes again") from error
    return cast(OutcomesDocument, document)
