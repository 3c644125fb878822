"""What `customer-clusters score FILE --since RUN` does once the file is scored."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import click

from functions.cli.moves.compared import known_models
from functions.cli.moves.shown import show_moves
from model_store import Store
from pipeline.runs.committed import CommittedRun, open_run
from pipeline.runs.moves.compare import compare_runs
from pipeline.runs.moves.spec import MovesSpec
from pipeline.scoring.documents import Manifest


@dataclass(frozen=True, slots=True)
class Since:
    """Compares a new run with an earlier one."""

    old: CommittedRun
    models: Store
    out: str

    @classmethod
    def of(cls, address: str, models: Store, out: str) -> Self:
        """Open the earlier run: whoever named a wrong one need not wait for the scoring.

        Args:
            address: Of the earlier run.
            models: The store of the models.
            out: The folder or address that holds all results.
        """
        return cls(open_run(address), models, out)

    def __call__(self, manifest: Manifest, *, as_json: bool) -> Mapping[str, Any]:
        """Compare, and print it for people; the manifest with the moves is for machines."""
        folder = manifest["outputs"]["summary"].rpartition("/")[0]
        new = open_run(f"{self.out.rstrip('/')}/{folder}")
        moves = compare_runs(self.old, new, MovesSpec(), known_models(lambda: self.models))
        if not as_json:
            click.echo()
            show_moves(moves)
            runs = shlex.join([self.old.address, new.address])
            click.echo(f"More: customer-clusters moves {runs} --report moves.html --out movers.csv")
        return {**manifest, "moves": moves.to_dict()}
