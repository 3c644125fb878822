"""Operations on customers that are sent along."""

from typing import Any

from functions.http.assign import MAX_BATCH, assign_one
from functions.http.batch.facts import facts, item_fields, lean
from functions.http.batch.media import JSON, TABLES
from functions.http.content.fields import FIELDS
from functions.http.openapi.contract_schemas import example_customer
from functions.http.openapi.operation import TAKES_JSON, Answer, Media, Operation
from functions.http.presenter import presenter_of
from functions.http.problems import to_problem
from functions.http.schemas import AssignmentAnswer, BatchAnswer, WhatIfAnswer
from functions.http.what_if import what_if
from functions.live_model import LoadedModel
from pipeline.errors import Problem, WrongRow

_TO_CLUSTER = {"getCluster": {"cluster_id": "$response.body#/cluster/id"}}
_WRONG_CUSTOMER = to_problem(WrongRow([Problem("Age", "missing", "", "a whole number")]))
_FIELDS = (
    "With `?fields=cluster,margin,reasons` the answer has those fields and no others; an unknown "
    "one is refused, with the names there are."
)
_TABLES = {
    "text/csv": Media({"type": "string"}),
    **{
        kind: Media({"type": "string", "format": "binary"}) for kind in TABLES if kind != "text/csv"
    },
}
_PROBLEMS = (*TAKES_JSON, _WRONG_CUSTOMER)


def _assignment(loaded: LoadedModel) -> Any:
    return assign_one(presenter_of(loaded), example_customer(loaded))


def _batch(loaded: LoadedModel) -> Any:
    presenter = presenter_of(loaded)
    item = lean(0, assign_one(presenter, example_customer(loaded)), item_fields(FIELDS))
    return {**facts(presenter, FIELDS), "assigned": [item], "rejected": []}


def _changes(loaded: LoadedModel) -> Any:
    return what_if(presenter_of(loaded), {"customer": example_customer(loaded)})


OPERATIONS = (
    Operation(
        id="assignCustomer",
        method="post",
        path="/v1/assign",
        tag="Customers",
        summary="Which cluster one customer belongs to, and why",
        description=_FIELDS,
        body="Customer",
        answers={
            200: Answer(
                Media(AssignmentAnswer, _assignment), "The cluster, and why", links=_TO_CLUSTER
            )
        },
        problems=_PROBLEMS,
    ),
    Operation(
        id="findChanges",
        method="post",
        path="/v1/what-if",
        tag="Customers",
        summary="What would change the cluster of one customer",
        body="WhatIf",
        answers={
            200: Answer(
                Media(WhatIfAnswer, _changes), "Changes, the smallest first", links=_TO_CLUSTER
            )
        },
        problems=_PROBLEMS,
    ),
    Operation(
        id="assignBatch",
        method="post",
        path="/v1/assign/batch",
        tag="Customers",
        summary="Which clusters many customers belong to",
        description=f"Up to {MAX_BATCH:,} customers; wrong ones are rejected one by one, the "
        "others assigned. What is the same for all stands once: an item's `cluster` is a key of "
        f"`clusters`, where its name is.\n\n{_FIELDS} Each item also has its "
        "`index`, and its `cluster` where `fields` asks for what `clusters` says of it.",
        body={JSON: Media("Batch"), **_TABLES},
        answers={
            200: Answer(
                {JSON: Media(BatchAnswer, _batch), **_TABLES},
                "Every customer, assigned or rejected",
            )
        },
        problems=(*TAKES_JSON, 406),
    ),
)
