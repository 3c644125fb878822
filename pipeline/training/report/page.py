"""The report on a trained model: the clusters, how sure they are, and what they are not for.

It shows groups and never a single customer; the same model gives the same bytes.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from markupsafe import Markup

from pipeline.pages.rendering import render_page
from pipeline.training.clusters.characteristics import characteristics
from pipeline.training.clusters.rule import Rule, readable_rule
from pipeline.training.recipes import ALGORITHMS
from pipeline.training.report import charts, tables
from pipeline.training.report.distributions import distributions
from pipeline.training.report.fairness import fairness
from pipeline.training.report.gains import gains
from pipeline.training.report.headlines import headlines
from pipeline.training.report.risk import risk_section
from pipeline.training.statistics.evidence import explained_churn, stability_word
from pipeline.training.statistics.gap import gap_choice, has_structure
from pipeline.training.statistics.shrinkage import SMALL, shrink
from pipeline.training.svg import standalone
from pipeline.training.train import Trained

UNRELATED = 0.01
"""From this p-value on, clusters say nothing about churn."""


@dataclass(frozen=True, slots=True)
class Report:
    """The page, and its charts as files of their own."""

    html: str
    figures: Mapping[str, str]
    """File name → SVG."""
    rule: Rule
    """The clusters as people remember them, which the manifest has as well."""


def render(trained: Trained) -> Report:
    """Draw the charts once, for the page and for the files."""
    metrics, model, customers = trained.metrics, trained.model, trained.customers
    labels, churned = trained.fitted.labels, customers.churned
    drawn = charts.draw(trained)
    others = characteristics(customers, labels)
    search, steps = trained.search, gains(model.clusters)
    counted = trained.counted
    churn_test = None if churned is None else explained_churn(labels[counted], churned[counted])
    rule = readable_rule(model, customers.features, labels)
    html = render_page(
        "training/report.html.j2",
        recipe=trained.recipe,
        algorithm_names=ALGORITHMS,
        contract=model.contract,
        contract_digest=model.contract.digest,
        metrics=metrics,
        cleaning=trained.cleaning,
        clusters=model.clusters,
        names={feature.name: feature.label for feature in model.contract.features},
        charts={name.removesuffix(".svg"): Markup(svg) for name, svg in drawn.items()},
        jaccard=charts.jaccard(trained),
        stability_word=stability_word,
        headlines=headlines(metrics, rule, steps),
        gains=steps,
        distributions=[(label, Markup(svg)) for label, svg in distributions(trained)],
        figure=tables.figure_text,
        p_value=_p_value,
        category_shares=tables.category_shares(customers, labels),
        churn_test=churn_test,
        unrelated=churn_test is not None and churn_test.p_value >= UNRELATED,
        churn_counted_on=len(trained.counted),
        ratios=tables.ratios(model.clusters),
        shrunken=shrink(model.clusters),
        small=SMALL,
        rule=rule,
        fairness=fairness(trained, others),
        risk=risk_section(trained),
        characteristics=others,
        comparison=tables.comparison(trained),
        gap_rule=_gap_rule(trained),
        structure=has_structure(trained.gaps),
        verdict=search and search.verdict,
        candidates=tables.ranked(search) if search else [],
        algorithms=search.alternatives if search else (),
        dropped=search.dropped_features if search else {},
    )
    return Report(html, {name: standalone(svg) for name, svg in drawn.items()}, rule)


def _gap_rule(trained: Trained) -> str:
    if not trained.gaps:
        return ""
    k = gap_choice(trained.gaps)
    return f"k = {k}, the most that were tried" if k == trained.gaps[-1].k else f"k = {k}"


def _p_value(p: float) -> str:
    return "below 0.001" if p < 0.001 else f"{p:.3f}"
