"""Two runs of the same customers: who moved, what moved each, and what is told of ids."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from model_store import Temporary
from pipeline.errors import WrongFile
from pipeline.model.cluster_model import ClusterModel
from pipeline.model.crosswalk import build_crosswalk
from pipeline.reading.arrow_numpy import text_column
from pipeline.runs.committed import open_run
from pipeline.runs.moves.compare import compare_runs
from pipeline.runs.moves.features import StoredValues, causes_of, terms_of
from pipeline.runs.moves.ids import hashes_of, id_texts, loosened
from pipeline.runs.moves.matching import match
from pipeline.runs.moves.parts import IdParts, part_count
from pipeline.runs.moves.phrases import expected_line
from pipeline.runs.moves.result import Moves
from pipeline.runs.moves.spec import KnownModels, MovesSpec
from tests.pipeline.runs.moves.conftest import MakeRun
from tests.support.markov import MATRIX, next_groups


def names(count: int, first: int = 0) -> list[str]:
    return [f"C{number:06d}" for number in range(first, first + count)]


def told(moves: Moves, part: str) -> bool:
    return any(part in note for note in moves.notes)


def test_a_known_markov_matrix_comes_back(make_run: MakeRun, known: KnownModels) -> None:
    rng, size = np.random.default_rng(3), len(MATRIX)
    before = rng.integers(0, size, 20_000)
    after = next_groups(before, rng)
    ids, order = np.array(names(20_000)), rng.permutation(20_000)
    old = make_run("old", list(ids), before)
    new = make_run("new", list(ids[order]), after[order])
    moves = compare_runs(old, new, models=known)
    wanted = np.zeros((size, size), int)
    np.add.at(wanted, (before, after), 1)
    assert np.array_equal(moves.counts, wanted)
    assert (moves.matched, moves.came, moves.went) == (20_000, 0, 0)
    shares = [moves.share(was, now) for was in range(size) for now in range(size)]
    held = [s is not None and s[1] <= p <= s[2] for s, p in zip(shares, MATRIX.flat, strict=True)]
    assert sum(held) >= 22
    rates = np.array([group.rate_after for group in moves.groups])
    assert moves.direction.towards == int((rates[after] > rates[before]).sum())
    assert moves.direction.away == int((rates[after] < rates[before]).sum())
    assert sum(moves.features.values()) == moves.moved == int((before != after).sum())
    for each in moves.transitions:
        assert sum(each.features.values()) == each.customers


def test_the_parts_of_features_are_the_whole_difference(
    champion: ClusterModel, customers_in: Callable[..., Any]
) -> None:
    rng = np.random.default_rng(4)
    own, other = rng.integers(0, 5, 500), rng.integers(0, 5, 500)
    features = customers_in(own), customers_in(other)
    before, after = (np.stack([*each.values()], axis=1) for each in features)
    terms = terms_of(champion, before, after, own, other)
    rows = np.arange(500)

    def lead(values: Any) -> Any:
        squared = np.stack(champion.points(values).squared)
        return squared[other, rows] - squared[own, rows]

    assert np.allclose(terms.sum(axis=0), lead(features[1]) - lead(features[0]), atol=1e-9)
    causes = causes_of(champion, before, after, own, other)
    moved = own != other
    assert (terms[causes.feature, rows][moved] < 0).all()
    assert ((causes.share > 0) & (causes.share <= 1 + 1e-12))[moved].all()


@pytest.mark.parametrize("numbers", [[], [3], [5, 4, 6], [99, 0, 50], list(range(99, -1, -1))])
def test_stored_values_are_found_by_their_number(tmp_path: Path, numbers: list[int]) -> None:
    stored, values = StoredValues(tmp_path / "values", 3), np.arange(300.0).reshape(100, 3)
    stored.append(values[:60])
    stored.append(values[60:])
    assert np.array_equal(stored.take(np.array(numbers, np.uint32)), values[numbers])


def test_the_result_does_not_depend_on_the_number_of_parts(tmp_path: Path) -> None:
    ids = np.array([*names(3_000), *names(200), ""])
    counted = []
    for parts in (1, 7):
        sides = []
        for name, seed in (("old", 1), ("new", 2)):
            order = np.random.default_rng(seed).permutation(len(ids))[:2_500]
            clusters = np.random.default_rng(seed + 10).integers(0, 3, 2_500).astype(np.int32)
            with IdParts(tmp_path, f"{name}-{parts}", parts) as side:
                for start in range(0, 2_500, 400):
                    chosen = ids[order[start : start + 400]].tolist()
                    side.add(text_column(chosen), clusters[start : start + 400])
            sides.append(side)
        counted.append(match(sides[0], sides[1], parts, (1, 2, 3)))
    one, many = counted
    assert np.array_equal(one.counts, many.counts) and one.counts.sum() > 1_000
    assert np.array_equal(one.new.states, many.new.states)
    assert np.array_equal(one.partner, many.partner)
    assert one.old.repeated == many.old.repeated and one.old.repeated.ids > 0
    assert part_count(20_000_000) == 100 and part_count(0) == 1


def test_hashes_spread_ids_evenly_and_depend_on_the_text_alone() -> None:
    ids = text_column([f"2026-{number:09d}-DE" for number in range(20_000)])
    hashes = hashes_of(ids)
    assert np.array_equal(hashes[5_000:6_000], hashes_of(ids.slice(5_000, 1_000)))
    counts = np.bincount((hashes.astype(np.uint64) * np.uint64(50) >> np.uint64(32)).astype(int))
    assert counts.min() > 300 and counts.max() < 500


@pytest.mark.parametrize(
    ("given", "loose"),
    [("001", "1"), ("1.0", "1"), ("1", "1"), ("000", "0"), ("0", "0"), ("A.00", "A"), ("", "")],
)
def test_ids_without_what_a_column_of_numbers_loses(given: str, loose: str) -> None:
    assert loosened(text_column([given, "x"])).to_pylist() == [loose, "x"]


def test_whole_numbers_are_the_same_ids_in_every_type() -> None:
    import pyarrow as pa

    texts = [
        id_texts(pa.array(column)).to_pylist()
        for column in ([7, None], [7.0, None], [" 7 ", ""], [b"7", None])
    ]
    assert texts == [["7", ""]] * 4


def test_who_comes_and_who_goes_is_counted_by_group(make_run: MakeRun) -> None:
    old = make_run("old", names(10), [0] * 5 + [1] * 5)
    new = make_run("new", names(10, 4), [1] * 6 + [2] * 4)
    moves = compare_runs(old, new)
    assert (moves.matched, moves.moved, moves.came, moves.went) == (6, 1, 4, 4)
    assert [group.went for group in moves.groups] == [4, 0, 0, 0, 0]
    assert [group.came for group in moves.groups] == [0, 0, 4, 0, 0]
    assert moves.features == {} and told(moves, "is not known: the store has no model v1")


def test_ids_that_stand_twice_or_are_missing_are_left_out_and_told(make_run: MakeRun) -> None:
    old = make_run("old", [*names(5), "C000001", ""], [0] * 7)
    new = make_run("new", [*names(5), "C000002", "C000002", "", ""], [1] * 9)
    moves = compare_runs(old, new)
    assert moves.matched == 3
    assert (moves.old.repeated_ids, moves.old.repeated_rows, moves.old.without_id) == (1, 2, 1)
    assert (moves.new.repeated_ids, moves.new.repeated_rows, moves.new.without_id) == (1, 3, 2)
    assert moves.came == moves.went == 0
    assert told(moves, "1 id stands more than once in the older run (2 rows)")
    assert told(moves, "2 rows have no id in the newer run")


def test_ids_of_two_types_are_told_and_matched_when_asked(make_run: MakeRun) -> None:
    old = make_run("old", [f"{number:06d}" for number in range(1, 41)], [0] * 40)
    new = make_run("new", np.arange(1, 41), [1] * 40, written="parquet")
    as_text = compare_runs(old, new)
    assert (as_text.matched, as_text.near_ids) == (0, 40)
    assert told(as_text, "40 ids of the newer run") and told(as_text, "--ids number")
    as_number = compare_runs(old, new, MovesSpec(ids="number"))
    assert (as_number.matched, as_number.near_ids) == (40, 0)


def test_a_run_without_ids_is_refused(make_run: MakeRun) -> None:
    old = make_run("old", names(5), [0] * 5, id_column=None)
    new = make_run("new", names(5), [0] * 5)
    with pytest.raises(WrongFile, match=r"old: has no id column.*name one with --id"):
        compare_runs(old, new)
    with pytest.raises(WrongFile, match="has no id column 'customer'"):
        compare_runs(old, new, MovesSpec(id_column="customer"))
    assert compare_runs(old, new, MovesSpec(id_column="CLIENTNUM")).matched == 5


def test_runs_that_cannot_be_compared_are_refused_with_the_way_to_do_it(
    make_run: MakeRun, known: KnownModels
) -> None:
    old = make_run("old", names(5), [0] * 5)
    with pytest.raises(WrongFile, match="is the same run"):
        compare_runs(old, old)
    other = make_run("other", names(5), [0] * 5, model_version="v2")
    with pytest.raises(WrongFile, match="by v1, the other one by v2; give --reassign"):
        compare_runs(old, other)
    foreign = make_run("foreign", names(5), [0] * 5, model_version="v2", contract_sha256="d")
    with pytest.raises(WrongFile, match=r"under another contract.*--reassign"):
        compare_runs(old, foreign, models=known)
    with pytest.raises(WrongFile, match="the store has no model v2"):
        compare_runs(old, other, MovesSpec(reassign=True))


def test_the_newer_model_assigns_the_older_customers_again(
    make_run: MakeRun, champion: ClusterModel
) -> None:
    centres = [cluster.centre for cluster in champion.clusters]
    turned = (*champion.clusters[1:], champion.clusters[0])
    second = replace(
        champion,
        clusters=tuple(
            replace(each, id=at + 11, centre=centre)
            for at, (each, centre) in enumerate(zip(turned, centres, strict=True))
        ),
    )
    before, after = [0] * 30 + [1] * 30, [0] * 25 + [2] * 35
    old = make_run("old", names(60), before)
    new = make_run("new", names(60), after, model=second, model_version="v2", contract_sha256="d")
    models = KnownModels(lambda version: second, lambda old, new: None)
    moves = compare_runs(old, new, MovesSpec(reassign=True), models)
    assert [group.cluster for group in moves.groups] == [11, 12, 13, 14, 15]
    assert [group.before for group in moves.groups] == [30, 30, 0, 0, 0]
    assert moves.moved == 35 and sum(moves.features.values()) == 35
    assert told(moves, "assigned the older customers again")


def test_a_crosswalk_of_training_compares_groups_without_a_verdict(
    make_run: MakeRun, champion: ClusterModel
) -> None:
    ids = np.array([cluster.id for cluster in champion.clusters])
    assigned = np.repeat(ids, 20), np.concatenate([np.repeat(ids, 20)[3:], ids[:3]])
    crosswalk = build_crosswalk("v1", champion, champion, assigned, {})
    models = KnownModels(lambda version: champion, lambda old, new: crosswalk)
    old = make_run("old", names(30), [0] * 30)
    new = make_run("new", names(30), [1] * 30, model_version="v2")
    moves = compare_runs(old, new, models=models)
    assert moves.moved == 30 and moves.direction.verdict == "unknown" and not moves.features
    assert moves.to_dict()["moved_by_models"] == crosswalk.moved_share
    assert told(moves, f"Between them alone {crosswalk.moved_share:.1%}")


def test_who_was_forgotten_is_told(make_run: MakeRun, tmp_path: Path) -> None:
    old = make_run("old", names(4), [0] * 4)
    new = make_run("new", names(3), [0] * 3, rows_assigned=4)
    with pytest.raises(WrongFile, match="its manifest says 4"):
        compare_runs(old, new)
    (tmp_path / "new" / "forgotten.json").write_text('{"rows": 1}')
    moves = compare_runs(old, open_run(str(tmp_path / "new")))
    assert (moves.matched, moves.went) == (3, 1)
    assert told(moves, "Up to 1 row was removed from the newer run")


def test_moves_of_a_file_in_another_unit_have_no_verdict(make_run: MakeRun) -> None:
    old = make_run("old", names(40), [3] * 40)
    new = make_run("new", names(40), [0] * 40, implausible=["Total_Trans_Amt"])
    assert compare_runs(old, make_run("same", names(40), [0] * 40)).direction.verdict != "unknown"
    for moves, word in ((compare_runs(old, new), "newer"), (compare_runs(new, old), "older")):
        assert moves.moved == 40
        assert moves.direction.verdict == moves.direction.steps.verdict == "unknown"
        assert expected_line(moves) is None
        unit = f"The unit of Total_Trans_Amt is probably another one in the {word} run"
        assert moves.notes[0].startswith(unit)


def test_a_disk_without_room_is_told(
    make_run: MakeRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = [make_run(name, names(3), [0] * 3) for name in ("old", "new")]
    (tmp_path / "full").write_text("no folder")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "full"))
    with pytest.raises(Temporary, match=r"temporary files.*TMPDIR"):
        compare_runs(runs[0], runs[1])


def test_a_period_that_comes_twice_or_the_wrong_way_round_is_told(make_run: MakeRun) -> None:
    runs = [
        make_run(name, names(3), [0] * 3, as_of=day)
        for name, day in (("a", "2026-02-01"), ("b", "2026-01-01"), ("c", "2026-01-01"))
    ]
    assert told(compare_runs(runs[0], runs[1]), "did you mean it the other way?")
    assert told(compare_runs(runs[1], runs[2]), "a second delivery of the same period")
    assert not compare_runs(runs[1], runs[0]).notes


def test_who_is_rejected_has_not_gone(make_run: MakeRun, tmp_path: Path) -> None:
    old = make_run("old", names(6), [0] * 6)
    new = make_run("new", names(4), [0] * 4, rows_rejected=3)
    with pytest.raises(WrongFile, match=r"new: has no rejected.csv any more"):
        compare_runs(old, new)
    rejects = "row,line,id,column\n5,6,C000004,a\n5,6,C000004,b\n6,7,C000009,a\n7,8,,a\n"
    (tmp_path / "new" / "rejected.csv").write_text(rejects)
    moves = compare_runs(old, new)
    assert (moves.matched, moves.went, moves.came, moves.new.unassigned) == (4, 1, 0, 1)
    assert told(moves, "1 customer of the older run could not be assigned in the newer one")
    assert moves.new.repeated_ids == 0 and moves.new.without_id == 1
    (tmp_path / "new" / "rejected.csv").write_text("nothing\nof,it\n")
    with pytest.raises(WrongFile, match=r"damaged rejected.csv"):
        compare_runs(old, new)
