"""The command that answers look-ups over HTTP."""

import errno
import os
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import click

from functions import logs
from functions.cli import options
from functions.settings import Settings
from functions.settings.overview import server_variables
from functions.telemetry.figures import SHARED
from model_store import CustomerClustersError
from model_store.extras import needs_extra

_OF_NOTICES = ("CUSTOMER_CLUSTERS_WEBHOOK", "CUSTOMER_CLUSTERS_NOTIFY")
_LOOPBACK = ("127.0.0.1", "::1", "localhost")
GRACE_SECONDS = 25
"""For requests that are under way when the server is told to stop."""


class NoPort(CustomerClustersError):
    """Raised when a server cannot have its port."""

    code = "no_port"

    def __init__(self, port: int, host: str, why: str, option: str = "--port") -> None:
        self.port, self.host, self.why, self.option = port, host, why, option
        super().__init__(f"port {port} of {host} {why}; choose another with {option}")


class _Configured(click.Command):
    """A command whose help lists the variables that it reads."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        rows = [
            (v.name, f"{v.meaning.replace('`', '')}.  [default: {v.default}]")
            for v in server_variables()
        ]
        with formatter.section("Environment"):
            formatter.write_dl(rows)
        super().format_epilog(ctx, formatter)


@click.command(cls=_Configured, epilog="Example: PORT=8000 customer-clusters serve --workers 2")
@click.option("--host", default="127.0.0.1", show_default=True, help="0.0.0.0 for every network.")
@click.option("--port", type=click.IntRange(0, 65535), default=8000, envvar="PORT",
              show_default=True, show_envvar=True, help="Port to listen on.")  # fmt: skip
@click.option("--workers", type=click.IntRange(1, 64), default=1, envvar="WEB_CONCURRENCY",
              show_default=True, show_envvar=True, help="Processes that answer.")  # fmt: skip
@click.option("--trusted-proxies", metavar="IPS", default="127.0.0.1", show_default=True,
              envvar="FORWARDED_ALLOW_IPS", show_envvar=True,
              help="Proxies whose X-Forwarded headers are believed.")  # fmt: skip
def serve(host: str, port: int, workers: int, trusted_proxies: str) -> None:
    """Answer look-ups over HTTP, and show the pages.

    Models, keys and limits come from the environment.
    """
    with needs_extra("serve", "api"):
        import uvicorn

    settings = _checked_settings()
    check_port(host, port)
    _refuse_other_names(host, settings)
    _allow_connections()
    if port:
        click.echo(f"Open {_address(host, port)} in a browser; Ctrl+C ends the server", err=True)
    with _figures_together(settings, workers):
        uvicorn.run(
            f"{logs.__package__}.api:app",
            host=host,
            port=port,
            workers=workers,
            forwarded_allow_ips=trusted_proxies,
            timeout_graceful_shutdown=GRACE_SECONDS,
            server_header=False,
            access_log=False,
            log_config=logs.UVICORN,
            http=f"{logs.__package__}.http.protocol:BoundedProtocol",
            ws="none",
        )


@contextmanager
def _figures_together(settings: Settings, workers: int) -> Iterator[None]:
    """Keep the figures of all workers in one folder, so that each of them can tell of all."""
    if workers == 1 or settings.metrics is None or SHARED in os.environ:
        yield
        return
    with tempfile.TemporaryDirectory(prefix="customer-clusters-figures-") as folder:
        os.environ[SHARED] = folder
        yield


def _checked_settings() -> Settings:
    """The settings: a wrong variable is told here, in one line."""
    settings = options.settings()
    if any(name.startswith(_OF_NOTICES) for name in os.environ):
        from functions.settings.notices import NoticeSettings

        NoticeSettings.from_environment(os.environ)
    return settings


def _refuse_other_names(host: str, settings: Settings) -> None:
    """Answer a server for this machine alone, and without keys, under no name but localhost.

    Else the page of any site could have its own name lead here, and read what it likes.
    """
    access = settings.access
    if host in _LOOPBACK and not (settings.api_keys or access.known or access.hosts):
        os.environ["CUSTOMER_CLUSTERS_HOSTS"] = "localhost"


def check_port(host: str, port: int, option: str = "--port") -> None:
    """A port that cannot be had is told in one line, before anything is loaded.

    Args:
        host: Whose port.
        port: The port; 0 is any that is free.
        option: What names it.

    Raises:
        NoPort: It is taken, or may not be had.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as uvicorn does
        try:
            probe.bind((host, port))
        except OSError as error:
            why = {errno.EADDRINUSE: "is taken", errno.EACCES: "may not be had"}.get(
                error.errno or 0
            )
            if why:
                raise NoPort(port, host, why, option) from None


def _address(host: str, port: int) -> str:
    """The server's address as a browser on this machine takes it."""
    here = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host)
    return f"http://{here or (f'[{host}]' if ':' in host else host)}:{port}"


def _allow_connections() -> None:
    """Raise the limit of open files as far as the system lets us: a connection is one of them."""
    try:
        import resource
    except ModuleNotFoundError:  # Windows has none
        return
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    with suppress(ValueError, OSError):  # some systems name a limit that they do not give
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
