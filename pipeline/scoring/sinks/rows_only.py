"""What most sinks do with that which is no assigned row: nothing."""

from collections.abc import Sequence

from pipeline.scoring.documents import Summary
from pipeline.scoring.rejects import Reject


class RowsOnly:
    """A sink whose file holds the assigned rows alone; the others have files of their own."""

    def add_rejects(self, rejects: Sequence[Reject]) -> None:
        """Rejects are in rejected.csv."""

    def add_summary(self, summary: Summary) -> None:
        """The summary is in clusters.csv and summary.json."""
