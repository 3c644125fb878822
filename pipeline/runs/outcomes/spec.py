"""What is asked about the outcomes of a run."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from pipeline.reading.options import AUTODETECT, ReadingOptions, WrongOption
from pipeline.scoring.documents import Manifest
from pipeline.scoring.outcome_documents import ID_MATCHINGS, IdMatching


@dataclass(frozen=True, slots=True)
class OutcomesSpec:
    """The files that say what became of customers, and the day on which they said it."""

    labels: str
    """A path, or an address in S3."""
    as_of: date
    audience: str | None = None
    """A list with a control group, as `audience` writes it."""
    others_stayed: bool = False
    """Whether customers without a label have stayed: the labels list those who churned."""
    ids: IdMatching = "text"
    reading: ReadingOptions = AUTODETECT
    """How the labels are written."""

    def __post_init__(self) -> None:
        """Check how ids are matched.

        Raises:
            WrongOption: There is no such way.
        """
        if self.ids not in ID_MATCHINGS:
            raise WrongOption("ids", f"one of {', '.join(ID_MATCHINGS)}", self.ids)

    def refuse_other_days(self, manifest: Manifest) -> None:
        """Check the day against the run's and today.

        Raises:
            WrongOption: The outcomes would be older than the file, or of a day to come.
        """
        scored = day_of(manifest)
        if scored is not None and self.as_of < date.fromisoformat(scored):
            expected = f"a day not before {scored}, which the scored file is of"
            raise WrongOption("as_of", expected, self.as_of.isoformat())
        latest = datetime.now(UTC).date() + timedelta(days=1)  # where the day begins earlier
        if self.as_of > latest:
            raise WrongOption("as_of", "a day that has come", self.as_of.isoformat())


def day_of(manifest: Manifest) -> str | None:
    """The day that the file of a run belongs to, where its manifest says one."""
    day = manifest.get("as_of")
    return day if isinstance(day, str) else None
