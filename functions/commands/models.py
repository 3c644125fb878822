"""The models of a store."""

import click

from functions import console
from functions.commands import options
from model_store import open_store
from pipeline.model import ClusterModel


@click.group(invoke_without_command=True)
@options.store
@options.as_json_flag
@click.pass_context
def models(context: click.Context, store: str, as_json: bool) -> None:
    """List the models of a store, or show one."""
    if context.invoked_subcommand is None:
        console.list_models(open_store(store), as_json)


@models.command("list", epilog="Example: customer-clusters models list --json")
@options.store
@options.as_json_flag
def list_models(store: str, as_json: bool) -> None:
    """List versions, aliases and headline metrics."""
    console.list_models(open_store(store), as_json)


@models.command("show", epilog="Example: customer-clusters models show champion")
@click.argument("reference", metavar="REF")
@options.store
@options.as_json_flag
def show(reference: str, store: str, as_json: bool) -> None:
    """Show a model's clusters and metrics; its files are verified first."""
    artifact = open_store(store).open(reference)
    artifact.verify()
    model = ClusterModel.from_json(artifact.read("model.json"), artifact.version)
    if as_json:
        console.print_json(console.model_document(artifact, model))
    else:
        console.show_model(artifact, model)
