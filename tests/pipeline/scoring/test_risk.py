"""Files get the risk of each customer, whatever their format and however they are scored."""

import csv
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow.parquet as pq
import pytest

from pipeline.model.cluster_model import ClusterModel
from pipeline.reading.facts import Format
from pipeline.scoring.documents import APPENDED_COLUMNS, RISK_COLUMNS
from pipeline.scoring.spec import Challenger, Options
from tests.support.comparing import assert_same
from tests.support.risk import SCORE, with_score
from tests.support.scoring import score_file

if TYPE_CHECKING:
    from pipeline.training import Trained

Write = Callable[..., Path]
MEMBERS = "".join(
    f"{n:04d},{n % 30},{15 + n % 90}.5,{'basic' if n % 3 else 'plus'}\n" for n in range(200)
)
CSV = f"member,visits,fee,plan\n{MEMBERS}x,many,20,basic\n"


@pytest.fixture(scope="module")
def scored(gym_trained: "Trained") -> ClusterModel:
    return with_score(replace(gym_trained.model, risk=None))


def assigned(path: Path, model: ClusterModel, out: Path, options: Options) -> Path:
    manifest = score_file(path, model, "v1", out, options)
    assert [*manifest["columns"]][6:9] == list(RISK_COLUMNS)
    return out / str(manifest["outputs"]["assigned"])


def test_a_text_file_gets_the_risk_that_a_look_up_says(
    scored: ClusterModel, write: Write, tmp_path: Path
) -> None:
    with assigned(write(CSV), scored, tmp_path / "out", Options()).open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 200
    assert list(rows[0])[4:] == [*APPENDED_COLUMNS, *RISK_COLUMNS]
    for row in rows:
        risk = scored.assign({name: row[name] for name in ("visits", "fee", "plan")}).risk
        assert risk is not None
        told = [f"{share:.5f}" for share in risk[:3]]
        assert [row[name] for name in RISK_COLUMNS] == told


def test_parquet_has_the_risk_in_full(scored: ClusterModel, write: Write, tmp_path: Path) -> None:
    path = assigned(write(CSV), scored, tmp_path / "out", Options("parquet"))
    for row in pq.read_table(path).to_pylist():
        customer = {"visits": row["visits"], "fee": row["fee"], "plan": row["plan"]}
        risk = scored.assign(customer).risk
        assert risk is not None
        assert [row[name] for name in RISK_COLUMNS] == pytest.approx(risk[:3], abs=1e-12)


def test_a_decimal_comma_is_kept_and_quoted_where_it_separates_cells(
    scored: ClusterModel, write: Write, tmp_path: Path
) -> None:
    semicolons = CSV.replace(",", ";").replace(".5", ",5")
    text = assigned(write(semicolons), scored, tmp_path / "a", Options()).read_text()
    assert text.splitlines()[1].count(";") == 3 + 9 and "0," in text.splitlines()[1]
    lines = "".join(f'{n},{n},"{20 + n},5",basic\n' for n in range(30))
    commas = f"member,visits,fee,plan\n{lines}"
    path = assigned(write(commas, "commas.csv"), scored, tmp_path / "b", Options())
    with path.open() as file:
        row = next(csv.DictReader(file))
    risk = scored.assign({"visits": 0, "fee": 20.5, "plan": "basic"}).risk
    assert risk is not None and row["risk"] == f"{risk.rate:.5f}".replace(".", ",")


@pytest.mark.parametrize("written", ["csv", "parquet"])
def test_parts_say_the_same(
    scored: ClusterModel, write: Write, tmp_path: Path, written: Format
) -> None:
    challenger = Challenger(replace(scored, risk=None, golden=scored.golden[:1]), "v0", True)
    options = Options(written, safe_csv=written == "csv", challenger=challenger)
    manifest = assert_same(write(CSV), scored, tmp_path / "parts", options, part_bytes=900)
    assert [*manifest["columns"]] == [*APPENDED_COLUMNS, *RISK_COLUMNS, "challenger_cluster"]
    assert_same(write(CSV), scored, tmp_path / "text", Options(), part_bytes=900)


def test_a_model_without_a_score_appends_what_it_did(
    scored: ClusterModel, write: Write, tmp_path: Path
) -> None:
    golden = tuple(replace(each, risk=None) for each in scored.golden)
    manifest = score_file(
        write(CSV), replace(scored, risk=None, golden=golden), "v1", tmp_path / "out", Options()
    )
    assert tuple(manifest["columns"]) == APPENDED_COLUMNS


def test_the_risk_takes_neither_scipy_nor_scikit_learn_nor_pandas() -> None:
    program = (
        "import sys, json\n"
        "from pipeline.model.contract import load_contract\n"
        "from pipeline.model.risk import RiskScore\n"
        "from tests.support.risk import CONTRACT\n"
        "score = RiskScore.from_dict(json.loads(sys.argv[1]), CONTRACT)\n"
        "score.assess({'visits': 3.0, 'fee': 20.0, 'plan': 'plus'})\n"
        "assert 'numpy' not in sys.modules, 'numpy'\n"
        "import numpy as np\n"
        "plans, ones = np.array(['plus'] * 3), np.ones(3)\n"
        "score.assess_many({'visits': ones, 'fee': ones, 'plan': plans})\n"
        "heavy = {'scipy', 'sklearn', 'pandas', 'pyarrow', 'matplotlib'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    document = json.dumps(SCORE.to_dict())
    subprocess.run([sys.executable, "-c", program, document], check=True)
