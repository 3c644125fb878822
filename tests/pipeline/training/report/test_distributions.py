"""Distributions by cluster: everybody counts, nobody stands alone."""

import re

import numpy as np
import pytest

from pipeline.model.contract import Feature
from pipeline.training.report.customer_map import FEWEST
from pipeline.training.report.distributions import spread_by_cluster

FEE = Feature("fee", "number", "Fee", unit="EUR")


def outlines(svg: str) -> list[str]:
    """What is filled, by cluster: the histograms."""
    return re.findall(r'<path d="([^"]+)"[^>]*style="fill: [^"]*opacity: 0.65', svg)


def test_each_cluster_has_its_row_its_quartiles_and_its_words() -> None:
    rng = np.random.default_rng(1)
    values = np.concatenate([rng.normal(20, 1, 300), rng.normal(80, 1, 300)])
    labels = np.repeat([0, 1], 300)
    svg = spread_by_cluster(FEE, values, labels, (4, 7))
    assert len(outlines(svg)) == 2
    assert "Fee in each cluster" in svg
    assert re.search(r"cluster 4: half from 19\S* EUR to 20\S* EUR, median (19|20)\S* EUR", svg)
    assert "Fee (EUR)" in svg


def test_values_of_few_customers_are_not_drawn() -> None:
    common = np.repeat([10.0, 20.0], 100)
    lonely = np.concatenate([common, np.full(FEWEST - 1, 15.0)])
    shown = np.concatenate([common, np.full(FEWEST, 15.0)])
    without, few, enough = (
        outlines(spread_by_cluster(FEE, values, np.zeros(len(values), int), (1,)))[0]
        for values in (common, lonely, shown)
    )
    assert without == few
    assert enough != few


@pytest.mark.parametrize("value", [0.0, 1e-9, 12345.0])
def test_a_value_that_never_varies_is_drawn(value: float) -> None:
    svg = spread_by_cluster(FEE, np.full(50, value), np.arange(50) % 2, (1, 2))
    assert len(outlines(svg)) == 2
    assert "nan" not in svg
