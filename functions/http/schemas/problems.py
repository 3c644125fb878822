"""What clients are told of what is wrong."""

from typing import Annotated, NotRequired

from functions.http.schemas.forms import Form, TypedDict

FIELD_CODES = (
    "ambiguous_number", "error_cell", "missing", "not_a_number", "not_actionable", "not_an_id",
    "not_an_integer", "not_an_object", "not_finite", "not_text", "out_of_range",
    "unknown_feature", "unknown_value",
)  # fmt: skip
"""Why a field cannot be used; `pipeline.errors.Problem` says what the contract's codes mean."""


class FieldProblem(TypedDict):
    """Why a field cannot be used."""

    field: str
    """The column; empty where the customer itself is none."""
    code: Annotated[str, Form(enum=FIELD_CODES)]
    """What is wrong with it; stable."""
    value: str
    """What was found, shortened."""
    expected: str
    """What was expected, in words."""


class ProblemDocument(TypedDict):
    """What went wrong, as RFC 9457 says it."""

    type: Annotated[str, Form(format="uri")]
    """An address for the kind of problem; it ends in `code`."""
    title: str
    """The kind of problem in words, the same for every one of its code."""
    status: Annotated[int, Form(minimum=400, maximum=599)]
    """The status of the answer."""
    detail: str
    """What was wrong with this request, and what was expected."""
    code: str
    """The kind of problem; stable, for programs."""
    instance: Annotated[str, Form(format="uri")]
    """Names this request; the log has it by the same id."""
    errors: NotRequired[list[FieldProblem]]
    """The fields that are wrong, of a customer."""
