"""A risk score of the invented gym, made by hand: it takes no training."""

from dataclasses import replace

from pipeline.model.cluster_model import ClusterModel
from pipeline.model.contract import load_contract
from pipeline.model.risk import RiskScore, Term
from tests.support.paths import DATA

CONTRACT = load_contract(DATA / "contracts" / "gym.toml")
_TERMS = (
    Term("visits", (2.0, 1.0, 0.5, -3.0), (0.0, 2.5, 7.0, 20.0)),
    Term("fee", (-0.5, 1.0, 0.0), (-10.0, 20.0, 30.0)),
    Term("plan", (0.25, -0.5), values=("basic", "plus")),
)


def _covariance(size: int) -> tuple[tuple[float, ...], ...]:
    """Of numbers that vary together the more the nearer they stand: as the fits of training do."""
    return tuple(
        tuple(round(0.04 * 0.7 ** (row - column), 9) for column in range(row + 1))
        for row in range(size)
    )


SCORE = RiskScore(-1.5, _TERMS, _covariance(10))


def with_score(model: ClusterModel) -> ClusterModel:
    """A model of the gym with this score, which its golden customers reproduce."""
    scored = replace(model, risk=SCORE)
    golden = []
    for each in scored.golden:
        risk = scored.assign(each.customer).risk
        assert risk is not None
        golden.append(replace(each, risk=risk.rate))
    return replace(scored, golden=tuple(golden))
