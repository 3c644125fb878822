"""What `customer-clusters outcomes` does, once its options are read."""

import os

from rich.console import Console

from functions.cli import options
from functions.cli.output import console
from functions.cli.output.text import print_json, print_note, print_text
from functions.notices import notices_from
from model_store import open_storage
from pipeline.model.published.loading import load_model
from pipeline.runs.committed import CommittedRun, open_run
from pipeline.runs.notices import Beside, Notices, address_of
from pipeline.runs.notices.outcomes import outcomes_notice, results_of
from pipeline.runs.outcomes import sentences
from pipeline.runs.outcomes.measure import outcomes_of
from pipeline.runs.outcomes.spec import OutcomesSpec
from pipeline.runs.outcomes.store import folder_of, keep, kept
from pipeline.scoring.outcome_documents import (
    OUTCOMES_FILE,
    OUTCOMES_PAGE,
    Comparison,
    OutcomesDocument,
    Ranking,
    Tenth,
)


def make_outcomes(
    address: str, spec: OutcomesSpec, out: str | None, store: str, *, as_json: bool
) -> None:
    """Measure the outcomes of a run, keep them, tell of them, and print them.

    Args:
        address: Of the run.
        spec: The labels, their day, and a list with a control group.
        out: Where they go; None for beside the run.
        store: Of the models.
        as_json: Print the document and not tables.
    """
    notices = notices_from(os.environ, print_note)
    run = open_run(options.address_of(address))
    model = load_model(options.open_store(store).open(run.manifest["model_version"]))
    document = outcomes_of(run, model, spec)
    document, where = _kept(document, run, out, notices)
    if as_json:
        print_json(document)
        return
    _show(document)
    for other in kept(run):
        if other["outcomes"] != document["outcomes"]:
            line = f"{other['as_of']}: {other['overall']['verdict']} ({other['labels']['name']})"
            print_text(f"Other outcomes of this run, {line}")
    print_text(f"Written to {where}; for people: {OUTCOMES_PAGE}")


def _kept(
    document: OutcomesDocument, run: CommittedRun, out: str | None, notices: Notices
) -> tuple[OutcomesDocument, str]:
    """Keep outcomes, and tell of them; those that are there now, and where they are."""
    if out is None:
        results, run_folder = results_of(run)
        folder = f"{run_folder}/{folder_of(document)}".lstrip("/")
        where = f"{run.address}/{folder_of(document)}"
    else:
        results = where = options.address_of(out).rstrip("/")
        folder = ""
    place = Beside(open_storage(results))
    name = f"{folder}/{OUTCOMES_FILE}".lstrip("/")
    with notices.around(
        place,
        lambda: outcomes_notice(document, run, name, address_of(place), notices.clock()),
    ):
        kept_now = keep(document, place.files, folder)
    notices.deliver_quietly(place)
    return kept_now, where


def _show(document: OutcomesDocument) -> None:
    out, word = console.terminal(), document["churned_word"]
    counts = document["counts"]
    out.print(
        console.bold(f"Outcomes of {document['input']['name']} as of {document['as_of']}:"),
        f"{counts['counted']:,} of {counts['customers']:,} customers counted",
    )
    out.print(console.bold(sentences.headline(document)), soft_wrap=True)
    out.print(sentences.figures(document["overall"], word), soft_wrap=True)
    _show_groups(out, document)
    _show_rankings(out, document)
    audience = document["audience"]
    if audience is not None:
        out.print(f"{sentences.effect(audience, word)}\n", soft_wrap=True)
    for line in sentences.told(document):
        out.print(f"• {line}", soft_wrap=True)


def _show_groups(out: Console, document: OutcomesDocument) -> None:
    word = document["churned_word"].capitalize()
    table = console.new_table(
        "Group", "Name", "Counted", word, "Rate", "Expected", "Difference", "Verdict"
    )
    for cluster in document["clusters"]:
        table.add_row(str(cluster["cluster"]), cluster["cluster_name"], *_cells(cluster))
    table.add_section()
    table.add_row("all", "All customers", *_cells(document["overall"]))
    console.print_table(out, table)


def _cells(comparison: Comparison) -> list[str]:
    observed = comparison["observed"]
    return [
        f"{comparison['counted']:,}",
        f"{observed['churned']:,}" if observed else "–",
        sentences.rate(observed) if observed else "–",
        sentences.rate(comparison["expected"]),
        sentences.points(comparison["difference"]).replace(" points", ""),
        comparison["verdict"],
    ]


def _show_rankings(out: Console, document: OutcomesDocument) -> None:
    rankings, word = document["rankings"], document["churned_word"].capitalize()
    table = console.new_table("Foreseen by", "AUC", "Brier", "Expected")
    for name, figures in (("groups", rankings["clusters"]), ("risk", rankings["risk"])):
        if figures is not None:
            table.add_row(name, _auc(figures), f"{figures['brier']:.4f}",
                          f"{figures['expected_churners']:,.0f}")  # fmt: skip
    out.print(table)
    if rankings["risk"] is not None:
        table = console.new_table("Tenth by risk", "Customers", "Risk", word)
        for number, tenth in enumerate(rankings["risk"]["tenths"], 1):
            table.add_row(str(number), *_tenth(tenth))
        out.print(table)


def _auc(figures: Ranking) -> str:
    auc = figures["auc"]
    return f"{auc['value']:.3f} ({auc['low']:.3f} to {auc['high']:.3f})" if auc else "–"


def _tenth(tenth: Tenth) -> list[str]:
    return [
        f"{tenth['customers']:,}", f"{tenth['risk']:.1%}", sentences.rate(tenth["observed"])
    ]  # fmt: skip
