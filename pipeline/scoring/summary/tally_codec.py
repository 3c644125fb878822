"""A tally as bytes, so that parts of a file are counted apart and added up elsewhere."""

import io
import json
from collections import Counter

import numpy as np
from numpy.typing import NDArray

from pipeline.model.cluster_model import ClusterModel
from pipeline.scoring.challenger import ChallengerCounts
from pipeline.scoring.summary.contributions import ContributionCounts
from pipeline.scoring.summary.tally import Tally

_COUNTS = ("customers", "outliers", "labelled", "churned")
_CHALLENGER_COUNTS = ("customers", "labelled", "churned")


def encode_tally(tally: Tally) -> bytes:
    """Everything that was counted; cells of medians in which nothing was are left out."""
    arrays = {name: getattr(tally, name) for name in _COUNTS}
    arrays |= {f"sums {name}": sums for name, sums in tally.sums.items()}
    arrays |= {f"bins {name}": counts for name, counts in tally.bins.items()}
    for name, counts in tally.cells.items():
        arrays[f"cells {name}"] = used = np.flatnonzero(counts)
        arrays[f"counts {name}"] = counts[used]
    if (challenger := tally.challenger) is not None:
        counted = {name: getattr(challenger, name) for name in _CHALLENGER_COUNTS}
        arrays |= {f"challenger {name}": counts for name, counts in counted.items()}
        arrays["unassigned"] = _json_bytes(challenger.unassigned)
    if (contributions := tally.contributions) is not None:
        arrays["contributions"] = np.stack([contributions.sums, contributions.sizes])
    if tally.at_risk is not None:
        arrays["at_risk"] = tally.at_risk
    arrays["rejected"] = _json_bytes([tally.rejected, tally.first_rejected])
    arrays["filled"] = _json_bytes(tally.filled)
    target = io.BytesIO()
    np.savez_compressed(target, **arrays)
    return target.getvalue()


def _json_bytes(value: object) -> NDArray[np.uint8]:
    return np.frombuffer(json.dumps(value).encode(), np.uint8)


def empty_total(model: ClusterModel) -> Tally:
    """Nothing counted yet, with room for more than 4 billion customers in a cell of a median."""
    tally = Tally.empty(model)
    tally.add(Tally.empty(model))  # which makes its cells
    tally.cells = {name: cells.astype(np.uint64) for name, cells in tally.cells.items()}
    return tally


def add_encoded(total: Tally, content: bytes, first_row: int) -> None:
    """Add the tally of a part of the same file.

    Args:
        total: What it is added to; see `empty_total`.
        content: What `encode_tally` gave; rows count from 0 there.
        first_row: The number of the part's first row.
    """
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        rejected, first = json.loads(arrays["rejected"].tobytes())
        part = Tally(
            **{name: arrays[name] for name in _COUNTS},
            sums={name: arrays[f"sums {name}"] for name in total.sums},
            bins={name: arrays[f"bins {name}"] for name in total.bins},
            rejected=Counter(rejected),
            first_rejected={key: [row + first_row for row in rows] for key, rows in first.items()},
            filled=Counter(json.loads(arrays["filled"].tobytes())),
        )
        if "unassigned" in arrays:
            part.challenger = ChallengerCounts(
                **{name: arrays[f"challenger {name}"] for name in _CHALLENGER_COUNTS},
                unassigned=Counter(json.loads(arrays["unassigned"].tobytes())),
            )
        if "at_risk" in arrays:
            part.at_risk = arrays["at_risk"]
        if "contributions" in arrays:
            part.contributions = ContributionCounts(*arrays["contributions"])
        for name, cells in total.cells.items():
            cells[arrays[f"cells {name}"]] += arrays[f"counts {name}"]
    total.add(part)
