"""Parquet files with bytes flipped, cut out and put in: a run or a refusal, and no other end."""

import io
import random
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.errors import WrongFile
from pipeline.model.cluster_model import ClusterModel
from pipeline.scoring.process.isolated import Isolated
from pipeline.scoring.process.limits import LEAST_MEMORY
from pipeline.scoring.spec import Options
from tests.support.scoring import score_file

SECONDS, CASES = 15.0, 600
ROWS = 12


@pytest.fixture(scope="module")
def isolated() -> Iterator[Isolated]:
    engine = Isolated(LEAST_MEMORY, silent_seconds=20)
    yield engine
    engine.stop()


def originals() -> list[bytes]:
    """Small files, in which most that Parquet knows occurs once."""
    table = pa.table(
        {
            "CLIENTNUM": [f"{n:06d}" for n in range(ROWS)],
            "City": ["Graz", "Linz", None] * (ROWS // 3),
            "Avg_Utilization_Ratio": [0.061] * ROWS,
            "Credit_Limit": [12691.0 + n for n in range(ROWS)],
            "Contacts_Count_12_mon": pa.array([3] * ROWS, pa.int8()),
            "Total_Revolving_Bal": pa.array([777] * ROWS, pa.decimal128(9, 2)),
            "since": pa.array([datetime(2020, 1, 1)] * ROWS, pa.timestamp("us")),
            "nested": [[{"x": 1.5, "y": None}]] * ROWS,
            "flag": [True, False, None] * (ROWS // 3),
        }
    )
    settings: list[dict[str, Any]] = [
        {"compression": "none", "use_deprecated_int96_timestamps": True},
        {"compression": "zstd", "write_page_index": True, "row_group_size": 5},
        {"use_dictionary": False, "data_page_version": "2.0", "store_schema": False},
    ]
    written = []
    for chosen in settings:
        target = io.BytesIO()
        pq.write_table(table, target, **chosen)
        written.append(target.getvalue())
    return written


def damaged(content: bytes, dice: random.Random) -> bytes:
    """A file with some changes, every second time in its footer only."""
    changed = bytearray(content)
    footer = len(content) - 8 - int.from_bytes(content[-8:-4], "little")
    for _ in range(dice.choice((1, 1, 1, 2, 5))):
        at = dice.randrange(dice.choice((4, footer)), len(changed) - 8)
        match dice.randrange(4):
            case 0:
                changed[at] ^= 1 << dice.randrange(8)
            case 1:
                changed[at] = dice.choice((0, 1, 0x7F, 0x80, 0xFF))
            case 2:
                del changed[at : at + dice.randrange(1, 9)]
            case _:
                changed[at:at] = dice.randbytes(dice.randrange(1, 9))
    return bytes(changed)


def test_any_damage_is_a_run_or_a_refusal(
    isolated: Isolated, model: ClusterModel, tmp_path: Path
) -> None:
    files, ends, runs = originals(), time.monotonic() + SECONDS, 0
    for seed in range(CASES):
        dice = random.Random(seed)
        path = tmp_path / f"{seed}.parquet"
        path.write_bytes(damaged(dice.choice(files), dice))
        try:
            score_file(path, model, "v1", tmp_path / "out", Options(), engine=isolated)
            runs += 1
        except WrongFile as refused:
            assert "\n" not in str(refused), seed
        if time.monotonic() > ends:
            break
    assert runs  # some damage does not matter, such as to a statistic
    path.write_bytes(files[0])
    manifest = score_file(path, model, "v1", tmp_path / "last", Options(), engine=isolated)
    assert manifest["rows_assigned"] == ROWS
