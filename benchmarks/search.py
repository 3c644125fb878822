"""What the search finds among invented customers of known groups; how true its intervals are.

.venv/bin/python -m benchmarks.search --seeds 3
.venv/bin/python -m benchmarks.search --coverage 150
"""

import argparse
import time
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pandas as pd
from numpy.random import Generator
from numpy.typing import NDArray
from sklearn.metrics import adjusted_rand_score

from pipeline.errors import WrongFile
from pipeline.model.churn import ChurnRate
from pipeline.model.contract import Contract, Feature, Label
from pipeline.training.cleaning import Cleaning, Customers
from pipeline.training.counting import counted_rows, split
from pipeline.training.fitting import fit
from pipeline.training.search.choice import choose, with_churn_threshold
from pipeline.training.search.sample import Sample
from pipeline.training.search.search import evaluated, search
from pipeline.training.search.separation import SeparationSearch
from pipeline.training.search.thresholds import Thresholds

Points = NDArray[np.float64]
Labels = NDArray[np.intp]
ROWS = 400
RIGHT = 0.9
"""Adjusted Rand index (Hubert & Arabie 1985) from which on groups count as found."""
ONE_GROUP: dict[str, Callable[[Generator, int], Points]] = {
    "ball": lambda rng, n: rng.normal(size=(n, 4)),
    "box": lambda rng, n: rng.uniform(size=(n, 3)),
    "skewed": lambda rng, n: rng.gamma(0.7, 2, (n, 3)),
    "heavy tails": lambda rng, n: rng.standard_t(3, (n, 3)),
    "counts": lambda rng, n: rng.poisson((2, 6, 0.7), (n, 3)).astype(float),
    "correlated": lambda rng, n: np.exp(
        rng.multivariate_normal(np.zeros(3), 0.6 + 0.4 * np.eye(3), n)
    ),
    "flag": lambda rng, n: np.column_stack([rng.normal(size=(n, 2)), rng.random(n) < 0.4]),
}
CENTRES: dict[str, Sequence[Sequence[float]]] = {
    "two": ((0, 0), (5, 0)),
    "triangle": ((0, 0), (5.5, 0), (2.5, 5)),
    "square and middle": ((0, 0), (8, 0), (0, 8), (8, 8), (4, 4)),
    "corners": ((0, 0, 0), (7, 0, 0), (0, 7, 0), (0, 0, 7)),
    "grid": tuple((7.0 * i, 7.0 * j) for i in range(3) for j in range(3)),
}
RATES = {
    "telling": (0.02, 0.6, 0.15, 0.3, 0.08, 0.45, 0.2, 0.5, 0.1),
    "rare": (0.005, 0.06, 0.02, 0.04, 0.01, 0.05, 0.03, 0.02, 0.04),
    "unrelated": (0.2,) * 9,
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a line a set of customers and the shares that count, or the coverage of intervals."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--coverage", type=int, default=0, metavar="RUNS")
    options = parser.parse_args(arguments)
    if options.coverage:
        print_coverage(options.coverage)
    else:
        print_groups(options.seeds)


def print_groups(seeds: int) -> None:
    """Search sets of one group and of several, without a label and with one."""
    false, right = [], {"no label": [], "label": []}  # type: ignore[var-annotated]
    for name, customers, labels in _sets(seeds):
        started = time.perf_counter()
        found = _found(customers)
        seconds = time.perf_counter() - started
        if labels is None:
            false.append(found is not None)
            verdict = "called clusters" if false[-1] else "one group"
        else:
            index = 0.0 if found is None else adjusted_rand_score(labels, found)
            kind = "no label" if customers.churned is None else "label"
            right[kind].append(index >= RIGHT)
            verdict = f"{0 if found is None else found.max() + 1} groups, ARI {index:.2f}"
        print(f"{name:<40}{verdict:<28}{seconds:6.1f} s", flush=True)
    print(f"one group called clusters: {sum(false)} of {len(false)}")
    for kind, hits in right.items():
        print(f"separate groups found, {kind}: {sum(hits)} of {len(hits)}")


def _sets(seeds: int) -> Iterator[tuple[str, Customers, Labels | None]]:
    for seed in range(seeds):
        for name, draw in ONE_GROUP.items():
            yield f"{name}, {seed}", _customers(draw(_rng(name, seed), ROWS)), None
        for name, centres in CENTRES.items():
            points, labels, rng = _groups(name, centres, seed)
            yield f"{name}, {seed}", _customers(points), labels
            rates_name = list(RATES)[seed % len(RATES)]
            churned = rng.random(len(points)) < np.array(RATES[rates_name])[labels]
            yield f"{name}, {rates_name} churn, {seed}", _customers(points, churned), labels


def _groups(
    name: str, centres: Sequence[Sequence[float]], seed: int
) -> tuple[Points, Labels, Generator]:
    """Groups of standard deviation 1, columns that say nothing, in any order."""
    rng = _rng(name, seed)
    labels = rng.integers(len(centres), size=max(ROWS, 45 * len(centres)))
    points = np.array(centres, float)[labels] + rng.normal(size=(len(labels), len(centres[0])))
    noise = rng.normal(size=(len(labels), 2))
    everything = np.column_stack([points, noise])
    return everything[:, rng.permutation(everything.shape[1])], labels, rng


def _rng(name: str, seed: int) -> Generator:
    return np.random.default_rng([seed, *name.encode()])


def _customers(points: Points, churned: NDArray[np.bool_] | None = None) -> Customers:
    names = [f"x{index}" for index in range(points.shape[1])]
    features = tuple(Feature(name, "number", name) for name in names)
    label = None if churned is None else Label("churn", ("yes",), ("no",))
    return Customers(
        Contract("invented", "Invented", features, label=label),
        pd.DataFrame(points, columns=names),
        churned,
        Cleaning("invented.csv", "", len(points), len(points), 0, 0, {}, ()),
        (),
        pd.DataFrame(index=range(len(points))),
    )


def _found(customers: Customers) -> Labels | None:
    try:
        winner = search(customers, lambda step: None, Thresholds()).winner
    except WrongFile:
        return None
    return fit(winner, customers.select(winner.features)).labels


def print_coverage(runs: int) -> None:
    """How many 95 % intervals hold the true rate, of clusters whose features churn chose."""
    inside, everywhere, total = 0, 0, 0
    for run in range(runs):
        for true, held_out, all_of_them in _intervals(run):
            total += 1
            inside += held_out.low <= true <= held_out.high
            everywhere += all_of_them.low <= true <= all_of_them.high
        if total:
            print(
                f"run {run + 1:>4}: {total} intervals; they hold the true rate: "
                f"{inside / total:.1%} as published, {everywhere / total:.1%} had all been counted",
                flush=True,
            )


def _intervals(seed: int) -> Iterator[tuple[float, ChurnRate, ChurnRate]]:
    """True rate, the interval as published, and the one that all customers would give."""
    rng = np.random.default_rng([seed, 1])
    points = np.column_stack([rng.gamma(2, size=(1_000, 3)), rng.normal(size=(1_000, 3))])
    risk = 1 / (1 + np.exp(2.2 - 0.4 * points[:, 0] - 0.5 * points[:, 3]))
    customers = _customers(points, rng.random(1_000) < risk)
    seen = customers.take(split(1_000, customers.churned, 42)[0])
    asked = Thresholds(most_features=2)
    screening = SeparationSearch(Sample.of(seen, 1_000, 42), asked)
    evaluations = evaluated(screening.recipes(lambda step: None), seen)
    if not evaluations:
        return
    recipe = choose(evaluations, with_churn_threshold(evaluations, asked)).recipe
    fitted = fit(recipe, customers.select(recipe.features))
    counted = counted_rows(recipe, customers.churned, 1_000)
    for k in range(recipe.k):
        members = fitted.labels == k
        known = counted[members[counted]]
        some = ChurnRate.of(int(customers.churned[known].sum()), len(known))  # type: ignore[index]
        every = ChurnRate.of(int(customers.churned[members].sum()), int(members.sum()))  # type: ignore[index]
        if some and every:
            yield float(risk[members].mean()), some, every


if __name__ == "__main__":
    main()
