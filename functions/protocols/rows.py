"""Many customers, each of them usable or refused with its problems, in the order they came in."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ParamSpec, TypeVar

from functions.http.assign import MAX_ID_LENGTH, parse_customer
from functions.http.problems import ProblemError
from pipeline.errors import Problem, WrongRow
from pipeline.model.contract import Contract, Value

P = ParamSpec("P")
T = TypeVar("T")
MAX_ROWS = 100_000
"""Customers of one request; a larger file is a job."""
MAX_WRONG = 10_000
"""So many of them may be wrong; more have one reason, and would be told it again and again."""
_IN_PLACE = 16_384
"""A larger body is answered in a thread, so that it keeps no other request waiting."""


@dataclass(slots=True)
class Rows:
    """Customers of one request."""

    ids: list[str | int | None] = field(default_factory=list)
    """One for each row; None where there is none, or none that can be read."""
    good: list[Mapping[str, Value]] = field(default_factory=list)
    """What the contract made of those that can be assigned."""
    at: list[int] = field(default_factory=list)
    """The row of each of these, from 0."""
    wrong: dict[int, Sequence[Problem]] = field(default_factory=dict)
    """Row → why it cannot be assigned."""

    def add(self, customer_id: str | int | None, customer: Mapping[str, Value]) -> None:
        """Add a customer who can be assigned."""
        self.at.append(len(self.ids))
        self.good.append(customer)
        self._add(customer_id)

    def refuse(self, problems: Sequence[Problem], customer_id: str | int | None = None) -> None:
        """Add a customer who cannot; ProblemError where too many cannot."""
        if len(self.wrong) == MAX_WRONG:
            row, first = next(iter(self.wrong.items()))
            detail = f"more than {MAX_WRONG:,} of the customers cannot be assigned"
            why = str(WrongRow(first)).removeprefix(": ")
            raise ProblemError(422, f"{detail}; the first is row {row} (from 0): {why}")
        self.wrong[len(self.ids)] = problems
        self._add(customer_id)

    def parse(self, contract: Contract, customer: object, *, typed: bool = True) -> None:
        """Add a customer, whichever he is.

        Args:
            contract: What his values may be.
            customer: Values by column.
            typed: They have types, so that text is no number.
        """
        try:
            self.add(*parse_customer(contract, customer, typed=typed))
        except WrongRow as error:
            self.refuse(error.problems, _id_of(contract, customer))

    def _add(self, customer_id: str | int | None) -> None:
        if len(self.ids) == MAX_ROWS:
            raise too_many()
        self.ids.append(customer_id)


def parse_rows(contract: Contract, customers: Iterable[object]) -> Rows:
    """Customers whose values have types, such as those of JSON.

    Raises:
        ProblemError: There are more than `MAX_ROWS`.
    """
    rows = Rows()
    for customer in customers:
        rows.parse(contract, customer)
    return rows


def too_many() -> ProblemError:
    """There are more customers than one request may have."""
    return ProblemError(413, f"at most {MAX_ROWS:,} customers at once; send more as a file")


async def beside(size: int, answer: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
    """What a function answers: in a thread where a body of this size may keep others waiting."""
    if size <= _IN_PLACE:
        return answer(*arguments, **named)
    return await asyncio.to_thread(answer, *arguments, **named)


def _id_of(contract: Contract, customer: Any) -> str | int | None:
    """The id of a customer who is refused, where it can be given back."""
    found = customer.get(contract.id_column) if isinstance(customer, dict) else None
    if isinstance(found, str):
        return found if len(found) <= MAX_ID_LENGTH else None
    return found if isinstance(found, int) and not isinstance(found, bool) else None
