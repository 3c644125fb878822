"""The report on a trained model: what was found, how sure it is, and what it must not be used for.

It shows groups and never a single customer; the same model gives the same bytes.
"""

from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from pipeline.pages.rendering import render_page
from pipeline.training.clusters.characteristics import characteristics
from pipeline.training.clusters.rule import readable_rule
from pipeline.training.report import chart_list as charts
from pipeline.training.report import tables
from pipeline.training.search.recipes import ALGORITHMS
from pipeline.training.statistics.evidence import explained_churn, stability_word
from pipeline.training.statistics.gap import gap_choice, has_structure
from pipeline.training.statistics.shrinkage import SMALL, shrink

if TYPE_CHECKING:
    from pipeline.training.train import Trained


def render(trained: "Trained") -> str:
    """The report as a page that stands alone."""
    metrics, model, customers = trained.metrics, trained.model, trained.customers
    labels, churned = trained.fitted.labels, customers.churned
    return render_page(
        "training/report.html.j2",
        recipe=trained.recipe,
        algorithm_names=ALGORITHMS,
        contract=model.contract,
        contract_digest=model.contract.digest,
        metrics=metrics,
        cleaning=trained.cleaning,
        clusters=model.clusters,
        names={feature.name: feature.label for feature in model.contract.features},
        charts={name[:-4]: Markup(svg) for name, svg in charts.draw(trained).items()},
        jaccard=charts.jaccard(trained),
        stability_word=stability_word,
        apart=_apart(metrics["silhouette_standardised_space"]),
        figure=tables.figure,
        p_value=_p_value,
        category_shares=tables.category_shares(customers, labels),
        churn_test=None if churned is None else explained_churn(labels, churned),
        ratios=tables.ratios(trained),
        shrunken=shrink(model.clusters),
        small=SMALL,
        rule=readable_rule(trained),
        personal=tables.personal(trained),
        characteristics=characteristics(customers, labels),
        comparison=tables.comparison(trained),
        gap_rule=_gap_rule(trained),
        structure=has_structure(trained.gaps),
        **_searched(trained),
    )


def figures(trained: "Trained") -> dict[str, str]:
    """The report's charts as files that stand alone: name → SVG."""
    space, paper = ' xmlns="http://www.w3.org/2000/svg"', 'style="background: #fff; '
    return {
        name: svg.replace("<svg", f"<svg{space}", 1).replace('style="', paper, 1) + "\n"
        for name, svg in charts.draw(trained).items()
    }


def _searched(trained: "Trained") -> dict[str, Any]:
    """What there is to tell when the recipe was searched for."""
    found = trained.search
    return {
        "searched": found is not None,
        "candidates": tables.ranked(found) if found else [],
        "algorithms": found.compared if found else (),
        "dropped": found.dropped_features if found else {},
    }


def _apart(silhouette: float) -> str:
    """Kaufman and Rousseeuw's (1990) reading of a mean silhouette."""
    words = ((0.7, "strongly apart"), (0.5, "reasonably apart"), (0.25, "weakly apart"))
    return next((word for least, word in words if silhouette > least), "hardly apart")


def _gap_rule(trained: "Trained") -> str:
    if not trained.gaps:
        return ""
    k = gap_choice(trained.gaps)
    return f"k = {k}, the most that were tried" if k == trained.gaps[-1].k else f"k = {k}"


def _p_value(p: float) -> str:
    return "below 0.001" if p < 0.001 else f"{p:.3f}"
