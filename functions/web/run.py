"""What the page of a scored file shows."""

from functions.web.files import bytes_text
from functions.web.matching import undeclared
from pipeline.model.cluster_model import ClusterModel
from pipeline.scoring.documents import Manifest, Summary
from pipeline.scoring.outputs import MANIFEST, REPORT
from pipeline.scoring.report.highlights import notices
from pipeline.scoring.report.phrases import reading_phrases, rejections

_DOWNLOADS = {
    "assigned": "Your rows, each with its group and more",
    "rejected": "The rows that could not be scored, and why",
    "report": "Everything on this page and more, with charts; opens in the browser",
    "clusters": "Each group’s figures",
    "summary": "The same for programs, with drift",
}
_WITH_CHURN = {"assigned": "Your rows, each with its group, the group’s churn rate and more"}


def run_view(model: ClusterModel, manifest: Manifest, summary: Summary) -> dict[str, object]:
    """What `run.html.j2` names, but for the address of the files."""
    return {
        "file": manifest["input"],
        "reading": reading_phrases(manifest["input"]),
        "undeclared": undeclared(model.contract, manifest["input"].get("matched", {})),
        "summary": summary,
        "notices": notices(model, summary),
        "rejections": rejections(model.contract, summary),
        "downloads": _downloads(manifest, churn=model.churn_rate is not None),
        "report": REPORT,
    }


def _downloads(manifest: Manifest, *, churn: bool) -> list[tuple[str, str, str]]:
    """Each file's name, content and size."""
    downloads = []
    contents = {**_DOWNLOADS, **(_WITH_CHURN if churn else {})}
    for role, content in contents.items():
        name = manifest["outputs"][role].rpartition("/")[2]
        if role != "rejected" or manifest["rows_rejected"]:
            downloads.append((name, content, bytes_text(manifest["bytes"][name])))
    return [*downloads, (MANIFEST, "How the file was read, and the model’s version", "")]
