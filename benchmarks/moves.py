"""Moves between two runs: seconds and memory, beside the bare join in Polars and DuckDB.

.venv/bin/python -m benchmarks.moves                          2 million customers in each run
.venv/bin/python -m benchmarks.moves --rows 20000000          and 20 million
.venv/bin/python -m benchmarks.moves --format csv             of CSV and not of Parquet
.venv/bin/python -m benchmarks.moves --coverage 1000          how often the intervals are right

Ours also finds who came, who went and whose id stands twice, which feature moved each mover, and
tests the direction. The others count the pairs of groups, and nothing more.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from model_store import BUNDLED, CHAMPION, open_store
from pipeline.model.cluster_model import ClusterModel
from pipeline.model.published.loading import load_model
from pipeline.runs.committed import open_run
from pipeline.runs.moves.compare import compare_runs
from pipeline.runs.moves.spec import KnownModels, MovesSpec
from tests.support.markov import coverage, false_alarms
from tests.support.moves import write_run

MOVED_SHARE = 0.2
"""Of the customers, those whose values change from one run to the next."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a line a contender, each in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rows", type=int, default=2_000_000)
    parser.add_argument("--format", choices=("parquet", "csv"), default="parquet")
    parser.add_argument("--coverage", type=int, metavar="SIMULATIONS")
    parser.add_argument("--one", nargs=2, metavar=("WHO", "FOLDER"), help=argparse.SUPPRESS)
    chosen = parser.parse_args(arguments)
    if chosen.one and chosen.one[0] == "write":
        _write(Path(chosen.one[1]), chosen.rows, chosen.format)
    elif chosen.one:
        _measure(*chosen.one)
    elif chosen.coverage:
        _print_coverage(chosen.coverage)
    else:
        _print_contenders(chosen.rows, chosen.format)


def _print_coverage(simulations: int) -> None:
    share = coverage(simulations, customers=300)
    print(f"{simulations:,} simulations: {share:.2%} of the 95 % intervals hold the true share")
    alarms = false_alarms(simulations, movers=200)
    print(f"{simulations:,} simulations without a direction: {alarms:.2%} are called one")


def _print_contenders(rows: int, written: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        # by another process: what this one once needed would count for those that it starts
        _start("write", folder, "--rows", str(rows), "--format", written)
        print(f"{rows:,} customers against {rows:,} as {written}")
        for who in CONTENDERS:
            answer = _start(who, folder)
            if answer.returncode:
                print(f"{who:<18} failed: {answer.stderr.strip().splitlines()[-1]}")
                continue
            found = json.loads(answer.stdout)
            print(
                f"{who:<18} {found['seconds']:7.1f} s {found['peak_mb']:8,.0f} MB"
                f"   {found['moved']:,} moved"
            )


def _start(who: str, folder: str, *options: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "benchmarks.moves", "--one", who, folder, *options]
    return subprocess.run(command, check=False, capture_output=True, text=True)


def _measure(who: str, folder: str) -> None:
    started = time.perf_counter()
    moved = CONTENDERS[who](Path(folder))
    seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
    print(json.dumps({"seconds": seconds, "peak_mb": peak, "moved": moved}))


def _write(folder: Path, rows: int, written: str) -> None:
    """Two runs: a fifth of the customers change, a hundredth goes, and as many come; shuffled."""
    model, rng = _model(), np.random.default_rng(1)
    ids = rng.permutation(np.arange(10**9, 10**9 + rows))
    features = {
        "Total_Revolving_Bal": rng.integers(0, 2518, rows).astype(float),
        "Total_Trans_Amt": rng.integers(510, 18_000, rows).astype(float),
        "Total_Trans_Ct": rng.integers(10, 130, rows).astype(float),
    }
    write_run(folder / "old", model, ids, features, written)  # type: ignore[arg-type]
    order = rng.permutation(rows)
    ids, features = ids[order], {name: values[order] for name, values in features.items()}
    ids[: rows // 100] += rows
    changed = rng.random(rows) < MOVED_SHARE
    count = features["Total_Trans_Ct"]
    features["Total_Trans_Ct"] = np.where(changed, np.maximum(10, np.round(count * 0.7)), count)
    write_run(folder / "new", model, ids, features, written)  # type: ignore[arg-type]


def _model() -> ClusterModel:
    return load_model(open_store(BUNDLED).open(CHAMPION))


def _ours(folder: Path, *, listed: bool = False) -> int:
    old, new = (open_run(str(folder / name)) for name in ("old", "new"))
    models = KnownModels(lambda version: _model(), lambda old, new: None)
    target = folder / "list.parquet" if listed else None
    return compare_runs(old, new, MovesSpec(format="parquet"), models, target).moved


def _polars(folder: Path) -> int:
    import polars as pl

    old, new = (_scanned(folder / name) for name in ("old", "new"))
    both = old.join(new, on="CLIENTNUM", suffix="_new")
    counts = both.group_by("cluster", "cluster_new").agg(pl.len())
    found = counts.collect(engine="streaming")
    return int(found.filter(pl.col("cluster") != pl.col("cluster_new"))["len"].sum())


def _scanned(folder: Path) -> "pl.LazyFrame":  # type: ignore[name-defined]  # noqa: F821
    import polars as pl

    (path,) = folder.glob("assigned.*")
    scanned = pl.scan_parquet(path) if path.suffix == ".parquet" else pl.scan_csv(path)
    return scanned.select(pl.col("CLIENTNUM").cast(pl.String), "cluster")


def _duckdb(folder: Path) -> int:
    import duckdb

    old, new = (next(folder.glob(f"{name}/assigned.*")) for name in ("old", "new"))
    relation = duckdb.sql(
        "select a.cluster, b.cluster, count(*) from "
        f"(select cast(CLIENTNUM as varchar) id, cluster from '{old}') a join "
        f"(select cast(CLIENTNUM as varchar) id, cluster from '{new}') b on a.id = b.id "
        "group by all"
    )
    assert relation is not None
    return sum(count for was, now, count in relation.fetchall() if was != now)


CONTENDERS: dict[str, Callable[[Path], int]] = {
    "ours": _ours,
    "ours with a list": lambda folder: _ours(folder, listed=True),
    "Polars, the join": _polars,
    "DuckDB, the join": _duckdb,
}

if __name__ == "__main__":
    main()
