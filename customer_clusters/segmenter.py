"""Segmenter: this product's training as an estimator of scikit-learn."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self, SupportsIndex

from model_store.extras import needs_extra

with needs_extra("Segmenter", "train"):
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray
    from sklearn.base import BaseEstimator, ClusterMixin, TransformerMixin
    from sklearn.utils import ClassifierTags, Tags, estimator_html_repr
    from sklearn.utils.validation import check_is_fitted, validate_data

    from customer_clusters.fitting import publish_fit, train_quickly
    from customer_clusters.frames import Frame, open_frame
    from customer_clusters.model import Model
    from customer_clusters.training_data import open_training_data
    from model_store import CANDIDATE, Store
    from pipeline.errors import WrongFile
    from pipeline.model.contract import Contract
    from pipeline.reading.validation import Checked
    from pipeline.training.recipes import Recipe

NOT_ASSIGNED = -1
"""The label of a customer that training left out: as scikit-learn marks noise."""


class Segmenter(TransformerMixin, ClusterMixin, BaseEstimator):  # type: ignore[misc]
    """Finds the clusters that customers form.

    With `k` it fits at once: K-Means on the standardised features, categories as zeros and ones.
    Without it, the search of `customer-clusters train` finds features and k by evidence, and raises
    where there are no clusters; that takes minutes.

    Args:
        features: Columns to train on; by default all that can be features.
        k: The number of clusters.
        recipe: A recipe in place of `features` and `k`: what to train on, and how.
        seed: Where the starts of K-Means come from, where `k` is given.
        contract: What the columns mean, or the path of a contract in TOML. By default numbers are
            numbers and text with a few values is a category.

    Attributes:
        labels_: Each customer's cluster id, from 1; -1 for rows that training left out.
        model_: What was trained, as `customer_clusters.load` gives it.
        n_features_in_: Columns of the table.
        feature_names_in_: Their names.

    Example:
        >>> import numpy as np
        >>> import customer_clusters as cc
        >>> visits = np.array([[1.0, 20.0], [2.0, 21.0], [19.0, 80.0], [20.0, 82.0], [21.0, 79.0]])
        >>> segmenter = cc.Segmenter(k=2).fit(visits)
        >>> segmenter.labels_.tolist()
        [2, 2, 1, 1, 1]
        >>> segmenter.predict([[18.0, 77.0]]).tolist()
        [1]
    """

    def __init__(
        self,
        *,
        features: Sequence[str] | None = None,
        k: SupportsIndex | None = None,
        recipe: Recipe | None = None,
        seed: SupportsIndex = 42,
        contract: Contract | str | Path | None = None,
    ) -> None:
        self.features = features
        self.k = k
        self.recipe = recipe
        self.seed = seed
        self.contract = contract

    def fit(self, X: Any, y: Any = None, *, churn: Any = None) -> Self:
        """Find the clusters.

        Args:
            X: A table of pandas, Polars, DuckDB or Arrow, or an array, whose columns are called x0,
                x1 and so on.
            y: Who left, in the place where scikit-learn's pipelines put it; the same as `churn`.
            churn: Who left: the name of a column, or a value for each customer, as True and False,
                or as two numbers of which the larger means that the customer left. It decides about
                the order of the clusters, and with a search about features and k.

        Raises:
            WrongFile: The customers do not allow these clusters, or form none.
        """
        if y is not None and churn is not None:
            raise WrongFile("the label", "is given twice, as y and as churn; expected one of them")
        frame = self._validated(X, reset=True)
        data = open_training_data(
            frame.data.to_native(), self.contract, churn if y is None else y, self._wanted()
        )
        self.model_, self._fit = train_quickly(data, self.features, self.k, self.recipe, self.seed)
        self.labels_ = self._labels(frame)
        return self

    def predict(self, X: Any) -> NDArray[np.int64]:
        """Each customer's cluster, by its id.

        Raises:
            WrongFile: A customer cannot be assigned; `model_.assign` keeps such rows.
        """
        checked = self._checked(X)
        return self.model_.cluster_model.assign_many(checked.features).cluster

    def transform(self, X: Any) -> NDArray[np.float64]:
        """Each customer's distance to the centre of each cluster; errors as of `predict`."""
        checked = self._checked(X)
        model = self.model_.cluster_model
        return np.column_stack([np.sqrt(each) for each in model.points(checked.features).squared])

    def get_feature_names_out(self, input_features: object = None) -> NDArray[np.object_]:
        """The names of the columns of `transform`: distance_1 and so on."""
        check_is_fitted(self)
        return np.array([f"distance_{c.id}" for c in self.model_.clusters], object)

    def publish(self, store: "str | Path | Store", alias: str = CANDIDATE, who: str = "") -> Model:
        """Gather the evidence for the clusters and publish them, as `customer-clusters train` does.

        Clusters that are those of the store's champion again take its ids and names; the estimator
        answers with them from then on.

        Args:
            store: A folder or s3:// address of a model store, or the store itself.
            alias: What the version is called from now on. The first of a store is its champion too.
            who: Who did it, for the store's history.

        Returns:
            The published model.
        """
        check_is_fitted(self)
        if self._fit is None:
            raise WrongFile(
                "the segmenter", "has no customers any more, as it was pickled; fit it again"
            )
        self.model_ = publish_fit(self._fit, store, alias, who)
        self.labels_ = self._labels(open_frame(self._fit.table))
        return self.model_

    def _wanted(self) -> Sequence[str] | None:
        return self.features if self.recipe is None else self.recipe.features

    def _validated(self, X: Any, *, reset: bool) -> Frame:
        """A table as it is; an array checked by scikit-learn, with names for its columns."""
        if hasattr(type(X), "columns") or hasattr(X, "__arrow_c_stream__"):
            frame = open_frame(X)
            if reset:
                self.feature_names_in_ = np.array(frame.names, object)
                self.n_features_in_ = len(frame.names)
            return frame
        array = validate_data(self, X, reset=reset, dtype=np.float64, ensure_min_samples=1 + reset)
        names = getattr(self, "feature_names_in_", [f"x{i}" for i in range(array.shape[1])])
        return open_frame(
            pa.Table.from_arrays([pa.array(c) for c in np.ascontiguousarray(array.T)], list(names))
        )

    def _checked(self, X: Any) -> Checked:
        check_is_fitted(self)
        _, checked = self.model_._checked(
            self._validated(X, reset=False).data.to_native(), strict=True
        )
        return checked

    def _labels(self, frame: Frame) -> NDArray[np.int64]:
        checked = frame.check(self.model_.contract)
        labels = np.full(len(checked.good), NOT_ASSIGNED, np.int64)
        labels[checked.good] = self.model_.cluster_model.assign_many(checked.features).cluster
        return labels

    def _html_repr(self) -> str:
        """What a notebook shows: the parameters, and the clusters once there are some."""
        shown = str(estimator_html_repr(self))
        return shown + self.model_._repr_html_() if hasattr(self, "model_") else shown

    def __getstate__(self) -> dict[str, Any]:
        """Without the customers: a pickle is handed on to people who may not see them."""
        state = dict(super().__getstate__())
        return {**state, "_fit": None} if "_fit" in state else state

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.classifier_tags = ClassifierTags(multi_class=False)  # of y, which says who left
        return tags
