from collections.abc import Callable, Sequence

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.stats import betabinom, chi2_contingency
from scipy.stats.contingency import association
from sklearn.cluster import KMeans
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from statsmodels.stats.contingency_tables import Table2x2
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportions_ztest

from pipeline.training.statistics import evidence
from pipeline.training.statistics.evidence import Churned, Fit, Labels, Predict, Rows

CENTRES = np.array([[0, 0, 0], [10, 0, 0], [0, 10, 0], [0, 0, 10]])


def k_means(k: int) -> Fit:
    """Standardise, then K-Means; both fitted on whatever rows arrive."""

    def fit(rows: Rows) -> Predict:
        steps = make_pipeline(StandardScaler(), KMeans(k, n_init=2, random_state=0)).fit(rows)
        return lambda others: np.asarray(steps.predict(others), np.intp)

    return fit


def blobs(k: int, size: int = 100) -> tuple[Rows, Labels]:
    labels = np.repeat(np.arange(k), size)
    return CENTRES[labels] + np.random.default_rng(0).normal(size=(k * size, 3)), labels


def customers_of(left: Sequence[int], sizes: Sequence[int]) -> tuple[Labels, Churned]:
    """The rows behind the counts of each cluster."""
    labels = np.repeat(np.arange(len(sizes)), sizes)
    return labels, np.concatenate([np.arange(n) < x for x, n in zip(left, sizes, strict=True)])


def near(expected: object) -> object:
    """Equal to nine digits, however small."""
    return pytest.approx(expected, rel=1e-9, abs=0)


def test_separated_clusters_come_back_from_every_resample() -> None:
    found = evidence.bootstrap_jaccard(*blobs(4), k_means(4), 20, np.random.default_rng(1))
    assert (found > 0.98).tolist() == [True] * 4


def test_clusters_cut_through_noise_do_not_come_back() -> None:
    X, fit = np.random.default_rng(0).normal(size=(400, 3)), k_means(5)
    found = evidence.bootstrap_jaccard(X, fit(X)(X), fit, 20, np.random.default_rng(1))
    assert found.max() < 0.85


def test_jaccard_equals_the_definition_on_sets() -> None:
    X = np.random.default_rng(0).normal(size=(60, 3))
    labels = k_means(4)(X)(X)
    found = evidence.bootstrap_jaccard(X, labels, k_means(3), 1, np.random.default_rng(5))
    drawn = np.random.default_rng(5).integers(60, size=60)
    again = k_means(3)(X[drawn])(X)
    old = [set(drawn) & set(np.flatnonzero(labels == cluster)) for cluster in range(4)]
    new = [set(drawn) & set(np.flatnonzero(again == cluster)) for cluster in range(3)]
    expected = [max(len(a & b) / len(a | b) for b in new) for a in old]
    assert found == pytest.approx(expected, abs=1e-12)


def test_a_round_without_a_cluster_does_not_count_for_it() -> None:
    X = np.vstack([blobs(2)[0], [[500.0, 0, 0]]])
    labels = np.repeat([0, 2, 3], [100, 100, 1])  # no customer has label 1

    def fit(_: Rows) -> Predict:
        return lambda rows: np.digitize(rows[:, 0], [5, 100])

    found = evidence.bootstrap_jaccard(X, labels, fit, 10, np.random.default_rng(0))
    assert found[3] == 1  # a lone customer is missing from a third of the rounds
    assert np.isnan(found[1])
    assert evidence.stability_word(float(found[1])) == "unstable"


def test_stability_is_read_in_hennigs_bands() -> None:
    words = [evidence.stability_word(mean) for mean in (0.599, 0.6, 0.749, 0.75, 0.849, 0.85)]
    assert words == ["unstable", "doubtful", "doubtful", "stable", "stable", "highly stable"]


def test_churn_that_equals_a_cluster_is_foreseen() -> None:
    X, labels = blobs(3)
    mean, sd = evidence.out_of_sample_auc(X, labels == 2, k_means(3))
    assert mean > 0.95 > 0.05 > sd


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_shuffled_churn_cannot_be_foreseen(seed: int) -> None:
    X, labels = blobs(3, size=1500)
    churned = np.random.default_rng(seed).permutation(labels == 2)
    mean, _ = evidence.out_of_sample_auc(X, churned, k_means(3), seed=seed)
    assert mean == pytest.approx(0.5, abs=0.03)


def test_clusters_of_a_few_customers_do_not_learn_held_out_churn() -> None:
    """In the sample such clusters would foretell everything."""
    rng = np.random.default_rng(0)
    X, churned = rng.normal(size=(1000, 2)), rng.random(1000) < 0.3
    found, again = (evidence.out_of_sample_auc(X, churned, k_means(200), 3, 2) for _ in "ab")
    assert found[0] == pytest.approx(0.5, abs=0.06)
    assert found == again


def test_customers_of_a_cluster_that_training_never_filled_get_the_overall_rate() -> None:
    """Half the customers are foreseen, half land in an empty cluster, between the others."""
    number = np.arange(400)
    churned = np.where(number < 200, number < 100, number % 2 == 0)

    def fit(rows: Rows) -> Predict:
        new = 2 + 2 * ~np.isin(number, rows[:, 0])
        return lambda others: np.where(number < 200, number // 100, new)[others[:, 0].astype(int)]

    mean, _ = evidence.out_of_sample_auc(number[:, None].astype(float), churned, fit)
    assert mean == pytest.approx(1 - 0.5 * 0.5 / 2, abs=0.02)


@pytest.mark.parametrize(
    ("left", "sizes"),
    [
        ([381, 217, 1030], [4706, 2028, 3393]),
        ([3, 0, 9, 4], [20, 11, 35, 40]),
        ([50, 55, 48], [500, 500, 500]),
        ([4, 9], [20, 20]),
    ],
)
def test_churn_tests_equal_scipy_and_statsmodels(left: list[int], sizes: list[int]) -> None:
    found = evidence.explained_churn(*customers_of(left, sizes))
    table = np.array([left, np.subtract(sizes, left)])
    expected = chi2_contingency(table, correction=False)[:3]
    assert (found.chi2, found.p_value, found.degrees) == near(expected)
    assert found.cramers_v == near(association(table, method="cramer"))
    pairs = [(pair.first, pair.second) for pair in found.pairs]
    assert pairs == [(a, b) for a in range(len(sizes)) for b in range(a + 1, len(sizes))]
    p_values = [proportions_ztest([left[a], left[b]], [sizes[a], sizes[b]])[1] for a, b in pairs]
    adjusted = multipletests(p_values, method="holm")[1]
    assert [pair.p_value for pair in found.pairs] == near(p_values)
    assert [pair.p_adjusted for pair in found.pairs] == near(adjusted)


def test_empty_clusters_and_equal_ones_are_no_trouble() -> None:
    pairs = evidence.explained_churn(*customers_of((0, 0, 0, 5), (10, 0, 20, 10))).pairs
    assert [(pair.first, pair.second) for pair in pairs] == [(0, 2), (0, 3), (2, 3)]
    assert pairs[0] == evidence.PairTest(0, 2, 1, 1)  # nobody left either
    alone = evidence.explained_churn(*customers_of((5,), (10,)))
    assert (alone.cramers_v, alone.p_value, alone.pairs) == (0, 1, ())


@given(*[st.integers(0, 300)] * 4)
def test_risk_ratio_equals_statsmodels(a: int, stayed_a: int, b: int, stayed_b: int) -> None:
    assume(a + b and a + stayed_a and b + stayed_b)
    found = evidence.risk_ratio(a, a + stayed_a, b, b + stayed_b)
    filler = 0 if a and b else 0.5  # statsmodels by itself would fill in the empty cells alone
    expected = Table2x2(np.array([[a, stayed_a], [b, stayed_b]]) + filler, shift_zeros=False)
    assert found.ratio == near(expected.riskratio)
    assert (found.low, found.high) == near(expected.riskratio_confint(0.05))


@pytest.mark.parametrize("strength", [5, 20, 80])
def test_prior_strength_recovers_that_of_beta_binomial_clusters(strength: float) -> None:
    n = np.random.default_rng(0).integers(20, 400, size=20_000)
    left = betabinom.rvs(n, 0.2 * strength, 0.8 * strength, random_state=1)
    assert evidence.prior_strength(left, n) == pytest.approx(strength, rel=0.05)


@pytest.mark.parametrize(
    ("left", "n", "strength"),
    [
        ([10, 20, 30], [100, 200, 300], 600),  # no difference: as strong as all customers
        ([0, 50, 0], [50, 50, 0], 0),  # nothing in common
        ([10, 30], [100, 100], 99 / 11.5 - 1),  # by hand: chi-square 12.5
        ([5], [10], evidence.FALLBACK_STRENGTH),
        ([0, 0], [10, 20], evidence.FALLBACK_STRENGTH),
        ([1, 0, 0], [1, 1, 0], evidence.FALLBACK_STRENGTH),
        ([0, 0], [0, 0], evidence.FALLBACK_STRENGTH),
    ],
)
def test_prior_strength_at_its_limits(left: list[int], n: list[int], strength: float) -> None:
    assert evidence.prior_strength(np.array(left), np.array(n)) == pytest.approx(strength)


def test_small_clusters_are_drawn_to_the_overall_rate() -> None:
    assert evidence.shrunken_rate(0, 0, 0.2) == evidence.shrunken_rate(0, 0, 0.2, strength=0) == 0.2
    assert evidence.shrunken_rate(3, 4, 0.2, strength=4) == pytest.approx((0.75 + 0.2) / 2)
    assert evidence.shrunken_rate(3000, 4000, 0.2, strength=4) == pytest.approx(0.75, abs=1e-3)


@pytest.mark.parametrize(
    ("ask", "answer"),
    [
        (lambda: evidence.risk_ratio(0, 10, 0, 20), "one that churned"),
        (lambda: evidence.risk_ratio(5, 10, 0, 0), "customers on both sides"),
        (lambda: evidence.explained_churn(*customers_of((0, 0), (9, 9))), "all stayed"),
        (lambda: evidence.explained_churn(*customers_of((9, 9), (9, 9))), "all customers churned"),
        (lambda: evidence.out_of_sample_auc(CENTRES, CENTRES[:, 0] > 0, k_means(2)), "found 1"),
    ],
)
def test_what_cannot_be_answered_is_refused(ask: Callable[[], object], answer: str) -> None:
    with pytest.raises(ValueError, match=answer):
        ask()
