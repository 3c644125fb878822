"""Invented customers, and whether a file of them gives right clusters, whatever it looks like."""

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from model_store import BUNDLED, CustomerClustersError, open_store
from pipeline.model.cluster_model import ClusterModel
from pipeline.model.published.loading import load_model
from pipeline.scoring.spec import Options
from tests.support.scoring import score_file

HEADER = ["CLIENTNUM", "Place", "Limit", *("Total_Revolving_Bal", "Total_Trans_Amt"), "Ratio",
          "Total_Trans_Ct", "Attrition_Flag"]  # fmt: skip
FEATURES = (3, 4, 6)
ROWS = [
    ["81001", "Ambach", "12500.5", "0", "1900", "0.5", "38", "Attrited Customer"],
    ["81002", "Birkfeld", "3120.25", "1500", "4100", "0.25", "76", "Existing Customer"],
    ["81003", "Dorla", "900.75", "2517", "13800", "0.125", "104", "Existing Customer"],
    ["81004", "Elsbach", "2210.5", "0", "2210", "0.75", "31", "Attrited Customer"],
    ["81005", "Fahrland", "7044.5", "890", "15120", "0.5", "98", "Existing Customer"],
    ["81006", "Grebin", "1438.25", "1180", "1320", "0.25", "29", "Existing Customer"],
]


@cache
def champion() -> ClusterModel:
    artifact = open_store(BUNDLED).open("champion")
    return load_model(artifact)


@dataclass(frozen=True, slots=True)
class Seen:
    """What became of a file."""

    refused: str
    """Why it was refused; empty where it was scored."""
    manifest: dict[str, Any]
    clusters: dict[str, str]
    rejects: list[dict[str, str]]
    written: bytes
    """The assigned file."""


def text_of(rows: Iterable[Sequence[str]], delimiter: str = ",", newline: str = "\n") -> str:
    """Rows as CSV, the header first."""
    target = io.StringIO()
    csv.writer(target, delimiter=delimiter, lineterminator=newline).writerows([HEADER, *rows])
    return target.getvalue()


def score(path: Path, **options: Any) -> Seen:
    """Score a file and read what comes out with Python's own reader."""
    try:
        manifest = score_file(path, champion(), "v1", path.parent / "out", Options(**options))
    except CustomerClustersError as error:
        assert "\n" not in str(error)
        return Seen(str(error), {}, {}, [], b"")
    outputs = {role: path.parent / "out" / name for role, name in manifest["outputs"].items()}
    written = outputs["assigned"].read_bytes()
    delimiter = manifest["input"].get("delimiter", ",")
    csv.field_size_limit(1 << 22)
    lines = io.StringIO(written.decode("utf-8-sig", "surrogateescape"), newline="")
    header, *rows = list(csv.reader(lines, delimiter=delimiter))
    assert len(rows) == manifest["rows_assigned"]
    assert {len(row) for row in rows} <= {len(header)}
    place = header.index("CLIENTNUM") if "CLIENTNUM" in header else 0
    clusters = {row[place].strip(): row[header.index("cluster")] for row in rows}
    rejected = io.StringIO(outputs["rejected"].read_bytes().decode("utf-8-sig"), newline="")
    rejects = list(csv.DictReader(rejected, delimiter=delimiter))
    assert len(rejects) == manifest["rows_rejected"]
    return Seen("", manifest, clusters, rejects, written)


@cache
def right() -> dict[str, str]:
    """The cluster of each invented customer."""
    model, found = champion(), {}
    for row in ROWS:
        values: dict[str, object] = {HEADER[place]: float(row[place]) for place in FEATURES}
        found[row[0]] = str(model.assign(values).cluster.id)
    return found


def assert_never_wrong(seen: Seen) -> None:
    """Whoever is assigned has the right cluster: rejects and refusals are no lies."""
    assert seen.clusters.items() <= right().items()


def assert_right(seen: Seen) -> None:
    """Everybody is assigned, and rightly."""
    assert seen.refused == ""
    assert seen.clusters == right()
    assert seen.rejects == []
