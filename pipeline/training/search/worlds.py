"""Customers beside others of one group that are like them in all but their groups."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.training.search.sample import Points, Sample
from pipeline.training.statistics.one_group import OneGroup, spread_ties


@dataclass(frozen=True, slots=True)
class World:
    """Some customers: each feature's columns, as they are and transformed."""

    plain: dict[str, Points]
    transformed: dict[str, Points]

    def columns(self, features: Sequence[str], form: Sequence[str]) -> Points:
        """The columns of some features, those of `form` transformed; (customers, columns)."""
        blocks = [(self.transformed if name in form else self.plain)[name] for name in features]
        return np.column_stack(blocks)

    def widths(self, features: Sequence[str]) -> list[int]:
        """How many columns each feature has."""
        return [self.plain[name].shape[1] for name in features]


def observed_world(sample: Sample) -> World:
    """The customers themselves, equal numbers spread out; categories as one column each value."""
    plain: dict[str, Points] = {}
    transformed: dict[str, Points] = {}
    for name in sample.names:
        forms = [sample.points([name]), sample.points([name], yeo_johnson=[name])]
        if name in sample.numbers:
            seed = [sample.seed, *name.encode()]  # a column's own: others change nothing
            forms = [
                _unit(spread_ties(form[:, 0], np.random.default_rng(seed)))[:, None]
                for form in forms
            ]
        plain[name], transformed[name] = forms
    return World(plain, transformed)


def worlds_of_one_group(sample: Sample, observed: World, draws: int) -> Iterator[World]:
    """Customers of one group with the same distributions and correlations, many times."""
    codes = _codes(sample, observed)
    groups = []
    for form in (observed.plain, observed.transformed):
        values = [codes[name] if name in codes else form[name][:, 0] for name in sample.names]
        kept = [name in codes for name in sample.names]
        groups.append(OneGroup.of(np.column_stack(values), kept))
    for draw in range(draws):
        worlds = []
        for group in groups:  # the same customers in both forms
            rng = np.random.default_rng([sample.seed, draw])
            drawn = group.draw(len(sample.frame), rng)
            worlds.append(
                {
                    name: _one_hot(column, observed.plain[name])
                    if name in codes
                    else column[:, None]
                    for name, column in zip(sample.names, drawn.T, strict=True)
                }
            )
        yield World(*worlds)


def _codes(sample: Sample, observed: World) -> dict[str, Points]:
    """Each category's values as numbers that go with the other features as far as they can.

    They are ordered along the first principal axis of all features, and spread within.
    """
    everything = np.column_stack([observed.transformed[name] for name in sample.names])
    centred = everything - everything.mean(axis=0)
    axis = centred @ np.linalg.svd(centred, full_matrices=False)[2][0]
    codes = {}
    for name in sample.names:
        if name not in sample.numbers:
            block = observed.plain[name]
            order = np.argsort((block * axis[:, None]).sum(axis=0) / block.sum(axis=0))
            rng = np.random.default_rng([sample.seed, *name.encode()])
            codes[name] = np.argsort(order)[block.argmax(axis=1)] + rng.uniform(size=len(block))
    return codes


def _one_hot(codes: Points, like: Points) -> Points:
    """As many columns, one each value; which value is which does not matter."""
    columns: Points = np.eye(like.shape[1])[np.clip(codes.astype(int), 0, like.shape[1] - 1)]
    return columns


def _unit(column: Points) -> Points:
    spread: float = column.std() or 1.0
    unit: Points = (column - column.mean()) / spread
    return unit
