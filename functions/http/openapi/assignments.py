"""Operations on customers that are sent along."""

from typing import Any

from functions.http.assign import MAX_BATCH, assign_one
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
_PROBLEMS = (*TAKES_JSON, _WRONG_CUSTOMER)


def _assignment(loaded: LoadedModel) -> Any:
    return assign_one(presenter_of(loaded), example_customer(loaded))


def _batch(loaded: LoadedModel) -> Any:
    presenter = presenter_of(loaded)
    return {
        "assigned": [{"index": 0, "assignment": _assignment(loaded)}],
        "rejected": [],
        "model_version": presenter.version,
        "contract_sha256": presenter.contract_sha256,
    }


def _changes(loaded: LoadedModel) -> Any:
    return what_if(presenter_of(loaded), {"customer": example_customer(loaded)})


OPERATIONS = (
    Operation(
        id="assignCustomer",
        method="post",
        path="/v1/assign",
        tag="Customers",
        summary="Which cluster one customer belongs to, and why",
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
        "others assigned.",
        body="Batch",
        answers={200: Answer(Media(BatchAnswer, _batch), "Every customer, assigned or rejected")},
        problems=TAKES_JSON,
    ),
)
