"""A results folder, here or in S3, and what scores small files into it."""

from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pytest

from model_store import S3Address
from model_store.storage.s3 import S3Storage
from pipeline.model.cluster_model import ClusterModel
from pipeline.runs import FolderRuns, LocalInput, RunResult, RunStore, WholeFile, score
from pipeline.runs.s3 import S3Runs
from pipeline.scoring.period import DEFAULT_PERIODS, PeriodPattern
from pipeline.scoring.spec import Options, ScoringSpec
from tests.support.histories import customers_of

Score = Callable[..., RunResult]


@pytest.fixture(params=["folder", "s3"])
def runs(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[RunStore]:
    if request.param == "folder":
        yield FolderRuns(tmp_path / "results")
        return
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    bucket = request.getfixturevalue("make_bucket")()
    yield S3Runs(S3Storage(request.getfixturevalue("s3"), S3Address(bucket, "out/results")))


@pytest.fixture
def score_named(model: ClusterModel, runs: RunStore, tmp_path: Path) -> Score:
    """Scores a file of a name."""

    def run(
        name: str,
        content: str | None = None,
        as_of: date | None = None,
        version: str = "v1",
        periods: PeriodPattern = DEFAULT_PERIODS,
        tell: Callable[[str], None] = lambda note: None,
    ) -> RunResult:
        path = tmp_path / name
        path.write_text(customers_of(20) if content is None else content)
        spec = ScoringSpec(model, version, Options(as_of=as_of), periods)
        return score(LocalInput.at(path), spec, runs, WholeFile(), tell=tell)

    return run
