"""`_options.toml` beside dropped files."""

import io
import json
from typing import Any, cast

import pytest
from botocore.exceptions import ClientError
from openpyxl import Workbook

from functions.aws.job_arguments import JobArguments
from functions.aws.prefix_options import OPTIONS_FILE, settings_for
from functions.settings import BatchSettings
from model_store import Denied
from pipeline.errors import MAX_REJECTED_SHARE
from pipeline.reading.options import ReadingOptions
from pipeline.runs.notices import Notices, Rule
from pipeline.runs.objects import ObjectRef
from pipeline.scoring.spec import Options
from tests.support.dropping import Drop, customers, queued
from tests.support.notices import Inbox


def put_options(drop: Drop, text: str | bytes, folder: str = "incoming") -> None:
    content = text.encode() if isinstance(text, str) else text
    drop.s3.put_object(
        Bucket=drop.settings.input.bucket, Key=f"{folder}/{OPTIONS_FILE}", Body=content
    )


def settings_of(drop: Drop, key: str) -> BatchSettings:
    return settings_for(drop.s3, ObjectRef(drop.settings.input.bucket, key), drop.settings)


def test_without_a_file_the_settings_hold(drop: Drop) -> None:
    assert settings_of(drop, "incoming/a/b.csv") == drop.settings


def test_what_the_file_says_takes_the_place_of_the_settings(drop: Drop) -> None:
    put_options(
        drop,
        'format = "xlsx"\nsafe_csv = true\nmax_rejected_share = 0.1\nwhy = 3\nsentences = true\n'
        'what_if = true\nsheet = "Kunden"\nheader_row = 2\nmap = ["Saldo=Total_Revolving_Bal"]\n',
    )
    found = settings_of(drop, "incoming/a.csv")
    assert (found.format, found.safe_csv, found.max_rejected_share) == ("xlsx", True, 0.1)
    assert (found.why, found.sentences, found.what_if) == (3, True, True)
    assert found.reading == ReadingOptions(
        sheet="Kunden", header_row=2, map=("Saldo=Total_Revolving_Bal",)
    )


def test_the_nearest_file_counts_alone_and_none_outside_the_inputs_prefix(drop: Drop) -> None:
    drop.s3.put_object(
        Bucket=drop.settings.input.bucket, Key=OPTIONS_FILE, Body=b"why = 9"
    )  # above the prefix
    assert settings_of(drop, "incoming/a/b/c.csv").why == 0
    put_options(drop, "why = 1\nsafe_csv = true")
    put_options(drop, "why = 2", "incoming/a")
    found = settings_of(drop, "incoming/a/b/c.csv")
    assert (found.why, found.safe_csv) == (2, False)
    assert settings_of(drop, "incoming/other/c.csv").why == 1
    put_options(drop, b"", "incoming/a/b")  # says nothing, and hides those above
    assert settings_of(drop, "incoming/a/b/c.csv") == drop.settings


def test_it_says_more_of_reading_than_the_settings_and_takes_nothing_back(drop: Drop) -> None:
    drop.settings = BatchSettings(
        drop.settings.input, drop.settings.output, reading=ReadingOptions(decimal=",")
    )
    put_options(drop, 'encoding = "cp1250"')
    assert settings_of(drop, "incoming/a.csv").reading == ReadingOptions(
        decimal=",", encoding="cp1250"
    )


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("why = ", "is no TOML in UTF-8 (TOMLDecodeError)"),
        (b"\xff", "is no TOML in UTF-8 (UnicodeDecodeError)"),
        ("whi = 1", "has the unknown key 'whi'; there are format, safe_csv, max_rejected_share"),
        ("[why]\nx = 1", "why: expected a whole number from 0 to 20"),
        ("why = true", "why: expected a whole number from 0 to 20"),
        ("why = 21", "why: expected a whole number from 0 to 20"),
        ('safe_csv = "yes"', "safe_csv: expected true or false"),
        ("max_rejected_share = 1.5", "max_rejected_share: expected a number from 0 to 1"),
        ("max_rejected_share = nan", "max_rejected_share: expected a number from 0 to 1"),
        ('format = "pdf"', "format: expected one of csv, parquet, xlsx"),
        ("format = []", "format: expected one of csv, parquet, xlsx"),
        ("sheet = 1", "sheet: expected a text"),
        ('header_row = "2"', "header_row: expected a whole number"),
        ("header_row = 0", "header_row: expected 1 or more"),
        ('map = "a=b"', 'map: expected a list such as ["their name=our name"]'),
        ('decimal = "x"', "decimal: expected '.' or ','"),
        ("#" * 70_000, "has more than 65,536 bytes"),
    ],
)
def test_wrong_options_refuse_the_file_and_say_what_is_expected(
    drop: Drop, text: str | bytes, problem: str
) -> None:
    put_options(drop, text)
    assert drop.deliver(queued(drop.put("incoming/a.csv"))) == {"batchItemFailures": []}
    (failed,) = drop.documents("failed.json")
    assert failed["code"] == "wrong_options"
    bucket = drop.settings.input.bucket
    assert failed["reason"].startswith(f"s3://{bucket}/incoming/{OPTIONS_FILE}: {problem}")
    assert failed["reason"].endswith("; mend it and drop the file again")
    assert drop.documents("manifest.json") == []


def test_mended_options_make_another_run_of_the_same_file(drop: Drop) -> None:
    inbox = Inbox()
    drop.notices = Notices((inbox,))
    event = drop.put("incoming/a.csv")
    put_options(drop, "why = -1")
    for _ in range(2):
        drop.deliver(queued(event))
    assert drop.figures == [{"FilesFailed": 1, "FilesRefused": 1}]
    drop.s3.delete_object(Bucket=drop.settings.input.bucket, Key=f"incoming/{OPTIONS_FILE}")
    drop.deliver(queued(event))
    assert len(drop.documents("manifest.json")) == 1
    assert [notice["type"] for notice in inbox.got] == ["run.refused", "run.committed"]


def test_the_options_are_those_of_the_run(drop: Drop) -> None:
    put_options(drop, "safe_csv = true\nmax_rejected_share = 0.95\nwhy = 1", "incoming/shop")
    drop.deliver(drop.put("incoming/shop/a.csv", customers(10, wrong=9)))
    (manifest,) = drop.documents("manifest.json")
    assert manifest["options"]["safe_csv"] is True
    assert manifest["options"]["max_rejected_share"] == 0.95
    assert manifest["options"]["explaining"] == {"why": 1}
    drop.deliver(drop.put("incoming/a.csv", customers(10, wrong=9)))
    assert drop.documents("failed.json")[0]["input"]["name"] == "a.csv"


def test_a_sheet_is_chosen_for_the_workbooks_of_a_folder(drop: Drop) -> None:
    book = Workbook()
    for name in ("2025", "2026"):
        sheet = book.create_sheet(name)
        sheet.append(["CLIENTNUM", "Total_Revolving_Bal", "Total_Trans_Amt", "Total_Trans_Ct"])
        for n in range(5 if name == "2026" else 7):
            sheet.append([n, n * 60, 1000 + n * 90, 20 + n])
    content = io.BytesIO()
    book.save(content)
    put_options(drop, 'sheet = "2026"\nformat = "csv"')
    drop.deliver(drop.put("incoming/a.xlsx", content.getvalue()))
    assert drop.documents("manifest.json")[0]["rows_assigned"] == 5


def test_options_that_may_not_be_read_make_the_file_wait_and_are_not_passed_over(
    drop: Drop,
) -> None:
    class Forbidding:
        """S3 as it answers a function that may read nothing but tables."""

        def get_object(self, **given: Any) -> Any:
            answer = {"Error": {"Code": "AccessDenied"}}
            raise ClientError(cast(Any, answer), "GetObject")

    with pytest.raises(Denied, match="AccessDenied"):
        settings_for(cast(Any, Forbidding()), ObjectRef("b", "incoming/a.csv"), drop.settings)


def test_the_options_themselves_are_no_customers(drop: Drop) -> None:
    drop.deliver(drop.put(f"incoming/deep/{OPTIONS_FILE}", b"why = 1"))
    assert drop.said() == ["skipped: it holds options, and no customers"]
    assert drop.written() == {}


def test_a_job_on_spark_gets_them_too(drop: Drop) -> None:
    ref = ObjectRef("b", "incoming/a.csv", None, "e")
    arguments = JobArguments(
        ref, "a.csv", "i", "s3://out/results", "s3://models", "v",
        safe_csv=True, max_rejected_share=0.0, rule=Rule(0.2, only_attention=True),
    )  # fmt: skip
    assert JobArguments.from_list(arguments.to_list()) == arguments
    assert arguments.options == Options(None, 0.0, safe_csv=True)
    plain = JobArguments(ref, "a.csv", "i", "s3://out/results", "s3://models", "v")
    assert JobArguments.from_list(plain.to_list()) == plain
    assert plain.options == Options(max_rejected_share=MAX_REJECTED_SHARE)
    assert json.dumps(plain.options.facts) == json.dumps(Options().facts)
