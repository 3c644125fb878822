"""People removed from all runs below some results, and searched for again."""

from collections.abc import Sequence, Set
from dataclasses import dataclass, field
from typing import Any

from model_store import open_storage
from pipeline.errors import WrongFile
from pipeline.runs.committed import CommittedRun, open_run
from pipeline.runs.customers.forgetting import Forgotten, forget, rows_with
from pipeline.runs.customers.index import IndexKey
from pipeline.runs.customers.lists import forget_in_list
from pipeline.runs.history.ledger import committed_runs


@dataclass(slots=True)
class Removed:
    """What became of a removal."""

    searched: int = 0
    """Runs."""
    runs: list[Forgotten] = field(default_factory=list)
    """Those that had something of them."""
    lists: dict[str, int] = field(default_factory=dict)
    """List → rows that went."""
    left: int = 0
    """Rows that a second search still found."""
    failed: list[str] = field(default_factory=list)
    """Why a run or list could not be searched."""

    @property
    def rows(self) -> int:
        """All rows that went."""
        of_runs = sum(done.assigned + done.rejected for done in self.runs)
        return of_runs + sum(self.lists.values())

    def to_dict(self) -> dict[str, Any]:
        """As the command prints it."""
        return {
            "runs_searched": self.searched,
            "rows": self.rows,
            "runs": [
                {
                    "run": done.run,
                    "assigned": done.assigned,
                    "rejected": done.rejected,
                    "old_versions": done.old_versions,
                }
                for done in self.runs
            ],
            "lists": self.lists,
            "left": self.left,
            "failed": self.failed,
        }


@dataclass(frozen=True, slots=True)
class Removal:
    """The removal of some people from all runs below some results, and from lists."""

    results: str
    """The folder or address."""
    ids: Set[str]
    key: IndexKey | None = None
    """What indexes were hashed with, as of `forget`."""
    lists: Sequence[str] = ()
    """Addresses of lists that were made of the runs."""

    def runs(self) -> list[str]:
        """The addresses of the runs."""
        root = self.results.rstrip("/")
        return [f"{root}/{name}" for name in sorted(committed_runs(open_storage(root)))]

    def count(self) -> Removed:
        """Search the runs, and change nothing; what is found is `left`."""
        done = Removed()
        self._search(done)
        return done

    def remove(self) -> Removed:
        """Remove them from each run and list, then search each run again."""
        done, id_columns = Removed(), set[str]()
        for address in self.runs():
            try:
                run = open_run(address)
                id_columns |= _id_columns(run)
                forgotten = forget(run, self.ids, self.key)
            except WrongFile as error:
                done.failed.append(str(error))
            else:
                if forgotten.assigned or forgotten.rejected or forgotten.old_versions:
                    done.runs.append(forgotten)
        for address in self.lists:
            try:
                done.lists[address] = forget_in_list(address, self.ids, id_columns)
            except WrongFile as error:
                done.failed.append(str(error))
        self._search(done)
        return done

    def _search(self, done: Removed) -> None:
        for address in self.runs():
            done.searched += 1
            try:
                done.left += rows_with(open_run(address), self.ids)
            except WrongFile as error:
                done.failed = list(dict.fromkeys([*done.failed, str(error)]))


def _id_columns(run: CommittedRun) -> set[str]:
    """The names that the column of ids has in a run, and so in lists of it."""
    column = run.manifest.get("id_column")
    matched = run.manifest["input"].get("matched", {})
    return {name for name in (column, *matched) if name and matched.get(name, column) == column}
