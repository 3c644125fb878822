"""The command that says which cluster one customer belongs to."""

from collections.abc import Mapping

import click

from functions.cli import options
from functions.cli.output.text import print_details, print_json, print_text
from pipeline.model.cluster import Cluster
from pipeline.model.cluster_model import Assignment, ClusterModel
from pipeline.model.contract import Value, exact
from pipeline.model.outlier import warning
from pipeline.model.published.loading import load_model
from pipeline.model.risk import in_words


@click.command(
    epilog="Example: customer-clusters assign Total_Revolving_Bal=0 Total_Trans_Amt=1900 "
    "Total_Trans_Ct=38 --what-if"
)
@click.argument("values", metavar="NAME=VALUE...", nargs=-1, required=True)
@click.option("--what-if", is_flag=True, help="Say too what would lead to another cluster.")
@options.model
@options.store
@options.as_json_flag
def assign(
    values: tuple[str, ...], what_if: bool, reference: str, store: str, as_json: bool
) -> None:
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
    parsed = model.contract.parse(customer)
    assignment = model.locate(parsed)
    if as_json:
        from functions.http.presenter import Presenter
        from functions.http.what_if import changes_answer

        presenter = Presenter(model, artifact.version)
        customer_id = customer.get(model.contract.id_column or "")
        answer = presenter.assignment(assignment, customer_id)
        more = {"what_if": changes_answer(presenter, parsed, customer_id)} if what_if else {}
        print_json({**answer, **more})
        return
    _show(assignment, model)
    if what_if:
        _show_changes(model, parsed)


def _show(assignment: Assignment, model: ClusterModel) -> None:
    """An assignment for people."""
    cluster = assignment.cluster
    if caution := warning(model.contract, assignment):
        print_text(caution, bold=True)
    gaps = model.clusters[-1].id > len(model.clusters)  # some ids are retired
    number = f"{cluster.id}" if gaps else f"{cluster.id} of {len(model.clusters)}"
    print_text(f"Group {number}: {cluster.name}", bold=True)
    print_text(cluster.description)
    if cluster.churn:
        churn = cluster.churn
        print_text(
            f"Churn rate of this group: {churn.rate:.1%} ({churn.churned:,} of "
            f"{churn.customers:,} {model.contract.churned_word}; "
            f"95 % interval {churn.low:.1%} to {churn.high:.1%})"
        )
    if assignment.risk is not None and not assignment.outlier:  # it would say more than is known
        said = in_words(assignment.risk, model.contract.churned_word)
        print_text(f"Risk score: {said}; 95 % interval")
    labels = {feature.name: feature.label for feature in model.contract.features}
    print_text(
        f"Distance to the centre {assignment.distance:.3f} (outlier beyond "
        f"{cluster.outlier_distance:.3f}); margin {assignment.margin:.2f} to group "
        f"{assignment.runner_up.id}, {assignment.runner_up.name}"
    )
    if assignment.residual is not None and cluster.outlier_residual is not None:
        print_text(
            f"Off the pattern of the values together {assignment.residual:.3f} (outlier beyond "
            f"{cluster.outlier_residual:.3f})"
        )
    print_text()
    print_details(
        ("Feature", "Value", "Weight", "Why"),
        [
            (
                labels[reason.feature],
                _amount(reason.value),
                f"{reason.contribution:+.3f}",
                reason.sentence,
            )
            for reason in assignment.reasons
        ],
    )


def _show_changes(model: ClusterModel, customer: Mapping[str, Value]) -> None:
    """What would change the group, the smallest change first."""
    from pipeline.model.counterfactuals import find_counterfactuals

    found = find_counterfactuals(model, customer)
    features = {feature.name: feature for feature in model.contract.features}
    changes = sorted(filter(None, found.values()), key=lambda change: change.size)
    print_text()
    if not changes:
        print_text("No possible change of one value alone would change the group.")
        return
    print_details(
        ("What would change the group", "Now", "Then", "Group"),
        [
            (
                features[change.feature].label,
                _amount(customer[change.feature]),
                _amount(change.value),
                f"{change.cluster.id}, {change.cluster.name}{_rate(change.cluster)}",
            )
            for change in changes
        ],
    )


def _amount(value: Value) -> str:
    """A value with all its digits."""
    return value if isinstance(value, str) else exact(value, "")


def _rate(cluster: Cluster) -> str:
    return f" ({cluster.churn.rate:.1%})" if cluster.churn else ""
