"""API keys: a new one, and who has those of the setting."""

import hashlib
import secrets

import click

from functions.cli import options
from functions.cli.output.text import print_json, print_text
from functions.settings import Settings
from functions.settings.clients import (
    ALL_SCOPES,
    SCOPES,
    ApiKey,
    Client,
    Rate,
    api_keys_of,
    name_of,
    shown_scopes,
)
from functions.settings.variables import variables_of

_RANDOM_BYTES = 32
_BEGINNING = "cc_"
"""By which programs that look for secrets in code know a key of ours."""


class _Scopes(click.ParamType[frozenset[str]]):
    name = "scopes"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> frozenset[str]:
        scopes = frozenset(part.strip() for part in str(value).replace("+", ",").split(","))
        if not scopes <= ALL_SCOPES:
            self.fail(f"expected some of {', '.join(SCOPES)}, with commas", param, ctx)
        return scopes


def _name(context: click.Context, parameter: click.Parameter, text: str) -> str:
    try:
        return name_of(text)
    except ValueError:
        raise click.BadParameter("expected letters, digits, . _ and -, 64 at most") from None


def _rate(context: click.Context, parameter: click.Parameter, text: str | None) -> Rate | None:
    try:
        return Rate.from_text(text) if text else None
    except ValueError:
        raise click.BadParameter("expected a rate such as 100/s, 600/min or 5000/h") from None


@click.group()
def keys() -> None:
    """Make an API key, or list who has one."""


@keys.command(
    "new",
    epilog="Example: customer-clusters keys new --name crm --scopes assign,files --rate 100/s",
)
@click.option("--name", required=True, callback=_name, help="Who gets it; the log names it so.")
@click.option(
    "--scopes",
    metavar="SCOPES",
    type=_Scopes(),
    help=f"What it may do: some of {', '.join(SCOPES)}, with commas.  [default: all]",
)
@click.option("--rate", callback=_rate, help="How often it may ask: 100/s, 600/min, 5000/h.")
@options.as_json_flag
def new(name: str, scopes: frozenset[str] | None, rate: Rate | None, as_json: bool) -> None:
    """Make a random key, and print it with its entry for the setting.

    Nothing keeps the key: the entry has its SHA-256 only.
    """
    key = _BEGINNING + secrets.token_urlsafe(_RANDOM_BYTES)
    client = Client(name, scopes or ALL_SCOPES, rate)
    entry = str(ApiKey(client, hashlib.sha256(key.encode()).hexdigest()))
    if as_json:
        print_json({"key": key, "entry": entry})
        return
    print_text(f"key    {key}")
    print_text(f"entry  {entry}")
    click.echo(f"Give the key to {name}; add the entry to {_variable()}, after a comma.", err=True)


@keys.command("list", epilog="Example: customer-clusters keys list --json")
@options.as_json_flag
def list_keys(as_json: bool) -> None:
    """List the clients of the setting: scopes and rate of each, and how its key's hash begins."""
    known = api_keys_of(options.settings().api_keys)
    if as_json:
        print_json({"keys": [_row(key) for key in known]})
        return
    for key in known:
        row = _row(key)
        rate = row["rate"] or "no limit"
        print_text(
            f"{row['name']}  {', '.join(shown_scopes(key.client.scopes))}  {rate}  {row['sha256']}…"
        )
    if not known:
        print_text(f"no keys: {_variable()} is not set, and all may ask")


def _row(key: ApiKey) -> dict[str, object]:
    client = key.client
    rate = str(client.rate) if client.rate else None
    scopes = shown_scopes(client.scopes)
    return {"name": client.name, "scopes": scopes, "rate": rate, "sha256": key.sha256[:8]}


def _variable() -> str:
    return variables_of(Settings)["api_keys"].name
