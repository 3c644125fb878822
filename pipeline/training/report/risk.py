"""What the report shows of the risk score: how calibrated it is, and what each feature adds."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from pipeline.model.contract import Contract, Feature
from pipeline.model.risk import RiskScore, Term
from pipeline.pages.colours import PALETTE
from pipeline.training.risk.evidence import Compared, RiskEvidence
from pipeline.training.svg import INK, minus, name_axis, new_figure, to_svg
from pipeline.training.train import Trained

_Z = 1.96


@dataclass(frozen=True, slots=True)
class RiskSection:
    """What the page says of the score."""

    evidence: RiskEvidence
    parts: Sequence[tuple[str, Markup]]
    """Label of a feature → the chart of what it adds; none where the score is not published."""
    labels: Sequence[str]
    """Of the features that it reads."""
    sensitive: Sequence[str]
    """Labels of those among them that the contract declares sensitive."""


def risk_section(trained: Trained) -> RiskSection | None:
    """The section of a model; None where no score was asked for or nobody says who left."""
    if trained.risk is None:
        return None
    contract, evidence = trained.model.contract, trained.risk.evidence
    read = [feature for feature in contract.features if feature.name in evidence.features]
    score = trained.risk.score
    return RiskSection(
        evidence,
        [] if score is None else [(label, Markup(svg)) for label, svg in parts(score, contract)],
        [feature.label for feature in read],
        [feature.label for feature in read if feature.sensitive],
    )


def reliability_curve(compared: Sequence[Compared]) -> str:
    """What happened over what the score said, a point a tenth of the customers."""
    figure, axes = new_figure(height=3.2)
    axes.plot([0, 1], [0, 1], color=INK, linewidth=1, linestyle=(0, (4, 3)), alpha=0.6)
    for each in compared:
        observed = each.observed
        axes.plot([each.risk] * 2, [observed.low, observed.high], color=PALETTE[0], linewidth=4,
                  alpha=0.45)  # fmt: skip
        axes.plot(each.risk, observed.rate, "o", color=PALETTE[0], markersize=6, clip_on=False)
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_ticks([0, 0.25, 0.5, 0.75, 1])
        axis.set_major_formatter(FuncFormatter(lambda share, _: f"{share:.0%}"))
        axis.grid(True, color=INK, alpha=0.15, linewidth=0.8)
    axes.set_ylabel("Share that churned", color=INK, fontsize=9)
    name_axis(axes, "What the score said, by tenth of the customers")
    told = "; ".join(f"said {each.risk:.1%}, was {each.observed}" for each in compared)
    return to_svg(figure, "Reliability of the risk score", f"{told}.")


def parts(score: RiskScore, contract: Contract) -> list[tuple[str, str]]:
    """Each feature's label, and the chart of what it adds to the logit."""
    features = {feature.name: feature for feature in contract.features}
    drawn, start = [], 1
    for term in score.terms:
        rows = range(start, start + len(term.parts))
        errors = [math.sqrt(score.covariance[row][row]) for row in rows]
        feature = features[term.feature]
        drawn.append((feature.label, _part(feature, term, errors)))
        start += len(term.parts)
    return drawn


def _part(feature: Feature, term: Term, errors: Sequence[float]) -> str:
    figure, axes = new_figure(height=2.1 if term.knots else 0.6 + 0.3 * len(term.parts))
    low = [part - _Z * error for part, error in zip(term.parts, errors, strict=True)]
    high = [part + _Z * error for part, error in zip(term.parts, errors, strict=True)]
    if term.knots:
        axes.fill_between(term.knots, low, high, color=PALETTE[0], alpha=0.25, linewidth=0)
        axes.plot(term.knots, term.parts, color=PALETTE[0], linewidth=1.5)
        axes.axhline(0, color=INK, linewidth=1, alpha=0.4)
        axes.xaxis.set_major_locator(MaxNLocator(5))
        axes.set_ylabel("Adds", color=INK, fontsize=9)
        name_axis(axes, f"{feature.label} ({feature.unit})" if feature.unit else feature.label)
    else:
        _values(axes, term, low, high)
        name_axis(axes, "Adds")
    places = [f"{knot:,.6g}" for knot in term.knots] or term.values
    told = ", ".join(
        f"{place}: {minus(f'{part:+.2f}')}" for place, part in zip(places, term.parts, strict=True)
    )
    return to_svg(figure, f"What {feature.label} adds to the risk", f"In logits, {told}.")


def _values(axes: Axes, term: Term, low: Sequence[float], high: Sequence[float]) -> None:
    rows = range(len(term.values))
    for row in rows:
        axes.plot([low[row], high[row]], [row, row], color=PALETTE[0], linewidth=4, alpha=0.45)
        axes.plot(term.parts[row], row, "o", color=PALETTE[0], markersize=6)
    axes.axvline(0, color=INK, linewidth=1, alpha=0.4)
    axes.set_yticks(rows, term.values)
    axes.set_ylim(len(term.values) - 0.5, -0.5)
