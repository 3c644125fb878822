"""What would change a customer's cluster, for machines."""

from collections.abc import Mapping, Sequence

from functions.http.assign import parse_customer
from functions.http.presenter import Presenter
from functions.http.problems import ProblemError
from functions.http.schemas import ChangeAnswer, WhatIfAnswer
from pipeline.errors import Problem, WrongRow, shortened
from pipeline.model.contract import Contract, Value
from pipeline.model.contract.feature import Actionable
from pipeline.model.counterfactuals import Counterfactual, find_counterfactuals, possible_ways
from pipeline.model.outlier import warning

_KEYS = {"customer", "ways"}


def what_if(presenter: Presenter, document: object) -> WhatIfAnswer:
    """The smallest change of each feature alone that leads a customer to another cluster.

    Raises:
        WrongRow: Every problem of the customer, and of the ways.
        ProblemError: The document is no such question.
    """
    if not isinstance(document, dict) or "customer" not in document or set(document) - _KEYS:
        raise ProblemError(422, 'expected an object with "customer", and perhaps "ways"')
    contract = presenter.model.contract
    customer_id, customer = parse_customer(contract, document["customer"])
    ways = _ways(contract, document.get("ways"))
    return changes_answer(presenter, customer, customer_id, ways)


def changes_answer(
    presenter: Presenter,
    customer: Mapping[str, Value],
    customer_id: str | int | None = None,
    ways: Mapping[str, Actionable] | None = None,
) -> WhatIfAnswer:
    """The answer for values that the contract has parsed; ways as of `find_counterfactuals`."""
    model = presenter.model
    found = find_counterfactuals(model, customer, ways)
    changes = sorted(filter(None, found.values()), key=lambda change: change.size)
    assignment = model.locate(customer)
    return {
        "id": customer_id,
        "warning": warning(model.contract, assignment),
        "cluster": presenter.name(assignment.cluster),
        "churn": presenter.churn(assignment.cluster),
        "risk_score": presenter.risk(assignment.risk),
        "changes": [_change(presenter, customer, change) for change in changes],
        "without_change": [name for name, change in found.items() if change is None],
        "model_version": presenter.version,
        "contract_sha256": presenter.contract_sha256,
    }


def _change(
    presenter: Presenter, customer: Mapping[str, Value], change: Counterfactual
) -> ChangeAnswer:
    return {
        "feature": change.feature,
        "value": customer[change.feature],
        "new_value": change.value,
        "cluster": presenter.name(change.cluster),
        "churn": presenter.churn(change.cluster),
        "size": change.size,
    }


def _ways(contract: Contract, given: object) -> dict[str, Actionable] | None:
    """Which way each feature may change; None where nothing is said of it."""
    if given is None:
        return None
    if not isinstance(given, dict):
        raise WrongRow([Problem("ways", "not_an_object", shortened(given), "ways by feature")])
    possible = {feature.name: possible_ways(feature) for feature in contract.features}
    problems = [_not_actionable(name, possible[name], way) for name, way in given.items()
                if name in possible and way not in possible[name]]  # fmt: skip
    if unknown := [name for name in given if name not in possible]:
        expected = f"one of {', '.join(possible)}"  # once: a body may have any number of names
        problems.append(Problem("ways", "unknown_feature", shortened(unknown[0]), expected))
    if problems:
        raise WrongRow(problems)
    return dict(given)


def _not_actionable(name: str, possible: Sequence[str], way: object) -> Problem:
    expected = f"one of {', '.join(possible)}, which the contract allows"
    return Problem(f"ways.{name}", "not_actionable", shortened(way), expected)
