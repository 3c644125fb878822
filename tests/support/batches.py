"""What a batch says of a customer, beside what is said of him alone."""

from typing import Any

import pytest


def whole(batch: dict[str, Any], item: dict[str, Any]) -> dict[str, Any]:
    """What is said of a customer of a batch, with what stands once in it for many."""
    clusters, risk = batch["clusters"], item["risk_score"]
    cluster, runner_up = clusters[str(item["cluster"])], item["runner_up"]
    answer = {name: value for name, value in item.items() if name != "index"}
    answer["cluster"] = {name: cluster[name] for name in ("id", "name", "description")}
    answer["churn"] = cluster["churn"]
    answer["runner_up"] = {**runner_up, "name": clusters[str(runner_up["id"])]["name"]}
    if risk is not None:
        answer["risk_score"] = {**risk, "intercept": batch["risk_intercept"]}
    return answer | {name: batch[name] for name in ("model_version", "contract_sha256")}


def assert_near(found: Any, expected: Any) -> None:
    """The same but for the rounding of numbers: a batch is assigned by numpy."""
    assert type(found) is type(expected)
    if isinstance(found, dict):
        assert set(found) == set(expected)
        for name, value in expected.items():
            assert_near(found[name], value)
    elif isinstance(found, list):
        for one, other in zip(found, expected, strict=True):
            assert_near(one, other)
    elif isinstance(found, float):
        assert found == pytest.approx(expected, rel=1e-12, abs=1e-12)
    else:
        assert found == expected
