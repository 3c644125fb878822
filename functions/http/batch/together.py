"""Many customers parsed, assigned and written at once, by numpy."""

from collections.abc import Mapping, Sequence
from typing import Any

from functions.http.assign import id_problems, not_an_object, rejected
from functions.http.batch.text import ItemWriter
from functions.http.presenter import Presenter
from functions.http.schemas import RejectedItem
from pipeline.errors import Problem, WrongRow
from pipeline.model.many.located import Located
from pipeline.model.many.parsing import parse_many

_NOBODY: Mapping[str, object] = {}


class Together:
    """What a batch does turn by turn."""

    def __init__(self, presenter: Presenter, names: Sequence[str]) -> None:
        """Prepare what all turns share.

        Args:
            presenter: The model, and its words.
            names: The fields of an item, in their order.
        """
        self.presenter, self.writer = presenter, ItemWriter(presenter, names)
        self._risk = "risk_score" in names or "warning" in names

    def turn(
        self, start: int, customers: Sequence[Any]
    ) -> tuple[Sequence[str], list[RejectedItem]]:
        """The items of good customers, and what is wrong with the others.

        Args:
            start: The place of the first of them in the batch.
            customers: What the client sent.
        """
        contract = self.presenter.model.contract
        objects = [each if isinstance(each, dict) else _NOBODY for each in customers]
        parsed = parse_many(contract, objects)
        ids = [each.get(contract.id_column) for each in objects] if contract.id_column else []
        problems: dict[int, list[Problem]] = dict(parsed.problems)
        for at, customer_id in enumerate(ids):
            if wrong := id_problems(contract, customer_id):
                problems[at] = [*wrong, *problems.get(at, [])]
        for at, customer in enumerate(customers):
            if objects[at] is _NOBODY:
                problems[at] = [not_an_object(customer)]
        if not problems:
            good: Sequence[int] = range(len(customers))
            features = parsed.features
        else:
            good = [at for at in range(len(customers)) if at not in problems]
            features = self._kept(parsed.features, parsed.good.nonzero()[0].tolist(), problems)
        located = Located.of(self.presenter.model, features, risk=self._risk)
        known = [ids[at] for at in good] if ids else [None] * len(good)
        items = self.writer.items(located, [start + at for at in good], known)
        return items, [
            rejected(self.presenter, start + at, customers[at], WrongRow(problems[at]))
            for at in sorted(problems)
        ]

    def _kept(
        self, features: Mapping[str, Any], rows: Sequence[int], problems: Mapping[int, object]
    ) -> Mapping[str, Any]:
        """The features of rows that nothing else is wrong with."""
        keep = [index for index, at in enumerate(rows) if at not in problems]
        return {name: values[keep] for name, values in features.items()}
