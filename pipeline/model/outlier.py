"""What to say first of a customer who is unlike those that the model was trained on."""

from pipeline.model.cluster_model import Assignment
from pipeline.model.contract import Contract


def warning(contract: Contract, assignment: Assignment) -> str | None:
    """One sentence to read before the answer; None where the customer is no outlier.

    Args:
        contract: The features, with their labels.
        assignment: The answer.
    """
    if not assignment.outlier:
        return None
    labels = {feature.name: feature.label for feature in contract.features}
    why = []
    if assignment.unusual:
        why.append(f"unusual {_listed([labels[name] for name in assignment.unusual])}")
    if assignment.combination:
        together = _listed([labels[name] for name in assignment.combination])
        why.append(f"unusual combination of {together}")
    if not why:
        why.append(f"further out than 99.5% of group {assignment.cluster.id}")
    doubtful = ["the group"]
    doubtful += ["its rate"] if assignment.cluster.churn else []
    doubtful += ["the risk"] if assignment.risk else []
    return (
        f"Unlike the customers the model was trained on ({'; '.join(why)}): "
        f"{_listed(doubtful)} may not hold for this one."
    )


def _listed(words: list[str]) -> str:
    *others, last = words
    return f"{', '.join(others)} and {last}" if others else last
