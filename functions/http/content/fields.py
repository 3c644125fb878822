"""`?fields=cluster,churn`: an answer with the fields that were named, and no others."""

from typing import Any

from starlette.requests import Request

from functions.http.problems import ProblemError
from functions.http.schemas import AssignmentAnswer
from pipeline.errors import shortened

_MARK = "challenger"
"""Says of whom the answer is, where it is not of the live model: nobody has to ask for it."""
FIELDS = tuple(name for name in AssignmentAnswer.__annotations__ if name != _MARK)
"""What an assignment has, in its order."""
ALL = frozenset(FIELDS)


def fields_of(request: Request) -> frozenset[str]:
    """The fields that a request asks for: all of them where it names none.

    Raises:
        ProblemError: It names one that does not exist, or no field at all.
    """
    if not request.scope["query_string"]:
        return ALL
    given = request.query_params.getlist("fields")
    if not given:
        return ALL
    names = [name.strip() for each in given for name in each.split(",")]
    for name in names:
        if name not in ALL:
            expected = f"names from {', '.join(FIELDS)}, with commas between"
            value = shortened(name)
            raise ProblemError(
                422,
                f"the parameter fields: expected {expected}; found {value!r}",
                errors=[{"field": "fields", "code": "unknown_field", "value": value,
                         "expected": expected}],
            )  # fmt: skip
    return frozenset(names)


def only(answer: AssignmentAnswer, fields: frozenset[str]) -> dict[str, Any]:
    """The fields of an answer that were asked for, and whose it is."""
    return {name: value for name, value in answer.items() if name in fields or name == _MARK}
