"""From purchases to customers."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from pipeline.errors import WrongFile
from pipeline.model.contract import SCHEMA, read_contract
from pipeline.reading.agreement import find_disagreements
from pipeline.training.drafting import LedgerColumns, draft_of_ledger, read_ledger, to_toml
from pipeline.training.drafting.dates import parse_dates

Write = Callable[..., Path]
HEADER = "order_id,customer_id,order_date,amount\n"
PURCHASES = (
    HEADER
    + "1,007,2024-01-01,10\n1,007,2024-01-01,5.5\n2,008,2024-01-31,20\n3,007,2024-01-21,4\n"
    + "4,007,2024-01-30,-3\n5,,2024-01-30,9\n6,009,2024-01-05,\n"
)


def rows(path: Path, **how: object) -> list[tuple[object, ...]]:
    table = read_ledger(path, **how).customers  # type: ignore[arg-type]
    return [tuple(row.values()) for row in table.to_pylist()]


def test_recency_frequency_money_and_tenure(write: Write) -> None:
    ledger = read_ledger(write(PURCHASES))
    assert ledger.as_of == date(2024, 1, 31)
    assert ledger.left_out == {"without a customer": 1, "without an amount": 1}
    assert ledger.customers.to_pylist() == [
        {"customer_id": "007", "recency": 10, "frequency": 2, "money": 16.5, "tenure": 30},
        {"customer_id": "008", "recency": 0, "frequency": 1, "money": 20, "tenure": 0},
    ]


def test_each_row_is_a_purchase_where_no_column_says_which_is_one(write: Write) -> None:
    path = write("customer_id,day,spent\n1,2024-02-01,3\n1,2024-02-01,3\n2,2024-02-03,1\n")
    assert rows(path) == [("1", 2, 2, 6, 2), ("2", 0, 1, 1, 0)]


def test_purchases_after_the_day_do_not_count(write: Write) -> None:
    ledger = read_ledger(write(PURCHASES), as_of=date(2024, 1, 20))
    assert ledger.customers.to_pylist() == [
        {"customer_id": "007", "recency": 19, "frequency": 1, "money": 15.5, "tenure": 19}
    ]
    assert ledger.left_out["after 2024-01-20"] == 3
    with pytest.raises(WrongFile, match="no purchase up to 2020-01-01; expected --as-of a later"):
        read_ledger(write(PURCHASES), as_of=date(2020, 1, 1))


def test_columns_that_somebody_names(write: Write) -> None:
    text = "who,when,what,qty,UnitPrice,sum\na,2024-01-01,x,2,3,6\na,2024-01-02,x,1,3,3\n"
    path = write(text + "b,2024-01-02,x,1,3,3\n")
    with pytest.raises(WrongFile, match="no column says who bought; name one with --id: who, when"):
        read_ledger(path)
    with pytest.raises(WrongFile, match="no column says for how much; name one with --amount"):
        read_ledger(path, said=LedgerColumns("who"))  # the price of a piece is not the sum
    with pytest.raises(WrongFile, match="no column total; there are who"):
        read_ledger(path, said=LedgerColumns("who", amount="total"))
    assert rows(path, said=LedgerColumns("who", amount="sum")) == [
        ("a", 0, 2, 9, 1),
        ("b", 0, 1, 3, 0),
    ]


def test_a_file_of_which_little_can_be_used_is_refused(write: Write) -> None:
    path = write(HEADER + "1,1,soon,3\n2,1,later,3\n3,1,2024-01-01,2\n4,2,never,1\n")
    with pytest.raises(WrongFile, match="of 4 rows more than half are of no use: 3 without a date"):
        read_ledger(path)


@pytest.mark.parametrize(
    ("texts", "days"),
    [
        (["2024-03-04", "2024-12-31T10:00"], ["2024-03-04", "2024-12-31"]),
        (["20240304", "20241231"], ["2024-03-04", "2024-12-31"]),
        (["04.03.2024 10:00", "31.12.2024"], ["2024-03-04", "2024-12-31"]),
        (["3/4/2024", "12/31/2024"], ["2024-03-04", "2024-12-31"]),
        (["4 March 2024", "31-Dec-2024"], ["2024-03-04", "2024-12-31"]),
        (["5/5/2024", "n/a"], ["2024-05-05", "NaT"]),
        (["2024-02-30", "31/31/2024"], ["NaT", "NaT"]),
    ],
)
def test_dates_as_files_write_them(texts: list[str], days: list[str]) -> None:
    expected = np.array(days, "datetime64[D]")
    np.testing.assert_array_equal(parse_dates(texts, "day", "a.csv"), expected)


def test_a_date_that_can_be_read_in_two_ways_is_refused_with_both() -> None:
    texts = ["03/04/2024", "05/05/2024"]
    with pytest.raises(WrongFile, match=r"may be 2024-04-03 or 2024-03-04, .* say --date-order"):
        parse_dates(texts, "day", "a.csv")
    assert str(parse_dates(texts, "day", "a.csv", "mdy")[0]) == "2024-03-04"


def test_the_contract_of_a_ledger_suits_its_customers(write: Write, tmp_path: Path) -> None:
    ledger = read_ledger(write(PURCHASES, "sales.csv"))
    customers, path = tmp_path / "customers.csv", tmp_path / "sales.toml"
    ledger.write(customers)
    path.write_text(to_toml(draft_of_ledger(ledger, customers), SCHEMA.as_uri()))
    contract, findings = read_contract(path)
    assert contract is not None and not findings
    assert contract.title == "Sales customers" and contract.label is None
    assert [feature.unit for feature in contract.features] == ["days", "", "", "days"]
    assert find_disagreements(customers, contract) == []
