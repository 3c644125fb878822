"""The same function for many items, on every core."""

import os
import time
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

START_SECONDS, WORTH_SECONDS = 1.5, 0.2
"""Of work that is left, from which on other processes help: before and after they have loaded
scikit-learn."""
_UNCHECKED = {"assume_finite": True, "skip_parameter_validation": True}
"""Customers were cleaned and recipes are ours: scikit-learn need not check both in every fit."""


def each(
    function: Callable[[Item], Result], items: Sequence[Item], *, heavy: bool = False
) -> list[Result]:
    """The results in the order of the items, whatever the number of cores.

    Args:
        function: What it gives depends on its item alone.
        items: What it is called with.
        heavy: Each takes as long as starting a process; without it, that is found out here.
    """
    workers = cores()
    if workers == 1 or _Process.helps:
        return _chunk(function, items)
    done = [] if heavy and len(items) > 1 else _done_meanwhile(function, items)
    rest = items[len(done) :]
    size = 1 if heavy else max(1, -(-len(rest) // (4 * workers)))
    chunks = [rest[start : start + size] for start in range(0, len(rest), size)]
    try:
        calls = (delayed(_helped)(function, chunk, os.getpid()) for chunk in chunks)
        results = Parallel(n_jobs=workers)(calls) if chunks else []
        _Process.has_help = _Process.has_help or bool(chunks)
    except BrokenProcessPool:  # somebody killed a process, such as the system short of memory
        results = [_chunk(function, rest)]
    return [*done, *(result for chunk in results for result in chunk)]


class _Process:
    """What this process is."""

    has_help = False
    """Whether others are ready to help it."""
    helps = False
    """Whether another one shares its work with this one, which does not share it further."""


def _done_meanwhile(function: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
    """The first results, until it shows that help is worth it; all of them where it never does."""
    done: list[Result] = []
    worth = WORTH_SECONDS if _Process.has_help else START_SECONDS
    with small_fits():
        started = time.perf_counter()
        for item in items:
            done.append(function(item))
            each = (time.perf_counter() - started) / len(done)
            if each * (len(items) - len(done)) > worth:
                break
    return done


def _helped(
    function: Callable[[Item], Result], items: Sequence[Item], asked_by: int
) -> list[Result]:
    _Process.helps = os.getpid() != asked_by  # joblib may be told to work in one process
    return _chunk(function, items)


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
