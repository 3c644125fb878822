"""What a search found: the recipe, and everything it was compared with."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

from pipeline.training.evaluation import Evaluation
from pipeline.training.recipes import Recipe
from pipeline.training.search.alternatives import Alternative
from pipeline.training.search.choice import shortfall
from pipeline.training.search.structure import Grouping
from pipeline.training.search.thresholds import Thresholds
from pipeline.training.statistics.gap import Gap, gap_choice

Verdict = Literal["separate groups", "groups that touch", "parts that differ in churn"]
"""Groups were found without a look at churn; parts were cut so that they differ in it."""


@dataclass(frozen=True, slots=True)
class SearchResult:
    """The recipe that won the search, and what it was compared with."""

    winner: Recipe
    verdict: Verdict
    evaluations: tuple[Evaluation, ...]
    """Every finalist, the best with other algorithms, and the published recipe, all on the
    customers that selection saw."""
    gaps: tuple[Gap, ...]
    untouched_auc: float | None
    """ROC AUC on the customers that took no part in choosing."""
    dropped_features: dict[str, str]
    """Feature → why it was no candidate."""
    thresholds: Thresholds
    alternatives: tuple[Alternative, ...] = ()
    """Algorithms that cannot be trained, on the winner's features."""
    groupings: tuple[Grouping, ...] = ()
    """The best ways to group customers without a look at churn, the best first."""

    def to_dict(self) -> dict[str, Any]:
        """The leaderboard, for the artifact."""
        return {
            "verdict": self.verdict,
            "bars": asdict(self.thresholds),
            "dropped_features": self.dropped_features,
            "gap_statistic": [asdict(gap) for gap in self.gaps],
            "gap_choice": gap_choice(self.gaps) if self.gaps else None,
            "churn_auc_untouched": self.untouched_auc,
            "groupings": [asdict(grouping) for grouping in self.groupings],
            "algorithms": [asdict(alternative) for alternative in self.alternatives],
            "candidates": [
                {
                    "recipe": asdict(evaluation.recipe),
                    "chosen": evaluation.recipe == self.winner,
                    "shortfall": shortfall(evaluation, self.thresholds),
                    **evaluation.metrics(),
                }
                for evaluation in self.evaluations
            ],
        }
