"""The page of outcomes, for people: it stands alone, and shows groups and never a customer."""

from dataclasses import dataclass

from pipeline.pages.rendering import render_page
from pipeline.pages.scale import Interval, Scale, share_scale
from pipeline.runs.outcomes import sentences
from pipeline.scoring.outcome_documents import (
    ClusterOutcome,
    Comparison,
    Estimate,
    OutcomesDocument,
    Sample,
    Tenth,
)


@dataclass(frozen=True, slots=True)
class RateMarks:
    """Where a rate and what was expected stand on a chart, with their intervals."""

    observed: Interval | None
    """None where nobody is counted."""
    expected: Interval


@dataclass(frozen=True, slots=True)
class ClusterMarks(RateMarks):
    """Those of a cluster."""

    cluster: ClusterOutcome


@dataclass(frozen=True, slots=True)
class TenthMarks(RateMarks):
    """Those of a tenth of the customers by risk."""

    tenth: Tenth
    number: int


@dataclass(frozen=True, slots=True)
class ArmMarks:
    """Those of customers who were contacted, or of the control group."""

    name: str
    sample: Sample
    observed: Interval


def render(document: OutcomesDocument) -> str:
    """The page as HTML: the same outcomes give the same bytes."""
    scale, ticks = _scale([document["overall"], *document["clusters"]])
    risk = document["rankings"]["risk"]
    risk_scale, risk_ticks = share_scale(
        max((tenth["observed"]["high"] for tenth in risk["tenths"]), default=1.0) if risk else 1.0
    )
    arms, arm_ticks = _arms(document)
    return render_page(
        "outcomes/outcomes.html.j2",
        document=document,
        word=document["churned_word"],
        headline=sentences.headline(document),
        figures=sentences.figures(document["overall"], document["churned_word"]),
        told=sentences.told(document),
        signed_points=sentences.signed_points,
        overall=_marks(document["overall"], scale),
        clusters=[_of_cluster(cluster, scale) for cluster in document["clusters"]],
        ticks=ticks,
        tenths=[
            _of_tenth(tenth, number, risk_scale)
            for number, tenth in enumerate(risk["tenths"] if risk else [], 1)
        ],
        risk_ticks=risk_ticks,
        effect=_effect(document),
        arms=arms,
        arm_ticks=arm_ticks,
    )


def _scale(comparisons: list[Comparison]) -> tuple[Scale, object]:
    highest = [each["expected"]["high"] for each in comparisons]
    highest += [each["observed"]["high"] for each in comparisons if each["observed"]]
    return share_scale(max(highest))


def _marks(comparison: Comparison, scale: Scale) -> RateMarks:
    observed = comparison["observed"]
    return RateMarks(
        None if observed is None else _interval(observed, scale),
        _interval(comparison["expected"], scale),
    )


def _of_cluster(cluster: ClusterOutcome, scale: Scale) -> ClusterMarks:
    marks = _marks(cluster, scale)
    return ClusterMarks(marks.observed, marks.expected, cluster)


def _of_tenth(tenth: Tenth, number: int, scale: Scale) -> TenthMarks:
    risk = scale.interval(*(tenth["risk"],) * 3)
    return TenthMarks(_interval(tenth["observed"], scale), risk, tenth, number)


def _arms(document: OutcomesDocument) -> tuple[list[ArmMarks], object]:
    audience = document["audience"]
    known = () if audience is None else (
        ("Contacted", audience["contacted"]), ("Control group", audience["control"])
    )  # fmt: skip
    samples = [(name, sample) for name, sample in known if sample is not None]
    scale, ticks = share_scale(max((sample["high"] for _, sample in samples), default=1.0))
    return [ArmMarks(name, sample, _interval(sample, scale)) for name, sample in samples], ticks


def _effect(document: OutcomesDocument) -> str:
    audience = document["audience"]
    return "" if audience is None else sentences.effect(audience, document["churned_word"])


def _interval(estimate: Estimate, scale: Scale) -> Interval:
    return scale.interval(estimate["value"], estimate["low"], estimate["high"])
