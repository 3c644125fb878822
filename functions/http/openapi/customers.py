"""Operations on customers of scored files."""

from functions.http.openapi.operation import READS, Answer, Operation, Parameter
from functions.http.openapi.problems import EXAMPLES
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
                example=lambda loaded: "007",
            ),
        ),
        answers={200: Answer(CustomerAnswer, "Where each run has put the customer")},
        problems=(
            *READS,
            ProblemError(404, EXAMPLES["unknown_customer"], code="unknown_customer"),
        ),
    ),
)
