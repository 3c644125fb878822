"""What the tests of exports share: models of several shapes, and the scorer's answers."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from model_store import BUNDLED, open_store
from pipeline.model.cluster_model import ClusterModel
from pipeline.model.contract import Contract, Feature, Range
from pipeline.model.geometry import Space
from pipeline.model.published.loading import load_model
from tests.support.borders import Columns, around_borders

SOLVED: dict[str, tuple[str, dict[str, tuple[float, float]]]] = {
    "champion": (
        "Total_Trans_Amt",
        {"Total_Revolving_Bal": (0, 2600), "Total_Trans_Ct": (10, 139)},
    ),
    "original": (
        "Credit_Limit",
        {
            "Total_Revolving_Bal": (0, 2600),
            "Contacts_Count_12_mon": (0, 6),
            "Avg_Utilization_Ratio": (0, 1),
        },
    ),
}


@pytest.fixture(scope="session", params=["champion", "original"])
def reference(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="session")
def bundled(reference: str) -> ClusterModel:
    return load_model(open_store(BUNDLED).open(reference))


@pytest.fixture(scope="session")
def champion() -> ClusterModel:
    return load_model(open_store(BUNDLED).open("champion"))


@pytest.fixture(scope="session")
def real_columns(bundled: ClusterModel, bank_churners: Path) -> Columns:
    frame = pd.read_csv(bank_churners)
    return {f.name: frame[f.name].to_numpy(float) for f in bundled.contract.features}


@pytest.fixture(scope="session")
def border_columns(reference: str, bundled: ClusterModel) -> Columns:
    """A million customers, a tenth of them on a border but for rounding."""
    solved, spans = SOLVED[reference]
    return around_borders(bundled, solved, spans, 1_000_000, seed=3)


@pytest.fixture(scope="session")
def gym_model(gym_models: Path) -> ClusterModel:
    """Reads a category, and takes a missing number of visits."""
    return load_model(open_store(gym_models).open("champion"))


@pytest.fixture(scope="session")
def bent_model(champion: ClusterModel) -> tuple[ClusterModel, Columns]:
    """Every branch of Yeo-Johnson, no rotation, a name that SQL has to escape, and customers."""
    names = ("a", 'b "and" c', "Größe", "d", "e")
    features = tuple(Feature(name, "number", name, valid=Range(None, None)) for name in names)
    columns = tuple(replace(champion.columns[0], feature=name) for name in names)
    space = Space((0.0, 2.0, 0.5, 2.5, None), (0.1,) * 5, (0.7, 1.0, 1.3, 2.0, 1.0))
    clusters = tuple(
        replace(
            champion.clusters[index],
            id=cluster_id,
            name=f"it's */ \\ {cluster_id}",
            centre=centre,
            churn=None,
            outlier_residual=None,
        )
        for index, (cluster_id, centre) in enumerate(
            ((2, (0.0, 1.0, 0.0, 1.0, -1.0)), (7, (-1.0, 0.0, 1.0, 0.5, 2.0)))
        )
    )
    contract = Contract("bent", "Bent", features)
    values = np.random.default_rng(5).normal(0, 3, (5, 2_000))
    values[:, 0] = 0
    model = ClusterModel(contract, columns, space, clusters, {}, ())
    return model, dict(zip(names, values, strict=True))
