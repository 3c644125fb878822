"""The answer to a batch, as the bytes of its JSON."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from pydantic_core import to_json

from functions.http.assign import MAX_BATCH, parse_customer, rejected
from functions.http.batch.facts import facts, item_fields, lean
from functions.http.content.fields import ALL
from functions.http.presenter import Presenter
from functions.http.problems import ProblemError
from functions.http.schemas import RejectedItem
from pipeline.errors import WrongRow

Turn = Callable[[int, Sequence[Any]], tuple[Sequence[str], list[RejectedItem]]]
"""From the place of the first of some customers, and these, to the items of the good ones and what
is wrong with the others."""
_CELLS_A_TURN = 1_500
_CUSTOMERS_A_TURN = 500
"""Values, and customers, of a batch that are worked on before other requests get a turn: some 5 ms,
and 20 at the most, where no value is as it should be."""
_MANY = 50
"""From so many customers on they are assigned at once, by numpy, which fewer need not load."""


async def batch_json(
    presenter: Presenter,
    document: object,
    fields: frozenset[str] = ALL,
    count: Callable[[int, int], object] = lambda assigned, rejected: None,
) -> bytes:
    """Good customers assigned, wrong ones rejected with their index.

    Args:
        presenter: The model, and its words.
        document: What the client sent.
        fields: What is wanted of each assignment.
        count: Called with how many were assigned and how many rejected.

    Returns:
        The JSON of a `BatchAnswer`.

    Raises:
        ProblemError: The document is no batch, or too large a one.
    """
    customers, names = _customers(document), item_fields(fields)
    if len(customers) < _MANY:
        turn = _one_by_one(presenter, names)
    else:
        turn = await asyncio.to_thread(_together, presenter, names)
    items: list[str] = []
    wrong: list[RejectedItem] = []
    cells = len(presenter.model.contract.features)
    size = min(max(_CELLS_A_TURN // cells, 1), _CUSTOMERS_A_TURN)
    for start in range(0, len(customers), size):
        good, bad = turn(start, customers[start : start + size])
        items += good
        wrong += bad
        await asyncio.sleep(0)
    count(len(items), len(wrong))
    head = to_json(facts(presenter, fields)).removesuffix(b"}")
    body = (head, b',"assigned":[', ",".join(items).encode(), b'],"rejected":', to_json(wrong))
    return b"".join([*body, b"}"])


def _one_by_one(presenter: Presenter, names: list[str]) -> Turn:
    def turn(start: int, customers: Sequence[Any]) -> tuple[list[str], list[RejectedItem]]:
        items, wrong = [], []
        for index, customer in enumerate(customers, start):
            try:
                customer_id, parsed = parse_customer(presenter.model.contract, customer)
            except WrongRow as error:
                wrong.append(rejected(presenter, index, customer, error))
                continue
            answer = presenter.assignment(presenter.model.locate(parsed), customer_id)
            items.append(to_json(lean(index, answer, names)).decode())
        return items, wrong

    return turn


def _together(presenter: Presenter, names: list[str]) -> Turn:
    """By numpy, which comes with the first call: so it is made beside the event loop."""
    from functions.http.batch.together import Together

    return Together(presenter, names).turn


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
