"""The control group follows from the id and the key alone."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from pipeline.runs.audience.control import in_control
from pipeline.runs.audience.spec import AudienceSpec
from pipeline.runs.audience.write import write_audience
from tests.pipeline.runs.conftest import MakeRun
from tests.support.audiences import customers, read_list

IDS = [f"{number:06d}" for number in range(20_000)]


def drawn(share: float, key: str = "customer-clusters") -> set[str]:
    return {each for each, inside in zip(IDS, in_control(IDS, share, key), strict=True) if inside}


def test_the_draw_is_fixed_for_ever() -> None:
    """The first 16 hex digits of HMAC-SHA-256 are 0.9558, 0.6005 and 0.9543 of 2**64."""
    ids = ["000000", "713480583", "a b"]
    assert list(in_control(ids, 0.61, "customer-clusters")) == [False, True, False]
    assert list(in_control(ids, 0.955, "customer-clusters")) == [False, True, True]


def test_a_share_is_drawn_and_a_smaller_one_is_a_part_of_it() -> None:
    small, large = drawn(0.1), drawn(0.3)
    assert abs(len(small) - 2_000) < 150 and abs(len(large) - 6_000) < 250
    assert small < large


def test_another_key_draws_another_group() -> None:
    shared = len(drawn(0.1) & drawn(0.1, "spring"))
    assert 100 < shared < 300  # a tenth of a tenth


@given(st.integers(0, 10**12))
def test_an_id_is_the_same_whatever_type_its_column_has(number: int) -> None:
    spellings = [number, str(number), f" {number} ", float(number)]
    assert len(set(in_control(spellings, 0.5, "k"))) == 1


def test_the_group_is_the_same_next_month_and_in_another_order(
    make_run: MakeRun, tmp_path: Path
) -> None:
    header, *lines = customers().splitlines()
    later = [line.replace("note", "later") for line in reversed(lines[20:])]
    groups = []
    for text in (customers(), "\n".join([header, *later]) + "\n"):
        spec = AudienceSpec(control=0.2, include_churned=True)
        audience = write_audience(make_run(text), spec, tmp_path / "list.csv")
        rows = read_list(tmp_path / "list.csv")
        groups.append({row["CLIENTNUM"]: row["control"] for row in rows})
        marked = sum(row["control"] == "true" for row in rows)
        assert audience.counts.control == marked and 0 < marked < len(rows) / 2
        assert audience.counts.contact == len(rows) - marked
    assert {name: groups[0][name] for name in groups[1]} == groups[1]


def test_of_the_first_ones_only_those_in_the_list_are_counted(
    make_run: MakeRun, tmp_path: Path
) -> None:
    spec = AudienceSpec(control=0.3, top=25)
    audience = write_audience(make_run(), spec, tmp_path / "list.csv")
    marked = sum(row["control"] == "true" for row in read_list(tmp_path / "list.csv"))
    assert audience.counts.control == marked
