"""Two models side by side: what differs, who moves, and whether one may replace the other."""

from pipeline.comparing.compare import Comparison, compare
from pipeline.comparing.crosswalks import count_customers, known_crosswalk
from pipeline.comparing.promotion import MAX_MOVED, NotPromoted, objections, promote

__all__ = [
    "MAX_MOVED",
    "Comparison",
    "NotPromoted",
    "compare",
    "count_customers",
    "known_crosswalk",
    "objections",
    "promote",
]
