"""Customers as JSON, cut into batches that the server takes, and the items of its answers."""

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from customer_clusters.client.answers import (
    Assignment,
    Churn,
    Cluster,
    Item,
    Reason,
    RiskScore,
    RunnerUp,
)
from customer_clusters.client.decoding import decode
from customer_clusters.client.errors import field_problems

MOST_CUSTOMERS, MOST_BYTES = 1_000, 900_000
"""What a batch may have; a server takes 1,048,576 bytes unless it is told otherwise."""
_MISSING = frozenset({"NAType", "NaTType"})
"""Types of pandas by which a value is missing."""


def written(values: Mapping[Any, Any]) -> bytes:
    """Values by name as JSON.

    Numbers of numpy, `Decimal` and dates are written as what they are, and NaN as null: missing.

    Example:
        >>> written({"Total_Trans_Ct": Decimal("38"), "Total_Trans_Amt": float("nan")})
        b'{"Total_Trans_Ct": 38, "Total_Trans_Amt": null}'

    Raises:
        TypeError: They have no names, such as a list has.
    """
    if not isinstance(values, Mapping):
        raise TypeError(f"expected values by name, such as a dict, found {type(values).__name__}")
    named = {str(name): value for name, value in values.items()}
    try:
        return json.dumps(named, allow_nan=False).encode()
    except (TypeError, ValueError):
        return json.dumps({name: _plain(value) for name, value in named.items()}).encode()


def batches(customers: Iterable[bytes]) -> Iterator[list[bytes]]:
    """Customers that are sent together, by their JSON."""
    batch: list[bytes] = []
    size = 0
    for customer in customers:
        if batch and (len(batch) == MOST_CUSTOMERS or size + len(customer) > MOST_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(customer)
        size += len(customer) + 1
    if batch:
        yield batch


def body_of(batch: Sequence[bytes]) -> bytes:
    """The document of a batch."""
    return b'{"customers":[' + b",".join(batch) + b"]}"


def items_of(document: Any, start: int, count: int) -> list[Item]:
    """What the answer to a batch says of each customer, in their order.

    Args:
        document: The answer.
        start: The index of the first customer of the batch.
        count: How many were sent.

    Raises:
        LookupError: A customer has no answer, or the document has another shape; other errors of
            `MISFIT` too.
    """
    shared = {int(name): _shared(cluster) for name, cluster in document["clusters"].items()}
    items: dict[int, Item] = {}
    for found in document["assigned"]:
        assignment = _assignment(document, found, shared)
        index = found["index"]
        items[index] = Item(start + index, assignment.id, assignment)
    for found in document["rejected"]:
        errors = field_problems(found["errors"])
        items[found["index"]] = Item(start + found["index"], found["id"], None, errors)
    return [items[index] for index in range(count)]


def _shared(cluster: Mapping[str, Any]) -> tuple[Cluster, Churn | None]:
    churn = cluster["churn"]
    return decode(Cluster, cluster), None if churn is None else decode(Churn, churn)


def _assignment(
    document: Mapping[str, Any],
    found: Mapping[str, Any],
    shared: Mapping[int, tuple[Cluster, Churn | None]],
) -> Assignment:
    """An assignment from an item, and what stands once for all of them."""
    cluster, churn = shared[found["cluster"]]
    runner_up, risk = found["runner_up"], found["risk_score"]
    if risk is not None:
        risk = decode(RiskScore, {**risk, "intercept": document["risk_intercept"]})
    return Assignment(
        id=found["id"],
        warning=found["warning"],
        cluster=cluster,
        churn=churn,
        risk_score=risk,
        distance=found["distance"],
        margin=found["margin"],
        runner_up=RunnerUp(runner_up["id"], shared[runner_up["id"]][0].name, runner_up["distance"]),
        outlier=found["outlier"],
        unusual=tuple(found["unusual"]),
        unusual_combination=tuple(found["unusual_combination"]),
        reasons=tuple(decode(Reason, reason) for reason in found["reasons"]),
        model_version=document["model_version"],
        contract_sha256=document["contract_sha256"],
    )


def _plain(value: Any) -> Any:
    """A value as JSON has it; what it has no type for as its text, which the server names."""
    if type(value).__name__ in _MISSING:
        return None
    if isinstance(value, Decimal) and value.is_finite():
        return int(value) if value == value.to_integral_value() else float(value)
    if hasattr(value, "item") and not isinstance(value, Mapping):  # a number of numpy
        value = value.item()
    if isinstance(value, float | Decimal):
        return None if math.isnan(value) else str(value) if math.isinf(value) else value
    if value is None or isinstance(value, str | int):
        return value
    return str(value)
