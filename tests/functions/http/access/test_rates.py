"""Buckets of tokens, and how much memory they and guesses may take."""

import pytest

from functions.http.access import guesses as module
from functions.http.access.guesses import Guesses, network_of
from functions.http.access.rates import Buckets, TokenBucket
from functions.settings.clients import Rate


def test_a_bucket_gives_all_at_once_and_then_as_fast_as_its_rate() -> None:
    bucket = TokenBucket(Rate(10, 1), 100.0)
    assert [bucket.take(100.0) for _ in range(11)] == [0.0] * 10 + [pytest.approx(0.1)]
    assert bucket.take(100.05) == pytest.approx(0.05)
    assert bucket.take(100.1001) == 0.0
    assert [bucket.take(500.0) for _ in range(11)][-1] > 0  # it holds no more than its size


def test_a_clock_that_goes_back_gives_nothing() -> None:
    bucket = TokenBucket(Rate(1, 1), 100.0)
    assert bucket.take(100.0) == 0.0
    assert bucket.take(10.0) == 1.0
    assert bucket.take(11.0) == 0.0


@pytest.mark.parametrize("rate", [Rate(1, 3600), Rate(7, 60), Rate(1_000_000, 1)])
def test_who_waits_as_long_as_he_is_told_is_served(rate: Rate) -> None:
    bucket, now = TokenBucket(rate, 0.0), 0.0
    for _ in range(rate.requests):
        bucket.take(now)
    for _ in range(50):
        if wait := bucket.take(now):
            now += wait * (1 + 1e-9)
            assert bucket.take(now) == 0.0


def test_those_who_asked_last_are_remembered() -> None:
    buckets = Buckets(2)
    first = buckets.of("a", Rate(1, 1), 0.0)
    buckets.of("b", Rate(1, 1), 0.0)
    assert buckets.of("a", Rate(1, 1), 0.0) is first
    buckets.of("c", Rate(1, 1), 0.0)
    assert buckets.of("a", Rate(1, 1), 0.0) is first
    assert len(buckets._buckets) == 2


def test_the_memory_of_guesses_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ADDRESSES", 10)
    guesses = Guesses()
    for number in range(100):
        guesses.count_wrong(f"10.0.0.{number}", 0.0)
        guesses.remember_right(f"10.0.0.{number}", b"digest")
    assert len(guesses._wrong) == 10
    assert len(guesses.right) <= 10


def test_an_address_is_let_in_again_after_a_while() -> None:
    guesses = Guesses()
    for _ in range(module.GUESSES.requests):
        assert guesses.wait("1.2.3.4", 0.0) == 0.0
        guesses.count_wrong("1.2.3.4", 0.0)
    assert guesses.wait("1.2.3.4", 0.0) == 2.0
    assert guesses.wait("4.3.2.1", 0.0) == 0.0
    assert guesses.wait("1.2.3.4", 2.0) == 0.0


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("10.0.0.1", "10.0.0.2", False),
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("::ffff:10.0.0.1", "10.0.0.1", True),
        ("fe80::1%eth0", "fe80::2", True),
        ("no:address", "no:address", True),
        ("", "", True),
    ],
)
def test_one_host_is_one_address(one: str, other: str, same: bool) -> None:
    assert (network_of(one) == network_of(other)) is same
