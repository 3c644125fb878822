"""The pages of a scored file: its results, a summary of one page, and its chart to keep."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypedDict
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response

from functions.http.problems import ProblemError
from functions.live_model import LoadedModel
from functions.web.audience import audience_form
from functions.web.files import bytes_text
from functions.web.matching import undeclared
from functions.web.rendering import render
from pipeline.runs.audience.calls import Call
from pipeline.scoring.documents import Manifest, Summary
from pipeline.scoring.report.charts import group_chart
from pipeline.scoring.report.drawing import draw_chart
from pipeline.scoring.report.headline import headline
from pipeline.scoring.report.highlights import notices
from pipeline.scoring.report.phrases import (
    reading_phrases,
    rejections,
    three_digits,
)
from pipeline.scoring.writing.outputs import MANIFEST, REPORT

CHART = "chart.svg"
_FEW = 4
"""So many features stand beside a customer of the list."""
_KNOWN = re.compile(r"(\.(csv|tsv|txt|parquet|xls[xmb]?|ods|gz|zst|bz2|xz|zip))+$", re.IGNORECASE)
_UNSAFE = re.compile(r"[^\w.()+-]+")
_LONGEST_STEM = 60
_DOWNLOADS = {
    "assigned": "Your rows, each with its group and more",
    "rejected": "The rows that could not be scored, and why",
    "report": "Everything on this page and more, with charts; opens in the browser",
    "clusters": "Each group’s figures",
    "summary": "The same for programs, with drift",
}
_WITH_CHURN = {"assigned": "Your rows, each with its group, the group’s churn rate and more"}


class CallList(TypedDict):
    """The first customers to turn to, as they are kept beside the files of a run."""

    cluster: int | None
    """Of which they all are; None where they are of any."""
    calls: list[Call]


@dataclass(frozen=True, slots=True)
class ScoredFile:
    """A file that was scored, and what is known of it."""

    id: str
    name: str
    """What the person called it."""
    scored: datetime
    loaded: LoadedModel
    """The model that scored it."""
    manifest: Manifest
    summary: Summary
    minutes: int | None = None
    """How long its files are kept; None where that is not for this server to say."""
    calls: CallList | None = None
    by_group: bool = False
    """Whether rows can be had: each group's, and lists of customers."""

    @property
    def day(self) -> str:
        """When it was scored, for people."""
        return f"{self.scored.day} {self.scored:%B %Y}"

    def download_name(self, name: str) -> str:
        """What a browser calls a file of the run when it keeps it."""
        return download_name(self.name, self.scored, name)


def download_name(file: str, scored: datetime, name: str) -> str:
    """What a browser calls a file of a run when it keeps it: after the file and the day.

    Args:
        file: What the person called the scored file.
        scored: When it was scored.
        name: What the run calls its own file.
    """
    stem = _UNSAFE.sub("-", _KNOWN.sub("", file)).strip("-.")[:_LONGEST_STEM]
    return f"{stem or 'customers'}-{scored:%Y-%m-%d}-{name}"


def attachment(name: str) -> str:
    """The header that has a browser keep a file under a name (RFC 6266), in any script."""
    plain = name.encode("ascii", "replace").decode().replace("?", "_")
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


def results_page(
    request: Request,
    file: ScoredFile,
    compare: Mapping[str, object] | None = None,
    problem: ProblemError | None = None,
) -> Response:
    """What a file came to, the most useful first.

    Args:
        request: The request that it answers.
        file: The file.
        compare: The form that compares it with an earlier one; None where that is not offered.
        problem: Why that was not done, which the form says too.
    """
    status, headers = (problem.status, problem.headers) if problem else (200, None)
    view = {**_view(file), "compare": compare}
    return render(request, "run.html.j2", file.loaded, view, status, headers)


def summary_page(request: Request, file: ScoredFile) -> Response:
    """The same on one sheet of paper."""
    return render(request, "summary.html.j2", file.loaded, _view(file))


def chart_file(file: ScoredFile) -> Response:
    """The chart, to put into a presentation."""
    note = f"{file.name} · {file.day} · model {file.loaded.version}"
    content = draw_chart(file.loaded.model, file.summary, note)
    headers = {"Content-Disposition": attachment(file.download_name(CHART))}
    return Response(content, 200, headers, "image/svg+xml")


def _view(file: ScoredFile) -> dict[str, object]:
    model, summary = file.loaded.model, file.summary
    found = notices(model, summary)
    return {
        "run": file,
        "file": {**file.manifest["input"], "name": file.name},
        "headline": headline(model, summary),
        "word": model.contract.churned_word,
        "chart": group_chart(summary),
        "notices": [notice for notice in found if notice.level != "fine"],
        "nothing_unusual": [notice for notice in found if notice.level == "fine"],
        "undeclared": undeclared(model.contract, file.manifest["input"].get("matched", {})),
        "summary": summary,
        "audience": audience_form(file.manifest, file.calls and file.calls["cluster"]),
        "shown": model.contract.features[:_FEW],
        "typical": [feature for feature in model.contract.features if feature.numeric][:_FEW],
        "three_digits": three_digits,
        "reading": reading_phrases(file.manifest["input"]),
        "rejections": rejections(model.contract, summary),
        "downloads": _downloads(file.manifest, churn=model.churn_rate is not None),
        "report": REPORT,
    }


def _downloads(manifest: Manifest, *, churn: bool) -> Sequence[tuple[str, str, str]]:
    """Each file's name, content and size."""
    downloads = []
    contents = {**_DOWNLOADS, **(_WITH_CHURN if churn else {})}
    for role, content in contents.items():
        name = manifest["outputs"][role].rpartition("/")[2]
        if role != "rejected" or manifest["rows_rejected"]:
            downloads.append((name, content, bytes_text(manifest["bytes"][name])))
    return [*downloads, (MANIFEST, "How the file was read, and the model’s version", "")]
