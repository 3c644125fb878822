"""The steps of something long: in a notebook one line that changes, on a terminal a line each."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

Show = Callable[[str], None]


@contextmanager
def steps() -> Iterator[Show]:
    """What to call with each step, in words; a notebook forgets the last one at the end."""
    display = _display()
    if display is None:
        yield _print if sys.stderr.isatty() else _say_nothing
        return
    shown = display(_line(""), raw=True, display_id=True)
    try:
        yield lambda step: shown.update(_line(step), raw=True)
    finally:
        shown.update(_line(""), raw=True)


def _display() -> Any:
    """IPython's `display` where a notebook shows what it is given; None elsewhere."""
    ipython = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    if shell is None or not hasattr(shell, "kernel"):
        return None
    from IPython.display import display

    return display


def _line(step: str) -> dict[str, str]:
    return {"text/plain": f"{step[:1].upper()}{step[1:]} …" if step else ""}


def _print(step: str) -> None:
    print(f"{step[:1].upper()}{step[1:]} …", file=sys.stderr)


def _say_nothing(step: str) -> None:
    pass
