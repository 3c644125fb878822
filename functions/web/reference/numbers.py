"""How the numbers of an answer hang together, worked out with the numbers of a real one."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Worked:
    """One relation between fields.

    Args:
        fields: The fields that it explains.
        text: What they mean to a program; between backticks are names.
        sum: The relation with the numbers of the answer; empty where there is nothing to count.
    """

    fields: Sequence[str]
    text: str
    sum: str = ""


def worked_numbers(answer: Mapping[str, Any]) -> list[Worked]:
    """What a developer asks of an assignment, in the order in which it is asked.

    Args:
        answer: The answer to `POST /v1/assign`.
    """
    near, far = answer["distance"], answer["runner_up"]["distance"]
    return [
        Worked(
            ("distance", "runner_up.distance"),
            "How far the customer is from the centre of a cluster, in standard deviations: 1 is "
            "about as far as customers differ in one feature. The cluster of the smallest distance "
            "is the answer. There is no greatest one.",
            f"{_short(near)} to cluster {answer['cluster']['id']}, {_short(far)} to cluster "
            f"{answer['runner_up']['id']}, the next one",
        ),
        Worked(
            ("margin",),
            "How clearly the customer belongs to its cluster: 0 on the border to the next one, 1 "
            "at its centre. Below 0.1 read it as “between the two”. It is no probability.",
            f"({_short(far)} − {_short(near)}) / ({_short(far)} + {_short(near)}) = "
            f"{_short(answer['margin'])}",
        ),
        Worked(
            ("reasons[].contribution",),
            "Each feature’s part in the answer, exact and without sampling. Above 0 it speaks for "
            "the cluster, below 0 for the next one; the greatest stands first. They add up to the "
            "difference of the squared distances.",
            _sum([reason["contribution"] for reason in answer["reasons"]])
            + f" = {_short(far)}² − {_short(near)}²",
        ),
        *_borders(answer["reasons"]),
        Worked(
            ("outlier", "warning", "unusual", "unusual_combination"),
            "An outlier is unlike the customers of training: a value lies outside the typical "
            "range of its feature (`unusual`), or the customer is further out than 99.5% of its "
            "cluster, where `unusual_combination` names the features that are usual alone. Show "
            "`warning` before all else: the cluster is the nearest one, and may mean nothing.",
        ),
        *_churn(answer["churn"]),
        *_risk(answer["risk_score"]),
    ]


def _borders(reasons: Sequence[Mapping[str, Any]]) -> list[Worked]:
    example = next(
        (
            f"from {reason['feature']} = {reason['border']:,.10g} on it would be cluster "
            f"{reason['border_cluster']}"
            for reason in reasons
            if reason["border"] is not None
        ),
        "",
    )
    text = (
        "The first value of that feature, on the way to the next cluster, at which the customer "
        "would change over if nothing else changed. `null` where no value does that."
    )
    return [Worked(("reasons[].border", "reasons[].border_cluster"), text, example)]


def _churn(churn: Mapping[str, Any] | None) -> list[Worked]:
    if churn is None:
        return []
    return [
        Worked(
            ("churn.rate", "churn.low", "churn.high", "churn.risk"),
            "The past of the cluster, the same for all its customers, with an interval that holds "
            "the true rate in 95 of 100 cases. It is never the probability of one person. `risk` "
            "compares the interval with the rate of all customers.",
            f"{churn['churned']:,} of {churn['customers']:,} = {churn['rate']:.1%}, "
            f"{churn['low']:.1%} to {churn['high']:.1%}: {churn['risk']}",
        )
    ]


def _risk(score: Mapping[str, Any] | None) -> list[Worked]:
    if score is None:
        return []
    total = score["intercept"] + sum(score["parts"].values())
    return [
        Worked(
            ("risk_score.rate", "risk_score.parts"),
            "How many of 100 customers with such values churned. The parts and `intercept` add up "
            "to the logit of the rate: above 0 a feature raises it.",
            f"{_sum([score['intercept'], *score['parts'].values()])} = {_short(total)}; "
            f"1 / (1 + e^{_short(-total)}) = {1 / (1 + math.exp(-total)):.3g}",
        )
    ]


def _sum(numbers: Sequence[float]) -> str:
    first, *others = numbers
    signed = [f"{'−' if number < 0 else '+'} {_short(abs(number))}" for number in others]
    return " ".join([_short(first), *signed])


def _short(number: float) -> str:
    return f"{number:.3f}".replace("-", "−")
