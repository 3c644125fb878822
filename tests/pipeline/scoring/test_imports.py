"""Scoring loads nothing that only training needs, whatever is installed and whatever it reads."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from model_store import BUNDLED
from tests.support.paths import CUSTOMERS

CODE = f"""
import json, sys
from pathlib import Path

from model_store import open_store
from pipeline.model.published.loading import load_model
from pipeline.runs import FolderRuns, LocalInput, WholeFile, score
from pipeline.runs.challengers import load_challenger
from pipeline.runs.in_parts import InParts
from pipeline.scoring.spec import Options, ScoringSpec

store, folder = open_store({str(BUNDLED)!r}), Path(sys.argv[1])
artifact = store.open("champion")
model = load_model(artifact)
second = load_challenger(store, "original", artifact.version)
in_parts = InParts(lambda task, parts: [task.score(part) for part in parts], 2000)
for path in sorted(folder.glob("*.*")):
    safe = Options("csv", safe_csv=True, challenger=second)
    for options in (Options(), Options("parquet"), safe):
        for engine in (WholeFile(), in_parts):
            out = FolderRuns(folder / type(engine).__name__)
            score(LocalInput.at(path), ScoringSpec(model, artifact.version, options), out, engine)
            late = {{"pandas", "scipy", "sklearn", "matplotlib", "boto3"}} & set(sys.modules)
            if late:
                sys.exit(f"{{path.name}} with {{options}} and {{engine}} loaded {{late}}")
print(json.dumps(len(list(folder.glob("*/*/*/manifest.json")))))
"""


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """The same customers in many ways, a few of them broken."""
    folder = tmp_path / "files"
    folder.mkdir()
    few = pd.read_csv(CUSTOMERS, dtype={"CLIENTNUM": str}, on_bad_lines="skip")
    numbers = few.columns[3:9]
    few[numbers] = few[numbers].apply(pd.to_numeric, errors="coerce")
    few = few[few[numbers].abs().max(axis=1) < 1e9].dropna(subset=numbers).head(60)
    few.to_csv(folder / "plain.csv", index=False)
    text = few.to_csv(index=False)
    lines = text.splitlines()
    odd = [lines[0], '"', lines[1].replace(",", ",x", 1), *lines[2:40], lines[0], "a,b", lines[41]]
    (folder / "odd.csv").write_text("\n".join(odd) + "\n")
    (folder / "cut.csv").write_text("\n".join(line + "," for line in lines) + "\n")
    german = few.assign(City="Köln, Straße", Credit_Limit=few["Credit_Limit"] + 0.25)
    german.to_csv(folder / "german.csv", index=False, sep=";", decimal=",", encoding="cp1252")
    few.to_excel(folder / "book.xlsx", index=False)
    far = few.astype(dict.fromkeys(numbers, float))
    far["Total_Trans_Amt"] *= 1e3
    far.to_csv(folder / "far.csv.gz", index=False)
    table = pa.Table.from_pandas(few.assign(day=pd.Timestamp("2026-01-02")), preserve_index=False)
    pq.write_table(table, folder / "typed.parquet", use_deprecated_int96_timestamps=True)
    views = [pa.string_view() if pa.types.is_large_string(f.type) or pa.types.is_string(f.type)
             else f.type for f in table.schema]  # fmt: skip
    holes = table.cast(pa.schema(list(zip(table.schema.names, views, strict=True))))
    missing = pa.array(np.where(np.arange(len(few)) % 7, 1000.0, np.nan), from_pandas=True)
    at = holes.schema.get_field_index("Total_Trans_Amt")
    pq.write_table(holes.set_column(at, "Total_Trans_Amt", missing), folder / "holes.parquet")
    return sorted(folder.iterdir())


def test_no_file_brings_pandas_scikit_learn_or_scipy(files: list[Path]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", CODE, str(files[0].parent)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == 2 * 3 * len(files)


def test_a_plain_file_brings_no_masked_arrays_and_nothing_that_explains(files: list[Path]) -> None:
    """Numpy loads its masked arrays by itself when it looks for something among nothing."""
    (plain,) = (path for path in files if path.name == "plain.csv")
    code = f"""
import sys
from pathlib import Path
from model_store import BUNDLED, open_store
from pipeline.model.published.loading import load_model
from pipeline.runs import FolderRuns, LocalInput, WholeFile, score
from pipeline.scoring.spec import ScoringSpec

artifact = open_store(BUNDLED).open("champion")
spec = ScoringSpec(load_model(artifact), artifact.version)
runs = FolderRuns(Path({str(plain.parent)!r}, "results"))
score(LocalInput.at(Path({str(plain)!r})), spec, runs, WholeFile())
late = {{"numpy.ma", "pipeline.scoring.explainer"}}
late |= {{"pipeline.model.many.counterfactuals", "pipeline.model.many.explanations"}}
sys.exit(", ".join(late & set(sys.modules)) or None)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
