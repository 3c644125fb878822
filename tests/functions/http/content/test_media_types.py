"""Which form of an answer a client likes best."""

import pytest

from functions.http.content.media_types import preferred

OFFERED = ("text/csv", "application/vnd.apache.parquet")


@pytest.mark.parametrize(
    ("accept", "answer"),
    [
        (None, "text/csv"),
        ("", "text/csv"),
        ("*/*", "text/csv"),
        ("text/*", "text/csv"),
        ("application/*, text/*;q=0.5", "application/vnd.apache.parquet"),
        ("Application/vnd.apache.parquet", "application/vnd.apache.parquet"),
        ("text/csv;q=0.1, application/vnd.apache.parquet;q=0.2", "application/vnd.apache.parquet"),
        ("text/csv;q=0, */*", "application/vnd.apache.parquet"),
        ("text/csv; header=present", "text/csv"),
        ("text/csv;q=0", None),
        ("text/csv;q=x", None),
        ("text/csv;q=nan", None),
        ("application/json", None),
        (",;=", None),
    ],
)
def test_the_form_is_what_the_client_likes_best(accept: str | None, answer: str | None) -> None:
    assert preferred(accept, OFFERED) == answer
