"""A penalised additive logistic regression whose smoothness follows from the customers.

How strong each feature's penalty is maximises the marginal likelihood (Laplace's approximation,
Wood 2011, J. R. Statist. Soc. B 73:3-36) under a weak prior: no grid, and no part of the customers
is lost to it. The covariance is that of the posterior: its intervals hold the truth as often as
they say, on average over the customers (Nychka 1988, JASA 83:1134-1143).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import block_diag, null_space
from scipy.special import expit, logit

from pipeline.training.risk.basis import Basis, Matrix

_RIDGE = 0.01
"""Precision of a prior of every coefficient. It keeps them finite where a feature tells all."""
_MIDDLE, _PRECISION = 2.0, 1 / 9
"""The prior of the logarithm of each penalty's strength."""
_ROUNDS = 60
_LONGEST_STEP = 5.0

Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Additive:
    """A fitted regression: the intercept first, then the coefficients of each basis."""

    bases: tuple[Basis, ...]
    coefficients: Numbers
    covariance: Matrix

    def logit(self, columns: Sequence[NDArray[np.generic]]) -> Numbers:
        """The logit of customers, from the values of each basis' feature."""
        total = np.full(len(columns[0]), self.coefficients[0])
        start = 1
        for basis, values in zip(self.bases, columns, strict=True):
            end = start + len(basis.penalty)
            total += basis.matrix(values) @ self.coefficients[start:end]
            start = end
        return total


def fit_additive(
    bases: Sequence[Basis], columns: Sequence[NDArray[np.generic]], churned: NDArray[np.bool_]
) -> Additive:
    """Fit the parts of some features.

    Args:
        bases: Of the features.
        columns: Each feature's values, one for each customer.
        churned: (customers,): who left.
    """
    functions = [basis.matrix(values) for basis, values in zip(bases, columns, strict=True)]
    # Each part averages to zero over the customers; the intercept has what is common to all.
    centred = [null_space(each.mean(axis=0)[None]) for each in functions]
    design = np.column_stack(
        [np.ones(len(churned)), *(f @ z for f, z in zip(functions, centred, strict=True))]
    )
    penalties = [z.T @ basis.penalty @ z for basis, z in zip(bases, centred, strict=True)]
    found, covariance = _Fit(design, churned.astype(float), penalties).run()
    back = block_diag(np.ones((1, 1)), *centred)
    return Additive(tuple(bases), back @ found, back @ covariance @ back.T)


class _Fit:
    """The search for coefficients, and around it that for the strengths of the penalties."""

    def __init__(self, design: Matrix, churned: Numbers, penalties: Sequence[Matrix]) -> None:
        self._design, self._churned = design, churned
        sizes = [1, *(len(penalty) for penalty in penalties)]
        zeros = [np.zeros((size, size)) for size in sizes]
        self._penalties = [
            block_diag(*zeros[: index + 1], penalty, *zeros[index + 2 :])
            for index, penalty in enumerate(penalties)
        ]
        self._ranks = np.array([np.linalg.matrix_rank(penalty) for penalty in penalties])
        self._ridge = _RIDGE * np.eye(design.shape[1])
        self._ridge[0, 0] = 0
        self._coefficients = np.zeros(design.shape[1])
        self._coefficients[0] = logit(churned.mean())

    def run(self) -> tuple[Numbers, Matrix]:
        """The coefficients and their covariance."""
        log_strengths = np.full(len(self._penalties), _MIDDLE)
        for _ in range(_ROUNDS):
            covariance = self._maximise(np.exp(log_strengths))
            step = self._step(log_strengths, covariance)
            if np.abs(step).max() < 1e-4:
                break
            log_strengths = log_strengths + step
        return self._coefficients, covariance

    def _maximise(self, strengths: Numbers) -> Matrix:
        """Newton's method for the coefficients under given penalties; returns their covariance."""
        penalty = self._ridge + sum(
            (s * each for s, each in zip(strengths, self._penalties, strict=True)), start=0.0
        )
        design = self._design
        for _ in range(_ROUNDS):
            expected = expit(design @ self._coefficients)
            weights = expected * (1 - expected)
            curvature = design.T @ (design * weights[:, None]) + penalty
            gradient = design.T @ (self._churned - expected) - penalty @ self._coefficients
            step = np.linalg.solve(curvature, gradient)
            longest = max(np.abs(step).max(), 1e-12)
            self._coefficients = self._coefficients + step * min(1, _LONGEST_STEP / longest)
            if longest < 1e-9:
                break
        return np.asarray(np.linalg.inv(curvature))

    def _step(self, log_strengths: Numbers, covariance: Matrix) -> Numbers:
        """Newton's step towards the most likely strengths, by their logarithms."""
        strengths, b = np.exp(log_strengths), self._coefficients
        spread = [covariance @ each for each in self._penalties]
        pulled = np.array([each @ b for each in self._penalties])
        traces = strengths * np.array([np.trace(each) for each in spread])
        sizes = strengths * (pulled @ b)
        gradient = (self._ranks - traces - sizes) / 2 - _PRECISION * (log_strengths - _MIDDLE)
        products = np.array([[np.sum(one * other.T) for other in spread] for one in spread])
        both = products / 2 + pulled @ covariance @ pulled.T
        curvature = (
            np.diag((traces + sizes) / 2 + _PRECISION) - np.outer(strengths, strengths) * both
        )
        values, vectors = np.linalg.eigh(curvature)
        step = vectors @ ((vectors.T @ gradient) / np.maximum(np.abs(values), 0.05))
        return np.asarray(step * min(1, 2 / max(np.abs(step).max(), 1e-12)))
