"""What is the same for all customers of a batch, and what is left for each of them."""

from collections.abc import Collection
from typing import Any

from functions.http.content.fields import FIELDS
from functions.http.presenter import Presenter
from functions.http.schemas import AssignmentAnswer

_SHARED = frozenset({"churn", "model_version", "contract_sha256"})
"""Fields of an assignment that no item of a batch has."""


def facts(presenter: Presenter, fields: Collection[str]) -> dict[str, Any]:
    """What stands once, at the beginning of a batch's answer.

    Args:
        presenter: The model, and its words.
        fields: What was asked for.
    """
    document: dict[str, Any] = {
        "model_version": presenter.version,
        "contract_sha256": presenter.contract_sha256,
    }
    named, rated = not {"cluster", "runner_up"}.isdisjoint(fields), "churn" in fields
    if named or rated:
        document["clusters"] = {
            str(cluster.id): {
                **(presenter.name(cluster) if named else {"id": cluster.id}),
                **({"churn": presenter.churn(cluster)} if rated else {}),
            }
            for cluster in presenter.model.clusters
        }
    if "risk_score" in fields:
        risk = presenter.model.risk
        document["risk_intercept"] = None if risk is None else risk.intercept
    return document


def item_fields(fields: Collection[str]) -> list[str]:
    """The fields of an item, in their order: the id of the cluster also says the churn rate."""
    wanted = {*fields, "cluster"} if "churn" in fields else set(fields)
    return [name for name in FIELDS if name in wanted and name not in _SHARED]


def lean(index: int, answer: AssignmentAnswer, names: list[str]) -> dict[str, Any]:
    """An item of a batch, from what is said of the customer alone.

    Args:
        index: The customer's place in the batch.
        answer: The whole answer.
        names: What is left of it.
    """
    whole: dict[str, Any] = {**answer, "cluster": answer["cluster"]["id"]}
    runner_up, risk = answer["runner_up"], answer["risk_score"]
    whole["runner_up"] = {"id": runner_up["id"], "distance": runner_up["distance"]}
    if risk is not None:
        whole["risk_score"] = {k: value for k, value in risk.items() if k != "intercept"}
    return {"index": index, **{name: whole[name] for name in names}}
