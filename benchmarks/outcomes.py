"""Outcomes: how often intervals hold the truth, and how often chance alone makes a verdict.

.venv/bin/python -m benchmarks.outcomes            1,000 simulations of each world
.venv/bin/python -m benchmarks.outcomes --ids 20   and what 20 million customers take
"""

import argparse
import os
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from resource import RUSAGE_SELF, getrusage

import numpy as np

from pipeline.reading.arrow_numpy import column_of
from pipeline.runs.outcomes.ids import id_hashes
from pipeline.runs.outcomes.join import join
from pipeline.runs.outcomes.parts import IdParts
from pipeline.runs.outcomes.sources import CUSTOMERS, LABELS
from pipeline.runs.outcomes.tally import OutcomeTally
from tests.support.outcomes import Coverage, simulate

SIZES = {
    "small": ((150, 450, 200, 300, 125), (60, 160, 80, 100, 50)),
    "middle": ((300, 900, 400, 600, 250), (150, 400, 200, 250, 120)),
    "large": ((3_000, 9_000, 4_000, 6_000, 2_500), (3_000, 8_000, 4_000, 5_000, 2_400)),
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Print coverage, false alarms and power; and what a large join takes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--sets", type=int, default=1_000)
    parser.add_argument("--ids", type=float, default=0, help="millions of customers and labels")
    chosen = parser.parse_args(arguments)
    os.environ["OPENBLAS_NUM_THREADS"] = "1"  # of the processes that are started
    with ProcessPoolExecutor() as pool:
        for name, (trained, later) in SIZES.items():
            draw = partial(simulate, trained=trained, later=later)
            _show(
                f"{name}, nothing changed", list(pool.map(draw, range(chosen.sets), chunksize=50))
            )
            draw = partial(draw, factor=1.3, effect=0.1)
            _show(f"{name}, 1.3 times as often, contact saves 10 points",
                  list(pool.map(draw, range(chosen.sets), chunksize=50)))  # fmt: skip
    if chosen.ids:
        _join(round(chosen.ids * 1e6))


def _show(world: str, found: Sequence[Coverage]) -> None:
    sets = len(found)
    aucs = [each.auc for each in found if each.auc is not None]
    alarms = sum(bool({"higher", "lower"} & {*each.verdicts}) for each in found)
    effects = sum(each.effect_verdict != "cannot tell yet" for each in found)
    overall = sum(each.verdicts[-1] == "as trained" for each in found)
    held = {
        "differences": np.mean([each.differences[:-1] for each in found]),
        "of all customers": np.mean([each.differences[-1] for each in found]),
        "observed rates": np.mean([each.rates for each in found]),
        "AUC": np.mean(aucs),
        "effect": np.mean([each.effect for each in found]),
    }
    print(f"{world}: {sets:,} months")
    print("  held:", ", ".join(f"{name} {share:.1%}" for name, share in held.items()))
    print(f"  months with a verdict higher or lower {alarms / sets:.1%}, "
          f"campaigns with a verdict {effects / sets:.1%}, "
          f"all customers as trained {overall / sets:.1%}")  # fmt: skip


def _join(rows: int) -> None:
    """Join as many customers with as many labels."""
    rng, block = np.random.default_rng(0), 1 << 18
    tally, started = OutcomeTally([1, 2, 3, 4, 5]), time.perf_counter()
    with IdParts(CUSTOMERS) as customers, IdParts(LABELS) as labels:
        for start in range(0, rows, block):
            count = min(block, rows - start)
            numbers = np.arange(start, start + count)
            customers.add(
                id_hashes(column_of(numbers)),
                cluster=rng.integers(1, 6, count),
                state=np.zeros(count, np.int64),
                risk=rng.integers(0, 1_000_001, count),
            )
            labels.add(
                id_hashes(column_of(rows + rows // 10 - 1 - numbers)),
                state=rng.integers(0, 2, count),
            )
        join(customers, labels, None, tally, others_stayed=False)
    seconds, peak = time.perf_counter() - started, getrusage(RUSAGE_SELF).ru_maxrss / 1024
    print(f"{rows:,} customers and as many labels: {seconds:.0f} s, {peak:,.0f} MiB at most, "
          f"{tally.customers['counted']:,} joined")  # fmt: skip


if __name__ == "__main__":
    main()
