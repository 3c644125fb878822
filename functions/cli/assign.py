"""The command that says which cluster one customer belongs to."""

import click

from functions.cli import console, options
from functions.http.presenter import Presenter
from pipeline.model.cluster_model import ClusterModel


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
    model = ClusterModel.from_json(artifact.read("model.json"), artifact.version)
    assignment = model.assign(customer)
    if as_json:
        presenter = Presenter(model, artifact.version)
        customer_id = customer.get(model.contract.id_column or "")
        console.print_json(presenter.assignment(assignment, customer_id))
    else:
        console.show_assignment(assignment, model)
