"""From training customers to a risk score, or to the reason why there is none."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit
from threadpoolctl import threadpool_limits

from pipeline.errors import WrongFile
from pipeline.model.cluster_model import ClusterModel
from pipeline.model.contract import Contract, Feature
from pipeline.model.risk import RiskScore
from pipeline.training.cleaning import Customers
from pipeline.training.counting import Rows, rarer, split
from pipeline.training.recipes import Recipe
from pipeline.training.risk import evidence
from pipeline.training.risk.additive import Additive, fit_additive
from pipeline.training.risk.basis import basis_of
from pipeline.training.risk.evidence import RiskEvidence

MOST_FEATURES = 8
"""Of more, those that tell most alone are read: a sum of many hardly differs, and none is read."""
MOST_VALUES = 30
"""A category of more values has too few customers for each."""
MOST_CUSTOMERS = 100_000
"""On which the score that is published is fitted."""
LEAST_FITTED, LEAST_JUDGED = 30, 10
"""Customers that left, and that stayed, to fit and to judge a score on."""
_DIGITS = 9

Labels = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Scored:
    """A score where it is published, and what is known of it."""

    score: RiskScore | None
    evidence: RiskEvidence


def check_risk_features(recipe: Recipe, contract: Contract, file: object) -> None:
    """WrongFile where a recipe names an input of the score that its model does not read."""
    known = [feature.name for feature in contract.features]
    unknown = [name for name in recipe.risk_features if name not in known]
    if unknown:
        problem = (
            f"is asked for a risk score of {', '.join(unknown)}, which the model does not read; "
            f"its features are {', '.join(known)}"
        )
        raise WrongFile(file, problem)
    if len(recipe.risk_features) > MOST_FEATURES:
        problem = f"is asked for a risk score of more than {MOST_FEATURES} features"
        raise WrongFile(file, problem)


def fit_risk(recipe: Recipe, customers: Customers, labels: Labels) -> Scored | None:
    """Fit and judge a risk score.

    It is fitted on the customers that a choice may look at, and judged on the others: those that
    took no part in choosing features either. What is published is fitted on both.

    Args:
        recipe: What is trained; it says whether, and of which features.
        customers: All that are trained on.
        labels: (customers,): each customer's cluster.

    Returns:
        None where the recipe asks for none, or nobody says who left.
    """
    if not recipe.risk or customers.churned is None:
        return None
    seen, untouched = split(len(labels), customers.churned, recipe.seed)
    with threadpool_limits(1):  # sums depend on how many threads share them
        features = _inputs(recipe, customers, seen)
        names = tuple(feature.name for feature in features)
        known = (feature.name for feature in customers.contract.features)
        found = RiskEvidence(names, tuple(name for name in known if name not in names))
        reason = _too_little(features, customers.churned[seen], customers.churned[untouched])
        if reason:
            return Scored(None, replace(found, reason=reason))
        fitted = _fit(features, customers, seen)
        found = _judged(found, fitted, customers, labels, seen, untouched)
        if not evidence.is_better(found.gain, found.gain_error):
            reason = "it foresees who leaves no better than the groups’ rates do"
            return Scored(None, replace(found, reason=reason))
        everybody = np.arange(len(labels))
        if len(labels) > MOST_CUSTOMERS:
            drawn = np.random.default_rng(recipe.seed).permutation(len(labels))
            everybody = np.sort(drawn[:MOST_CUSTOMERS])
        return Scored(to_score(_fit(features, customers, everybody)), found)


def with_risk(model: ClusterModel, scored: Scored | None) -> ClusterModel:
    """The model with the score, which its golden customers have to reproduce."""
    if scored is None or scored.score is None:
        return model
    model = replace(model, risk=scored.score)
    golden = []
    for each in model.golden:
        risk = model.assign(each.customer).risk
        golden.append(replace(each, risk=None if risk is None else risk.rate))
    return replace(model, golden=tuple(golden))


def to_score(fitted: Additive) -> RiskScore:
    """What a model keeps of a fitted regression."""
    terms, start = [], 1
    for basis in fitted.bases:
        end = start + len(basis.penalty)
        parts = np.array([_rounded(each) for each in fitted.coefficients[start:end]])
        terms.append(basis.term(parts))
        start = end
    rows = enumerate(fitted.covariance.tolist(), start=1)
    covariance = tuple(tuple(_rounded(each) for each in row[:length]) for length, row in rows)
    return RiskScore(_rounded(float(fitted.coefficients[0])), tuple(terms), covariance)


def _inputs(recipe: Recipe, customers: Customers, seen: Rows) -> list[Feature]:
    """The features that are read: what was asked for, or what is not sensitive and tells most."""
    features = customers.contract.features
    if recipe.risk_features:
        return [feature for feature in features if feature.name in recipe.risk_features]
    usable = [
        feature
        for feature in features
        if not feature.sensitive
        and len(feature.values) <= MOST_VALUES
        and customers.features[feature.name].iloc[seen].nunique() > 1
    ]
    assert customers.churned is not None
    churned = customers.churned[seen]
    if len(usable) <= MOST_FEATURES or rarer(churned) < LEAST_FITTED:
        return usable
    columns = _columns(usable, customers, seen)
    strengths = {
        feature.name: evidence.strength_alone(feature, values, churned)
        for feature, values in zip(usable, columns, strict=True)
    }
    strongest = sorted(strengths, key=lambda name: -strengths[name])[:MOST_FEATURES]
    return [feature for feature in usable if feature.name in strongest]


def _too_little(
    features: Sequence[Feature], seen: NDArray[np.bool_], untouched: NDArray[np.bool_]
) -> str:
    """Why no score can be fitted and judged; empty where one can."""
    if not features:
        return "the model reads sensitive features only, or none that varies"
    for churned, least in ((seen, LEAST_FITTED), (untouched, LEAST_JUDGED)):
        if rarer(churned) < least:
            kind = "left" if 2 * churned.sum() < len(churned) else "stayed"
            return f"only {rarer(churned)} of {len(churned):,} customers {kind}; it takes {least}"
    return ""


def _columns(
    features: Sequence[Feature], customers: Customers, rows: Rows
) -> list[NDArray[np.generic]]:
    return [customers.features[feature.name].to_numpy()[rows] for feature in features]


def _fit(features: Sequence[Feature], customers: Customers, rows: Rows) -> Additive:
    columns = _columns(features, customers, rows)
    bases = [basis_of(feature, values) for feature, values in zip(features, columns, strict=True)]
    assert customers.churned is not None
    return fit_additive(bases, columns, customers.churned[rows])


def _judged(
    found: RiskEvidence,
    fitted: Additive,
    customers: Customers,
    labels: Labels,
    seen: Rows,
    untouched: Rows,
) -> RiskEvidence:
    """The evidence of what was fitted on the customers that were seen."""
    assert customers.churned is not None
    churned, few = customers.churned[untouched], customers.take(untouched)
    features = [basis.feature for basis in fitted.bases]
    logits = fitted.logit(_columns(features, customers, untouched))
    rates = expit(logits)
    clusters = int(labels.max()) + 1
    sizes = np.bincount(labels[seen], minlength=clusters)
    left = np.bincount(labels[seen], customers.churned[seen], minlength=clusters)
    of_clusters = (left + 0.5) / (sizes + 1)  # never 0 or 1: nothing is impossible
    group_rates, mine = of_clusters[labels[untouched]], labels[untouched]
    gains = evidence.log_loss(group_rates, churned) - evidence.log_loss(rates, churned)
    slope, slope_error = evidence.calibration_slope(logits, churned)
    return replace(
        found,
        customers=len(churned),
        churned=int(churned.sum()),
        score=evidence.judge(rates, churned),
        groups=evidence.judge(group_rates, churned),
        gain=float(gains.mean()),
        gain_error=float(gains.std(ddof=1) / np.sqrt(len(gains))),
        slope=slope,
        slope_error=slope_error,
        reached=evidence.reached(rates, mine, int(of_clusters.argmax()), churned),
        reliability=evidence.reliability(rates, churned),
        by_group=evidence.by_group(rates, mine, churned, clusters),
        by_trait=evidence.by_trait(few, rates, churned),
    )


def _rounded(number: float) -> float:
    """Further digits say nothing, and make the artifact larger."""
    return float(f"{number:.{_DIGITS}g}")
