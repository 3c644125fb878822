"""What the batch function tells the job that it starts."""

from datetime import date

from hypothesis import example, given
from hypothesis import strategies as st

from functions.aws.job_arguments import JobArguments
from pipeline.reading.options import ReadingOptions
from pipeline.runs.objects import ObjectRef
from pipeline.scoring.period import PeriodPattern
from pipeline.scoring.spec import Explaining


@given(st.text(st.characters(codec="utf-8"), min_size=1))
@example("März 2026/a+b (1) %20.csv")
@example("--challenger=x\n")
def test_they_reach_the_job_in_ascii_whatever_the_key(key: str) -> None:
    ref = ObjectRef("bucket", key, "v/1+2", "etag")
    reading = ReadingOptions(
        "\t", ",", "space", "cp1250", sheet=key, header_row=3, map=(f"x{key}=Our column",)
    )
    given = JobArguments(
        ref,
        f"x{key}",
        f"s3:{key}",
        "s3://out/results",
        "s3://models",
        "v1",
        "v2",
        reading,
        Explaining(why=3, what_if=True),
        "xlsx",
        periods=PeriodPattern.from_text("stand {month}.{year}|none {year}{month}"),
        as_of=date(2026, 10, 31),
    )
    arguments = given.to_list()
    assert all(argument.isascii() and argument.isprintable() for argument in arguments)
    assert JobArguments.from_list(arguments) == given
