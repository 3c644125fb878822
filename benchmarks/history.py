"""The history: how often a file is called different, and how often its bands hold the truth.

.venv/bin/python -m benchmarks.history              1,000 simulated half years of each kind
"""

import argparse
from collections.abc import Callable, Sequence

import numpy as np

from pipeline.runs.history.changes import changes
from pipeline.runs.history.entry import LedgerEntry
from pipeline.runs.history.shares import (
    Share,
    expected_churn,
    group_shares,
    observed_churn,
    rejected_share,
)
from tests.support.histories import CHURN, REJECTED, SHARES, fresh_file, same_customers

SIZES = (150, 1_000, 10_000)
STAYING = (0.0, 0.9, 0.99)
SHIFTS = (0.02, 0.04, 0.06)
MONTHS = 6
RATES = [0.1 * number for number in range(1, len(SHARES) + 1)]
MEASURES: dict[str, tuple[Callable[[LedgerEntry], Share | None], float]] = {
    "share of a group": (lambda entry: group_shares(entry)[5], SHARES[4]),
    "churn": (observed_churn, CHURN),
    "rejected rows": (rejected_share, REJECTED / (1 + REJECTED)),
    "expected churn": (expected_churn, float(np.dot(SHARES, RATES))),
}
"""What has a band, and what it should hold."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Print false alarms, alarms at shifts, and the coverage of bands."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--sets", type=int, default=1_000)
    sets = parser.parse_args(arguments).sets
    rng = np.random.default_rng(21)
    print(f"{sets:,} half years of each kind, five groups")
    print("files called different where nothing has changed")
    for size in SIZES:
        for staying in STAYING:
            share = alarms(sets, size, staying, rng)
            print(f"  {size:>6,} customers, {staying:4.0%} stay: {share:.1%}")
    print("files called different where a group of 12 % grows by so much, at the others' cost")
    for size in SIZES:
        for shift in SHIFTS:
            print(f"  {size:>6,} customers, {shift:+.0%}: {found(sets, size, shift, rng):.1%}")
    print("bands of 95 % that hold the truth, files of 150 to 10,000 customers")
    for name in MEASURES:
        print(f"  {name}: {coverage(sets, name, rng):.1%}")


def alarms(sets: int, size: int, staying: float, rng: np.random.Generator) -> float:
    """The share of files, but the first of each half year, that are called different."""
    count = 0
    for _ in range(sets):
        files = same_customers(MONTHS, size, staying, rng)
        count += sum(bool(changes(files[i], files[:i])) for i in range(1, MONTHS))
    return count / (sets * (MONTHS - 1))


def found(sets: int, size: int, shift: float, rng: np.random.Generator) -> float:
    """The share of shifts in one group that are told."""
    others = 1 - SHARES[4]
    shifted = [share * (others - shift) / others for share in SHARES[:4]] + [SHARES[4] + shift]
    count = 0
    for _ in range(sets):
        before = fresh_file("2026-01-01", SHARES, size, rng)
        after = fresh_file("2026-02-01", shifted, size, rng)
        count += any(change.cluster == 5 for change in changes(after, [before]))
    return count / sets


def coverage(sets: int, name: str, rng: np.random.Generator) -> float:
    """The share of bands that hold the truth; of one size alone chance steps around 95 %."""
    measure, truth = MEASURES[name]
    sizes = np.exp(rng.uniform(np.log(SIZES[0]), np.log(SIZES[-1]), sets)).astype(int)
    bands = [measure(fresh_file("2026-01-01", SHARES, int(size), rng)) for size in sizes]
    return sum(band is not None and band.low <= truth <= band.high for band in bands) / sets


if __name__ == "__main__":
    main()
