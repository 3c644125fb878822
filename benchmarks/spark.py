"""Scoring one large file on a Spark cluster on this machine, next to the local engine.

.venv/bin/python -m benchmarks.spark                    20,000,000 rows of 21 columns
.venv/bin/python -m benchmarks.spark --rows 2000000 --kind parquet

The best of three runs each, in turn: what else a machine does only ever makes them slower.
A worker has one core and 1 GB for its JVM; the Python process that scores comes on top of that.
"""

import argparse
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from benchmarks.cluster import Cluster
from benchmarks.contenders import FEW
from benchmarks.files import warm, write_invented
from benchmarks.processes import Figure
from model_store import BUNDLED, CHAMPION, open_store
from pipeline.model.published.loading import load_model
from pipeline.runs import FolderRuns, LocalInput, score
from pipeline.runs.in_parts import InParts
from pipeline.scoring.parts.spark import OnSpark, spark
from pipeline.scoring.spec import ScoringSpec

ROUNDS = 3
WORKERS = (1, 2)
_SMALL, _SMALL_PARTS = 400_000, 2 << 20
"""Rows that are scored before the clock runs, and bytes of their parts: an executor and its Python
start with its first part, so there have to be some for each."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the seconds of each run, and how the cluster scales."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rows", type=int, default=20_000_000)
    parser.add_argument("--kind", choices=["csv", "parquet"], default="csv")
    chosen = parser.parse_args(arguments)
    artifact = open_store(BUNDLED).open(CHAMPION)
    spec = ScoringSpec(load_model(artifact), "bench")
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / f"customers.{chosen.kind}"
        small = path.with_stem(FEW)
        write_invented(path, chosen.kind, spec.model, chosen.rows)
        write_invented(small, chosen.kind, spec.model, _SMALL)
        size = path.stat().st_size / 1e6
        print(f"{chosen.kind} → {chosen.kind}: {chosen.rows:,} rows, {size:,.0f} MB", flush=True)
        runs: dict[str, Callable[[], Figure]] = {}
        runs["local engine"] = partial(in_this_machine, path, chosen.kind)
        runs |= {f"{n} on Spark": partial(on_cluster, path, small, spec, n) for n in WORKERS}
        best: dict[str, float] = {}
        for number in range(1, ROUNDS + 1):
            for who, run in runs.items():
                figure = run()
                best[who] = min(best.get(who, figure.seconds), figure.seconds)
                print(
                    f"  run {number}: {who:<12} {figure.seconds:6.1f} s "
                    f"{chosen.rows / figure.seconds:>11,.0f} rows/s {figure.peak_mb:7.0f} MB",
                    flush=True,
                )
        one, two = (best[f"{workers} on Spark"] for workers in WORKERS)
        print(f"  scaling efficiency from 1 to 2 workers, of the best: {one / two / 2:.2f}")


def in_this_machine(path: Path, target: str) -> Figure:
    """Score a file with the local engine, in one process."""
    with tempfile.TemporaryDirectory(dir=path.parent) as out:
        return warm("ours", path, Path(out), target)


def on_cluster(path: Path, small: Path, spec: ScoringSpec, workers: int) -> Figure:
    """Score a file on a cluster that is warm, from opening it to the manifest.

    The memory is that of the largest worker with its JVM and Python.
    """
    out = path.parent / "results"
    runs = FolderRuns(out)
    with Cluster.started(workers) as cluster, spark(cluster.master, os.environ) as session:
        engine = OnSpark(session)
        score(LocalInput.at(small), spec, runs, InParts(engine, _SMALL_PARTS))
        started = time.perf_counter()
        score(LocalInput.at(path), spec, runs, InParts(engine))
        seconds = time.perf_counter() - started
        peak = max(cluster.peak_mb())
    shutil.rmtree(out)
    return Figure(seconds, peak)


if __name__ == "__main__":
    main()
