"""Rows per second for scoring files, and microseconds for one look-up.

.venv/bin/python -m benchmarks.files --rows 2000000
"""

import argparse
import subprocess
import sys
import tempfile
import time
import timeit
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from model_store import BUNDLED, CHAMPION, open_store
from pipeline.model import ClusterModel
from pipeline.reading import Format
from pipeline.scoring import Options, score_file

FORMATS: tuple[Format, ...] = ("csv", "parquet")
LOOK_UPS = 20_000


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rows", type=int, default=500_000)
    rows = parser.parse_args(arguments).rows
    artifact = open_store(BUNDLED).open(CHAMPION)
    model = ClusterModel.from_json(artifact.read("model.json"), artifact.version)
    with tempfile.TemporaryDirectory() as folder:
        for format in FORMATS:
            path = Path(folder) / f"customers.{format}"
            write_invented(path, format, model, rows)
            seconds = timed_run(path, model, artifact.version, Path(folder) / "results")
            size = path.stat().st_size / 1e6
            print(
                f"score {format:8} {rows:>9,} rows {size:7.1f} MB {seconds:6.2f} s "
                f"{rows / seconds:>11,.0f} rows/s"
            )
    customer = dict(model.golden[0].customer)
    seconds = min(timeit.repeat(lambda: model.assign(customer), number=LOOK_UPS, repeat=5))
    print(f"look-up, with reasons  {seconds / LOOK_UPS * 1e6:6.1f} µs")
    print(f"command assign, start to end  {command_seconds(model):6.3f} s")


def write_invented(path: Path, format: Format, model: ClusterModel, rows: int) -> None:
    """A file with an id, the features in their typical ranges, and columns to pass through."""
    rng = np.random.default_rng(1)
    columns = {"CLIENTNUM": pa.array([f"{number:010d}" for number in range(rows)])}
    for feature in model.contract.features:
        low, high = feature.typical.low or 0.0, feature.typical.high or 1.0
        values = rng.uniform(low, high, rows)
        columns[feature.name] = pa.array(
            values.round() if feature.type == "integer" else values.round(3)
        )
    for number in range(16):
        columns[f"other_{number}"] = pa.array(rng.integers(0, 1_000, rows))
    table = pa.table(columns)
    if format == "csv":
        pa.csv.write_csv(table, path)
    else:
        pa.parquet.write_table(table, path)


def timed_run(path: Path, model: ClusterModel, version: str, out: Path) -> float:
    start = time.perf_counter()
    score_file(path, model, version, out, Options())
    return time.perf_counter() - start


def command_seconds(model: ClusterModel) -> float:
    """A fresh process from start to end, the best of five."""
    values = [f"{name}={value}" for name, value in model.golden[0].customer.items()]
    command = [str(Path(sys.executable).parent / "customer-clusters"), "assign", *values]
    seconds = []
    for _ in range(5):
        start = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        seconds.append(time.perf_counter() - start)
    return min(seconds)


if __name__ == "__main__":
    main()
