"""Runs over invented customers."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipeline.model.cluster_model import ClusterModel
from pipeline.runs.committed import CommittedRun, open_run
from pipeline.scoring.spec import Options
from tests.support.audiences import customers
from tests.support.scoring import score_file

MakeRun = Callable[..., CommittedRun]


@pytest.fixture
def make_run(model: ClusterModel, tmp_path: Path) -> MakeRun:
    """Scores a file, by default of invented customers, and opens the run."""

    def make(content: str | bytes | Path | None = None, **chosen: Any) -> CommittedRun:
        path = tmp_path / "customers.csv"
        if isinstance(content, Path):
            path = content
        else:
            text = customers() if content is None else content
            path.write_bytes(text.encode() if isinstance(text, str) else text)
        plain = replace(model, risk=None)
        manifest = score_file(path, plain, "v1", tmp_path / "out", Options(**chosen))
        return open_run(str((tmp_path / "out" / manifest["outputs"]["summary"]).parent))

    return make
