"""The same function for many items, on every core."""

import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import TypeVar

from joblib import Parallel, delayed
from sklearn import config_context
from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import threadpool_limits

Item = TypeVar("Item")
Result = TypeVar("Result")

LEAST_ITEMS = 200
"""Fewer are done before another process has loaded scikit-learn."""
_UNCHECKED = {"assume_finite": True, "skip_parameter_validation": True}
"""Customers were cleaned and recipes are ours: scikit-learn need not check both in every fit."""


def each(
    function: Callable[[Item], Result], items: Sequence[Item], least: int = LEAST_ITEMS
) -> list[Result]:
    """The results in the order of the items, whatever the number of cores.

    Args:
        function: Can be pickled, and what it gives depends on its item alone.
        items: What it is called with.
        least: With fewer items all is done in this process.
    """
    workers = cores()
    if workers == 1 or len(items) < least:
        return _chunk(function, items)
    size = max(1, -(-len(items) // (4 * workers)))
    chunks = [items[start : start + size] for start in range(0, len(items), size)]
    try:
        results = Parallel(n_jobs=workers)(delayed(_chunk)(function, chunk) for chunk in chunks)
    except BrokenProcessPool:  # somebody killed a process, such as the system short of memory
        return _chunk(function, items)
    return [result for chunk in results for result in chunk]


def _chunk(function: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
    with small_fits():
        return [function(item) for item in items]


@contextmanager
def small_fits() -> Iterator[None]:
    """For many small fits: one thread each, no checks, no word on columns with few values."""
    with threadpool_limits(1), config_context(**_UNCHECKED), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        yield


def cores() -> int:
    """How many this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
