"""The command that says which cluster one customer belongs to."""

from collections.abc import Mapping

import click

from functions.cli import options
from functions.cli.output.text import print_details, print_json, print_text
from pipeline.model.cluster_model import Assignment, ClusterModel
from pipeline.model.loading import load_model


@click.command(
    epilog="Example: customer-clusters assign Total_Revolving_Bal=0 Total_Trans_Amt=1900 "
    "Total_Trans_Ct=38"
)
@click.argument("values", metavar="NAME=VALUE...", nargs=-1, required=True)
@options.model
@options.store
@options.as_json_flag
def assign(values: tuple[str, ...], reference: str, store: str, as_json: bool) -> None:
    """Say which cluster one customer belongs to, and why."""
    customer = {}
    for text in values:
        name, equals, value = text.partition("=")
        if not equals:
            raise click.BadParameter(f"expected NAME=VALUE, found {text!r}")
        if name in customer:
            raise click.BadParameter(f"{name} is given twice")
        customer[name] = value
    artifact = options.open_store(store).open(reference)
    model = load_model(artifact)
    assignment = model.assign(customer)
    if as_json:
        from functions.http.presenter import Presenter

        presenter = Presenter(model, artifact.version)
        customer_id = customer.get(model.contract.id_column or "")
        print_json(presenter.assignment(assignment, customer_id))
    else:
        _show(assignment, model)


def _show(assignment: Assignment, model: ClusterModel) -> None:
    """An assignment for people."""
    cluster = assignment.cluster
    gaps = model.clusters[-1].id > len(model.clusters)  # some ids are retired
    number = f"{cluster.id}" if gaps else f"{cluster.id} of {len(model.clusters)}"
    print_text(f"Cluster {number}: {cluster.name}", bold=True)
    print_text(cluster.description)
    if cluster.churn:
        churn = cluster.churn
        print_text(
            f"Churn rate of this group: {churn.rate:.1%} ({churn.churned:,} of "
            f"{churn.customers:,} left; 95 % interval {churn.low:.1%} to {churn.high:.1%})"
        )
    labels = {feature.name: feature.label for feature in model.contract.features}
    print_text(
        f"Distance to the centre {assignment.distance:.3f} (outlier beyond "
        f"{cluster.outlier_distance:.3f}); margin {assignment.margin:.2f} to cluster "
        f"{assignment.runner_up.id}, {assignment.runner_up.name}"
    )
    if assignment.residual is not None and cluster.outlier_residual is not None:
        print_text(
            f"Off the pattern of the values together {assignment.residual:.3f} (outlier beyond "
            f"{cluster.outlier_residual:.3f})"
        )
    if assignment.outlier:
        print_text(f"Outlier{_why_outlier(assignment, labels)}", bold=True)
    print_text()
    print_details(
        ("Feature", "Value", "Weight", "Why"),
        [
            (
                labels[reason.feature],
                reason.value if isinstance(reason.value, str) else f"{reason.value:,g}",
                f"{reason.contribution:+.3f}",
                reason.sentence,
            )
            for reason in assignment.reasons
        ],
    )


def _why_outlier(assignment: Assignment, labels: Mapping[str, str]) -> str:
    """What makes a customer an outlier, as far as features can be named."""
    parts = []
    if assignment.unusual:
        parts.append(f"unusual: {', '.join(labels[name] for name in assignment.unusual)}")
    if assignment.combination:
        together = " and ".join(labels[name] for name in assignment.combination)
        parts.append(f"unusual combination of {together}")
    detail = f" ({'; '.join(parts)})" if parts else ""
    return f": unlike the customers the model was trained on{detail}"
