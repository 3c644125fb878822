"""A search and its training on one core and on all: seconds, memory, and whether it is one model.

.venv/bin/python -m benchmarks.training BankChurners.csv
"""

import argparse
import os
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.processes import Figure, run


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the median of each number of cores, in turn."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("data", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    chosen = parser.parse_args(arguments)
    cores = (1, len(os.sched_getaffinity(0)))
    command = [str(Path(sys.executable).with_name("customer-clusters")), "train"]
    figures: dict[int, list[Figure]] = {count: [] for count in cores}
    models = set()
    with tempfile.TemporaryDirectory() as name:
        for number in range(chosen.rounds):
            for count in cores:
                store = Path(name) / f"{number}-{count}"
                options = ["--data", str(chosen.data), "--store", str(store)]
                figures[count].append(run([*command, *options], count))
                (model,) = store.glob("versions/*/model.json")
                models.add(model.read_bytes())
    medians = {n: statistics.median(it.seconds for it in some) for n, some in figures.items()}
    for count, seconds in medians.items():
        peak = max(figure.peak_mb for figure in figures[count])
        ratio = seconds / medians[1]
        print(f"{count} cores {seconds:6.1f} s {peak:6.0f} MB  {ratio:.2f} of the time on one")
    print(f"{len(models)} different model.json")


if __name__ == "__main__":
    main()
