"""How much may lie in the folder for temporary files: less of it where that folder is memory.

Containers often have their /tmp in memory. What is kept there then is taken from what scores files.
"""

import tempfile
from functools import cache
from pathlib import Path

_IN_MEMORY = ("tmpfs", "ramfs")
_SHARE = 6
"""The part of the memory that each kind of thing may take there: results, and files that wait."""
_MOUNTS = Path("/proc/self/mountinfo")


def most_bytes(usual: int) -> int:
    """How many bytes may lie there together.

    Args:
        usual: So many where it is a disk.
    """
    folder = Path(tempfile.gettempdir())
    return min(usual, _memory() // _SHARE) if is_memory(folder) else usual


@cache
def is_memory(folder: Path) -> bool:
    """Whether a folder lies in memory; no where this system does not tell."""
    try:
        lines = _MOUNTS.read_text(encoding="utf-8").splitlines()
    except OSError:
        return False
    kinds = {}
    for line in lines:
        point, kind = line.split()[4], line.partition(" - ")[2].split()[0]
        kinds[Path(point)] = kind  # a later one lies over an earlier one
    path = folder.resolve()
    return next((kinds[each] for each in (path, *path.parents) if each in kinds), "") in _IN_MEMORY


@cache
def _memory() -> int:
    from pipeline.scoring.process.limits import machine_memory  # a disk has no use for it

    return machine_memory()
