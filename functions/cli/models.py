"""The models of a store."""

from pathlib import Path

import click

from functions.cli import options
from functions.cli.export import export
from functions.cli.output import models as model_tables
from functions.cli.output.text import print_json
from model_store import WrongArtifact, load_signer
from pipeline.model.published.column_aliases import declare_aliases
from pipeline.model.published.loading import load_model
from pipeline.model.published.renaming import rename_cluster
from pipeline.reading.options import ReadingOptions


@click.group(invoke_without_command=True)
@options.store
@options.as_json_flag
@click.pass_context
def models(context: click.Context, store: str, as_json: bool) -> None:
    """List the models of a store, or show one."""
    if context.invoked_subcommand is None:
        model_tables.list_models(options.open_store(store), as_json)


@models.command("list", epilog="Example: customer-clusters models list --json")
@options.store
@options.as_json_flag
def list_models(store: str, as_json: bool) -> None:
    """List versions, aliases and headline metrics."""
    model_tables.list_models(options.open_store(store), as_json)


@models.command("show", epilog="Example: customer-clusters models show champion")
@click.argument("reference", metavar="[REF]", default=lambda: options.model_settings().model)
@options.store
@options.as_json_flag
def show(reference: str, store: str, as_json: bool) -> None:
    """Show a model's clusters and metrics; its files are verified first.

    Without REF it is the model that answers: $CUSTOMER_CLUSTERS_MODEL, else champion.
    """
    artifact = options.open_store(store).open(reference)
    artifact.verify()
    model = load_model(artifact)
    if as_json:
        print_json(model_tables.model_document(artifact, model))
    else:
        model_tables.show_model(artifact, model)


@models.command(
    "promote", epilog="Example: customer-clusters models promote candidate --why better"
)
@click.argument("reference", metavar="VERSION")
@options.why
@options.who
@click.option("--force", is_flag=True, help="Promote it all the same; the history says so.")
@click.option(
    "--max-moved",
    type=click.FloatRange(0, 1),
    default=0.2,
    show_default=True,
    help="Share of the customers whose cluster id may change.",
)
@options.counted
@options.evidence
@options.store
def promote(
    store: str,
    reference: str,
    why: str,
    who: str,
    force: bool,
    max_moved: float,
    data: Path | None,
    outcomes: tuple[str, ...],
) -> None:
    """Make a version the champion; the champion becomes the previous one.

    Refused where too many customers would move, where silhouette, stability or churn separation
    are clearly worse, where outcomes speak against it, or where the contract is another one.
    """
    from pipeline import comparing

    target = options.open_store(store)
    version = comparing.promote(
        target,
        reference,
        why=why,
        who=who,
        force=force,
        max_moved=max_moved,
        data=data,
        outcomes=[options.address_of(text) for text in outcomes],
    )
    click.echo(f"champion: {version}")


@models.command("rollback", epilog="Example: customer-clusters models rollback --why 'wrong data'")
@options.why
@options.who
@options.store
def rollback(why: str, who: str, store: str) -> None:
    """Make the previous version the champion again; once more to undo that."""
    click.echo(f"champion: {options.open_store(store).rollback(why, who)}")


@models.command("history", epilog="Example: customer-clusters models history --json")
@options.store
@options.as_json_flag
def history(store: str, as_json: bool) -> None:
    """List who moved which alias, when, from where to where, and why."""
    events = options.open_store(store).history()
    if as_json:
        moves = [{**event.to_dict(), "in_effect": in_effect} for event, in_effect in events]
        print_json(moves)
    else:
        model_tables.show_history(events)


@models.command(
    "rename", epilog="Example: customer-clusters models rename champion 5 'About to leave'"
)
@click.argument("reference", metavar="REF")
@click.argument("cluster", metavar="ID", type=click.IntRange(1))
@click.argument("name", metavar="NAME", callback=options.nonempty)
@click.option("--description", metavar="TEXT", help="What to say of it.  [default: as before]")
@options.who
@options.sign_key
@options.store
def rename(
    store: str,
    reference: str,
    cluster: int,
    name: str,
    description: str | None,
    who: str,
    sign_key: Path | None,
) -> None:
    """Call a cluster otherwise, without training again.

    A new version with the same clusters takes the place of the old one under each of its aliases.
    """
    target = options.open_store(store)
    signer = load_signer(sign_key) if sign_key else None
    before = target.resolve(reference)
    artifact = rename_cluster(
        target, reference, cluster, name, description=description, who=who, signer=signer
    )
    if artifact.version == before:
        click.echo(f"{before}: cluster {cluster} is called so already")
        return
    named = [alias for alias, version in target.aliases().items() if version == artifact.version]
    aliases = f" ({', '.join(sorted(named))})" if named else ""
    click.echo(f"{artifact.version}{aliases}: cluster {cluster} is called {name}")


@models.command(
    "map", epilog='Example: customer-clusters models map champion "Umsatz=Total_Trans_Amt"'
)
@click.argument("reference", metavar="REF")
@click.argument("pairs", metavar='"THEIRS=OURS"...', nargs=-1, required=True)
@options.who
@options.sign_key
@options.store
def add_names(
    store: str, reference: str, pairs: tuple[str, ...], who: str, sign_key: Path | None
) -> None:
    """Know columns by other names, without training again.

    Files with these names are read without asking. A new version takes the place of the old one
    under each of its aliases; it assigns as that did.
    """
    target = options.open_store(store)
    signer = load_signer(sign_key) if sign_key else None
    before = target.resolve(reference)
    pairs = ReadingOptions(map=pairs).map
    artifact = declare_aliases(target, reference, pairs, who=who, signer=signer)
    if artifact.version == before:
        click.echo(f"{before}: the names are known already")
        return
    named = [alias for alias, version in target.aliases().items() if version == artifact.version]
    aliases = f" ({', '.join(sorted(named))})" if named else ""
    click.echo(f"{artifact.version}{aliases}: {'; '.join(pairs)}")


@models.command("prune", epilog="Example: customer-clusters models prune --keep 5 --yes")
@click.option(
    "--keep",
    metavar="N",
    type=click.IntRange(1),
    required=True,
    help="How many of the newest versions stay, besides those that an alias names.",
)
@click.option("--yes", is_flag=True, help="Remove them; without it they are only listed.")
@options.store
def prune(keep: int, yes: bool, store: str) -> None:
    """Remove old versions that no alias names, and what crashes have left."""
    target = options.open_store(store)
    names = target.prune(keep) if yes else target.removable(keep)
    for name in names:
        click.echo(f"{'removed' if yes else 'would remove'} {name}")
    if not names:
        click.echo("nothing to remove")


@models.command("verify", epilog="Example: customer-clusters models verify champion")
@click.argument("reference", metavar="[REF]", required=False)
@options.store
def verify(reference: str | None, store: str) -> None:
    """Compare every file with the sha256 that its manifest states; of all models without REF.

    Where CUSTOMER_CLUSTERS_TRUSTED_KEYS is set, signatures are looked at as well.
    """
    target = options.open_store(store)
    references = [reference] if reference else [str(version) for version in target.versions()]
    damaged = []
    for name in references:
        try:
            artifact = target.open(name)
            artifact.verify()
            click.echo(f"{artifact.version}: {len(artifact.manifest.files)} files as published")
        except WrongArtifact as error:
            damaged.append(str(error))
            click.echo(str(error))
    if damaged:
        count = f"{len(damaged)} of {len(references)} versions"
        raise WrongArtifact(store, f"{count} must not be used", "the lines above say why")


@models.command("sign", epilog="Example: customer-clusters models sign candidate --sign-key me.pem")
@click.argument("reference", metavar="REF")
@options.sign_key
@options.store
def sign(reference: str, sign_key: Path | None, store: str) -> None:
    """Vouch for a model with a private key, once its files are verified."""
    if sign_key is None:
        raise click.UsageError("expected --sign-key FILE")
    signer = load_signer(sign_key)
    click.echo(
        f"signed {options.open_store(store).sign(reference, signer)}; public key {signer.public}"
    )


models.add_command(export)
