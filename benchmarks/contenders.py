"""Ways to score a file, each in a process of its own.

.venv/bin/python -m benchmarks.contenders ours customers.csv results parquet
.venv/bin/python -m benchmarks.contenders --cold polars customers.csv results parquet
"""

import json
import math
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

FEW = "few"
"""The name of a file of the same kind beside the source, with a few of its rows: each contender
scores it first, so that what a service does once is behind everybody."""


def main() -> None:
    """Score a file as the arguments say; once warm, print what it took as JSON."""
    *cold, who, source, out, target = sys.argv[1:]
    run = CONTENDERS[who]()
    if cold:  # whoever started this process has the time
        run(Path(source), Path(out), target)
        return
    with tempfile.TemporaryDirectory() as warm:
        run(Path(source).with_stem(FEW), Path(warm), target)
    started, before = time.perf_counter(), time.process_time()
    run(Path(source), Path(out), target)
    seconds, processor = time.perf_counter() - started, time.process_time() - before
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
    print(json.dumps({"seconds": seconds, "processor_seconds": processor, "peak_mb": peak}))


def ours(why: int = 0, *, what_if: bool = False) -> Callable[[Path, Path, str], None]:
    """Everything: checks, rejects, summary, drift, report; with reasons and changes if wanted."""
    from model_store import BUNDLED, CHAMPION, open_store
    from pipeline.model.published.loading import load_model
    from pipeline.runs import FolderRuns, LocalInput, WholeFile, score
    from pipeline.scoring.spec import Explaining, Options, ScoringSpec

    artifact = open_store(BUNDLED).open(CHAMPION)
    model, explaining = load_model(artifact), Explaining(why, what_if=what_if)

    def run(source: Path, out: Path, target: Any) -> None:
        spec = ScoringSpec(model, artifact.version, Options(target, explaining=explaining))
        score(LocalInput.at(source), spec, FolderRuns(out), WholeFile())

    return run


def pandas() -> Callable[[Path, Path, str], None]:
    """The script most people write: read, predict, write. Only the cluster, nothing checked."""
    import joblib
    import pandas as pd

    pipeline = joblib.load(_champion() / "pipeline.joblib")

    def run(source: Path, out: Path, target: str) -> None:
        frame = pd.read_csv(source)
        frame["cluster"] = pipeline.predict(frame[list(pipeline.feature_names_in_)]) + 1
        if target == "csv":
            frame.to_csv(out / "assigned.csv", index=False)
        else:
            frame.to_parquet(out / "assigned.parquet", index=False)

    return run


def polars() -> Callable[[Path, Path, str], None]:
    """Polars' streaming engine doing the same arithmetic, nothing checked, nothing counted."""
    import polars as pl

    document = json.loads((_champion() / "model.json").read_bytes())

    def run(source: Path, out: Path, target: str) -> None:
        scan = pl.scan_csv if source.suffix == ".csv" else pl.scan_parquet
        frame = _assigned(scan(source), document)
        if target == "csv":
            frame.sink_csv(out / "assigned.csv")
        else:
            frame.sink_parquet(out / "assigned.parquet")

    return run


def _champion() -> Path:
    """The folder of the bundled champion, found without our code: it would cost the others time."""
    store = Path(__file__).parents[1] / "model_store" / "artifacts"
    alias = json.loads((store / "aliases" / "champion.json").read_bytes())
    return store / "versions" / str(alias["version"])


def _assigned(frame: Any, document: dict[str, Any]) -> Any:
    import polars as pl

    space, clusters = document["space"], document["clusters"]
    u, residual = _coordinates(space, [column["feature"] for column in document["columns"]])
    squared = [
        sum(((axis - c) ** 2 for axis, c in zip(u, k["centre"], strict=True)), pl.lit(0.0))
        for k in clusters
    ]
    names = [f"_d{index}" for index in range(len(clusters))]
    frame = frame.with_columns(*(d.alias(n) for d, n in zip(squared, names, strict=True)))
    frame = frame.with_columns(pl.min_horizontal(names).alias("_own"))
    other = [pl.when(pl.col(n) == pl.col("_own")).then(None).otherwise(pl.col(n)) for n in names]
    frame = frame.with_columns(pl.min_horizontal(other).sqrt().alias("_other"))

    def of_own(values: list[Any]) -> Any:
        chosen = pl.lit(values[-1])
        for name, value in zip(names[:-1][::-1], values[:-1][::-1], strict=True):
            chosen = pl.when(pl.col(name) == pl.col("_own")).then(pl.lit(value)).otherwise(chosen)
        return chosen

    own, other_distance = pl.col("_own").sqrt(), pl.col("_other")
    appended = {
        "cluster": of_own([k["id"] for k in clusters]),
        "cluster_name": of_own([k["name"] for k in clusters]),
        "churn_rate": of_own([k["churn"]["rate"] for k in clusters]),
        "distance": own,
        "margin": (other_distance - own) / (other_distance + own),
        "outlier": (own > of_own([k["outlier_distance"] for k in clusters]))
        | (residual > of_own([k.get("outlier_residual", math.inf) ** 2 for k in clusters])),
    }
    frame = frame.with_columns(*(value.alias(name) for name, value in appended.items()))
    return frame.drop(*names, "_own", "_other")


def _coordinates(space: dict[str, Any], columns: list[str]) -> tuple[list[Any], Any]:
    """The coordinates in the model's space, and the squared distance off it."""
    import polars as pl

    z = []
    for name, power, mean, scale in zip(
        columns, space["lambdas"], space["mean"], space["scale"], strict=True
    ):
        value = pl.col(name).cast(pl.Float64)
        transformed = value if power is None else ((value + 1).pow(power) - 1) / power
        z.append((transformed - mean) / scale)
    if space["components"] is None:
        return z, pl.lit(0.0)
    moved = [value - mean for value, mean in zip(z, space["pca_mean"], strict=True)]
    u = [
        sum((value * weight for value, weight in zip(moved, axis, strict=True)), pl.lit(0.0))
        for axis in space["components"]
    ]
    squares = [sum((value * value for value in values), pl.lit(0.0)) for values in (moved, u)]
    return u, squares[0] - squares[1]


CONTENDERS: dict[str, Callable[[], Callable[[Path, Path, str], None]]] = {
    "ours": ours,
    "why 1": partial(ours, 1),
    "why 3": partial(ours, 3),
    "what-if": partial(ours, what_if=True),
    "pandas": pandas,
    "polars": polars,
}
EXPLAINING = ("why 1", "why 3", "what-if")
"""Those that explain each row."""

if __name__ == "__main__":
    main()
