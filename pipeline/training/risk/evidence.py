"""What a risk score is worth: on customers that took no part, beside the rates of their groups."""

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import cast

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit
from sklearn.metrics import roc_auc_score

from pipeline.model.churn import ChurnRate
from pipeline.model.contract import Feature
from pipeline.model.published.facts import RiskFacts
from pipeline.training.cleaning import Customers
from pipeline.training.risk.additive import fit_additive
from pipeline.training.risk.basis import basis_of

BETTER_BY = 2.0
"""Standard errors by which the gain over the groups' rates must exceed nothing."""
_BINS = 10
_QUARTERS = (0.25, 0.5, 0.75)

Numbers = NDArray[np.float64]
Churned = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Judged:
    """One way to foresee who leaves."""

    auc: float
    """ROC AUC: of pairs of one who left and one who stayed, how many are put the right way."""
    brier: float
    """Mean squared difference from what happened; less is better."""
    log_loss: float
    """Mean of minus the logarithm of what was thought likely; less is better."""


@dataclass(frozen=True, slots=True)
class Reached:
    """Who is reached by as many calls as the riskiest group has customers."""

    customers: int
    leavers: int
    """All who left, whether called or not."""
    by_group: int
    """Leavers in the riskiest group."""
    by_risk: int
    """Leavers among as many customers in the order of their own risk."""


@dataclass(frozen=True, slots=True)
class Compared:
    """Some customers: what the score says of them, and what happened."""

    of: str
    """What they have in common."""
    risk: float
    """The mean of what the score says."""
    observed: ChurnRate


@dataclass(frozen=True, slots=True)
class RiskEvidence:
    """What a score is worth, and whether it is published."""

    features: tuple[str, ...]
    not_read: tuple[str, ...]
    """Features of the model that are no inputs, as they are sensitive or tell too little."""
    customers: int = 0
    """On whom it was judged."""
    churned: int = 0
    score: Judged | None = None
    """None where there were too few customers to judge on."""
    groups: Judged | None = None
    """The same of the groups' rates, of the same customers."""
    gain: float = 0.0
    """By how much the score's log loss is less."""
    gain_error: float = 0.0
    """The standard error of the gain, customer by customer."""
    slope: float | None = None
    """Of what happened over the logit: 1 is calibrated, below it the score is too sure."""
    slope_error: float | None = None
    reached: Reached | None = None
    reliability: tuple[Compared, ...] = ()
    """By tenth of the risk."""
    by_group: tuple[Compared, ...] = ()
    by_trait: tuple[tuple[str, tuple[Compared, ...]], ...] = ()
    """Column that the contract declares sensitive → its values, or its quarters."""
    reason: str = ""
    """Why it is not published; empty where it is."""

    @property
    def published(self) -> bool:
        """Whether the model has the score."""
        return not self.reason

    def to_facts(self) -> RiskFacts:
        """What the manifest states of it."""
        facts = asdict(self)
        del facts["by_group"], facts["by_trait"]
        facts["reliability"] = [
            {"risk": each.risk, "churned": each.observed.churned,
             "customers": each.observed.customers}
            for each in self.reliability
        ]  # fmt: skip
        return cast(RiskFacts, {"published": self.published, **facts})


def is_better(gain: float, error: float) -> bool:
    """Whether a gain in log loss is more than chance would bring."""
    return gain > BETTER_BY * error


def log_loss(rates: Numbers, churned: Churned) -> Numbers:
    """Minus the logarithm of what was thought likely, customer by customer."""
    losses: Numbers = -np.log(np.clip(np.where(churned, rates, 1 - rates), 1e-15, 1))
    return losses


def judge(rates: Numbers, churned: Churned) -> Judged:
    """What rates are worth, on customers of whom there are some that left and some that stayed."""
    return Judged(
        float(roc_auc_score(churned, rates)),
        float(np.mean((rates - churned) ** 2)),
        float(log_loss(rates, churned).mean()),
    )


def calibration_slope(logits: Numbers, churned: Churned) -> tuple[float, float]:
    """The slope of a logistic regression of what happened on the logit, and its standard error."""
    design = np.column_stack([np.ones(len(logits)), logits])
    b = np.array([0.0, 1.0])
    for _ in range(50):
        expected = expit(design @ b)
        curvature = design.T @ (design * (expected * (1 - expected))[:, None])
        step = np.linalg.solve(curvature + 1e-9 * np.eye(2), design.T @ (churned - expected))
        b = b + np.clip(step, -1, 1)
        if np.abs(step).max() < 1e-9:
            break
    return float(b[1]), math.sqrt(np.linalg.inv(curvature + 1e-9 * np.eye(2))[1, 1])


def reached(rates: Numbers, labels: NDArray[np.intp], riskiest: int, churned: Churned) -> Reached:
    """Who is reached by calling as many customers as the riskiest group has."""
    group = labels == riskiest
    calls = int(group.sum())
    first = np.argsort(-rates, kind="stable")[:calls]
    return Reached(calls, int(churned.sum()), int(churned[group].sum()), int(churned[first].sum()))


def reliability(rates: Numbers, churned: Churned) -> tuple[Compared, ...]:
    """What was said and what happened, by tenth of the risk."""
    order = np.argsort(rates, kind="stable")
    tenths = [rows for rows in np.array_split(order, _BINS) if len(rows)]
    return tuple(
        _compared(f"{number} of {len(tenths)}", rates[rows], churned[rows])
        for number, rows in enumerate(tenths, start=1)
    )


def by_group(
    rates: Numbers, labels: NDArray[np.intp], churned: Churned, clusters: int
) -> tuple[Compared, ...]:
    """The same by cluster, as an index of the model's; none for a cluster without customers."""
    members = ((str(index), labels == index) for index in range(clusters))
    return tuple(_compared(name, rates[m], churned[m]) for name, m in members if m.any())


def by_trait(
    customers: Customers, rates: Numbers, churned: Churned
) -> tuple[tuple[str, tuple[Compared, ...]], ...]:
    """The same by value of each column that the contract declares sensitive."""
    read = ((feature, customers.features) for feature in customers.contract.features)
    others = ((feature, customers.others) for feature in customers.unread)
    found = []
    for feature, frame in (*read, *others):
        if feature.sensitive:
            kinds = _kinds(feature, frame[feature.name].to_numpy())
            compared = tuple(_compared(k, rates[m], churned[m]) for k, m in kinds if m.any())
            if compared:
                found.append((feature.label, compared))
    return tuple(found)


def _kinds(feature: Feature, values: NDArray[np.generic]) -> Iterator[tuple[str, Churned]]:
    """A category's values, or a number's quarters, and who has them."""
    if not feature.numeric:
        yield from ((value, values == value) for value in feature.values)
        return
    numbers = values.astype(float)
    known = numbers[~np.isnan(numbers)]
    if not len(known):
        return
    edges = [-math.inf, *np.unique(np.quantile(known, _QUARTERS)).tolist(), math.inf]
    for low, high in pairwise(edges):
        name = f"up to {feature.show(high)}" if high < math.inf else f"above {feature.show(low)}"
        yield name, (numbers > low) & (numbers <= high)


def _compared(of: str, rates: Numbers, churned: Churned) -> Compared:
    observed = ChurnRate.of(int(churned.sum()), len(churned))
    assert observed is not None
    return Compared(of, float(rates.mean()), observed)


def strength_alone(feature: Feature, values: NDArray[np.generic], churned: Churned) -> float:
    """How much better a feature alone foresees churn than one rate for all, in log likelihood."""
    fitted = fit_additive([basis_of(feature, values)], [values], churned)
    overall = np.full(len(churned), churned.mean())
    rates = expit(fitted.logit([values]))
    return float((log_loss(overall, churned) - log_loss(rates, churned)).sum())
