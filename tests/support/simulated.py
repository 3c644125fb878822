"""Invented customers whose true risk is known: a sum of smooth parts, a zero apart, a category."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit

from pipeline.model.contract import Contract, Feature, Label
from pipeline.training.cleaning import Cleaning, Customers

FEATURES = (
    Feature("amount", "number", "Amount"),
    Feature("count", "integer", "Count"),
    Feature("balance", "number", "Balance"),
    Feature("age", "integer", "Age", sensitive=True),
    Feature("plan", "category", "Plan", values=("basic", "plus", "family")),
)
CONTRACT = Contract(
    "simulated", "Simulated customers", FEATURES, label=Label("left", ("1",), ("0",))
)
NUMBERS = FEATURES[:3]
_CORRELATIONS = np.array([[1, 0.6, 0], [0.6, 1, 0], [0, 0, 1]])
WORLDS = ("steep", "lines", "waves", "nothing")


@dataclass(frozen=True, slots=True)
class World:
    """Customers, and the true logit of each."""

    frame: pd.DataFrame
    logit: NDArray[np.float64]
    churned: NDArray[np.bool_]

    @property
    def columns(self) -> list[NDArray[np.generic]]:
        """Of the three numbers that the risk follows from."""
        return [self.frame[feature.name].to_numpy() for feature in NUMBERS]

    def customers(self) -> Customers:
        """As training has them."""
        count = len(self.frame)
        cleaning = Cleaning("simulated.csv", "0", count, count, 0, 0, {}, ())
        others = pd.DataFrame(index=self.frame.index)
        return Customers(CONTRACT, self.frame, self.churned, cleaning, (), others)

    def groups(self) -> NDArray[np.intp]:
        """Four groups by amount and count: what a model may know of the customers."""
        amount, count = self.frame["amount"], self.frame["count"]
        high = (amount > amount.median()).to_numpy(), (count > count.median()).to_numpy()
        return (2 * high[0] + high[1]).astype(np.intp)


def simulate(world: str, customers: int, seed: int) -> World:
    """Draw customers of one of the worlds; amount and count go along with each other."""
    rng = np.random.default_rng(seed)
    z = rng.multivariate_normal(np.zeros(3), _CORRELATIONS, customers)
    amount, count = np.exp(8 + 0.6 * z[:, 0]), np.round(60 + 20 * z[:, 1])
    zero = rng.random(customers) < 0.25
    balance = np.where(zero, 0, np.clip(1200 + 500 * z[:, 2], 130, 2517))
    logit = {
        "steep": -1.8
        - 1.2 * np.tanh(0.9 * z[:, 0])
        + 1.3 * np.sin(count / 25)
        + np.where(zero, 1.2, -0.5 * ((balance - 1200) / 800) ** 2),
        "lines": -1.5 - 0.48 * z[:, 0] - 0.02 * (count - 60) + np.where(zero, 1.2, 0),
        "waves": -1.5 + np.sin(1.5 * z[:, 0]) + 0.8 * np.cos(count / 15) - 0.0006 * balance,
        "nothing": np.full(customers, -1.5),
    }[world]
    frame = pd.DataFrame(
        {
            "amount": amount,
            "count": count,
            "balance": balance,
            "age": np.round(rng.normal(46, 8, customers)),
            "plan": rng.choice(["basic", "plus", "family"], customers),
        }
    )
    return World(frame, logit, rng.random(customers) < expit(logit))
