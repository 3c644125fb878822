"""The clusters as a rule that people can remember: a small decision tree, in plain words."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.tree import DecisionTreeClassifier

from pipeline.model.cluster_model import ClusterModel
from pipeline.model.contract import Feature
from pipeline.model.published.facts import RuleFacts

Question = tuple[Feature, str | None]
"""A feature, and of a category the value that is asked for."""
Limits = tuple[float | None, float | None]
"""Above, at most."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """One line of the readable rule."""

    conditions: tuple[str, ...]
    cluster: int
    """The cluster's index in the model."""
    customers: int
    right: float
    """The share of its customers that are in the cluster."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A decision tree that nearly repeats the clusters, in the features' own units."""

    leaves: tuple[Leaf, ...]
    fidelity: float
    """The share of customers that it puts into their own cluster."""
    questions: int
    """At most so many for one customer."""

    def facts(self, ids: Sequence[int]) -> RuleFacts:
        """What the manifest states.

        Args:
            ids: Of the clusters, in the order of the model.
        """
        return {
            "questions": self.questions,
            "fidelity": round(self.fidelity, 6),
            "leaves": [
                {
                    "conditions": list(leaf.conditions),
                    "cluster": ids[leaf.cluster],
                    "customers": leaf.customers,
                    "right": round(leaf.right, 6),
                }
                for leaf in self.leaves
            ],
        }


def readable_rule(model: ClusterModel, frame: pd.DataFrame, labels: NDArray[np.intp]) -> Rule:
    """At most three questions that put a customer into a cluster, and how often they are right.

    Args:
        model: Whose clusters they are.
        frame: The training customers' features, (customers, features).
        labels: (customers,): the index of each customer's cluster in the model.
    """
    space = [(column.feature, column.value) for column in model.columns]
    values = [frame[name] if value is None else frame[name] == value for name, value in space]
    table = np.column_stack(values).astype(float)
    least = max(5, len(labels) // 200) if len(labels) > 50 else 1
    fitted = DecisionTreeClassifier(max_depth=3, min_samples_leaf=least, random_state=0)
    fitted.fit(table, labels)
    features = {feature.name: feature for feature in model.contract.features}
    questions = [(features[name], value) for name, value in space]
    leaves = sorted(
        _leaves(fitted.tree_, questions, 0, {}), key=lambda leaf: (leaf.cluster, -leaf.customers)
    )
    fidelity = float((fitted.predict(table) == labels).mean())
    return Rule(tuple(leaves), fidelity, int(fitted.get_depth()))


def _leaves(
    tree: Any, questions: Sequence[Question], node: int, limits: Mapping[int, Limits]
) -> list[Leaf]:
    """The leaves below a node; `limits` holds (above, at most) for each column asked so far."""
    if tree.children_left[node] < 0:
        shares = tree.value[node][0]
        conditions = tuple(_condition(*questions[column], *limits[column]) for column in limits)
        best = int(shares.argmax())
        right = float(shares[best] / shares.sum())
        return [Leaf(conditions, best, int(tree.n_node_samples[node]), right)]
    column, threshold = int(tree.feature[node]), float(tree.threshold[node])
    above, most = limits.get(column, (None, None))
    left = {**limits, column: (above, threshold)}
    right_limits = {**limits, column: (threshold, most)}
    return [
        *_leaves(tree, questions, int(tree.children_left[node]), left),
        *_leaves(tree, questions, int(tree.children_right[node]), right_limits),
    ]


def _condition(feature: Feature, value: str | None, above: float | None, most: float | None) -> str:
    if value is not None:
        return f"{feature.label} is {'' if above is not None else 'not '}{value}"
    whole = feature.type == "integer"
    low = None if above is None else feature.show(math.floor(above) + 1 if whole else above)
    high = None if most is None else feature.show(math.floor(most) if whole else most)
    if low and high:
        return f"{feature.label} from {low} to {high}"
    return f"{feature.label} {'at least' if whole else 'above'} {low}" if low else (
        f"{feature.label} at most {high}")  # fmt: skip
