"""One customer: assign on the command line, serve over HTTP."""

from contextlib import suppress

import click

from functions.cli import console, options
from functions.http.schemas import Answers
from model_store.extras import needs_extra
from pipeline.model.loading import load_model

GRACE_SECONDS = 25
"""For requests that are under way when the server is told to stop."""


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
    found = model.assign(customer)
    if as_json:
        answers = Answers(model, artifact.version)
        console.print_json(answers.assignment(found, customer.get(model.contract.id_column or "")))
    else:
        console.show_assignment(found, model)


@click.command(epilog="Example: PORT=8000 customer-clusters serve --workers 2")
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
    _MODEL_TTL_SECONDS, _API_KEYS, _MAX_BODY_BYTES, _MAX_UPLOAD_BYTES, _REQUEST_SECONDS,
    _ROOT_PATH; for files in buckets _INPUT and _OUTPUT.
    """
    with needs_extra("serve", "api"):
        import uvicorn

        from functions import logs

    options.settings()  # a wrong variable is told here, in one line
    _allow_connections()
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
        http="functions.http.protocol:BoundedProtocol",
        ws="none",
    )


def _allow_connections() -> None:
    """Raise the limit of open files as far as the system lets us: a connection is one of them."""
    try:
        import resource
    except ModuleNotFoundError:  # Windows has none
        return
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    with suppress(ValueError, OSError):  # some systems name a limit that they do not give
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
