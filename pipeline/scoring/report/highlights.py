"""What a reader of a run must know first: from 'do not use this' to 'nothing unusual'."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pipeline.model.cluster_model import ClusterModel
from pipeline.model.contract import Feature
from pipeline.scoring.report.wording import FEWEST, about, unit_guess

MANY_REJECTS = 0.05
"""From this share of a file on, its rejects are worth a notice."""
Level = Literal["alarm", "warning", "note", "fine"]


@dataclass(frozen=True, slots=True)
class Point:
    """One thing a notice is about."""

    name: str
    column: str
    text: str


@dataclass(frozen=True, slots=True)
class Notice:
    """Something to know before the figures."""

    level: Level
    heading: str
    text: str
    points: Sequence[Point] = ()
    advice: str = ""


def notices(model: ClusterModel, totals: Mapping[str, Any]) -> list[Notice]:
    """The most urgent first; never empty."""
    found = [
        *_implausible(model, totals),
        *_repeated(totals),
        *_rejects(totals),
        *_moved(model, totals),
    ]
    return found or [_calm(totals)]


def _implausible(model: ClusterModel, totals: Mapping[str, Any]) -> Iterator[Notice]:
    wrong = _of_verdict(model, totals, "implausible")
    if not wrong:
        return
    subject = f"{wrong[0].label} does" if len(wrong) == 1 else f"{len(wrong)} columns do"
    yield Notice(
        "alarm",
        f"Do not use these results yet: {subject} not look right",
        "Nearly all these customers lie where hardly any training customer did. No market "
        "moves like that, but another unit does: cents instead of whole amounts, thousands, or "
        "standardised values. The customers were assigned all the same, likely to wrong clusters.",
        [_point(feature, totals) for feature in wrong],
        "Check the unit of the column. If it is another one, convert it and score again. If the "
        "values are right, the model does not fit these customers.",
    )


def _rejects(totals: Mapping[str, Any]) -> Iterator[Notice]:
    rejected, rows = totals["rows_rejected"], totals["rows_in"]
    if rejected >= MANY_REJECTS * rows:
        yield Notice(
            "warning",
            f"{rejected / rows:.0%} of the rows could not be scored",
            f"{rejected:,} of {rows:,} rows are in no cluster, and no figure below counts them. If "
            "those rows have something in common, the figures are lopsided.",
            advice="See what was wrong with them under “Rejected rows”.",
        )


def _repeated(totals: Mapping[str, Any]) -> Iterator[Notice]:
    found = totals.get("repeated_ids") or {}
    if ids := found.get("ids"):
        it, stand = ("it", "1 id stands") if ids == 1 else ("one of them", f"{ids:,} ids stand")
        yield Notice(
            "warning",
            f"{stand} more than once",
            f"{found['rows']:,} rows have {it}, and each was assigned and counted as a customer: "
            f"{_places(found['first_rows'])}.",
            advice="Keep one row for each customer and score again, unless a row is no customer.",
        )
    if found.get("total_rows"):
        rows = ", ".join(f"{row:,}" for row in found["first_total_rows"])
        yield Notice(
            "warning",
            f"Counted as customers: {found['total_rows']:,} with a word such as Total for an id",
            f"They are likely rows of totals (row {rows}); no group of theirs means anything.",
            advice="Delete such rows and score again.",
        )


def repeated_in_words(totals: Mapping[str, Any]) -> list[str]:
    """Lines about ids that stand more than once and rows of totals; none where there are none."""
    return [f"{notice.heading}: {notice.text}" for notice in _repeated(totals)]


def _places(first: Sequence[Sequence[int]]) -> str:
    shown = "; ".join("rows " + " and ".join(f"{row:,}" for row in rows) for rows in first)
    return f"the first ones in {shown}"


def _moved(model: ClusterModel, totals: Mapping[str, Any]) -> Iterator[Notice]:
    shifted = _of_verdict(model, totals, "shifted")
    moved = _of_verdict(model, totals, "moved")
    points = [_point(feature, totals) for feature in (*shifted, *moved)]
    mix = totals["drift"]["clusters"]["verdict"]
    if totals["drift"]["implausible"]:
        mix = "stable"  # it follows from that, which was said
    if mix in ("shifted", "moved", "implausible"):
        how = "somewhat" if mix == "moved" else "clearly"
        points.append(Point("Cluster mix", "", f"{how} different from training’s"))
    if not points:
        return
    clearly = bool(shifted) or mix in ("shifted", "implausible")
    yield Notice(
        "warning" if clearly else "note",
        "These customers are not quite like those the model learned from",
        "Each customer still gets the nearest cluster, but the churn rates come from training’s "
        "customers and may not hold for these.",
        points,
        "Ask where these customers come from. If new ones will look like this, train the model on "
        "them.",
    )


def _calm(totals: Mapping[str, Any]) -> Notice:
    if totals["rows_assigned"] < FEWEST:
        return Notice(
            "note",
            "Too few customers to compare with training",
            f"Fewer than {FEWEST} customers were assigned. Each of them has its cluster, but "
            "shares and rates of so few say little.",
        )
    return Notice(
        "fine",
        "Nothing unusual",
        "The columns that the model reads are spread as in training, and so are the clusters.",
    )


def _of_verdict(model: ClusterModel, totals: Mapping[str, Any], verdict: str) -> list[Feature]:
    drift = totals["drift"]["features"]
    return [f for f in model.contract.features if drift[f.name]["verdict"] == verdict]


def _point(feature: Feature, totals: Mapping[str, Any]) -> Point:
    known = totals["features"][feature.name]
    verdict = totals["drift"]["features"][feature.name]["verdict"]
    if not feature.numeric:
        return Point(feature.label, feature.name, "its values are shared out in another way")
    usual, median = known["training_median"], known["median"]
    here, there, low, high = (
        feature.show(about(number) or 0.0) for number in (median, usual, *known["training_typical"])
    )
    text = f"the median is {here} here and {there} in training"
    if verdict == "implausible":
        guess = unit_guess(median, usual)
        text += f", where 8 of 10 customers have between {low} and {high}"
        text += f". Here it is {guess}" if guess else ""
    return Point(feature.label, feature.name, text)
