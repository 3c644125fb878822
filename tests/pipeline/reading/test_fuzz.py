"""Damaged bytes: refused in one line or scored with rejects, never anything else."""

import io
import random
from pathlib import Path

import pandas as pd
import pytest

from model_store import BUNDLED, CustomerClustersError, open_store
from pipeline.model.published.loading import load_model
from pipeline.scoring.spec import Options
from tests.support.scoring import score_file

ROUNDS = 300


def whole(kind: str) -> bytes:
    rng = random.Random(1)
    frame = pd.DataFrame(
        {
            "CLIENTNUM": [f"{number:06d}" for number in range(60)],
            "Name": ['say "hi", Älva'] * 60,
            "Total_Revolving_Bal": [rng.randrange(2000) for _ in range(60)],
            "Total_Trans_Amt": [rng.random() * 5000 for _ in range(60)],
            "Total_Trans_Ct": [rng.randrange(100) for _ in range(60)],
        }
    )
    buffer = io.BytesIO()
    if kind == "parquet":
        frame.to_parquet(buffer, index=False)
    elif kind == "excel":
        frame.to_excel(buffer, index=False)
    else:
        frame.to_csv(
            buffer, index=False, compression={"method": "gzip"} if kind == "gzip" else None
        )
    return buffer.getvalue()


def damaged(content: bytes, rng: random.Random) -> bytes:
    """Some bytes changed, cut out, doubled or cut off."""
    data = bytearray(content)
    for _ in range(rng.randrange(1, 6)):
        at = rng.randrange(len(data)) if data else 0
        what = rng.randrange(5)
        if what == 0:
            data[at : at + 1] = bytes([rng.randrange(256)])
        elif what == 1:
            del data[at : at + rng.randrange(1, 50)]
        elif what == 2:
            data[at:at] = data[at : at + rng.randrange(1, 200)]
        elif what == 3:
            data[at:at] = rng.choice([b'"', b"\n", b"\r", b"\0", b",", b"\xff", b'""', b";"])
        else:
            del data[at:]
    return bytes(data)


@pytest.mark.parametrize("kind", ["csv", "gzip", "parquet", "excel"])
def test_damaged_files_are_refused_or_scored(kind: str, tmp_path: Path) -> None:
    artifact = open_store(BUNDLED).open("champion")
    model = load_model(artifact)
    content, rng = whole(kind), random.Random(kind)
    outcomes = {"scored": 0, "refused": 0}
    for number in range(ROUNDS):
        path = tmp_path / f"{number}.dat"
        path.write_bytes(damaged(content, rng))
        try:
            manifest = score_file(path, model, "v1", tmp_path / "out", Options())
        except CustomerClustersError as error:
            assert "\n" not in str(error)
            outcomes["refused"] += 1
        else:
            total = manifest["rows_assigned"] + manifest["rows_rejected"]
            assert manifest["rows_in"] == total
            outcomes["scored"] += 1
    assert outcomes["refused"] > 0
    assert outcomes["scored"] > 0 or kind == "gzip"  # which has a checksum
