"""The groups that customers form, found without a look at churn.

Sets of features are compared on common ground: by how much better their clusters hold together
than those that the same K-Means finds among customers of one group (`statistics.one_group`). A
single column, or one with few values, has no advantage there.
"""

import itertools
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from sklearn.decomposition import PCA

from pipeline.training import parallel
from pipeline.training.recipes import Recipe
from pipeline.training.search.sample import (
    Labels,
    Points,
    Sample,
    cluster,
    simplified_silhouette,
)
from pipeline.training.search.thresholds import Thresholds
from pipeline.training.search.worlds import World, observed_world, worlds_of_one_group
from pipeline.training.statistics.valleys import worst_valley

CUSTOMERS = 1_500
"""Of the sample that structure is looked for in."""
FEW_CLUSTERS = 10
MOST_CLUSTERS = 20
"""More than `FEW_CLUSTERS` are tried only where more of them hold together better."""
MOST_PAIRED = 20
"""With more features, pairs are made of those that look most promising alone."""
_BEAM = 6
_MIXED = 4
_DRAWS, _MANY_DRAWS = 2, 20
_FINALISTS = 8
_OF_A_NUMBER = 3
_MOST_CHECKED = 400
_HALF, _NEARLY = 0.5, 0.75
"""Of the highest excess; measured on invented groups other than those of the tests."""
_LEAST_TOLD = 0.1
"""Of a feature's variance: where less lies between clusters, they do not differ in it."""
_WORTH_A_FEATURE = 0.02
"""Of excess: a set with fewer features is preferred where it loses less."""
_NARROW = 0.6
"""A valley is one where at most this share of customers is in the middle."""
_VALLEY_P = 0.003
_SEPARATE_EXCESS, _SEPARATE_Z = 0.03, 2.0
_TOUCHING_EXCESS, _TOUCHING_Z = 0.10, 5.0
"""What clusters must show where valleys lie between them, and where none do."""


@dataclass(frozen=True, slots=True)
class Grouping:
    """A way to divide customers, and how much better it holds together than in one group."""

    features: tuple[str, ...]
    yeo_johnson: tuple[str, ...]
    k: int
    excess: float
    """Simplified silhouette, less its mean among customers of one group."""
    z: float = 0.0
    """The same in standard deviations among customers of one group."""
    valley_p_value: float | None = None
    valley_ratio: float | None = None
    """Of the two clusters that are separated least; None where a feature is a category."""

    @property
    def has_valleys(self) -> bool:
        """Whether there are clearly fewer customers between any two clusters than in them."""
        if self.valley_p_value is None or self.valley_ratio is None:
            return False
        return self.valley_p_value <= _VALLEY_P and self.valley_ratio <= _NARROW

    @property
    def separate(self) -> bool:
        """Whether these are groups that stand apart."""
        return self.has_valleys and self.excess >= _SEPARATE_EXCESS and self.z >= _SEPARATE_Z

    @property
    def structured(self) -> bool:
        """Whether these are groups at all."""
        touching = self.excess >= _TOUCHING_EXCESS and self.z >= _TOUCHING_Z
        return self.separate or touching


class StructureSearch:
    """Customers, and others of one group like them, in the forms that a recipe may give them."""

    def __init__(self, sample: Sample, thresholds: Thresholds) -> None:
        """Draw the customers of one group once for all comparisons."""
        self._sample, self._thresholds = sample, thresholds
        self._observed = observed_world(sample)
        self._drawn = list(worlds_of_one_group(sample, self._observed, _MANY_DRAWS))
        self._smallest = max(5, int(np.ceil(thresholds.smallest_share * len(sample.frame))))

    def expected_seconds(self) -> float:
        """About how long `groupings` will take here, by the time of one of its comparisons."""
        names = self._sample.names
        numbers = [name for name in names if name in self._sample.numbers]
        if not numbers:
            return 0.0
        started = time.perf_counter()
        with parallel.small_fits():
            self._curve((tuple(sorted({numbers[0], names[-1]})), ()))
        one = time.perf_counter() - started
        pairs = min(len(names), MOST_PAIRED) * (min(len(names), MOST_PAIRED) - 1) / 2
        grown = _BEAM * len(names) * max(0, self._most - 2)
        return 2 * (len(names) + pairs + grown) * one / parallel.cores()

    def groupings(self, progress: Callable[[str], None]) -> list[Grouping]:
        """The best ways to divide the customers, the best first, with evidence for each."""
        names = self._sample.names
        progress(f"looking for groups in sets of up to {self._most} of {len(names)} features")
        found = self._screened([(name,) for name in names])
        found += self._screened(list(itertools.combinations(self._promising(found), 2)))
        found += self._screened(list(dict.fromkeys(self._by_all())), found)
        for size in range(3, self._most + 1):
            found += self._screened(self._grown(found, size), found)
        found += self._mixed(found)
        best = self._finalists(found)
        progress(f"comparing the best {len(best)} with customers of one group")
        return sorted(parallel.each(self._compared, best), key=_order)

    def _finalists(self, found: Sequence[Grouping]) -> list[Grouping]:
        """Those that exceed one group most; of those with valleys, some of each number."""
        ranked = sorted(found, key=_order)
        least = max(_SEPARATE_EXCESS, _HALF * ranked[0].excess) if ranked else 0.0
        good = [one for one in ranked if one.excess >= least][:_MOST_CHECKED]
        checked = parallel.each(self._with_valley, good)
        valleys = [one for one in checked if one.has_valleys]
        by_number = [[one for one in valleys if one.k == k] for k in {one.k for one in valleys}]
        separate = [one for some in by_number for one in some[:_OF_A_NUMBER]]
        return list(dict.fromkeys([*checked[:_FINALISTS], *separate]))

    @property
    def _most(self) -> int:
        return min(self._thresholds.most_features, len(self._sample.names))

    def _screened(
        self, subsets: Sequence[tuple[str, ...]], known: Sequence[Grouping] = ()
    ) -> list[Grouping]:
        """Every number of clusters for sets of features that were not screened before."""
        before = {one.features for one in known}
        new = [subset for subset in subsets if subset not in before]
        items = [(subset, form) for subset in new for form in self._forms(subset)]
        return [one for some in parallel.each(self._curve, items) for one in some]

    def _forms(self, subset: tuple[str, ...]) -> list[tuple[str, ...]]:
        """Nothing transformed, and all numbers; no form for categories alone.

        The cells of a table of categories stand apart whatever the customers are.
        """
        if not set(subset) & set(self._sample.numbers):
            return []
        form = tuple(name for name in subset if name in self._sample.transformable)
        return [(), form] if form else [()]

    def _curve(self, item: tuple[tuple[str, ...], tuple[str, ...]]) -> list[Grouping]:
        """The numbers of clusters that leave none too small, for one set in one form."""
        features, form = item
        columns = [world.columns(features, form) for world in self._worlds(_DRAWS)]
        found: list[Grouping] = []
        distinct = len(np.unique(self._sample.points(features), axis=0))
        for k in range(2, min(MOST_CLUSTERS, distinct) + 1):
            best = max(found, key=lambda one: one.excess, default=None)
            if k > FEW_CLUSTERS and (best is None or best.k < k - 2):
                break
            excess = self._excess(features, columns, k)
            if excess is not None:
                found.append(Grouping(features, form, k, excess))
        return found

    def _worlds(self, draws: int) -> list[World]:
        return [self._observed, *self._drawn[:draws]]

    def _excess(self, features: Sequence[str], columns: Sequence[Points], k: int) -> float | None:
        own, *drawn = columns
        if len(own) <= k:
            return None
        labels, centres = cluster(own, k, 2, self._sample.seed)
        if np.bincount(labels, minlength=k).min() < self._smallest:
            return None
        if min(self._told(features, own, labels)) < _LEAST_TOLD:
            return None
        others = [
            simplified_silhouette(points, cluster(points, k, 1, self._sample.seed)[1])
            for points in drawn
        ]
        return simplified_silhouette(own, centres) - float(np.mean(others))

    def _told(self, features: Sequence[str], points: Points, labels: Labels) -> list[float]:
        """How far the clusters tell each feature: the share of its variance between them."""
        told = _explained(points, labels)
        starts = np.cumsum([0, *self._observed.widths(features)])
        return [float(told[a:b].max()) for a, b in itertools.pairwise(starts)]

    def excess(self, recipe: Recipe) -> float:
        """By how much a recipe's clusters exceed those of customers of one group."""
        own, *drawn = (
            world.columns(recipe.features, recipe.yeo_johnson) * self._scales(recipe)
            for world in self._worlds(_MANY_DRAWS)
        )
        if recipe.principal_components:
            axes = PCA(recipe.principal_components, svd_solver="full").fit(own)
            own, *drawn = (axes.transform(points) for points in (own, *drawn))
        return self._beyond(own, drawn, recipe.k)[0]

    def _scales(self, recipe: Recipe) -> Points:
        """What makes a column of variance 1 one that is scaled as the recipe says."""
        columns = self._sample.points(recipe.features, recipe.yeo_johnson, recipe.scaling)
        spread = self._sample.points(recipe.features, recipe.yeo_johnson).std(axis=0)
        scales: Points = columns.std(axis=0) / np.where(spread > 0, spread, 1)
        return scales

    def _promising(self, singles: Sequence[Grouping]) -> list[str]:
        """The features that look most promising alone, and those that matter most among all."""
        alone: dict[str, float] = {}
        for one in singles:
            alone[one.features[0]] = max(alone.get(one.features[0], -1.0), one.excess)
        if len(alone) <= MOST_PAIRED:
            return sorted(alone)
        ranks = sorted(alone, key=lambda name: -alone[name])
        together = list(dict.fromkeys(name for subset in self._by_all() for name in subset))
        mixed = itertools.chain.from_iterable(itertools.zip_longest(ranks, together))
        return sorted(list(dict.fromkeys(name for name in mixed if name))[:MOST_PAIRED])

    def _by_all(self) -> Iterator[tuple[str, ...]]:
        """The features that differ most between clusters of all features, for several k."""
        names = self._sample.names
        for form in self._forms(names):
            points = self._observed.columns(names, form)
            for k in (2, 3, 4, 5, 6, 8, 10):
                if len(points) <= 2 * k:
                    return
                labels, _ = cluster(points, k, 3, self._sample.seed)
                shares = self._told(names, points, labels)
                order = sorted(range(len(names)), key=lambda i: (-shares[i], names[i]))
                for size in range(2, self._most + 1):
                    yield tuple(sorted(names[i] for i in order[:size]))

    def _grown(self, found: Iterable[Grouping], size: int) -> list[tuple[str, ...]]:
        """The best sets of one feature fewer, each with every other feature."""
        ranked = dict.fromkeys(
            one.features for one in sorted(found, key=_order) if len(one.features) == size - 1
        )
        grown = (
            tuple(sorted({*features, name}))
            for features in list(ranked)[:_BEAM]
            for name in self._sample.names
            if name not in features
        )
        return list(dict.fromkeys(grown))

    def _mixed(self, found: Sequence[Grouping]) -> list[Grouping]:
        """The best sets with only some of their features transformed."""
        ranked = dict.fromkeys(one.features for one in sorted(found, key=_order))
        items = []
        for features in list(ranked)[:_MIXED]:
            numbers = [name for name in features if name in self._sample.transformable]
            for size in range(1, len(numbers)):
                items += [(features, form) for form in itertools.combinations(numbers, size)]
        return [one for some in parallel.each(self._curve, items) for one in some]

    def _with_valley(self, one: Grouping) -> Grouping:
        if not set(one.features) <= set(self._sample.numbers):
            return one
        points = self._observed.columns(one.features, one.yeo_johnson)
        labels, _ = cluster(points, one.k, 5, self._sample.seed)
        valley = worst_valley(points, labels)
        return replace(one, valley_p_value=valley.p_value, valley_ratio=valley.ratio)

    def _compared(self, one: Grouping) -> Grouping:
        """The same with more draws."""
        own, *drawn = (w.columns(one.features, one.yeo_johnson) for w in self._worlds(_MANY_DRAWS))
        excess, spread = self._beyond(own, drawn, one.k)
        return replace(one, excess=excess, z=excess / max(spread, 1e-3))

    def _beyond(self, own: Points, drawn: Sequence[Points], k: int) -> tuple[float, float]:
        """The excess, and its standard deviation among customers of one group."""
        seed = self._sample.seed
        others = [simplified_silhouette(points, cluster(points, k, 2, seed)[1]) for points in drawn]
        silhouette = simplified_silhouette(own, cluster(own, k, 8, seed)[1])
        return silhouette - float(np.mean(others)), float(np.std(others, ddof=1))


def choose_grouping(groupings: Sequence[Grouping]) -> Grouping | None:
    """The grouping to go with; None where customers are one group.

    The one that exceeds a single group most. One with valleys between all its clusters goes
    before, where it exceeds it half as much. Of several of these that exceed it nearly as much,
    the one with most clusters. A feature more has to be worth it.
    """
    structured = [one for one in groupings if one.structured]
    if not structured:
        return None
    best = max(one.excess for one in structured)
    separate = [one for one in structured if one.separate and one.excess >= _HALF * best]
    if not separate:
        return _simplest(structured)
    least = _NEARLY * max(one.excess for one in separate)
    most = max(one.k for one in separate if one.excess >= least)
    return _simplest([one for one in separate if one.k == most])


def best_groupings(groupings: Sequence[Grouping], most: int) -> list[Grouping]:
    """The groupings to go with, the first choice first; none where customers are one group."""
    left, chosen = list(groupings), list[Grouping]()
    while len(chosen) < most and (one := choose_grouping(left)) is not None:
        chosen.append(one)
        left.remove(one)
    return chosen


def _simplest(groupings: Sequence[Grouping]) -> Grouping:
    best = max(one.excess for one in groupings)
    near = [one for one in groupings if one.excess >= best - _WORTH_A_FEATURE]
    fewest = min(len(one.features) for one in near)
    return min((one for one in near if len(one.features) == fewest), key=_order)


def _explained(points: Points, labels: Labels) -> Points:
    """The share of each column's variance that lies between clusters."""
    sizes = np.bincount(labels)
    means = np.array([np.bincount(labels, column) / sizes for column in points.T])
    between = ((means - points.mean(axis=0)[:, None]) ** 2 * sizes).sum(axis=1)
    total = ((points - points.mean(axis=0)) ** 2).sum(axis=0)
    shares: Points = between / np.where(total > 0, total, 1)
    return shares


def _order(one: Grouping) -> tuple[object, ...]:
    """The best first; nothing depends on the order in which they were found."""
    return (-one.excess, len(one.features), one.features, one.k, one.yeo_johnson)
