"""Answers for customers that came as JSON: one, and what those of many have in common with it."""

from typing import Any

from functions.http.presenter import Presenter
from functions.http.problems import field_problems
from functions.http.schemas import AssignmentAnswer, RejectedItem
from pipeline.errors import Problem, WrongRow, shortened
from pipeline.model.contract import Contract, Value

MAX_BATCH = 1_000
MAX_ID_LENGTH = 100


def assign_one(presenter: Presenter, customer: object) -> AssignmentAnswer:
    """One customer's answer.

    Raises:
        WrongRow: Every problem of the customer, that of the id included.
    """
    customer_id, parsed = parse_customer(presenter.model.contract, customer)
    return presenter.assignment(presenter.model.locate(parsed), customer_id)


def parse_customer(
    contract: Contract, customer: object, *, typed: bool = True
) -> tuple[str | int | None, dict[str, Value]]:
    """A customer's id and features; WrongRow with every problem of either.

    Args:
        contract: What the values may be.
        customer: Values by the names of columns.
        typed: They have types, as in JSON, so that text is no number.
    """
    if not isinstance(customer, dict):
        raise WrongRow([not_an_object(customer)])
    customer_id = customer.get(contract.id_column) if contract.id_column else None
    problems = id_problems(contract, customer_id)
    try:
        parsed = contract.parse(customer, typed=typed)
    except WrongRow as error:
        raise WrongRow([*problems, *error.problems]) from None
    if problems:
        raise WrongRow(problems)
    return customer_id, parsed


def rejected(presenter: Presenter, index: int, customer: Any, error: WrongRow) -> RejectedItem:
    """The item of a batch for a customer who cannot be assigned."""
    column = presenter.model.contract.id_column
    customer_id = customer.get(column) if isinstance(customer, dict) and column else None
    return {
        "index": index,
        "id": customer_id if _is_id(customer_id) else None,
        "errors": field_problems(error.problems),
    }


def id_problems(contract: Contract, customer_id: object) -> list[Problem]:
    """Why an id cannot be one; empty where it can, and where there is none."""
    if _is_id(customer_id):
        return []
    expected = f"text of at most {MAX_ID_LENGTH} characters, or a whole number"
    return [Problem(str(contract.id_column), "not_an_id", shortened(customer_id), expected)]


def _is_id(value: object) -> bool:
    if isinstance(value, str):
        return len(value) <= MAX_ID_LENGTH
    return value is None or (isinstance(value, int) and not isinstance(value, bool))


def not_an_object(value: object) -> Problem:
    """Why something is no customer at all."""
    return Problem("", "not_an_object", shortened(value), "an object of features by name")
