"""What a job on Spark is started with: one object, and where its results belong."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Self
from urllib.parse import quote, unquote

from model_store import S3Address
from pipeline.errors import MAX_REJECTED_SHARE
from pipeline.reading.options import AUTODETECT, OPTIONS, ReadingOptions
from pipeline.runs.notices import MOST_REJECTED, SILENT, Notices, Rule
from pipeline.runs.objects import ObjectInput, ObjectRef
from pipeline.scoring.documents import OUTPUT_FORMATS, OutputFormat
from pipeline.scoring.period import DEFAULT_PATTERN, DEFAULT_PERIODS, PeriodPattern
from pipeline.scoring.spec import NOTHING, Explaining, Options, ScoringSpec

_SAFE = "/:"
_NEEDED = ("bucket", "key", "name", "etag", "identity", "results", "store", "model")
_EXPLAINING = ("why", "sentences", "what-if")
_NOTICES = ("notify", "notify-rejected-share")
_OPTIONAL = (
    "version-id",
    "challenger",
    "format",
    "as-of",
    "as-of-pattern",
    *_EXPLAINING,
    "safe-csv",
    "max-rejected-share",
    *_NOTICES,
    *(name.replace("_", "-") for name in OPTIONS),
)


@dataclass(frozen=True, slots=True)
class JobArguments:
    """One object to score."""

    ref: ObjectRef
    name: str
    """What the results are named after."""
    identity: str
    results: str
    store: str
    model: str
    challenger: str | None = None
    """The version of a second model that assigns as well."""
    reading: ReadingOptions = AUTODETECT
    """How the object is written, where it does not show it."""
    explaining: Explaining = NOTHING
    """What its rows say of why they are where they are."""
    format: OutputFormat | None = None
    """What assigned rows are written as; None: as they come."""
    safe_csv: bool = False
    max_rejected_share: float = MAX_REJECTED_SHARE
    rule: Rule | None = None
    """What is kept to be told of the run; None: nothing."""
    periods: PeriodPattern = DEFAULT_PERIODS
    """How a name says to which period its file belongs."""
    as_of: date | None = None
    """The period that it belongs to, where somebody said it."""

    @classmethod
    def of(
        cls,
        source: ObjectInput,
        spec: ScoringSpec,
        store: str,
        results: str,
        notices: Notices = SILENT,
    ) -> Self:
        """To score an opened object as a spec says."""
        challenger = spec.options.challenger
        return cls(
            ObjectRef(source.ref.bucket, source.ref.key, source.ref.version, source.ref.etag),
            source.name,
            source.identity,
            results,
            store,
            spec.version,
            None if challenger is None else challenger.version,
            spec.options.reading,
            spec.options.explaining,
            spec.options.format,
            spec.options.safe_csv,
            spec.options.max_rejected_share,
            notices.rule if notices.active else None,
            spec.periods,
            spec.options.as_of,
        )

    @property
    def options(self) -> Options:
        """Those of the run, but for the challenger."""
        return Options(
            self.format,
            self.max_rejected_share,
            self.reading,
            self.safe_csv,
            explaining=self.explaining,
            as_of=self.as_of,
        )

    def to_list(self) -> list[str]:
        """As `from_list` reads them: in ASCII, for Java reads others by the locale it has."""
        values = {
            "bucket": self.ref.bucket,
            "key": self.ref.key,
            "name": self.name,
            "version-id": self.ref.version,
            "etag": self.ref.etag,
            "identity": self.identity,
            "results": self.results,
            "store": self.store,
            "model": self.model,
            "challenger": self.challenger,
            **{name.replace("_", "-"): str(value) for name, value in self.explaining.facts.items()},
            "format": self.format,
            "safe-csv": "yes" if self.safe_csv else None,
            "max-rejected-share": repr(self.max_rejected_share),
            **self._notified,
            "as-of": self.as_of and self.as_of.isoformat(),
            "as-of-pattern": None if self.periods == DEFAULT_PERIODS else self.periods.text,
            **{name.replace("_", "-"): text for name, text in self.reading.texts.items()},
        }
        return [f"--{name}={quote(value, safe=_SAFE)}" for name, value in values.items() if value]

    @property
    def _notified(self) -> dict[str, str]:
        if self.rule is None:
            return {}
        told = "attention" if self.rule.only_attention else "all"
        return dict(zip(_NOTICES, (told, repr(self.rule.most_rejected)), strict=True))

    @classmethod
    def from_list(cls, arguments: Sequence[str]) -> Self:
        """Read what `to_list` wrote.

        Raises:
            SystemExit: They are other arguments.
            WrongAddress: The results have none.
            WrongOption: An option about reading cannot be meant.
        """
        parser = argparse.ArgumentParser(description="Score one large object on Spark.")
        for name in _NEEDED:
            parser.add_argument(f"--{name}", type=unquote, required=True)
        for name in _OPTIONAL:
            parser.add_argument(f"--{name}", type=unquote)
        given = parser.parse_args(arguments)
        S3Address.from_string(given.results)
        return cls(
            ObjectRef(given.bucket, given.key, given.version_id, given.etag),
            given.name,
            given.identity,
            given.results,
            given.store,
            given.model,
            given.challenger,
            ReadingOptions.from_texts(vars(given)),
            Explaining(int(given.why or 0), bool(given.sentences), bool(given.what_if)),
            next((each for each in OUTPUT_FORMATS if each == given.format), None),
            bool(given.safe_csv),
            float(given.max_rejected_share or MAX_REJECTED_SHARE),
            _rule(given.notify, given.notify_rejected_share),
            PeriodPattern.from_text(given.as_of_pattern or DEFAULT_PATTERN),
            date.fromisoformat(given.as_of) if given.as_of else None,
        )


def _rule(told: str | None, share: str | None) -> Rule | None:
    if told is None:
        return None
    return Rule(MOST_REJECTED if share is None else float(share), told == "attention")
