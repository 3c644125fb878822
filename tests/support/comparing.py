"""What two ways of scoring the same file must have in common."""

import csv
import io
import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import pyarrow as pa
import pyarrow.parquet as pq

from model_store import CustomerClustersError
from pipeline.model.cluster_model import ClusterModel
from pipeline.scoring.parts.distributed import Runner, score_in_parts
from pipeline.scoring.parts.locations import LocalTarget
from pipeline.scoring.parts.part import PartResult, PartTask
from pipeline.scoring.parts.part_plan import Part
from pipeline.scoring.parts.shared_input import SharedInput
from pipeline.scoring.results import conclude
from pipeline.scoring.spec import Options, ScoringSpec
from tests.support.scoring import score_file

WRITTEN_ONCE = ("rejected.csv", "clusters.csv", "summary.json", "report.html")


def one_after_the_other(task: PartTask, parts: Sequence[Part]) -> list[PartResult]:
    """Parts in a random order, every third one twice, as when its worker died at the end."""
    order = list(parts) + list(parts)[::3]
    random.Random(len(parts)).shuffle(order)
    return [task.score(part) for part in order]


def in_parts(
    path: Path | SharedInput,
    model: ClusterModel,
    out: Path,
    options: Options | None = None,
    *,
    run: Runner = one_after_the_other,
    part_bytes: int = 200,
) -> dict[str, Any]:
    """The manifest of a local file, or of a data set, that was scored in parts."""
    shared = SharedInput.at(path) if isinstance(path, Path) else path
    out.mkdir(parents=True, exist_ok=True)
    spec = ScoringSpec(model, "v1", options or Options())
    rows = score_in_parts(run, shared, spec, LocalTarget(out), out, part_bytes)
    return cast(dict[str, Any], conclude(out, spec, rows))


def assert_same(
    path: Path, model: ClusterModel, folder: Path, options: Options | None = None, **how: Any
) -> dict[str, Any]:
    """Score a file whole and in parts, or have both refuse it; the manifest of the parts."""
    chosen = options or Options()
    try:
        whole = score_file(path, model, "v1", folder / "whole", chosen)
    except CustomerClustersError as error:
        try:
            in_parts(path, model, folder / "parts", chosen, **how)
        except type(error) as other:
            assert str(other).split(";")[0][:40] == str(error).split(";")[0][:40]
            return {}
        raise AssertionError(f"refused as a whole only: {error}") from error
    found = in_parts(path, model, folder / "parts", chosen, **how)
    assert_same_results(whole, folder / "whole", found, folder / "parts")
    return found


def assert_same_results(
    whole: dict[str, Any], whole_out: Path, found: dict[str, Any], folder: Path
) -> None:
    """The same manifests but for the files of assigned rows, and the same files behind them."""
    assert {k: v for k, v in found.items() if k != "bytes"} == {
        k: v for k, v in whole.items() if k != "bytes"
    }
    at = whole_out / whole["outputs"]["summary"]
    for name in WRITTEN_ONCE:
        assert (folder / name).read_bytes() == at.with_name(name).read_bytes(), name
    assert json.loads((folder / "manifest.json").read_text()) == found
    told = {str(p.relative_to(folder)): p.stat().st_size for p in folder.rglob("*") if p.is_file()}
    told.pop("manifest.json")
    assert told == found["bytes"]  # so nothing else is left
    assert_same_assigned(found, folder, whole_out / whole["outputs"]["assigned"])


def assert_same_assigned(found: dict[str, Any], folder: Path, assigned: Path) -> None:
    """The rows of the parts in their order are those of one file."""
    parts = [folder / name for name in found["bytes"] if name.startswith("assigned.")]
    if assigned.suffix == ".parquet":
        together = pa.concat_tables(pq.read_table(part) for part in parts)
        assert together.equals(pq.read_table(assigned), check_metadata=True)
    else:
        header, *rows = _rows(assigned)
        apart = [_rows(part) for part in parts]
        assert all(head == header for head, *_ in apart)
        assert [row for _, *part in apart for row in part] == rows


def _rows(path: Path) -> list[list[str]]:
    text = path.read_bytes().decode("utf-8-sig", "surrogateescape")
    delimiter = max(",;\t|", key=text.split("\n", 1)[0].count)
    return list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
