"""Every operation that the API may have, in the order of the document."""

from functions.http.openapi import assignments, customers, jobs, model
from functions.http.openapi.operation import Operation

TAGS = {
    "Customers": "Which cluster a customer belongs to, why, and what would change it.",
    "Jobs": "Whole files: taken, scored one after the other, and given back.",
    "Model": "The clusters, and the model that answers.",
    "Health": "For load balancers and orchestrators.",
}
"""What an operation may be filed under, and what is said of that."""
OPERATIONS: tuple[Operation, ...] = (
    *assignments.OPERATIONS,
    *jobs.OPERATIONS,
    *customers.OPERATIONS,
    *model.OPERATIONS,
)
