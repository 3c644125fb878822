"""ClusterModel: which cluster a customer belongs to, and why. Never unpickles, never guesses.

Standard library only for one customer; numpy for many.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, Self, cast

from model_store import WrongArtifact
from model_store.errors import MALFORMED
from pipeline.model import typed_values as typed
from pipeline.model.borders import neighbours_of
from pipeline.model.cluster import Cluster
from pipeline.model.contract import Contract, Value
from pipeline.model.geometry import Space, squared_distance
from pipeline.model.reasons import Comparison, Point, Reason, Way, combination, explain
from pipeline.model.risk import Risk, RiskScore

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

GOLDEN_TOLERANCE = 1e-9
_NOT_IN_FORMAT_1 = ("outlier_residual", "risk")
"""What is left out where there is none: a model of before has the bytes that it always had."""


@dataclass(frozen=True, slots=True)
class Column:
    """What the model computes with: a number, or 1 where a category has a value, else 0."""

    feature: str
    value: str | None = None


@dataclass(frozen=True, slots=True)
class Golden:
    """An invented customer and the answer that every load of the model must reproduce."""

    customer: Mapping[str, Value]
    cluster: int
    distance: float
    risk: float | None = None
    """The rate of the risk score, where the model has one."""


class Assignment(NamedTuple):
    """One customer's cluster."""

    cluster: Cluster
    distance: float
    runner_up: Cluster
    runner_up_distance: float
    margin: float
    """(d₂ - d₁) / (d₂ + d₁): 0 on the border, 1 at the centre. Closeness, not probability."""
    unusual: tuple[str, ...]
    """Features outside their typical range."""
    residual: float | None
    """How far off the axes that PCA keeps, in standard deviations; None where there is no limit."""
    combination: tuple[str, ...]
    """Features whose values are unusual together: where the residual passes its limit, those that
    weigh most in it."""
    outlier: bool
    reasons: tuple[Reason, ...]
    risk: Risk | None = None
    """Where the model has a risk score."""


class Assignments(NamedTuple):
    """Many customers' clusters: one element a customer in every array."""

    cluster: "NDArray[np.int64]"
    distance: "NDArray[np.float64]"
    margin: "NDArray[np.float64]"
    outlier: "NDArray[np.bool_]"


class Points(NamedTuple):
    """Where many customers are among the clusters: one element a customer in every array."""

    z: "list[NDArray[np.float64]]"
    """Each standardised column, before any rotation."""
    u: "list[NDArray[np.float64]]"
    """Each coordinate of the model's space."""
    squared: "list[NDArray[np.float64]]"
    """The squared distance to each cluster's centre."""


@dataclass(frozen=True, slots=True)
class ClusterModel:
    """Everything that serving needs to know of a trained model."""

    contract: Contract
    columns: tuple[Column, ...]
    space: Space
    clusters: tuple[Cluster, ...]
    """Ordered by id."""
    baseline: Mapping[str, Any]
    """What the training data looked like, for telling drift."""
    golden: tuple[Golden, ...]
    risk: RiskScore | None = None
    """How many of 100 customers with such values churned; None where there was no label, and where
    it says no more than the clusters' rates."""
    worked_out: dict[object, object] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )
    """What follows from the rest and is worked out once, when it is first asked for."""

    def assign(self, customer: Mapping[str, object]) -> Assignment:
        """Find one customer's cluster.

        Args:
            customer: Values by the names of columns; those that are no features are ignored.

        Raises:
            WrongRow: A feature cannot be used; carries every problem.
        """
        return self.locate(self.contract.parse(customer))

    def locate(self, parsed: Mapping[str, Value]) -> Assignment:
        """One customer's cluster, from values that the contract has parsed."""
        z = self.standardise(parsed)
        u = self.space.rotate(z)
        squared = [squared_distance(u, cluster.centre) for cluster in self.clusters]
        order = sorted(range(len(squared)), key=squared.__getitem__)  # stable: ties to lowest id
        own, runner_up = self.clusters[order[0]], self.clusters[order[1]]
        distance, further = math.sqrt(squared[order[0]]), math.sqrt(squared[order[1]])
        unusual = tuple(
            feature.name
            for feature in self.contract.features
            if feature.numeric and float(parsed[feature.name]) not in feature.typical
        )
        residual, unusual_together = self.off_axes(z, u, own)
        return Assignment(
            own,
            distance,
            runner_up,
            further,
            (further - distance) / (further + distance) if further else 0.0,
            unusual,
            residual,
            unusual_together,
            bool(unusual or unusual_together) or distance > own.outlier_distance,
            self._reasons(parsed, z, squared, order),
            None if self.risk is None else self.risk.assess(parsed),
        )

    def nearest(self, parsed: Mapping[str, Value]) -> int:
        """The index of one customer's cluster, from values that the contract has parsed."""
        u = self.space.rotate(self.standardise(parsed))
        squared = [squared_distance(u, cluster.centre) for cluster in self.clusters]
        return squared.index(min(squared))  # ties to lowest id

    def standardise(self, parsed: Mapping[str, Value]) -> list[float]:
        """One coordinate a column, before any rotation."""
        return self.space.standardise([_encoded(parsed[c.feature], c.value) for c in self.columns])

    def assign_many(self, features: Mapping[str, "NDArray[Any]"]) -> Assignments:
        """Find the clusters of many customers.

        Args:
            features: An array for each feature, by its name, equally long and checked by the
                contract: float64 for a number, text for a category.

        Returns:
            The same clusters and distances that `assign` finds for each customer alone.
        """
        return self.assign_points(features, self.points(features))

    def points(self, features: Mapping[str, "NDArray[Any]"]) -> "Points":
        """Where many customers are among the clusters; features as for `assign_many`."""
        encoded = [_encoded_many(features[c.feature], c.value) for c in self.columns]
        z = self.space.standardise(encoded)
        u = self.space.rotate(z)
        return Points(z, u, [squared_distance(u, cluster.centre) for cluster in self.clusters])

    def assign_points(
        self, features: Mapping[str, "NDArray[Any]"], points: "Points"
    ) -> Assignments:
        """The clusters of many customers, from where they are; features as for `assign_many`."""
        import numpy as np

        z, u, distances = points
        nearest = distances[0].copy()
        runner_up = np.full_like(nearest, np.inf)
        own = np.zeros(len(nearest), np.intp)
        for index, squared in enumerate(distances[1:], start=1):
            np.copyto(own, index, where=squared < nearest)
            np.minimum(runner_up, np.maximum(nearest, squared), out=runner_up)
            np.minimum(nearest, squared, out=nearest)
        distance, further = np.sqrt(nearest), np.sqrt(runner_up)
        both = further + distance
        outlier = distance > np.array([c.outlier_distance for c in self.clusters])[own]
        limits = [cluster.outlier_residual for cluster in self.clusters]
        if None not in limits:
            squared_limits = np.array([limit * limit for limit in limits if limit is not None])
            outlier |= self.space.squared_residual(z, u) > squared_limits[own]
        for feature in self.contract.features:
            if feature.numeric:
                low, high = feature.typical.low, feature.typical.high
                values = features[feature.name]
                outlier |= (values < low) if low is not None else False
                outlier |= (values > high) if high is not None else False
        ids = np.array([cluster.id for cluster in self.clusters])
        margin = np.divide(further - distance, both, out=np.zeros_like(both), where=both > 0)
        return Assignments(ids[own], distance, margin, outlier)

    def off_axes(
        self, z: Sequence[float], u: Sequence[float], own: Cluster
    ) -> tuple[float | None, tuple[str, ...]]:
        """A customer's residual, and the features to blame where it passes the cluster's limit."""
        limit = own.outlier_residual
        if limit is None:
            return None, ()
        squared = self.space.squared_residual(z, u)
        residual = math.sqrt(max(squared, 0.0))
        if not squared > limit * limit:
            return residual, ()
        features = [column.feature for column in self.columns]
        return residual, combination(features, self.space.residuals(z, u))

    def _reasons(
        self,
        customer: Mapping[str, Value],
        z: Sequence[float],
        squared: Sequence[float],
        order: Sequence[int],
    ) -> tuple[Reason, ...]:
        own = order[0]
        near = squared[own]
        point = Point(customer, z, [further - near for further in squared], own)
        comparison = self.comparison(own, order[1])
        return explain(comparison, point, self.space, self.clusters, self.nearest)

    def comparison(self, own: int, runner_up: int) -> Comparison:
        """A cluster and another one, by their indices; worked out once."""
        comparison = self.worked_out.get((own, runner_up))
        if comparison is None:
            comparison = self.worked_out[own, runner_up] = self._compare(own, runner_up)
        return cast(Comparison, comparison)

    def _compare(self, own: int, runner_up: int) -> Comparison:
        around = neighbours_of(self.space, [cluster.centre for cluster in self.clusters], own)
        ways = []
        for feature in self.contract.features:
            columns = tuple(i for i, c in enumerate(self.columns) if c.feature == feature.name)
            sign = around.towards[columns[0]][runner_up] if feature.numeric else 0
            slopes = around.slopes(columns[0], sign) if sign else ()
            ways.append(Way(feature, columns, sign, slopes))
        centres = (self.clusters[index].centre for index in (own, runner_up))
        return Comparison(self.space.border(*centres), tuple(ways))

    @property
    def churn_rate(self) -> float | None:
        """The churn rate of all training customers; None where training had no label."""
        known = [cluster.churn for cluster in self.clusters if cluster.churn is not None]
        if len(known) < len(self.clusters):
            return None
        return sum(churn.churned for churn in known) / sum(churn.customers for churn in known)

    def cluster(self, cluster_id: int) -> Cluster:
        """The cluster with an id; KeyError when there is none."""
        for cluster in self.clusters:
            if cluster.id == cluster_id:
                return cluster
        raise KeyError(cluster_id)

    def self_test(self) -> None:
        """Answer for the golden customers; ValueError when an answer differs from training's."""
        for golden in self.golden:
            answer = self.assign(golden.customer)
            error = abs(answer.distance - golden.distance)
            same = error <= GOLDEN_TOLERANCE * (1 + golden.distance)
            if golden.risk is not None:
                rate = None if answer.risk is None else answer.risk.rate
                if rate is None or not abs(rate - golden.risk) <= GOLDEN_TOLERANCE:
                    raise ValueError(f"a risk of {golden.risk} was expected, not {rate}")
            if answer.cluster.id != golden.cluster or not same:
                raise ValueError(
                    f"cluster {golden.cluster} at distance {golden.distance} was expected for "
                    f"{dict(golden.customer)}, not cluster {answer.cluster.id} at {answer.distance}"
                )

    def to_json(self) -> bytes:
        """The content of model.json; the same model gives the same bytes."""
        document = {**asdict(self), "contract": self.contract.to_dict()}
        del document["worked_out"]
        document["risk"] = None if self.risk is None else self.risk.to_dict()
        for each in (document, *document["clusters"], *document["golden"]):
            for name in _NOT_IN_FORMAT_1:
                if each.get(name, "") is None:
                    del each[name]
        text = json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False)
        return (text + "\n").encode()

    @classmethod
    def from_json(cls, content: bytes, artifact: str) -> Self:
        """Read model.json and test it on its golden customers.

        Args:
            content: What `to_json` made.
            artifact: The version that it belongs to, for errors.

        Raises:
            WrongArtifact: It is no usable model, or answers otherwise than training did.
        """
        try:
            model = cls._from_dict(json.loads(content))
            model.self_test()
        except MALFORMED as error:
            problem = f"model.json is not a usable model ({type(error).__name__}: {error!s:.200})"
            raise WrongArtifact(artifact, problem, "train again or use another version") from error
        return model

    @classmethod
    def _from_dict(cls, given: Mapping[str, Any]) -> Self:
        contract = Contract.from_dict(given["contract"])
        columns = tuple(Column(**column) for column in given["columns"])
        model = cls(
            contract,
            columns,
            Space.from_dict(given["space"], len(columns)),
            tuple(Cluster.from_dict(item) for item in given["clusters"]),
            typed.table(given["baseline"], "baseline"),
            tuple(Golden(**item) for item in given["golden"]),
            None if given.get("risk") is None else RiskScore.from_dict(given["risk"], contract),
        )
        model._check()
        return model

    def _check(self) -> None:
        """ValueError where the parts do not fit together."""
        if len(self.clusters) < 2 or not self.golden:
            raise ValueError("it needs two clusters and a golden customer")
        ids = [cluster.id for cluster in self.clusters]
        if ids != sorted(set(ids)):
            raise ValueError("the clusters are not ordered by their ids")
        features = {feature.name: feature for feature in self.contract.features}
        for column in self.columns:
            feature = features[column.feature]
            if (column.value is None) != feature.numeric or (
                column.value is not None and column.value not in feature.values
            ):
                raise ValueError(f"a column has the value {column.value!r} of {feature.name}")
        numeric = {name for name, feature in features.items() if feature.numeric}
        limited = {cluster.outlier_residual is not None for cluster in self.clusters}
        if len(limited) > 1 or (True in limited and self.space.components is None):
            raise ValueError("outlier_residual: expected in each cluster of a model with PCA")
        for cluster in self.clusters:
            if len(cluster.centre) != self.space.dimensions or not numeric <= set(cluster.profile):
                raise ValueError(f"cluster {cluster.id}: its centre or profile lacks a number")


def _encoded(value: Value, category: str | None) -> float:
    if category is None:
        return float(value)
    return 1.0 if value == category else 0.0


def _encoded_many(values: "NDArray[Any]", category: str | None) -> "NDArray[np.float64]":
    return values if category is None else (values == category).astype(float)
