"""The headline figures of a report, in plain words with the figure beside them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pipeline.model.published.facts import Metrics
from pipeline.pages.rendering import percent
from pipeline.training.clusters.rule import Rule
from pipeline.training.report.gains import Gain
from pipeline.training.report.tables import figure_text
from pipeline.training.statistics.evidence import stability_word

_APART = ((0.7, "strongly apart"), (0.5, "reasonably apart"), (0.25, "weakly apart"))
"""Kaufman and Rousseeuw's (1990) reading of a mean silhouette."""


@dataclass(frozen=True, slots=True)
class Headline:
    """What one figure means."""

    says: str
    of: str
    """What it says that of, in plain words."""
    measure: str
    """The figure, and what the field calls it."""


def apart_word(silhouette: float) -> str:
    """How far apart clusters of a mean silhouette are."""
    return next((word for least, word in _APART if silhouette > least), "hardly apart")


def headlines(metrics: Metrics, rule: Rule, steps: Sequence[Gain]) -> list[Headline]:
    """The figures to know before reading on, what people will use them for first."""
    return [*_churn(metrics, steps), *_structure(metrics), _remembered(rule)]


def _churn(metrics: Metrics, steps: Sequence[Gain]) -> Iterator[Headline]:
    if steps:
        first = steps[0]
        yield Headline(
            f"{first.lift:.1f} times",
            f"the churn rate of all customers: cluster {first.cluster.id}, "
            f"{percent(first.customers)} of the customers with {percent(first.leavers)} of those "
            "who left",
            f"lift {first.lift:.2f}",
        )
    untouched = metrics.get("churn_auc_untouched")
    auc = metrics["churn_auc"] if untouched is None else untouched
    if auc is not None:
        who = "not seen before" if untouched is None else "that chose nothing"
        name = "AUC out of sample" if untouched is None else "AUC on the untouched quarter"
        yield Headline(
            f"{100 * auc:.0f} of 100",
            "pairs of one who left and one who stayed are put the right way round by the cluster "
            f"alone, ties counted half, on customers {who}",
            f"churn {name} {figure_text('', auc)}",
        )


def _structure(metrics: Metrics) -> Iterator[Headline]:
    silhouette, weakest = metrics["silhouette_standardised_space"], metrics["weakest_jaccard"]
    yield Headline(
        apart_word(silhouette).capitalize(),
        "are the clusters, where every feature counts alike",
        f"silhouette {figure_text('', silhouette)}; 1 is far apart, 0 is no border",
    )
    if weakest is not None:
        yield Headline(
            stability_word(weakest).capitalize(),
            "is the cluster that comes back least when customers are drawn again",
            f"Jaccard {figure_text('', weakest)}; 1 comes back whole",
        )


def _remembered(rule: Rule) -> Headline:
    return Headline(
        f"{100 * rule.fidelity:.0f} of 100",
        "customers are put into their cluster by three questions that anybody can remember",
        f"fidelity of the rule {percent(rule.fidelity)}",
    )
