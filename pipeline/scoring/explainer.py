"""Why, and what if: the columns that say of each assigned row why it is there."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipeline.model.cluster_model import ClusterModel, Points
from pipeline.model.many.counterfactuals import smallest_changes
from pipeline.model.many.explanations import Explanations, explain_many, find_borders, reasons_of
from pipeline.reading.arrow_numpy import column_of, text_column
from pipeline.scoring.spec import Explaining
from pipeline.scoring.summary.contributions import ContributionCounts


class Explained(NamedTuple):
    """A column that explains: its name and type."""

    name: str
    type: pa.DataType
    measured: bool = False
    """Whether its last digits may differ between machines, as those of distances."""


class Explainer:
    """Explains the assigned rows of one file."""

    def __init__(self, model: ClusterModel, explaining: Explaining) -> None:
        """Decide on the columns.

        Args:
            model: The model that assigns the rows.
            explaining: What the file is to say; more reasons than the model has features are not.
        """
        self.model, self.explaining = model, explaining
        features = model.contract.features
        self.reasons = min(explaining.why, len(features))
        self._ids = column_of(np.array([cluster.id for cluster in model.clusters], np.int64))
        self._names = text_column([feature.name for feature in features])
        self._texts = any(not feature.numeric for feature in features)
        self._values = [[*feature.values] for feature in features]

    @property
    def columns(self) -> list[Explained]:
        """The columns, in their order."""
        columns = [Explained("runner_up", pa.int64())]
        for rank in range(1, self.reasons + 1):
            name = f"reason_{rank}"
            columns += [Explained(name, pa.string()), Explained(f"{name}_part", pa.float64(), True),
                        Explained(f"{name}_border", pa.float64())]  # fmt: skip
            if self.explaining.sentences:
                columns.append(Explained(f"{name}_sentence", pa.string()))
        if self.explaining.what_if:
            columns += [Explained("change_feature", pa.string()),
                        Explained("change_value", pa.string() if self._texts else pa.float64()),
                        Explained("change_cluster", pa.int64())]  # fmt: skip
        return columns

    def explain(
        self, features: Mapping[str, NDArray[Any]], points: Points
    ) -> tuple[list[pa.Array], ContributionCounts | None]:
        """Explain some rows.

        Returns:
            The columns, in their order, with names of features as dictionaries; and what the
            features add in each cluster, where reasons are wanted.
        """
        found = explain_many(self.model, features, points)
        arrays, counts = [self._ids.take(column_of(found.runner_up))], None
        if self.reasons:
            arrays += self._of_reasons(features, found)
            counts = ContributionCounts.of(found, len(self.model.clusters))
        if self.explaining.what_if:
            arrays += self._of_changes(features, found)
        return arrays, counts

    def _of_reasons(
        self, features: Mapping[str, NDArray[Any]], found: Explanations
    ) -> list[pa.Array]:
        order, part = self._weightiest(list(found.contributions.values()))
        wanted = found.telling()
        if self.reasons < len(wanted):
            wanted &= np.stack([np.logical_or.reduce(order == f) for f in range(len(wanted))])
        borders = find_borders(self.model, features, found, wanted, clusters=False)
        sentences = None
        if self.explaining.sentences:
            sentences = reasons_of(self.model, features, found)
        border = np.take_along_axis(borders.value, order, axis=0)
        arrays = []
        for rank in range(self.reasons):
            arrays += [self._named(order[rank]), column_of(part[rank]),
                       column_of(border[rank], np.isnan(border[rank]))]  # fmt: skip
            if sentences is not None:
                arrays.append(text_column(reasons[rank].sentence for reasons in sentences))
        return arrays

    def _weightiest(
        self, parts: Sequence[NDArray[np.float64]]
    ) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
        """The features that weigh most for each row, and their parts: a row a rank.

        Of equal ones the first in the contract comes first. Few of few features are wanted, for
        which this takes a fraction of the time of sorting.
        """
        count, sizes = len(parts[0]), [np.abs(part) for part in parts]
        order = np.zeros((self.reasons, count), np.intp)
        for rank in range(self.reasons):
            best = np.full(count, -1.0)
            for feature, size in enumerate(sizes):
                larger = size > best
                np.copyto(best, size, where=larger)
                np.copyto(order[rank], feature, where=larger)
            for feature, size in enumerate(sizes):
                np.copyto(size, -2.0, where=order[rank] == feature)
        return order, np.take_along_axis(np.stack(parts), order, axis=0)

    def _of_changes(
        self, features: Mapping[str, NDArray[Any]], found: Explanations
    ) -> list[pa.Array]:
        changes = smallest_changes(self.model, features, found.points, found.own)
        none = changes.feature < 0
        cluster = self._ids.take(column_of(np.maximum(changes.cluster, 0), none))
        if self._texts:
            value = text_column(
                self._text(*each)
                for each in zip(
                    changes.feature.tolist(), changes.category.tolist(), changes.number.tolist(),
                    strict=True,
                )
            )  # fmt: skip
        else:
            value = column_of(changes.number, none)
        return [self._named(changes.feature), value, cluster]

    def _text(self, feature: int, category: int, number: float) -> str | None:
        if feature < 0:
            return None
        return self._values[feature][category] if category >= 0 else f"{number:.15g}"

    def _named(self, indices: Sequence[int] | NDArray[np.intp]) -> pa.Array:
        """Features' names by their indices; null for -1."""
        index = np.asarray(indices)
        codes = column_of(np.maximum(index, 0).astype(np.int32), index < 0)
        return pa.DictionaryArray.from_arrays(codes, self._names)
