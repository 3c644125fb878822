"""Answers for customers that came as JSON, one or many."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from functions.http.presenter import Presenter
from functions.http.problems import ProblemError, field_problems
from functions.http.schemas import AssignmentAnswer, BatchAnswer, RejectedItem
from pipeline.errors import Problem, WrongRow, shortened
from pipeline.model.cluster_model import Assignment, ClusterModel
from pipeline.model.contract import Contract, Value

MAX_BATCH = 1_000
MAX_ID_LENGTH = 100
_CUSTOMERS_A_TURN = 250
"""Customers of a batch that are assigned before other requests get a turn."""
_MANY = 50
"""From so many customers on they are assigned at once, by numpy, which fewer need not load."""


def assign_one(presenter: Presenter, customer: object) -> AssignmentAnswer:
    """One customer's answer.

    Raises:
        WrongRow: Every problem of the customer, that of the id included.
    """
    customer_id, parsed = parse_customer(presenter.model.contract, customer)
    return presenter.assignment(presenter.model.locate(parsed), customer_id)


def parse_customer(
    contract: Contract, customer: object
) -> tuple[str | int | None, dict[str, Value]]:
    """A customer's id and features; WrongRow with every problem of either."""
    if not isinstance(customer, dict):
        raise WrongRow([_not_an_object(customer)])
    customer_id = customer.get(contract.id_column) if contract.id_column else None
    problems = [] if _is_id(customer_id) else [_wrong_id(str(contract.id_column), customer_id)]
    try:
        parsed = contract.parse(customer, typed=True)
    except WrongRow as error:
        raise WrongRow([*problems, *error.problems]) from None
    if problems:
        raise WrongRow(problems)
    return customer_id, parsed


async def assign_batch(presenter: Presenter, document: object) -> BatchAnswer:
    """Good customers assigned, wrong ones rejected with their index.

    Raises:
        ProblemError: The document is no batch, or too large a one.
    """
    answer: BatchAnswer = {
        "assigned": [],
        "rejected": [],
        "model_version": presenter.version,
        "contract_sha256": presenter.contract_sha256,
    }
    customers = _customers(document)
    locate = _locate_each if len(customers) < _MANY else await asyncio.to_thread(_vectorised)
    for start in range(0, len(customers), _CUSTOMERS_A_TURN):
        good = []
        for index, customer in enumerate(customers[start : start + _CUSTOMERS_A_TURN], start):
            try:
                good.append((index, *parse_customer(presenter.model.contract, customer)))
            except WrongRow as error:
                answer["rejected"].append(_rejected(presenter, index, customer, error))
        assignments = locate(presenter.model, [parsed for _, _, parsed in good])
        answer["assigned"] += [
            {"index": index, "assignment": presenter.assignment(assignment, customer_id)}
            for (index, customer_id, _), assignment in zip(good, assignments, strict=True)
        ]
        await asyncio.sleep(0)
    return answer


def _locate_each(model: ClusterModel, customers: Sequence[Mapping[str, Value]]) -> list[Assignment]:
    return [model.locate(customer) for customer in customers]


def _vectorised() -> Callable[..., list[Assignment]]:
    """`locate_many`; numpy comes with the first call, so it is made beside the event loop."""
    from pipeline.model.many.explanations import locate_many

    return locate_many


def _customers(document: object) -> list[Any]:
    if not isinstance(document, dict) or set(document) != {"customers"}:
        raise ProblemError(422, 'expected an object with the one key "customers"')
    customers = document["customers"]
    if not isinstance(customers, list):
        raise ProblemError(422, '"customers" must be an array of objects')
    if len(customers) > MAX_BATCH:
        raise ProblemError(
            422, f"at most {MAX_BATCH:,} customers at once, found {len(customers):,}"
        )
    return customers


def _rejected(presenter: Presenter, index: int, customer: Any, error: WrongRow) -> RejectedItem:
    column = presenter.model.contract.id_column
    customer_id = customer.get(column) if isinstance(customer, dict) and column else None
    return {
        "index": index,
        "id": customer_id if _is_id(customer_id) else None,
        "errors": field_problems(error.problems),
    }


def _is_id(value: object) -> bool:
    if isinstance(value, str):
        return len(value) <= MAX_ID_LENGTH
    return value is None or (isinstance(value, int) and not isinstance(value, bool))


def _wrong_id(column: str, value: object) -> Problem:
    expected = f"text of at most {MAX_ID_LENGTH} characters, or a whole number"
    return Problem(column, "not_an_id", shortened(value), expected)


def _not_an_object(value: object) -> Problem:
    return Problem("", "not_an_object", shortened(value), "an object of features by name")
