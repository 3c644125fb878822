"""Runs over invented customers of whom the group is known."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from model_store import BUNDLED, CHAMPION, open_store
from pipeline.model.cluster_model import ClusterModel
from pipeline.model.published.loading import load_model
from pipeline.runs.committed import CommittedRun
from pipeline.runs.moves.spec import KnownModels
from tests.support.moves import write_run

Features = dict[str, NDArray[Any]]
MakeRun = Callable[..., CommittedRun]


@pytest.fixture(scope="session")
def champion() -> ClusterModel:
    return load_model(open_store(BUNDLED).open(CHAMPION))


@pytest.fixture
def known(champion: ClusterModel) -> KnownModels:
    return KnownModels(lambda version: champion, lambda old, new: None)


@pytest.fixture(scope="session")
def pool(champion: ClusterModel) -> tuple[Features, NDArray[np.int64]]:
    """Customers everywhere, and the index of the group of each."""
    rng = np.random.default_rng(7)
    features = {
        "Total_Revolving_Bal": rng.integers(0, 2518, 20_000).astype(float),
        "Total_Trans_Amt": rng.integers(510, 18_000, 20_000).astype(float),
        "Total_Trans_Ct": rng.integers(10, 130, 20_000).astype(float),
    }
    ids = [cluster.id for cluster in champion.clusters]
    return features, np.searchsorted(ids, champion.assign_many(features).cluster)


@pytest.fixture
def customers_in(
    pool: tuple[Features, NDArray[np.int64]],
) -> Callable[[Sequence[int] | NDArray[np.int64]], Features]:
    """Customers of wanted groups, by the indices of these."""
    features, groups = pool

    def draw(wanted: Sequence[int] | NDArray[np.int64]) -> Features:
        rng, wanted = np.random.default_rng(8), np.asarray(wanted)
        rows = np.zeros(len(wanted), np.int64)
        for group in np.unique(wanted):
            here = wanted == group
            rows[here] = rng.choice(np.flatnonzero(groups == group), int(here.sum()))
        return {name: values[rows] for name, values in features.items()}

    return draw


@pytest.fixture
def make_run(
    champion: ClusterModel, customers_in: Callable[..., Features], tmp_path: Path
) -> MakeRun:
    """A run of some ids in wanted groups."""

    def make(
        name: str,
        ids: Any,
        groups: Sequence[int] | NDArray[np.int64],
        *,
        model: ClusterModel | None = None,
        **stated: Any,
    ) -> CommittedRun:
        return write_run(tmp_path / name, model or champion, ids, customers_in(groups), **stated)

    return make
