"""The risk score: coverage of its intervals, publication on noise, and what it is worth on a file.

.venv/bin/python -m benchmarks.risk                     invented customers whose true risk is known
.venv/bin/python -m benchmarks.risk BankChurners.csv    and the champion's features on a real file
"""

import argparse
import itertools
import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold

from model_store import BUNDLED, CHAMPION, open_store
from pipeline.model.contract import DEFAULT_CONTRACT, load_contract
from pipeline.model.published.loading import load_model
from pipeline.training.cleaning import Customers, clean, read_customers
from pipeline.training.recipes import Recipe
from pipeline.training.risk.additive import fit_additive
from pipeline.training.risk.basis import basis_of
from pipeline.training.risk.score import fit_risk, to_score
from tests.support.simulated import FEATURES, NUMBERS, WORLDS, simulate

SIZES = (500, 2_000, 7_500)
RECIPE = Recipe("own", "", tuple(feature.name for feature in FEATURES), 4)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the coverage in every world, how often noise is published, and figures of a file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("data", type=Path, nargs="?")
    parser.add_argument("--sets", type=int, default=100)
    chosen = parser.parse_args(arguments)
    os.environ["OPENBLAS_NUM_THREADS"] = "1"  # of the processes that are started
    with ProcessPoolExecutor() as pool:
        found = []
        for world, size in itertools.product(WORLDS, SIZES):
            jobs = [(world, size, seed) for seed in range(chosen.sets)]
            shares = np.array(list(pool.map(_covered, jobs, chunksize=10)))
            found.append(shares.mean())
            error = shares.std(ddof=1) / np.sqrt(len(shares))
            print(f"{world:<8} {size:>6,} customers: {found[-1]:.1%} ± {error:.1%} covered")
        print(f"all: {np.mean(found):.2%} of the true rates are in their 95 % intervals")
        for size in SIZES[:2]:
            jobs = [("nothing", size, seed) for seed in range(chosen.sets)]
            published = sum(pool.map(_is_published, jobs, chunksize=10))
            print(f"noise, {size:,} customers: {published} of {chosen.sets} published")
    if chosen.data is not None:
        _on_a_file(chosen.data)


def _covered(job: tuple[str, int, int]) -> float:
    """The share of a world's customers whose true rate lies in the interval."""
    world = simulate(*job)
    bases = [basis_of(f, values) for f, values in zip(NUMBERS, world.columns, strict=True)]
    score = to_score(fit_additive(bases, world.columns, world.churned))
    names = (feature.name for feature in NUMBERS)
    risks, true = score.assess_many(dict(zip(names, world.columns, strict=True))), world.logit
    return float(np.mean((risks.low <= expit(true)) & (expit(true) <= risks.high)))


def _is_published(job: tuple[str, int, int]) -> bool:
    world = simulate(*job)
    found = fit_risk(RECIPE, world.customers(), world.groups())
    return found is not None and found.score is not None


def _on_a_file(path: Path) -> None:
    """The quarter's figures, and whom as many calls as the riskiest group has would reach."""
    model = load_model(open_store(BUNDLED).open(CHAMPION))
    contract, names = load_contract(DEFAULT_CONTRACT), [f.name for f in model.contract.features]
    customers = clean(read_customers(path, contract), contract, names)
    churned = customers.churned
    assert churned is not None
    columns = {name: customers.features[name].to_numpy() for name in names}
    ids = [cluster.id for cluster in model.clusters]
    labels = np.searchsorted(ids, model.assign_many(columns).cluster)
    recipe = replace(RECIPE, features=tuple(names))
    found = fit_risk(recipe, customers, labels)
    assert found is not None
    assert found.evidence.score is not None
    assert found.evidence.groups is not None
    for name, judged in (("score", found.evidence.score), ("groups", found.evidence.groups)):
        print(f"untouched quarter, {name:<6}: AUC {judged.auc:.4f}, Brier {judged.brier:.4f}, "
              f"log loss {judged.log_loss:.4f}")  # fmt: skip
    print(f"calibration slope {found.evidence.slope:.3f} ± {found.evidence.slope_error:.3f}")
    rates = _out_of_fold(customers)
    riskiest = int(np.argmax([churned[labels == index].mean() for index in range(len(ids))]))
    group = labels == riskiest
    first = np.argsort(-rates, kind="stable")[: group.sum()]
    print(f"all customers, five folds: AUC {roc_auc_score(churned, rates):.4f}; "
          f"of {churned.sum():,} leavers {group.sum():,} calls reach {churned[group].sum():,} "
          f"by group and {churned[first].sum():,} by risk")  # fmt: skip


def _out_of_fold(customers: Customers) -> NDArray[np.float64]:
    """Each customer's risk by a score that was fitted on the other four fifths."""
    churned, features = customers.churned, customers.contract.features
    assert churned is not None
    columns = [customers.features[feature.name].to_numpy() for feature in features]
    rates = np.zeros(len(churned))
    for seen, held in StratifiedKFold(5, shuffle=True, random_state=42).split(rates, churned):
        known = [column[seen] for column in columns]
        bases = [basis_of(f, column) for f, column in zip(features, known, strict=True)]
        fitted = fit_additive(bases, known, churned[seen])
        rates[held] = expit(fitted.logit([column[held] for column in columns]))
    return rates


if __name__ == "__main__":
    main()
