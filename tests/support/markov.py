"""Customers whose groups change by a known Markov matrix, and how often intervals hold it."""

import numpy as np
from numpy.typing import NDArray

from pipeline.runs.moves.direction import verdict_of
from pipeline.runs.moves.result import share_of

MATRIX = np.array(
    [
        [0.90, 0.06, 0.01, 0.02, 0.01],
        [0.03, 0.85, 0.08, 0.03, 0.01],
        [0.02, 0.10, 0.70, 0.08, 0.10],
        [0.05, 0.05, 0.05, 0.80, 0.05],
        [0.01, 0.02, 0.02, 0.15, 0.80],
    ]
)
"""A row for each group then: the probability of each group now."""


def next_groups(
    groups: NDArray[np.int64], rng: np.random.Generator, matrix: NDArray[np.float64] = MATRIX
) -> NDArray[np.int64]:
    """Draw the next group of each customer, as indices of the matrix."""
    drawn = rng.random(len(groups))
    return np.asarray((drawn[:, None] > matrix.cumsum(axis=1)[groups][:, :-1]).sum(axis=1))


def coverage(simulations: int, customers: int, seed: int = 1) -> float:
    """The share of the intervals of shares, of all cells and simulations, that hold the true one.

    Args:
        simulations: How many.
        customers: In each group then.
        seed: Of what is drawn.
    """
    rng, held = np.random.default_rng(seed), 0
    size = len(MATRIX)
    for _ in range(simulations):
        for row in MATRIX:
            for number, true in zip(rng.multinomial(customers, row).tolist(), row, strict=True):
                share = share_of(number, customers)
                assert share is not None
                held += share[1] <= true <= share[2]
    return held / (simulations * size * size)


def false_alarms(simulations: int, movers: int, seed: int = 2) -> float:
    """How often a direction is seen where movers go either way by chance alone."""
    towards = np.random.default_rng(seed).binomial(movers, 0.5, simulations)
    verdicts = [verdict_of(int(up), movers - int(up)) for up in towards]
    return sum(verdict != "no clear difference" for verdict in verdicts) / simulations
