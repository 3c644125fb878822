"""What the page of a scored file shows."""

from collections.abc import Mapping
from typing import Any

from functions.web.files import size_in_words
from pipeline.model.cluster_model import ClusterModel
from pipeline.scoring.outputs import MANIFEST, REPORT
from pipeline.scoring.report.highlights import notices
from pipeline.scoring.report.wording import how_it_was_read, rejection

_DOWNLOADS = {
    "assigned": "Your rows, each with its group, the group’s churn rate and more",
    "rejected": "The rows that could not be scored, and why",
    "report": "Everything on this page and more, with charts; opens in the browser",
    "clusters": "Each group’s figures",
    "summary": "The same for programs, with drift",
}


def run_view(
    model: ClusterModel, manifest: Mapping[str, Any], totals: Mapping[str, Any]
) -> dict[str, Any]:
    """Everything the template names, but for the address of the files."""
    return {
        "file": manifest["input"],
        "reading": how_it_was_read(manifest["input"]),
        "totals": totals,
        "notices": notices(model, totals),
        "rejects": _rejects(model, totals),
        "downloads": _downloads(manifest),
        "report": REPORT,
    }


def _downloads(manifest: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Name, what is in it, size."""
    found = []
    for role, words in _DOWNLOADS.items():
        name = str(manifest["outputs"][role]).rpartition("/")[2]
        if role != "rejected" or manifest["rows_rejected"]:
            found.append((name, words, size_in_words(manifest["bytes"][name])))
    return [*found, (MANIFEST, "How the file was read, and the model’s version", "")]


def _rejects(model: ClusterModel, totals: Mapping[str, Any]) -> list[dict[str, Any]]:
    found = []
    for key, rows in totals["rejected_for"].items():
        feature, words = rejection(model.contract, key)
        first = totals["rejected_first_rows"][key]
        column = feature.label if feature else "–"
        found.append({"column": column, "words": words, "rows": rows, "first": first})
    return found
