"""Scoring whole files, next to the script most people write and to Polars without any checks.

.venv/bin/python -m benchmarks.files                    2,000,000 rows of 21 columns
.venv/bin/python -m benchmarks.files --rows 20000000    ours only, in one process and in two
.venv/bin/python -m benchmarks.files --why              what reasons and changes cost, ours only

Each contender is measured in a warm process, as a service has it, and as a whole process, as its
user starts it: interpreter, imports, model, file, and for ours the report. All append six columns.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import timeit
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from benchmarks.contenders import EXPLAINING, FEW
from benchmarks.processes import Figure, run
from model_store import BUNDLED, CHAMPION, open_store
from pipeline.model.cluster_model import ClusterModel
from pipeline.model.published.loading import load_model

KINDS = (("csv", "csv"), ("csv", "parquet"), ("parquet", "parquet"))
LOOK_UPS = 20_000
ROUNDS = 5
TWO_JOBS = "--jobs 2"
MOST_COMPARED = 5_000_000
"""With more rows only ours is run: the others hold the file in memory."""
_TIMES = ("seconds", "processor_seconds")
_BLOCK = 250_000
_FEW_ROWS = 1_000
_WORDS = {
    "Attrition_Flag": ("Existing Customer", "Attrited Customer"),
    "Gender": ("F", "M"),
    "Education_Level": ("Graduate", "High School", "Unknown", "Uneducated", "College"),
    "Marital_Status": ("Married", "Single", "Divorced", "Unknown"),
    "Income_Category": ("Less than $40K", "$40K - $60K", "$60K - $80K", "$80K - $120K"),
    "Card_Category": ("Blue", "Silver", "Gold"),
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the figures of every kind of file, and of a look-up."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rows", type=int, default=2_000_000)
    parser.add_argument("--why", action="store_true", help="what reasons and changes cost")
    chosen = parser.parse_args(arguments)
    rows = chosen.rows
    artifact = open_store(BUNDLED).open(CHAMPION)
    model = load_model(artifact)
    contenders = ("ours", "polars", "pandas") if rows <= MOST_COMPARED else ("ours", TWO_JOBS)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for kind in ("csv", "parquet"):
            write_invented(folder / f"customers.{kind}", kind, model, rows)
            write_invented(folder / f"{FEW}.{kind}", kind, model, _FEW_ROWS)
        if chosen.why:
            for source, target in KINDS:
                explain(folder / f"customers.{source}", target, rows)
            return
        for source, target in KINDS:
            compare(folder / f"customers.{source}", target, rows, contenders)
    customer = dict(model.golden[0].customer)
    seconds = min(timeit.repeat(lambda: model.assign(customer), number=LOOK_UPS, repeat=5))
    print(f"look-up, with reasons  {seconds / LOOK_UPS * 1e6:6.1f} µs")


def compare(path: Path, target: str, rows: int, contenders: Sequence[str]) -> None:
    """Run every contender in turn, warm and whole, and print the median of each."""
    size = path.stat().st_size / 1e6
    print(f"{path.suffix[1:]} → {target}: {rows:,} rows, {size:,.0f} MB")
    able = [who for who in contenders if not (who == "pandas" and path.suffix == ".parquet")]
    for how, measure in (("warm", warm), ("whole", whole)):
        taking_part = [who for who in able if how == "whole" or who != TWO_JOBS]
        runs: dict[str, list[Figure]] = {who: [] for who in taking_part}
        for _ in range(ROUNDS):
            for who in taking_part:
                with tempfile.TemporaryDirectory(dir=path.parent) as out:
                    runs[who].append(measure(who, path, Path(out), target))
        ours = statistics.median(figure.seconds for figure in runs["ours"])
        for who, figures in runs.items():
            seconds = statistics.median(figure.seconds for figure in figures)
            times = f"ours is {seconds / ours:.2f} × as fast" if who != "ours" else ""
            print(
                f"  {how:<5} {who:<8} {seconds:6.2f} s {rows / seconds:>11,.0f} rows/s "
                f"{max(figure.peak_mb for figure in figures):7.0f} MB  {times}"
            )


def explain(path: Path, target: str, rows: int) -> None:
    """Run ours with and without reasons and changes in turn; print medians, and what they add."""
    print(f"{path.suffix[1:]} → {target}: {rows:,} rows, in a warm process")
    runs: dict[str, list[dict[str, float]]] = {who: [] for who in ("ours", *EXPLAINING)}
    for _ in range(ROUNDS):
        for who, measured in runs.items():
            with tempfile.TemporaryDirectory(dir=path.parent) as out:
                measured.append(in_warm_process(who, path, Path(out), target))
    medians = {
        who: [statistics.median(each[key] for each in measured) for key in _TIMES]
        for who, measured in runs.items()
    }
    for who, (wall, processor) in medians.items():
        more = [
            after / before - 1 for after, before in zip(medians[who], medians["ours"], strict=True)
        ]
        added = f"  {more[0]:+.0%} wall, {more[1]:+.0%} processor" if who != "ours" else ""
        peak = max(each["peak_mb"] for each in runs[who])
        print(f"  {who:<8} {wall:6.2f} s wall {processor:6.2f} s processor {peak:5.0f} MB{added}")


def warm(who: str, path: Path, out: Path, target: str) -> Figure:
    """Score a file in a process that has scored a few rows before, as a service has."""
    document = in_warm_process(who, path, out, target)
    return Figure(document["seconds"], document["peak_mb"])


def in_warm_process(who: str, path: Path, out: Path, target: str) -> dict[str, float]:
    """What `benchmarks.contenders` measured: seconds, processor_seconds and peak_mb."""
    command = [sys.executable, "-m", "benchmarks.contenders", who, str(path), str(out), target]
    ran = subprocess.run(command, check=True, capture_output=True, text=True, env={**os.environ})
    measured: dict[str, float] = json.loads(ran.stdout.splitlines()[-1])
    return measured


def whole(who: str, path: Path, out: Path, target: str) -> Figure:
    """Score a file by a command, from its start to its end."""
    command = [sys.executable, "-m", "benchmarks.contenders", "--cold", who]
    arguments = [str(path), str(out), target]
    if who in ("ours", TWO_JOBS):
        command = [str(Path(sys.executable).with_name("customer-clusters")), "score"]
        arguments = [str(path), "--out", str(out), "--format", target]
        arguments += ["--jobs", "2"] if who == TWO_JOBS else []
    return run([*command, *arguments])


def write_invented(path: Path, kind: str, model: ClusterModel, rows: int) -> None:
    """Write a file of 21 columns like those of a bank's card customers, block by block."""
    rng = np.random.default_rng(1)
    writer = None
    for start in range(0, rows, _BLOCK):
        table = invented(model, rng, start, min(_BLOCK, rows - start))
        if writer is None:
            writer = (
                pa.csv.CSVWriter(
                    path, table.schema, write_options=pa.csv.WriteOptions(quoting_style="needed")
                )
                if kind == "csv"
                else pa.parquet.ParquetWriter(path, table.schema)
            )
        writer.write_table(table)
    assert writer is not None
    writer.close()


def invented(model: ClusterModel, rng: np.random.Generator, start: int, rows: int) -> pa.Table:
    """A block of customers, drawn between the quartiles of random clusters."""
    columns: dict[str, pa.Array] = {
        "CLIENTNUM": pa.array(range(700_000_000 + start, 700_000_000 + start + rows))
    }
    for name, words in _WORDS.items():
        columns[name] = pa.array(words).take(pa.array(rng.integers(0, len(words), rows)))
    clusters = rng.integers(0, len(model.clusters), rows)
    for feature in model.contract.features:
        quartiles = np.array(
            [(c.profile[feature.name].q1, c.profile[feature.name].q3) for c in model.clusters]
        )
        values = quartiles[clusters, 0] + rng.random(rows) * (
            quartiles[clusters, 1] - quartiles[clusters, 0]
        )
        columns[feature.name] = pa.array(values.round().astype(np.int64))
    for number in range(8):
        columns[f"Count_{number}"] = pa.array(rng.integers(0, 60, rows))
    for number in range(3):
        columns[f"Ratio_{number}"] = pa.array(rng.random(rows).round(3))
    return pa.table(columns)


if __name__ == "__main__":
    main()
