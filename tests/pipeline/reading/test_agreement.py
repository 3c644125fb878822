"""Whether a file has what a contract declares."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.model.contract import Contract
from pipeline.reading.agreement import find_disagreements

Write = Callable[..., Path]
HEADER = "member,visits,fee,plan,cancelled\n"


def lines(path: Path, contract: Contract) -> list[str]:
    return [f"{finding.level} {finding}" for finding in find_disagreements(path, contract)]


def test_a_file_as_it_is_declared_lacks_nothing(write: Write, gym_contract: Contract) -> None:
    path = write(HEADER + "1,2,10,basic,yes\n2,,20,plus,no\n2,,20,plus,no\n")
    assert lines(path, gym_contract) == []


def test_everything_that_a_file_lacks_is_found_at_once(
    write: Write, gym_contract: Contract
) -> None:
    path = write(
        HEADER
        + "1,2,10,basic,yes\n2,300,,plus,no\n1,4,20,gold,perhaps\n4,5,free,gold,no\n5,6\n"
        + "6,1,10,basic,no\n7,1,10,basic,no\n8,1,10,basic,no\n"
    )
    assert lines(path, gym_contract) == [
        "error features.visits: expected a whole number from 0 to 200, "
        "found '300' in row 2, and such in 1 of 8 rows",
        "warning features.fee: expected a value in each row, found nothing in 1 of 8 rows; "
        'such customers are rejected, unless missing = "median" or a value',
        "error features.fee: expected a number at least 0, "
        "found 'free' in row 4, and such in 1 of 8 rows",
        "error features.plan: expected one of basic, plus, "
        "found 'gold' in row 3, and such in 2 of 8 rows",
        "error the file: expected rows that can be read, found 1 that are not, "
        "the first in row 5: expected 5 fields, found 2",
        "error id_column: expected another id in each row, "
        "found 1 rows repeat one with other values (1)",
        "error label: expected one of yes, no, found 'perhaps', and such in 1 of 7 rows",
    ]


def test_every_column_that_is_not_there_is_named(write: Write, gym_contract: Contract) -> None:
    path = write("visit,plan\n1,basic\n")
    assert lines(path, gym_contract) == [
        "warning id_column: expected one column member in the file, found none; "
        "rows have no id, and none can repeat another",
        "warning label.column: expected one column cancelled in the file, found none; "
        "nothing is known of churn",
        "error features.visits: expected one column visits in the file, found none; "
        'did you mean visit? Say so by --map "visit=visits", or in aliases',
        "error features.fee: expected one column fee in the file, found none",
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "expected a table of customers, found is empty"),
        (HEADER, "expected a row for each customer, found a header and no rows"),
        (
            HEADER + "1,2,10,basic,no\n2,3,10,basic,no\n",
            "label: expected customers that churned and others that stayed, found 'no' in each",
        ),
        (
            HEADER + "1,2,10,basic,no\n2,3,10,gold,no\n3,3,10,gold,yes\n",
            "expected at most 50%, found 2 of 3 rows with a value that is refused",
        ),
    ],
)
def test_a_file_that_is_of_no_use(
    write: Write, gym_contract: Contract, text: str, message: str
) -> None:
    assert message in "\n".join(lines(write(text), gym_contract))


def test_a_file_that_is_not_there(tmp_path: Path, gym_contract: Contract) -> None:
    (line,) = lines(tmp_path / "none.csv", gym_contract)
    assert "expected a table of customers" in line


def test_where_a_median_stands_in_nothing_is_missing(write: Write, gym_contract: Contract) -> None:
    features = [
        replace(it, stand_in="median") if it.name == "fee" else it for it in gym_contract.features
    ]
    contract = replace(gym_contract, features=tuple(features))
    some = write(HEADER + "1,2,10,basic,yes\n2,3,,plus,no\n")
    assert lines(some, contract) == []
    none = write(HEADER + "1,2,,basic,yes\n2,3,,plus,no\n")
    assert lines(none, contract) == [
        "error features.fee: expected a value somewhere, for a median, found none in any row"
    ]
