"""Operations on customers of scored files."""

from functions.http.openapi.operation import READS, Answer, Operation, Parameter
from functions.http.problems import ProblemError
from functions.http.schemas import CustomerAnswer

OPERATIONS = (
    Operation(
        id="getCustomer",
        method="get",
        path="/v1/customers/{customer_id}",
        tag="Customers",
        summary="Which group one customer was in, in each scored file",
        parameters=(
            Parameter(
                "customer_id",
                "The customer's id, as files have it.",
                {"type": "string", "minLength": 1},
            ),
        ),
        answers={200: Answer(CustomerAnswer, "Where each run has put the customer")},
        problems=(
            *READS,
            ProblemError(404, "no customer with this id in 12 runs; 0 runs have no index under "
                              "this key"),
        ),
    ),
)  # fmt: skip
