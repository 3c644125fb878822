"""Many customers among the clusters: what `ClusterModel.locate` says of one, as columns."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from pipeline.model.cluster_model import Assignment, Assignments, ClusterModel
from pipeline.model.many.borders import Array
from pipeline.model.many.explanations import Explanations, explain_many
from pipeline.model.reasons import Reason
from pipeline.model.risk import Risks


@dataclass(frozen=True, slots=True)
class Located:
    """One element a customer in every array; the words of outliers are made one by one."""

    model: ClusterModel
    features: Mapping[str, NDArray[Any]]
    found: Explanations
    assignments: Assignments
    residual: Array | None
    """How far off the model's axes each is; None where that has no limit."""
    risks: Risks | None

    @classmethod
    def of(
        cls, model: ClusterModel, features: Mapping[str, NDArray[Any]], *, risk: bool = True
    ) -> Self:
        """Locate many customers.

        Args:
            model: The model that assigns them.
            features: As for `ClusterModel.assign_many`.
            risk: Whether their risk is wanted, where the model has a score.
        """
        points = model.points(features)
        residual, risks = None, None
        if model.clusters[0].outlier_residual is not None:
            residual = np.sqrt(np.maximum(model.space.squared_residual(points.z, points.u), 0))
        if risk and model.risk is not None:
            risks = model.risk.assess_many(features, parts=True)
        found = explain_many(model, features, points)
        return cls(model, features, found, model.assign_points(features, points), residual, risks)

    def __len__(self) -> int:
        return len(self.found.own)

    def one(self, index: int, reasons: tuple[Reason, ...] = ()) -> Assignment:
        """What is said of one of them, with the reasons that are given."""
        found, answer = self.found, self.assignments
        outlier = bool(answer.outlier[index])
        return Assignment(
            self.model.clusters[int(found.own[index])],
            float(answer.distance[index]),
            self.model.clusters[int(found.runner_up[index])],
            float(found.runner_up_distance[index]),
            float(answer.margin[index]),
            self._unusual(index) if outlier else (),
            None if self.residual is None else float(self.residual[index]),
            self._combination(index) if outlier else (),
            outlier,
            reasons,
            None if self.risks is None else self.risks.one(index),
        )

    def _unusual(self, index: int) -> tuple[str, ...]:
        return tuple(
            feature.name
            for feature in self.model.contract.features
            if feature.numeric and float(self.features[feature.name][index]) not in feature.typical
        )

    def _combination(self, index: int) -> tuple[str, ...]:
        """The features to blame where the residual passes the cluster's limit."""
        z, u = ([float(of[index]) for of in each] for each in self.found.points[:2])
        return self.model.off_axes(z, u, self.model.clusters[int(self.found.own[index])])[1]
