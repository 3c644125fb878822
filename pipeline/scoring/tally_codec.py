"""A tally as bytes, so that parts of a file are counted apart and added up elsewhere."""

import io
import json
from collections import Counter

import numpy as np

from pipeline.model.cluster_model import ClusterModel
from pipeline.scoring.challenger import ChallengerCounts
from pipeline.scoring.tally import Tally

_COUNTS = ("customers", "outliers", "labelled", "churned")
_VERSUS = ("customers", "labelled", "churned")


def packed(tally: Tally) -> bytes:
    """Everything that was counted; cells in which nothing was are left out."""
    arrays = {name: getattr(tally, name) for name in _COUNTS}
    arrays |= {f"sums {name}": found for name, found in tally.sums.items()}
    arrays |= {f"bins {name}": found for name, found in tally.bins.items()}
    for name, counts in tally.cells.items():
        arrays[f"cells {name}"] = at = np.flatnonzero(counts)
        arrays[f"counts {name}"] = counts[at]
    if tally.versus is not None:
        arrays |= {f"versus {name}": getattr(tally.versus, name) for name in _VERSUS}
        unassigned = json.dumps(tally.versus.unassigned)
        arrays["unassigned"] = np.frombuffer(unassigned.encode(), np.uint8)
    rejected = json.dumps([tally.rejected, tally.first_rejected])
    arrays["rejected"] = np.frombuffer(rejected.encode(), np.uint8)
    target = io.BytesIO()
    np.savez_compressed(target, **arrays)
    return target.getvalue()


def wide(model: ClusterModel) -> Tally:
    """Nothing counted yet, with room for more than 4 billion customers in a cell."""
    tally = Tally.empty(model)
    tally.add(Tally.empty(model))  # which makes its cells
    tally.cells = {name: cells.astype(np.uint64) for name, cells in tally.cells.items()}
    return tally


def add_packed(tally: Tally, content: bytes, first_row: int) -> None:
    """Take in a packed tally whose rows count from 0; `first_row` is the first one's number."""
    with np.load(io.BytesIO(content), allow_pickle=False) as found:
        rejected, first = json.loads(found["rejected"].tobytes())
        part = Tally(
            **{name: found[name] for name in _COUNTS},
            sums={name: found[f"sums {name}"] for name in tally.sums},
            bins={name: found[f"bins {name}"] for name in tally.bins},
            rejected=Counter(rejected),
            first_rejected={why: [row + first_row for row in rows] for why, rows in first.items()},
        )
        if "unassigned" in found:
            unassigned = Counter(json.loads(found["unassigned"].tobytes()))
            counts = {name: found[f"versus {name}"] for name in _VERSUS}
            part.versus = ChallengerCounts(**counts, unassigned=unassigned)
        for name, cells in tally.cells.items():
            cells[found[f"cells {name}"]] += found[f"counts {name}"]
    tally.add(part)
