"""What a reader of a run must know first: from 'do not use this' to 'nothing unusual'."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from pipeline.model.cluster_model import ClusterModel
from pipeline.model.contract import Feature
from pipeline.scoring.documents import Summary, Verdict
from pipeline.scoring.report.phrases import three_digits, unit_guess
from pipeline.scoring.summary.verdict import (
    MIN_CUSTOMERS,
    churn_differs,
    churn_sentence,
    cluster_mix_verdict,
)

MANY_REJECTS = 0.05
"""From this share of a file on, its rejects are worth a notice."""
Level = Literal["alarm", "warning", "note", "fine"]


@dataclass(frozen=True, slots=True)
class Point:
    """One column, or the cluster mix, and what is to be said of it."""

    name: str
    column: str
    """Empty for the cluster mix."""
    text: str


@dataclass(frozen=True, slots=True)
class Notice:
    """Something to know before the figures."""

    level: Level
    heading: str
    text: str
    points: Sequence[Point] = ()
    advice: str = ""


def notices(model: ClusterModel, summary: Summary) -> list[Notice]:
    """What to know of a run, the most urgent first; never empty."""
    every = [
        *_implausible_values(model, summary),
        *_repeated_ids(summary),
        *_many_rejects(summary),
        *_churn(model, summary),
        *_drift(model, summary),
    ]
    return every or [_nothing_unusual(summary)]


def repeated_id_lines(summary: Summary) -> list[str]:
    """Lines about ids that several rows have and rows of totals; none where there are none."""
    return [f"{notice.heading}: {notice.text}" for notice in _repeated_ids(summary)]


def _implausible_values(model: ClusterModel, summary: Summary) -> Iterator[Notice]:
    features = _of_verdict(model, summary, "implausible")
    if not features:
        return
    one = len(features) == 1
    subject = f"{features[0].label} does" if one else f"{len(features)} columns do"
    yield Notice(
        "alarm",
        f"Do not use these results yet: {subject} not look right",
        "Most of these customers lie where few training customers did. Another unit does that: "
        "cents instead of whole amounts, thousands, or standardised values. So does a file of one "
        "kind of customers only, such as the first rows of a sorted one. The customers were "
        "assigned all the same, likely to wrong groups.",
        [_point(feature, summary) for feature in features],
        "Check the unit of the column. If it is another one, convert it and score again. If the "
        "values are right, the model does not fit these customers.",
    )


def _many_rejects(summary: Summary) -> Iterator[Notice]:
    rejected, rows = summary["rows_rejected"], summary["rows_in"]
    if rejected >= MANY_REJECTS * rows:
        yield Notice(
            "warning",
            f"{rejected / rows:.0%} of the rows could not be scored",
            f"{rejected:,} of {rows:,} rows are in no group, and no figure below counts them. If "
            "those rows have something in common, the figures are lopsided.",
            advice="See what was wrong with them under “Rejected rows”.",
        )


def _churn(model: ClusterModel, summary: Summary) -> Iterator[Notice]:
    word, drift = model.contract.churned_word, summary["drift"].get("churn")
    sentence = churn_sentence(summary["drift"], word)
    if not sentence or not drift:
        return
    names = {cluster["cluster"]: cluster["cluster_name"] for cluster in summary["clusters"]}
    differ = churn_differs(summary["drift"])
    verdicts = [drift["verdict"], *(each["verdict"] for each in differ)]
    yield Notice(
        "warning" if any(verdict.startswith("clearly") for verdict in verdicts) else "note",
        f"The churn rates of training do not hold for these customers: {sentence}",
        "The file says who churned: more or fewer than of the same groups in training, and chance "
        "alone makes such a difference in at most one file of twenty. Customers who look like "
        "training’s now leave at another rate.",
        [
            Point(
                f"{each['cluster']} · {names[each['cluster']]}",
                "",
                f"{each['churned']:,} of {each['customers']:,} {word}, "
                f"{each['expected']:,.0f} were expected",
            )
            for each in differ
        ],
        "Do not rely on the churn rates until you know why: an offer or a price, another period, "
        "or a label that means something else. If it stays so, train the model on these customers.",
    )


def _repeated_ids(summary: Summary) -> Iterator[Notice]:
    repeated = summary.get("repeated_ids")
    if not repeated:
        return
    if ids := repeated.get("ids"):
        it, stand = ("it", "1 id stands") if ids == 1 else ("one of them", f"{ids:,} ids stand")
        yield Notice(
            "warning",
            f"{stand} more than once",
            f"{repeated['rows']:,} rows have {it}, and each was assigned and counted as a "
            f"customer: {_row_groups(repeated['first_rows'])}.",
            advice="Keep one row for each customer and score again, unless a row is no customer.",
        )
    if totals := repeated.get("total_rows"):
        rows = ", ".join(f"{row:,}" for row in repeated["first_total_rows"])
        yield Notice(
            "warning",
            f"Counted as customers: {totals:,} with a word such as Total for an id",
            f"They are likely rows of totals (row {rows}); no group of theirs means anything.",
            advice="Delete such rows and score again.",
        )


def _row_groups(groups: Sequence[Sequence[int]]) -> str:
    shown = "; ".join("rows " + " and ".join(f"{row:,}" for row in rows) for rows in groups)
    return f"the first ones in {shown}"


def _drift(model: ClusterModel, summary: Summary) -> Iterator[Notice]:
    shifted = _of_verdict(model, summary, "shifted")
    moved = _of_verdict(model, summary, "moved")
    points = [_point(feature, summary) for feature in (*shifted, *moved)]
    mix = cluster_mix_verdict(summary["drift"])
    if summary["drift"]["implausible"]:
        mix = "stable"  # the mix follows from the implausible values, which have their notice
    if mix in ("shifted", "moved"):
        how = "somewhat" if mix == "moved" else "clearly"
        points.append(Point("Group mix", "", f"{how} different from training’s"))
    if not points:
        return
    yield Notice(
        "warning" if shifted or mix == "shifted" else "note",
        "These customers are not quite like those the model learned from",
        "Each customer still gets the nearest group, but the churn rates come from training’s "
        "customers and may not hold for these.",
        points,
        "Ask where these customers come from. If new ones will look like this, train the model on "
        "them.",
    )


def _nothing_unusual(summary: Summary) -> Notice:
    if summary["rows_assigned"] < MIN_CUSTOMERS:
        return Notice(
            "note",
            "Too few customers to compare with training",
            f"Fewer than {MIN_CUSTOMERS} customers were assigned. Each of them has its group, "
            "but shares and rates of so few say little.",
        )
    return Notice(
        "fine",
        "Nothing unusual",
        "The columns that the model reads are spread as in training, and so are the groups.",
    )


def _of_verdict(model: ClusterModel, summary: Summary, verdict: Verdict) -> list[Feature]:
    drift = summary["drift"]["features"]
    return [f for f in model.contract.features if drift[f.name]["verdict"] == verdict]


def _point(feature: Feature, summary: Summary) -> Point:
    distribution = summary["features"][feature.name]
    if "values" in distribution:
        return Point(feature.label, feature.name, "its values are shared out in another way")
    median, training = distribution["median"], distribution["training_median"]
    here, there, low, high = (
        feature.show(three_digits(number) or 0.0)
        for number in (median, training, *distribution["training_typical"])
    )
    text = f"the median is {here} here and {there} in training"
    if summary["drift"]["features"][feature.name]["verdict"] == "implausible":
        guess = unit_guess(median, training)
        text += f", where 8 of 10 customers have between {low} and {high}"
        text += f". Here it is {guess}" if guess else ""
    return Point(feature.label, feature.name, text)
