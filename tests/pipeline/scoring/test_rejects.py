"""What rejects are counted under."""

import pytest

from pipeline.scoring.rejects import column_and_code, reason_key


@pytest.mark.parametrize(
    ("column", "code", "key"),
    [
        ("Credit_Limit", "missing", "Credit_Limit missing"),
        ("Credit Limit", "missing", "Credit Limit missing"),
        ("", "broken_quotes", "broken_quotes"),
    ],
)
def test_a_key_is_made_of_column_and_code(column: str, code: str, key: str) -> None:
    assert reason_key(column, code) == key
    assert column_and_code(key) == (column, code)
