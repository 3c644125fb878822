"""The `customer-clusters` command.

A command imports what it needs when it runs: `assign` must not wait for scikit-learn or pyarrow.
"""

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from functions import console
from functions.answers import Answers
from functions.settings import Settings
from model_store import CANDIDATE, CustomerClustersError, open_store
from pipeline.contract import DEFAULT_CONTRACT, load_contract
from pipeline.errors import WrongFile
from pipeline.model import ClusterModel

GRACE_SECONDS = 25
"""For requests that are under way when the server is told to stop."""


class _Refusal(click.ClickException):
    """The input was refused: one line, no traceback."""

    exit_code = 2


class _Commands(click.Group):
    """Turns every error that a user can cure into one line and exit code 2."""

    def invoke(self, context: click.Context) -> Any:
        try:
            return super().invoke(context)
        except CustomerClustersError as error:
            raise _Refusal(str(error)) from error


def _settings() -> Settings:
    return Settings.from_environment(os.environ)


_store = click.option(
    "--store",
    metavar="ADDRESS",
    default=lambda: _settings().store,
    show_default="the bundled store, or $CUSTOMER_CLUSTERS_STORE",
    help="Folder of the model store.",
)
_model = click.option(
    "--model",
    "reference",
    metavar="REF",
    default=lambda: _settings().model,
    show_default="champion, or $CUSTOMER_CLUSTERS_MODEL",
    help="Alias or version of the model.",
)
_json = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON document for machines."
)
_path = click.Path(path_type=Path)
_contract = click.option(
    "--contract",
    metavar="FILE",
    type=_path,
    default=DEFAULT_CONTRACT,
    show_default="BankChurners",
    help="TOML file that declares the columns.",
)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="customer-clusters")
def main() -> None:
    """Which group a credit card customer belongs to, why, and how often that group leaves."""


@main.command(
    epilog="Example: customer-clusters assign Total_Revolving_Bal=0 Total_Trans_Amt=1900 "
    "Total_Trans_Ct=38"
)
@click.argument("values", metavar="NAME=VALUE...", nargs=-1, required=True)
@_model
@_store
@_json
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
    artifact = open_store(store).open(reference)
    model = ClusterModel.from_json(artifact.read("model.json"), artifact.version)
    found = model.assign(customer)
    if as_json:
        answers = Answers(model, artifact.version)
        console.print_json(answers.assignment(found, customer.get(model.contract.id_column or "")))
    else:
        console.show_assignment(found, model)


@main.command(
    epilog="Example: customer-clusters score customers.csv --out results --format parquet"
)
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=_path)
@click.option("--out", metavar="DIR", type=_path, default=Path("results"), show_default=True)
@click.option(
    "--format",
    type=click.Choice(["csv", "parquet"]),
    help="Of the assigned file; by default that of the input.",
)
@click.option(
    "--max-rejected-share",
    type=click.FloatRange(0, 1),
    default=0.5,
    show_default=True,
    help="Refuse a file of which a larger share cannot be scored.",
)
@_model
@_store
@_json
def score(
    files: tuple[Path, ...],
    out: Path,
    format: Any,
    max_rejected_share: float,
    reference: str,
    store: str,
    as_json: bool,
) -> None:
    """Assign every customer of CSV or Parquet files; write results and summaries."""
    from pipeline.scoring import Options, score_file

    artifact = open_store(store).open(reference)
    model = ClusterModel.from_json(artifact.read("model.json"), artifact.version)
    options = Options(format, max_rejected_share)
    manifests = []
    for path in files:
        with console.row_counter(path.name) as progress:
            manifest = score_file(path, model, artifact.version, out, options, progress)
        manifests.append(manifest)
        if not as_json:
            console.show_run(manifest, out)
    if as_json:
        console.print_json(manifests[0] if len(manifests) == 1 else manifests)


@main.command(epilog="Example: PORT=8000 customer-clusters serve --workers 2")
@click.option("--host", default="127.0.0.1", show_default=True, help="0.0.0.0 for every network.")
@click.option("--port", type=click.IntRange(0, 65535), default=8000, envvar="PORT",
              show_default=True, show_envvar=True)  # fmt: skip
@click.option("--workers", type=click.IntRange(1, 64), default=1, envvar="WEB_CONCURRENCY",
              show_default=True, show_envvar=True, help="Processes that answer.")  # fmt: skip
@click.option("--trusted-proxies", metavar="IPS", default="127.0.0.1", show_default=True,
              envvar="FORWARDED_ALLOW_IPS", show_envvar=True,
              help="Proxies whose X-Forwarded headers are believed.")  # fmt: skip
def serve(host: str, port: int, workers: int, trusted_proxies: str) -> None:
    """Answer look-ups over HTTP, and show the pages.

    Models, keys and limits come from the environment: CUSTOMER_CLUSTERS_STORE, _MODEL,
    _MODEL_TTL_SECONDS, _API_KEYS, _MAX_BODY_BYTES, _REQUEST_SECONDS, _ROOT_PATH.
    """
    try:
        import uvicorn

        from functions import logs
    except ModuleNotFoundError as error:
        raise WrongFile("serve", f"needs the extra customer-clusters[api] ({error})") from error

    _settings()  # a wrong variable is told here, in one line
    uvicorn.run(
        "functions.api:app",
        host=host,
        port=port,
        workers=workers,
        forwarded_allow_ips=trusted_proxies,
        timeout_graceful_shutdown=GRACE_SECONDS,
        server_header=False,
        access_log=False,
        log_config=logs.UVICORN,
    )


@main.command(epilog="Example: customer-clusters train --data BankChurners.csv --recipe original")
@click.option("--data", metavar="FILE", type=_path, required=True, help="CSV or Parquet.")
@click.option("--recipe", default="search", show_default=True, help="What to train, and how.")
@_contract
@click.option(
    "--names", metavar="FILE", type=_path, help="TOML file with names that people gave to clusters."
)
@click.option(
    "--bars",
    metavar="FILE",
    type=_path,
    help="TOML file with other thresholds for the search, such as churn_auc = 0.75.",
)
@click.option(
    "--alias", default=CANDIDATE, show_default=True, help="Alias that the new version gets."
)
@_store
@_json
def train(
    data: Path,
    recipe: str,
    contract: Path,
    names: Path | None,
    bars: Path | None,
    alias: str,
    store: str,
    as_json: bool,
) -> None:
    """Train a model on customers and publish it.

    The first model of a store becomes its champion as well.
    """
    try:
        from pipeline import training
    except ModuleNotFoundError as error:
        raise WrongFile("train", f"needs the extra customer-clusters[train] ({error})") from error

    known = (training.SEARCH, *training.RECIPES)
    if recipe not in known:
        raise click.BadParameter(f"no recipe {recipe!r}; there are: {', '.join(known)}")
    target = open_store(store)
    target.check_alias(alias)  # before minutes of work, not after
    wanted = training.load_bars(bars) if bars else training.Bars()
    with console.steps() as progress:
        declared = load_contract(contract)
        if recipe == training.SEARCH:
            trained = training.train_by_search(data, declared, progress, wanted)
        else:
            given = training.RECIPES[recipe]
            trained = training.train(data, declared, given, progress, bars=wanted)
        if names is not None:
            trained = replace(trained, model=training.override(trained.model, names))
        artifact = training.publish(trained, target, alias)
    if as_json:
        console.print_json(console.model_document(artifact, trained.model))
    else:
        console.show_model(artifact, trained.model)


@main.command(epilog="Example: customer-clusters explore --data BankChurners.csv --out exploration")
@click.option("--data", metavar="FILE", type=_path, required=True, help="CSV or Parquet.")
@click.option(
    "--out",
    metavar="DIR",
    type=_path,
    default=Path("exploration"),
    show_default=True,
    help="Folder for explore.html and explore.json.",
)
@_contract
@_json
def explore(data: Path, out: Path, contract: Path, as_json: bool) -> None:
    """Describe a customer file before training: what is missing, odd, leaking, telling."""
    try:
        from pipeline.training import exploration_report, exploring, noticing
    except ModuleNotFoundError as error:
        raise WrongFile("explore", f"needs the extra customer-clusters[train] ({error})") from error

    with console.steps() as progress:
        progress(f"reading {data.name} and comparing stayed with churned customers")
        found = exploring.explore(data, load_contract(contract))
        progress("drawing the report")
        page = exploration_report.write(found, out)
    if as_json:
        console.print_json(found.to_dict())
    else:
        console.show_exploration(noticing.notices(found), page)


@main.group(invoke_without_command=True)
@_store
@_json
@click.pass_context
def models(context: click.Context, store: str, as_json: bool) -> None:
    """List the models of a store, or show one."""
    if context.invoked_subcommand is None:
        console.list_models(open_store(store), as_json)


@models.command("list", epilog="Example: customer-clusters models list --json")
@_store
@_json
def list_models(store: str, as_json: bool) -> None:
    """List versions, aliases and headline metrics."""
    console.list_models(open_store(store), as_json)


@models.command("show", epilog="Example: customer-clusters models show champion")
@click.argument("reference", metavar="REF")
@_store
@_json
def show(reference: str, store: str, as_json: bool) -> None:
    """Show a model's clusters and metrics; its files are verified first."""
    artifact = open_store(store).open(reference)
    artifact.verify()
    model = ClusterModel.from_json(artifact.read("model.json"), artifact.version)
    if as_json:
        console.print_json(console.model_document(artifact, model))
    else:
        console.show_model(artifact, model)
