"""Invents examples/customers.csv from what the bundled models state about their clusters.

Nobody in it exists: each value is drawn from the quartiles of a cluster, but for what no customer
combines. A few rows are wrong on purpose.

    .venv/bin/python -m examples.make_customers
"""

import csv
from pathlib import Path

import numpy as np

from model_store import BUNDLED, CHAMPION, open_store
from pipeline.model.cluster import Cluster
from pipeline.model.cluster_model import ClusterModel
from pipeline.model.contract import Feature
from pipeline.model.published.loading import load_model

TARGET = Path(__file__).parent / "customers.csv"
CUSTOMERS = 1_000
CITIES = ("Springfield", "Riverton, East", 'New "Old" Town', "Älmhult", "São Bento")


def invent(
    model: ClusterModel, other: ClusterModel, rng: np.random.Generator
) -> list[dict[str, str]]:
    """Customers with ids, columns that no model uses, features and a churn label.

    Values and churn follow one model; features that only the other has are drawn from that one.
    """
    contract = model.contract
    assert contract.label is not None
    assert contract.id_column is not None
    shares = [cluster.share for cluster in model.clusters]
    rows = []
    for number in range(1, CUSTOMERS + 1):
        cluster = model.clusters[rng.choice(len(shares), p=shares)]
        assert cluster.churn is not None
        left = rng.random() < cluster.churn.rate
        rows.append(
            {
                contract.id_column: f"{number:010d}",
                "City": CITIES[rng.integers(len(CITIES))],
                "Customer_Since": f"20{rng.integers(8, 24):02d}-{rng.integers(1, 13):02d}-01",
                **_features(other, other.clusters[rng.integers(len(other.clusters))], rng),
                **_features(model, cluster, rng),
                contract.label.column: (contract.label.churned if left else contract.label.stayed)[
                    0
                ],
            }
        )
    return rows


def straighten(rows: list[dict[str, str]], model: ClusterModel, rng: np.random.Generator) -> None:
    """Draw again what no customer combines, within the same cluster."""
    names = [feature.name for feature in model.contract.features]
    for row in rows:
        before = model.assign({name: row[name] for name in names})
        found = before
        while found.combination or found.cluster.id != before.cluster.id:
            row.update(_features(model, before.cluster, rng))
            found = model.assign({name: row[name] for name in names})


def _features(model: ClusterModel, cluster: Cluster, rng: np.random.Generator) -> dict[str, str]:
    numeric = [feature for feature in model.contract.features if feature.numeric]
    return {feature.name: _random_value(feature, cluster, rng) for feature in numeric}


def _random_value(feature: Feature, cluster: Cluster, rng: np.random.Generator) -> str:
    profile = cluster.profile[feature.name]
    spread = profile.q3 - profile.q1
    knots = [profile.q1 - spread, profile.q1, profile.median, profile.q3, profile.q3 + spread]
    value = float(np.interp(rng.random(), [0, 0.25, 0.5, 0.75, 1], knots))
    low, high = feature.typical.low, feature.typical.high
    value = min(max(value, 0 if low is None else low), value if high is None else high)
    return f"{value:.0f}" if feature.type == "integer" or abs(value) >= 100 else f"{value:.3f}"


def spoil(rows: list[dict[str, str]], names: list[str]) -> None:
    """Make one row wrong for each mistake that people make."""
    mistakes = ("", "unknown", "-1", "NaN", "inf")
    for index, mistake in enumerate(mistakes):
        rows[100 + 150 * index][names[index % len(names)]] = mistake


def main() -> None:
    """Write the file."""
    store = open_store(BUNDLED)
    model, other = (load_model(store.open(alias)) for alias in (CHAMPION, "original"))
    rows = invent(model, other, np.random.default_rng(2))
    straighten(rows, model, np.random.default_rng(3))
    spoil(rows, [feature.name for feature in model.contract.features if feature.numeric])
    with TARGET.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        file.write("0000001001,a row that ends too early\n")


if __name__ == "__main__":
    main()
