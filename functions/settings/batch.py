"""Settings of the function that scores dropped files."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Self

from functions.settings.fan_out import FanOutSettings
from functions.settings.kinds import (
    POSITIVE,
    S3_PREFIX,
    SHARE,
    WHOLE,
    WHOLE_OR_NONE,
    YES_OR_NO,
)
from functions.settings.spark import SparkSettings
from functions.settings.variables import PREFIX, Kind, WrongSetting, read, setting, variables_of
from model_store import S3Address
from pipeline.errors import MAX_REJECTED_SHARE
from pipeline.reading.options import AUTODETECT, OPTIONS, ReadingOptions, WrongOption
from pipeline.scoring.documents import OUTPUT_FORMATS, OutputFormat

READING_VARIABLES = {name: PREFIX + name.upper() for name in OPTIONS}
"""The variable of each option about how files are written."""


def _format(text: str) -> OutputFormat:
    known: dict[str, OutputFormat] = {each: each for each in OUTPUT_FORMATS}
    if text not in known:
        raise ValueError
    return known[text]


@dataclass(frozen=True, slots=True)
class BatchSettings:
    """Where the function that scores dropped files reads and writes, and its limits."""

    input: S3Address = setting(
        "CUSTOMER_CLUSTERS_INPUT",
        S3_PREFIX,
        "Where files are dropped, `s3://bucket/incoming`; the page `/files` sends them there",
    )
    output: S3Address = setting(
        "CUSTOMER_CLUSTERS_OUTPUT",
        S3_PREFIX,
        "Where `results/` goes: another bucket, or a prefix apart",
    )
    max_input_bytes: int = setting(
        "CUSTOMER_CLUSTERS_MAX_INPUT_BYTES",
        WHOLE,
        "A larger file is refused; `/tmp` must hold it and its results",
        default=2 << 30,
        shown="2 GiB",
    )
    deadline_seconds: float = setting(
        "CUSTOMER_CLUSTERS_DEADLINE_SECONDS",
        POSITIVE,
        "With less time left, a file is given back to the queue",
        default=30.0,
    )
    challenger: str | None = setting(
        "CUSTOMER_CLUSTERS_CHALLENGER",
        Kind(str, "an alias or a version"),
        "The alias or version of a second model that assigns as well",
        default=None,
    )
    why: int = setting(
        "CUSTOMER_CLUSTERS_WHY",
        WHOLE_OR_NONE,
        "So many reasons for each customer, as `--why` of `score`",
        default=0,
    )
    sentences: bool = setting(
        "CUSTOMER_CLUSTERS_SENTENCES",
        YES_OR_NO,
        "Each reason in words too, as `--sentences` of `score`",
        default=False,
        shown="false",
    )
    what_if: bool = setting(
        "CUSTOMER_CLUSTERS_WHAT_IF",
        YES_OR_NO,
        "The smallest change that leads to another cluster, as `--what-if` of `score`",
        default=False,
        shown="false",
    )
    spark: SparkSettings | None = None
    """None: no file goes to Spark."""
    fan_out: FanOutSettings | None = None
    """None: no file is scored in parts."""
    reading: ReadingOptions = AUTODETECT
    """How every dropped file is written, where files do not show it."""
    as_of: date | None = None
    """To which period a file belongs, where that is said beside it."""
    format: OutputFormat | None = setting(
        "CUSTOMER_CLUSTERS_FORMAT",
        Kind(_format, ", ".join(OUTPUT_FORMATS)),
        "What assigned rows are written as: `csv`, `parquet` or `xlsx`, a workbook for people",
        default=None,
        shown="that of the file",
    )

    safe_csv: bool = setting(
        "CUSTOMER_CLUSTERS_SAFE_CSV",
        YES_OR_NO,
        "An apostrophe before cells that a spreadsheet would run, as `--safe-csv` of `score`",
        default=False,
        shown="false",
    )
    max_rejected_share: float = setting(
        "CUSTOMER_CLUSTERS_MAX_REJECTED_SHARE",
        SHARE,
        "A file of which a larger share cannot be scored is refused",
        default=MAX_REJECTED_SHARE,
    )

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """Read them from a mapping such as `os.environ`.

        Raises:
            WrongSetting: A variable cannot be used, or an address is not set, or results would
                come back as input.
        """
        spark = SparkSettings.from_environment(environment)
        fan_out = FanOutSettings.from_environment(environment)
        reading = _reading(environment)
        made = read(cls, environment, spark=spark, fan_out=fan_out, reading=reading)
        if made.input.overlaps(made.output):
            names = {field: variable.name for field, variable in variables_of(cls).items()}
            apart = (
                f"another bucket than {names['input']}, or a prefix that neither holds nor is held"
            )
            raise WrongSetting(names["output"], f"{apart} by it: results would come back as input")
        return made


def _reading(environment: Mapping[str, str]) -> ReadingOptions:
    texts = {  # a tab alone is a delimiter
        name: environment.get(variable, "").strip(" ")
        for name, variable in READING_VARIABLES.items()
    }
    try:
        return ReadingOptions.from_texts(texts)
    except WrongOption as error:
        raise WrongSetting(READING_VARIABLES[error.name], error.expected) from None
