from datetime import UTC, datetime, timedelta, timezone

import pytest

from model_store import Version


def test_a_version_reads_back_what_it_writes() -> None:
    version = Version.of("1a2b3c4d" + "0" * 56, datetime(2026, 1, 31, 9, 30, 5, 999, tzinfo=UTC))
    assert str(version) == "20260131T093005Z-1a2b3c4d"
    assert Version.from_string(str(version)) == version


def test_versions_sort_by_time_whatever_the_time_zone() -> None:
    early = datetime(2026, 1, 31, 9, 0, tzinfo=timezone(timedelta(hours=5)))
    late = datetime(2026, 1, 31, 5, 0, tzinfo=UTC)
    assert str(Version.of("f" * 64, early)) < str(Version.of("0" * 64, late))


@pytest.mark.parametrize(
    "text", ["", "champion", "20260131T093005Z-1A2B3C4D", "20261331T093005Z-1a2b3c4d", "../etc"]
)
def test_text_that_is_no_version_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"not a version id|month"):
        Version.from_string(text)
