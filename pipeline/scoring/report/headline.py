"""The one sentence that a run comes to, for every page, report and terminal that shows it."""

from collections.abc import Iterator
from dataclasses import dataclass

from pipeline.model.churn import ChurnRate, risk
from pipeline.model.cluster_model import ClusterModel
from pipeline.scoring.documents import ClusterSummary, Summary
from pipeline.scoring.summary.verdict import churn_sentence

_STANDS_OUT = ("above average", "high")
_ENOUGH = 30
"""From so many customers with a label on, a group's own rate in the file is told."""


@dataclass(frozen=True, slots=True)
class Headline:
    """What to do with a run first."""

    sentence: str
    detail: str
    """What the sentence rests on."""
    cluster: int | None = None
    """Where to start; None where no cluster stands out."""
    customers: int = 0
    """Of that cluster, those who have not left as far as the file says."""


@dataclass(frozen=True, slots=True)
class _RatedCluster:
    cluster: ClusterSummary
    rate: ChurnRate

    @property
    def left(self) -> int:
        observed = self.cluster["observed_churn"]
        return observed["churned"] if observed else 0

    @property
    def remaining(self) -> int:
        return self.cluster["customers"] - self.left


def headline(model: ClusterModel, summary: Summary) -> Headline:
    """The sentence of a run; one that cannot be acted on says so.

    Args:
        model: The model that scored it.
        summary: What the run says of its customers.
    """
    if implausible := summary["drift"]["implausible"]:
        labels = [f.label for f in model.contract.features if f.name in implausible]
        return Headline(
            f"Do not act on these groups yet: look at {' and '.join(labels)} first.",
            "The customers were put into groups all the same, likely into wrong ones.",
        )
    if not summary["rows_assigned"]:
        return Headline("No customer could be put into a group.", "Every row was rejected.")
    by_file = not _training_holds(model, summary)
    rated = sorted(_rated(model, summary, by_file=by_file), key=_riskiest_first)
    observed = summary["observed_churn"]
    overall = (observed and observed["rate"]) if by_file else model.churn_rate
    if not rated or overall is None:
        return _largest(summary)
    word = model.contract.churned_word
    first = next((each for each in rated if each.remaining), rated[0])
    if risk(first.rate, overall) not in _STANDS_OUT or not first.remaining:
        return _none_stands_out(rated, summary, word)
    others = sum(
        each.get("at_risk", 0) for each in summary["clusters"] if each is not first.cluster
    )
    return _start_there(first, others, overall, word, by_file=by_file)


def _start_there(
    first: _RatedCluster, others: int, overall: float, word: str, *, by_file: bool
) -> Headline:
    cluster, count, rate = first.cluster, first.remaining, first.rate
    observed = cluster["observed_churn"]
    if observed and observed["customers"] >= _ENOUGH:
        rate, by_file = ChurnRate(**observed), True
    group = f"in the group of which {_share(rate.rate)} {word}"
    many = f"{count:,} {'customer' if count == 1 else 'customers'}"
    are = "is" if count == 1 else "are"
    still = f"{are} still here" if observed else ""
    sentence = f"{many} {group} {still}" if still else f"{many} {are} {group}"
    name = f"Group {cluster['cluster']}, {cluster['cluster_name']}"
    known = f": {first.left:,} of its {cluster['customers']:,} customers {word} already"
    detail = (
        f"{name}{known if observed else ''}. The rate is that of the group "
        f"{'in this file' if by_file else 'in training'} (95% interval {rate.low:.1%} to "
        f"{rate.high:.1%}); of all customers {_share(overall)} {word}."
    )
    if not others:
        return Headline(f"{sentence}: start there.", detail, cluster["cluster"], count)
    have = "has" if others == 1 else "have"
    more = f", and {others:,} of other groups {have} a risk of 50% or more"
    detail += " A risk is that of customers with such values, whatever their group."
    return Headline(f"{sentence}{more}: start with them.", detail, cluster["cluster"], count)


def _none_stands_out(rated: list[_RatedCluster], summary: Summary, word: str) -> Headline:
    shares = [each.rate.rate for each in rated]
    lowest, highest = _share(min(shares)), _share(max(shares))
    between = lowest if lowest == highest else f"between {lowest} and {highest}"
    return Headline(
        f"No group stands out: of each {between} {word}.",
        _largest(summary).sentence,
    )


def _largest(summary: Summary) -> Headline:
    largest = max(summary["clusters"], key=lambda cluster: cluster["customers"])
    assigned = summary["rows_assigned"]
    return Headline(
        f"The largest group has {largest['customers']:,} of the {assigned:,} customers: "
        f"{largest['cluster_name']}.",
        "Nothing ranks the groups, so the largest comes first.",
    )


def _training_holds(model: ClusterModel, summary: Summary) -> bool:
    """Whether training's churn rates are known, and not contradicted by the file's labels."""
    return model.churn_rate is not None and not churn_sentence(
        summary["drift"], model.contract.churned_word
    )


def _rated(model: ClusterModel, summary: Summary, *, by_file: bool) -> Iterator[_RatedCluster]:
    """The clusters with customers of whom a rate is known."""
    trained = {cluster.id: cluster.churn for cluster in model.clusters}
    for cluster in summary["clusters"]:
        observed = cluster["observed_churn"]
        own = ChurnRate(**observed) if observed else None
        rate = own if by_file else trained.get(cluster["cluster"])
        if rate is not None and cluster["customers"]:
            yield _RatedCluster(cluster, rate)


def _riskiest_first(each: _RatedCluster) -> tuple[float, int]:
    """By what at least is to be expected, so that three customers who all left are not first."""
    return -each.rate.low, each.cluster["cluster"]


def _share(rate: float) -> str:
    """A share in whole per cent; with a digit where it would round to nobody or everybody."""
    return f"{rate:.0%}" if 0.01 <= rate <= 0.99 or rate in (0, 1) else f"{rate:.1%}"
