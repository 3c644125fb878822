"""The indexes of all runs below some results."""

from collections.abc import Callable

from functions.cli import options
from functions.settings import Settings
from functions.settings.variables import variables_of
from model_store import open_storage
from pipeline.errors import WrongFile
from pipeline.runs.committed import open_run
from pipeline.runs.customers.index import IndexKey
from pipeline.runs.customers.indexing import write_index
from pipeline.runs.history.ledger import committed_runs


def index_key() -> IndexKey:
    """The key of the environment; a usage error where there is none."""
    secret = options.settings().index_key
    if not secret:
        variable = variables_of(Settings)["index_key"].name
        raise WrongFile(
            "the index of customers",
            f"is off: set {variable} to a secret text, and keep it: without it nobody is found",
        )
    return IndexKey(secret)


def write_missing(results: str, key: IndexKey, tell: Callable[[str], None]) -> None:
    """Write the index of each run that has none under a key.

    Args:
        results: The folder or address of the results.
        key: What ids are hashed with.
        tell: Called with a sentence for each run.
    """
    for name in committed_runs(open_storage(results)):
        run = open_run(f"{results.rstrip('/')}/{name}")
        if run.files.exists(key.file):
            continue
        try:
            tell(f"{name}: {write_index(run, key):,} customers")
        except WrongFile as error:  # it has no ids: the others may
            tell(str(error))
