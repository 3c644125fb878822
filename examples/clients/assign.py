"""Asks a server by a client that openapi-python-client has made, with types throughout.

    curl -o openapi.json http://127.0.0.1:8000/openapi.json
    openapi-python-client generate --path openapi.json --meta none \
        --output-path customer_clusters_client
    python assign.py http://127.0.0.1:8000

Where the server asks for a key, it is read from the variable KEY.
"""

import os
import sys

from customer_clusters_client import AuthenticatedClient, Client
from customer_clusters_client.api.customers import assign_batch, assign_customer
from customer_clusters_client.api.model import get_cluster
from customer_clusters_client.models import (
    AssignmentAnswer,
    Batch,
    BatchAnswer,
    ClusterAnswer,
    Customer,
    ProblemDocument,
)


def main(address: str) -> None:
    """Assign one customer, then three of whom one is wrong."""
    key = os.environ.get("KEY")
    client = AuthenticatedClient(address, token=key) if key else Client(address)
    customer = Customer(total_revolving_bal=0, total_trans_amt=1900, total_trans_ct=38)
    answer = assign_customer.sync(client=client, body=customer)
    if not isinstance(answer, AssignmentAnswer):
        raise SystemExit(answer.detail if answer else "no answer that the document knows")
    print(f"{answer.cluster.id} {answer.cluster.name}: {answer.reasons[0].sentence}")

    cluster = get_cluster.sync(answer.cluster.id, client=client)
    assert isinstance(cluster, ClusterAnswer)
    print(f"{cluster.customers:,} customers of training are in it")

    wrong = Customer(total_revolving_bal=0, total_trans_amt=1900, total_trans_ct=-1)
    batch = assign_batch.sync(client=client, body=Batch(customers=[customer, wrong, customer]))
    assert isinstance(batch, BatchAnswer)
    print(f"assigned: {[item.index for item in batch.assigned]}")
    for item in batch.rejected:
        for error in item.errors:
            print(f"customer {item.index}: {error.field}: expected {error.expected}")

    problem = assign_customer.sync(client=client, body=wrong)
    assert isinstance(problem, ProblemDocument)
    print(f"{problem.status} {problem.code}")


if __name__ == "__main__":
    main(sys.argv[1])
