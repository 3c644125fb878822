"""What is told of a candidate: its version, its figures, and what speaks against it."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from pipeline.runs.notices.notice import (
    CANDIDATE,
    FigureNote,
    Notice,
    NoticeData,
    VerdictNote,
    calm,
    make_notice,
)
from pipeline.runs.store import MANIFEST

CLUSTERS = "clusters"
"""The figure that says how many groups there are."""
_SHOWN = {
    CLUSTERS: ("groups", ".0f"),
    "customers": ("customers", ",.0f"),
    "silhouette_model_space": ("silhouette", ".3f"),
    "weakest_jaccard": ("stability (weakest Jaccard)", ".3f"),
    "churn_auc": ("churn separation (AUC)", ".3f"),
}
"""Figures that stand in the text: their words, and how they are written."""


def candidate_notice(
    version: str,
    champion: str,
    figures: Mapping[str, FigureNote],
    moved_share: float | None,
    objections: Sequence[str],
    store: str,
    now: datetime,
) -> Notice:
    """What is told of a candidate that waits for somebody to promote it.

    Args:
        version: The candidate.
        champion: The version that it was compared with.
        figures: By name; see `pipeline.comparing.FIGURES` and `CLUSTERS`.
        moved_share: Customers who would change their group; None where nobody counted.
        objections: What speaks against a promotion.
        store: The address of the models.
        now: The time.
    """
    verdicts: list[VerdictNote] = [
        {"kind": "objection", "sentence": sentence} for sentence in objections
    ]
    data: NoticeData = {
        "text": _text(version, figures, moved_share, verdicts),
        "attention": True,
        "verdicts": verdicts,
        "store": store,
        "document": f"versions/{version}/{MANIFEST}",
        "model_version": version,
        "champion": champion,
        "figures": {**figures},
        "moved_share": moved_share,
    }
    return make_notice(CANDIDATE, (store, version), data, now)


def _text(
    version: str,
    figures: Mapping[str, FigureNote],
    moved_share: float | None,
    verdicts: Sequence[VerdictNote],
) -> str:
    known = [_figure(name, figures[name]) for name in _SHOWN if name in figures]
    if moved_share is not None:
        known.append(f"{moved_share:.1%} of the customers change their group")
    beside = f" Figures: {'; '.join(known)}." if known else ""
    against = " ".join(f"({n}) {calm(each['sentence'])}." for n, each in enumerate(verdicts, 1))
    judged = f"Against a promotion: {against}" if against else "Nothing speaks against a promotion."
    return f"The candidate `{version}` is ready for somebody to look at.{beside} {judged}"


def _figure(name: str, figure: FigureNote) -> str:
    word, form = _SHOWN[name]
    new, old = (
        "unknown" if value is None else f"{value:{form}}"
        for value in (figure["new"], figure["old"])
    )
    return f"{word} {new} (champion {old})"
