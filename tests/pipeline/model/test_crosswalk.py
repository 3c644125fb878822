import json
from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from pipeline.model.cluster_model import ClusterModel
from pipeline.model.crosswalk import Crosswalk, adjusted_rand, build_crosswalk, contingency


@pytest.mark.parametrize("seed", range(8))
def test_the_rand_index_equals_that_of_scikit_learn(seed: int) -> None:
    rng = np.random.default_rng(seed)
    old = rng.integers(1, 5, 300)
    new = np.where(rng.random(300) < seed / 8, old, rng.integers(1, 5, 300))
    counts = contingency((old, new), (1, 2, 3, 4), (1, 2, 3, 4))
    assert counts.sum() == 300
    assert adjusted_rand(counts) == pytest.approx(adjusted_rand_score(old, new), abs=1e-12)


def test_models_that_divide_nothing_agree() -> None:
    assert adjusted_rand(np.array([[7]])) == 1
    assert adjusted_rand(np.array([[0]])) == 1


def test_a_crosswalk_tells_each_clusters_fate_and_reads_back(model: ClusterModel) -> None:
    first, second, third = model.clusters
    moved = {
        name: replace(p, mean=p.mean + 2 if name == "Contacts_Count_12_mon" else p.mean)
        for name, p in first.profile.items()
    }
    new = replace(model, clusters=(replace(first, profile=moved), second, replace(third, id=9)))
    old_ids = np.repeat([1, 2, 3], (60, 30, 10))
    new_ids = np.repeat([1, 2, 2, 9], (55, 5, 30, 10))
    found = build_crosswalk("old", model, new, (old_ids, new_ids), {"Contacts_Count_12_mon": 4.0})
    assert found.counts == ((55, 5, 0), (0, 30, 0), (0, 0, 10))
    assert found.moved_share == pytest.approx(0.15)
    fates = {fate.id: fate for fate in found.clusters}
    assert [(cluster, fate.became) for cluster, fate in fates.items()] == [
        (1, "kept"), (2, "kept"), (3, "retired"), (9, "new"),
    ]  # fmt: skip
    assert fates[1].overlap == pytest.approx(55 / 60)
    assert fates[1].centre_shift == pytest.approx(0.5)
    assert fates[2].centre_shift == 0
    assert fates[1].churn_change == 0
    assert (fates[3].churn_change, fates[9].centre_shift) == (None, None)
    assert Crosswalk.from_dict(json.loads(json.dumps(found.to_dict()))) == found
