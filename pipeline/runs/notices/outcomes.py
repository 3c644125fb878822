"""What is told of outcomes: whether what training led to expect came true."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from model_store import S3Address
from pipeline.runs.committed import CommittedRun
from pipeline.runs.notices.notice import (
    OUTCOMES,
    Notice,
    NoticeData,
    VerdictNote,
    calm,
    look,
    make_notice,
    units_note,
)
from pipeline.runs.outcomes import sentences
from pipeline.scoring.outcome_documents import OutcomesDocument

_OFF = ("higher", "lower")


def outcomes_notice(
    document: OutcomesDocument, run: CommittedRun, name: str, results: str, now: datetime
) -> Notice:
    """What is told of outcomes.

    Args:
        document: The outcomes.
        run: What they are the outcomes of.
        name: Their file, below `results`.
        results: The address of all results, or of the folder that was chosen for the outcomes.
        now: The time.
    """
    verdicts = list(_verdicts(document))
    data: NoticeData = {
        "text": _text(document, verdicts),
        "attention": bool(verdicts),
        "verdicts": verdicts,
        "input": document["input"]["name"],
        "as_of": document["as_of"],
        "run": _folder_of(run),
        "results": results,
        "document": name,
        "outcomes": document["outcomes"],
        "labels": document["labels"]["name"],
        "model_version": document["model_version"],
        "counted": document["counts"]["counted"],
    }
    return make_notice(OUTCOMES, (results, name, document["outcomes"]), data, now)


def results_of(run: CommittedRun) -> tuple[str, str]:
    """The address of the results that a run is one of, and the run's folder below it.

    A run that was copied out of its results stands alone: it is its own results.
    """
    address, folder = run.address, _folder_of(run)
    if not address.startswith(S3Address.SCHEME):
        address = str(Path(address).resolve())
    results = address.removesuffix(f"/{folder}") if folder else address
    return (address, "") if results == address else (results, folder)


def _folder_of(run: CommittedRun) -> str:
    """The folder of a run below the results in which it was made."""
    return run.manifest["outputs"]["summary"].rpartition("/")[0]


def _verdicts(document: OutcomesDocument) -> Iterator[VerdictNote]:
    if document["implausible"]:
        yield units_note(document["implausible"])
    overall = document["overall"]
    if any(each["verdict"] in _OFF for each in (overall, *document["clusters"])):
        figures = sentences.figures(overall, document["churned_word"])
        yield {"kind": "outcomes", "sentence": f"{_headline(document)} (all customers: {figures})"}


def _text(document: OutcomesDocument, verdicts: list[VerdictNote]) -> str:
    counts = document["counts"]
    many = f"{counts['counted']:,} of {sentences.of(counts['customers'], 'customer')} counted"
    rest = look(verdicts) if verdicts else f"{sentences.headline(document)}."
    return (
        f"Outcomes of `{calm(document['input']['name'])}` as of {document['as_of']}: {many}. {rest}"
    )


def _headline(document: OutcomesDocument) -> str:
    """Within a sentence."""
    headline = sentences.headline(document)
    return headline[0].lower() + headline[1:]
