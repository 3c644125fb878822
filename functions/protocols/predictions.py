"""What tools get of each customer: a few columns, without the reasons."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from functions.http.presenter import Presenter
from pipeline.model.cluster_model import ClusterModel
from pipeline.model.contract import Value

Customers = Sequence[Mapping[str, Value]]
Columns = dict[str, list[Any]]
Datatype = Literal["BOOL", "INT64", "FP64", "BYTES"]
_MANY = 50
"""From so many customers on they are assigned by numpy, which fewer need not load."""


class Output(NamedTuple):
    """A column of the answer, with its type as the Open Inference Protocol names it."""

    name: str
    datatype: Datatype


def outputs_of(presenter: Presenter) -> tuple[Output, ...]:
    """The columns that a model gives; one that knows of no churn has no `churn_rate`."""
    rate = () if presenter.churn_rate is None else (Output("churn_rate", "FP64"),)
    risk = () if presenter.model.risk is None else (Output("risk", "FP64"),)
    return (
        Output("cluster", "INT64"),
        Output("cluster_name", "BYTES"),
        *rate,
        Output("margin", "FP64"),
        Output("distance", "FP64"),
        Output("outlier", "BOOL"),
        *risk,
    )


def predict(presenter: Presenter, customers: Customers) -> Columns:
    """Assign customers that the contract has parsed.

    Returns:
        A column for each of `outputs_of`, by its name, with a value for each customer.
    """
    few = len(customers) < _MANY
    found = (_one_by_one if few else _at_once())(presenter.model, customers)
    clusters = {cluster.id: cluster for cluster in presenter.model.clusters}
    of_customers = [clusters[cluster_id] for cluster_id in found["cluster"]]
    found["cluster_name"] = [cluster.name for cluster in of_customers]
    if presenter.churn_rate is not None:
        found["churn_rate"] = [c.churn.rate if c.churn else None for c in of_customers]
    return found


def _one_by_one(model: ClusterModel, customers: Customers) -> Columns:
    assigned = [model.locate(customer) for customer in customers]
    found: Columns = {
        "cluster": [each.cluster.id for each in assigned],
        "margin": [each.margin for each in assigned],
        "distance": [each.distance for each in assigned],
        "outlier": [each.outlier for each in assigned],
    }
    if model.risk is not None:
        found["risk"] = [each.risk.rate if each.risk else None for each in assigned]
    return found


def _at_once() -> Callable[[ClusterModel, Customers], Columns]:
    """The same for many; numpy comes with the first of them."""
    from functions.protocols.many import assign_at_once

    return assign_at_once
