import pytest
from scipy.stats import binomtest

from pipeline.model.churn import ChurnRate, wilson_interval


@pytest.mark.parametrize(("events", "n"), [(0, 1), (1, 1), (0, 50), (7, 50), (381, 4706), (50, 50)])
def test_wilson_interval_equals_scipys(events: int, n: int) -> None:
    expected = binomtest(events, n).proportion_ci(method="wilson")
    assert wilson_interval(events, n) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_nobody_has_no_rate() -> None:
    assert ChurnRate.of(0, 0) is None


def test_a_rate_reads_as_people_write_it() -> None:
    assert str(ChurnRate.of(1, 4)) == "25.0% (4.6% to 69.9%)"
