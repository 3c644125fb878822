"""What may become the champion, and what only by force."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from model_store import BUNDLED, CHAMPION, PREVIOUS, Conflict, Store, open_store
from pipeline.comparing import NotPromoted, promote
from pipeline.comparing.promotion import auc_error, moving
from pipeline.model.cluster_model import ClusterModel
from pipeline.model.crosswalk import Crosswalk, Transition
from tests.support.paths import CUSTOMERS

METRICS = {"silhouette_model_space": 0.5, "weakest_jaccard": 0.9, "churn_auc": 0.7}
FACTS = {"metrics": METRICS, "contract_sha256": "c", "recipe": {"features": ["a", "b"]}}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(tmp_path / "store")


def published(
    store: Store,
    model: ClusterModel,
    moved: float | None,
    champion: str = "",
    counted: int = 10_000,
    **facts: Any,
) -> str:
    """A version with that share of moved customers; a title makes its content its own."""
    contract = replace(model.contract, title=f"{len(store.versions())}")
    files = {"model.json": replace(model, contract=contract).to_json()}
    if moved is not None:
        crosswalk = Crosswalk(champion, counted, (1,), (1,), ((counted,),), moved, 1.0, ())
        files["crosswalk.json"] = json.dumps(crosswalk.to_dict()).encode()
    lineage = {"lineage": {"champion": champion}} if champion else {}
    return store.publish(files, {**FACTS, **lineage, **facts}).version


@pytest.fixture
def champion(store: Store, model: ClusterModel) -> str:
    return promote(store, published(store, model, None), "the first", "anna")


def test_a_first_champion_has_nothing_to_be_compared_with(store: Store, champion: str) -> None:
    assert store.aliases() == {CHAMPION: champion}
    assert promote(store, champion, "again", "anna") == champion
    assert len(store.history()) == 1


def test_a_fit_successor_is_promoted_and_the_record_says_by_what(
    store: Store, model: ClusterModel, champion: str
) -> None:
    slightly_worse = {name: value - 0.01 for name, value in METRICS.items()}
    new = published(store, model, 0.19, champion, metrics=slightly_worse)
    assert promote(store, new, "fresher", "ben") == new
    assert store.aliases() == {CHAMPION: new, PREVIOUS: champion}
    event, done = store.history()[-1]
    assert done
    assert event.reason.details == {"compared_with": champion, "moved_share": 0.19}
    # the way back is counted by the same crosswalk
    assert promote(store, champion, "staler", "ben") == champion


@pytest.mark.parametrize(
    ("moved", "facts", "message"),
    [
        (0.21, {}, r"21\.0% of the customers would move, at most 20% may"),
        (None, {}, "nobody counted how many customers would move: retrain it, or give --data"),
        (0.0, {"metrics": METRICS | {"silhouette_model_space": 0.47}},
         r"silhouette is 0\.470, at least 0\.480 was expected"),
        (0.0, {"metrics": METRICS | {"weakest_jaccard": 0.84}}, r"weakest Jaccard\) is 0\.840"),
        (0.0, {"metrics": METRICS | {"churn_auc": 0.67}}, r"churn separation \(AUC\) is 0\.670"),
        (0.0, {"metrics": METRICS | {"churn_auc": None}}, r"\(AUC\) is unknown, .* is 0\.700"),
        (0.0, {"contract_sha256": "d", "recipe": {"features": ["b", "x"]}},
         r"its contract is another one \(reads x as well, no longer reads a\)"),
        (0.0, {"contract_sha256": "d"}, "the same features, other ranges"),
    ],
)  # fmt: skip
def test_an_unfit_successor_is_promoted_by_force_only(
    store: Store, model: ClusterModel, champion: str, moved: float | None, facts: Any, message: str
) -> None:
    new = published(store, model, moved, champion, **facts)
    with pytest.raises(NotPromoted, match=message) as refused:
        promote(store, new, "because", "ben")
    assert "\n" not in str(refused.value)
    assert "--force with --why overrules this" in str(refused.value)
    assert store.aliases() == {CHAMPION: champion}
    assert promote(store, new, "because", "ben", force=True) == new
    details = store.history()[-1][0].reason.details
    assert details["forced"] is True
    assert len(details["objections"]) == 1


def test_all_objections_are_told_at_once(store: Store, model: ClusterModel, champion: str) -> None:
    worse = {name: value / 2 for name, value in METRICS.items()}
    new = published(store, model, 0.9, champion, metrics=worse, contract_sha256="d")
    with pytest.raises(NotPromoted, match=r"move.*silhouette.*stability.*churn.*contract"):
        promote(store, new, "because", "ben")


def test_another_limit_may_be_set(store: Store, model: ClusterModel, champion: str) -> None:
    new = published(store, model, 0.29, champion)
    assert promote(store, new, "agreed", "ben", max_moved=0.3) == new


def test_a_crosswalk_from_another_champion_does_not_count(
    store: Store, model: ClusterModel, champion: str
) -> None:
    new = published(store, model, 0.0, champion)
    newer = published(store, model, 0.0, champion)
    promote(store, new, "why", "ben")
    with pytest.raises(NotPromoted, match="nobody counted"):
        promote(store, newer, "why", "ben")


def test_a_file_of_customers_counts_where_training_has_not(
    store: Store, model: ClusterModel, champion: str
) -> None:
    new = published(store, model, None)
    examples = CUSTOMERS
    assert promote(store, new, "why", "ben", data=examples) == new
    assert store.history()[-1][0].reason.details["moved_share"] == 0


def test_a_champion_that_cannot_be_read_is_replaced_by_force_only(
    store: Store, model: ClusterModel, champion: str, tmp_path: Path
) -> None:
    new = published(store, model, 0.0, champion)
    (tmp_path / "store" / "versions" / champion / "manifest.json").write_text("{")
    with pytest.raises(NotPromoted, match="the champion cannot be compared with"):
        promote(store, new, "why", "ben")
    promote(store, new, "it was damaged", "ben", force=True)
    assert store.resolve(CHAMPION) == new


def test_a_champion_that_changed_meanwhile_is_not_replaced(
    store: Store, model: ClusterModel, champion: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    new, faster = (published(store, model, 0.0, champion) for _ in range(2))
    really = Store.promote

    def overtaken(self: Store, *arguments: Any, **named: Any) -> str:
        monkeypatch.setattr(Store, "promote", really)
        store.promote(faster, "faster", "anna")
        return store.promote(*arguments, **named)

    monkeypatch.setattr(Store, "promote", overtaken)
    with pytest.raises(Conflict):
        promote(store, new, "why", "ben")
    assert store.resolve(CHAMPION) == faster


def test_the_bundled_models_differ_too_much_for_each_other() -> None:
    store = open_store(BUNDLED)
    with pytest.raises(NotPromoted, match=r"silhouette is .* its contract is another one"):
        promote(store, "original", "why", "ben")
    assert store.history() == []


SMALL = METRICS | {"customers": 500, "churn_rate": 0.16}
LARGE = METRICS | {"customers": 10_127, "churn_rate": 0.16}


def test_a_training_on_far_fewer_customers_speaks_against_promotion(
    store: Store, model: ClusterModel
) -> None:
    """As good in every figure: the gate looks at how certain they are."""
    large = promote(store, published(store, model, None, metrics=LARGE), "the first", "anna")
    small = published(store, model, 0.02, large, 500, metrics=SMALL)
    with pytest.raises(NotPromoted) as refused:
        promote(store, small, "fresher", "ben")
    assert [text.split(":")[0] for text in refused.value.objections] == [
        "it was trained on 500 customers, the champion on 10,127",
        "churn separation (AUC) is 0.700 ± 0.068 (95 %)",
    ]
    assert promote(store, small, "agreed", "ben", force=True) == small


def test_a_small_firm_may_replace_its_small_model(store: Store, model: ClusterModel) -> None:
    first = promote(store, published(store, model, None, metrics=SMALL), "the first", "anna")
    assert promote(store, published(store, model, 0.02, first, 450, metrics=SMALL), "why", "ben")


@pytest.mark.parametrize(
    ("moved", "counted", "message"),
    [
        (0.17, 350, r"17\.0% of 350 customers would move; of all it may be 21\.\d%"),
        (0.0, 60, r"only 60 customers were counted that both models read, at least 300"),
    ],
)
def test_few_customers_say_little_of_who_moves(
    store: Store, model: ClusterModel, champion: str, moved: float, counted: int, message: str
) -> None:
    new = published(store, model, moved, champion, counted)
    with pytest.raises(NotPromoted, match=message):
        promote(store, new, "why", "ben")


def test_an_id_that_few_customers_carry_on_is_named() -> None:
    def kept(before: int, overlap: float) -> Crosswalk:
        one = Transition(3, "Three", "kept", before, before, overlap, 0.0, None, None)
        return Crosswalk("old", 5_000, (3,), (3,), ((5_000,),), 0.0, 1.0, (one,))

    assert "cluster 3 may be another group under the same id: 60% of" in moving(kept(30, 0.6))[0]
    assert moving(kept(3_000, 0.6)) == []


def test_the_error_of_an_auc_is_that_of_a_simulation() -> None:
    rng = np.random.default_rng(0)
    found = [
        roc_auc_score(np.repeat([0, 1], (400, 100)), rng.normal(np.repeat([0, 1], (400, 100))))
        for _ in range(400)
    ]
    assert auc_error(0.76, 100, 400) == pytest.approx(1.96 * float(np.std(found)), rel=0.12)
    assert auc_error(0.76, 0, 400) == 0.5
