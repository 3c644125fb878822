"""A function on many items in several threads, with results in order and memory bounded."""

import os
import queue
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

import pyarrow as pa

Item = TypeVar("Item")
Result = TypeVar("Result")
_MOST_THREADS = 4
_ALLOCATOR_VARIABLE = "ARROW_DEFAULT_MEMORY_POOL"


def map_in_order(function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
    """The results of a function in the order of the items.

    The items are drawn in a thread of their own. No more are held at once than there are threads
    and one, so that memory does not grow with their number. An error while drawing or working is
    raised where its result would stand; leaving early stops the drawing.
    """
    _choose_allocator()
    threads = min(_MOST_THREADS, _cores())
    waiting: queue.Queue[Future[Result] | None] = queue.Queue(threads)
    left = threading.Event()

    def draw(pool: ThreadPoolExecutor) -> None:
        try:
            for item in items:
                if left.is_set():
                    return
                waiting.put(pool.submit(function, item))
            waiting.put(None)
        except BaseException as error:
            failed: Future[Result] = Future()
            failed.set_exception(error)
            waiting.put(failed)

    with ThreadPoolExecutor(threads) as pool:
        drawer = threading.Thread(target=draw, args=[pool], name="reader")
        drawer.start()
        try:
            while (future := waiting.get()) is not None:
                yield future.result()
        finally:
            left.set()
            while drawer.is_alive():
                try:
                    waiting.get(timeout=0.05)
                except queue.Empty:
                    continue
            drawer.join()


def _choose_allocator() -> None:
    """Take the allocator that gives back a third more, unless the environment names another."""
    if _ALLOCATOR_VARIABLE not in os.environ and "jemalloc" in pa.supported_memory_backends():
        pa.set_memory_pool(pa.jemalloc_memory_pool())


def _cores() -> int:
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1
