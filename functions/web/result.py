"""What the page of a result shows of one customer."""

from collections.abc import Mapping

from functions.http.presenter import churn_answer
from functions.live_model import LoadedModel
from functions.web.charts import bars, rate_chart, strips
from pipeline.model.cluster_model import Assignment
from pipeline.model.contract import Feature, Value
from pipeline.model.counterfactuals import (
    Counterfactual,
    find_counterfactuals,
    smallest_counterfactual,
)
from pipeline.model.outlier import warning
from pipeline.model.risk import in_words
from pipeline.pages.scale import Scale

_MARGINS = (
    (0.5, "far", "The next nearest group is more than three times as far away"),
    (0.2, "some way off", "The next nearest group is at least half as far again"),
    (0.05, "near", "The next nearest group is only a little further away"),
    (0.0, "very near", "The next nearest group is almost as near"),
)
"""From the margin: 0.5 is three times the distance, 0.2 one and a half times."""
_TYPICAL = ((1 / 3, "very typical"), (2 / 3, "typical"), (1.0, "at the edge"))
_UNTYPICAL = "unlike the group"


def result_view(loaded: LoadedModel, customer: Mapping[str, Value]) -> dict[str, object]:
    """Everything the template names, from values that the contract has parsed."""
    model = loaded.model
    assignment = model.locate(customer)
    risk = None if assignment.outlier else assignment.risk  # which would say more than is known
    features = {feature.name: feature for feature in model.contract.features}
    share = _share_of_outlier_distance(assignment)
    word, sentence = next(words for least, *words in _MARGINS if assignment.margin >= least)
    changes = find_counterfactuals(model, customer)
    return {
        "customer": customer,
        "features": features,
        "assignment": assignment,
        "warning": warning(model.contract, assignment),
        "risk": risk and in_words(risk, model.contract.churned_word),
        "churn": churn_answer(assignment.cluster.churn, model.churn_rate),
        "rates": rate_chart(model),
        "bars": bars(features, assignment.reasons),
        "strips": strips(model, assignment.cluster, customer),
        "typical": next((word for most, word in _TYPICAL if share <= most), _UNTYPICAL),
        "share": share,
        "distance_at": Scale(0, 1.5).at(share),
        "margin_word": word,
        "margin_sentence": sentence,
        "unusual": [features[name] for name in assignment.unusual],
        "combination": [features[name] for name in assignment.combination],
        "smallest": smallest_counterfactual(changes.values()),
        "changes": [
            (feature, changes[name], _is_unusual(feature, changes[name]))
            for name, feature in features.items()
        ],
    }


def _is_unusual(feature: Feature, change: Counterfactual | None) -> bool:
    """Whether a change would take the feature out of its typical range."""
    if change is None or not feature.numeric:
        return False
    return float(change.value) not in feature.typical


def _share_of_outlier_distance(assignment: Assignment) -> float:
    """0 at the centre, 1 as far as all but 0.5 % of the group's training customers.

    The further one of both distances counts: to the centre, and off the values' common pattern.
    """
    own = assignment.cluster
    furthest = own.outlier_distance
    share = assignment.distance / furthest if furthest else float(assignment.distance > 0)
    if assignment.residual is None or not own.outlier_residual:
        return share
    return max(share, assignment.residual / own.outlier_residual)
