"""Whether a version may become the champion, and the promotion itself.

It may not, unless somebody forces it with a reason that stays in the history, when

- more than MAX_MOVED of the customers would get another cluster id, or may by the 95 % interval of
  those who were counted; or nobody has counted them, or few were counted;
- it was trained on far fewer customers than the champion, so that all that is known of it is less
  certain, however good its figures look;
- a cluster that keeps its id may be another group, by the interval of its overlap;
- outcomes say that its churn rates did not come true, or that it foresaw worse who churns;
- a figure is worse than the champion's by more than its margin: chance on another sample of the
  same customers moves silhouette and AUC by a hundredth, the weakest Jaccard by some more; or its
  AUC is too uncertain to say so;
- its contract is another one: callers would have to send other columns or values.
"""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from model_store import CHAMPION, Artifact, CustomerClustersError, NotFound, Store, WrongArtifact
from pipeline.comparing.crosswalks import count_customers, known_crosswalk
from pipeline.comparing.outcomes import Evidence, read_evidence
from pipeline.comparing.outcomes import against as outcomes_against
from pipeline.model.crosswalk import MINIMUM_OVERLAP, Crosswalk
from pipeline.model.published.facts import Metrics, ModelFacts, facts_of, figure

MAX_MOVED = 0.20
FEWEST_COUNTED = 300
"""Of fewer customers the share that moves is known to five points at best."""
LEAST_TRAINED = 0.5
"""A candidate has at least this share of the champion's training customers."""
LARGEST_ERROR = 0.04
"""An AUC that is known to less than this, 95 % interval, cannot be held to its margin."""
MARGINS = {"silhouette_model_space": 0.02, "weakest_jaccard": 0.05, "churn_auc": 0.02}
"""By how much a figure may be worse: separation, stability and churn separation."""
WORDS = {
    "silhouette_model_space": "silhouette",
    "weakest_jaccard": "stability (weakest Jaccard)",
    "churn_auc": "churn separation (AUC)",
}


class NotPromoted(CustomerClustersError, ValueError):
    """Raised when a version is no fit successor of the champion."""

    code = "not_promoted"

    def __init__(self, version: str, champion: str, objections: Sequence[str]) -> None:
        self.version, self.champion, self.objections = version, champion, tuple(objections)
        super().__init__(
            f"{version} was not promoted over {champion}: {'; '.join(objections)}; "
            "--force with --why overrules this"
        )


def promote(
    store: Store,
    reference: str,
    why: str,
    who: str,
    *,
    force: bool = False,
    max_moved: float = MAX_MOVED,
    data: Path | None = None,
    outcomes: Sequence[str] = (),
) -> str:
    """Promote a version over the champion.

    The champion must still be the one that was compared when the alias moves.

    Args:
        store: Where both are.
        reference: The version, or an alias of it.
        why: The reason, for the store's history.
        who: Who promotes.
        force: Promote whatever the objections.
        max_moved: The share of the customers that may get another cluster.
        data: A customer file to count on where training has not counted who moves.
        outcomes: Addresses of `outcomes.json`, of runs with either of them.

    Returns:
        The version.

    Raises:
        WrongFile: Outcomes are those of neither.
        NotPromoted: There are objections, and nobody forces.
        Conflict: Another version became the champion meanwhile.
    """
    candidate = store.open(reference)
    try:
        champion = store.open(CHAMPION)
    except NotFound:
        return store.promote(candidate.version, why, who, instead_of=None)
    except WrongArtifact as error:  # a store that serves nobody must be mendable
        against = [f"the champion cannot be compared with ({error})"]
        _refuse(candidate.version, CHAMPION, against, force)
        return store.promote(candidate.version, why, who, _overruled({}, against))
    if champion.version == candidate.version:
        return candidate.version
    counted = count_customers(data, champion, candidate) if data else None
    crosswalk = counted or known_crosswalk(champion, candidate)
    evidence = read_evidence(outcomes, champion, candidate)
    against = objections(champion, candidate, crosswalk, max_moved, evidence)
    _refuse(candidate.version, champion.version, against, force)
    moved = crosswalk.moved_share if crosswalk else None
    details: dict[str, Any] = {"compared_with": champion.version, "moved_share": moved}
    if evidence:
        details["outcomes"] = [each.document["outcomes"] for each in evidence]
    details = _overruled(details, against)
    return store.promote(candidate.version, why, who, details, champion.version)


def _refuse(version: str, champion: str, against: Sequence[str], force: bool) -> None:
    if against and not force:
        raise NotPromoted(version, champion, against)


def _overruled(details: Mapping[str, Any], against: Sequence[str]) -> dict[str, Any]:
    return {**details, "forced": True, "objections": list(against)} if against else {**details}


def objections(
    champion: Artifact,
    candidate: Artifact,
    crosswalk: Crosswalk | None,
    max_moved: float = MAX_MOVED,
    evidence: Sequence[Evidence] = (),
) -> list[str]:
    """Why a candidate should not replace the champion; none when it may."""
    old, new = facts_of(champion), facts_of(candidate)
    against = []
    if crosswalk is None:
        against.append(
            "nobody counted how many customers would move: retrain it, or give --data FILE"
        )
    else:
        against += moving(crosswalk, max_moved)
    before, after = (facts.get("metrics", Metrics()) for facts in (old, new))
    against += smaller(before, after, crosswalk) + worse(before, after) + uncertain(before, after)
    if old.get("contract_sha256") != new.get("contract_sha256"):
        against.append(f"its contract is another one ({_contract_change(old, new)})")
    return against + outcomes_against(evidence)


def moving(crosswalk: Crosswalk, max_moved: float = MAX_MOVED) -> list[str]:
    """What is against a candidate by the customers who were counted, in words."""
    against, most = [], crosswalk.moved_interval[1]
    if crosswalk.moved_share > max_moved:
        against.append(
            f"{crosswalk.moved_share:.1%} of the customers would move, at most {max_moved:.0%} may"
        )
    elif most > max_moved:
        against.append(
            f"{crosswalk.moved_share:.1%} of {crosswalk.customers:,} customers would move; of all "
            f"it may be {most:.1%} (95 % interval), at most {max_moved:.0%} may"
        )
    return against + [
        f"cluster {each.id} may be another group under the same id: {each.overlap:.0%} of those in "
        f"it before or after stay, it may be {each.overlap_interval[0]:.0%} (95 % interval)"
        for each in crosswalk.clusters
        if each.became == "kept" and each.overlap_interval[0] < MINIMUM_OVERLAP
    ]


def smaller(old: Metrics, new: Metrics, crosswalk: Crosswalk | None) -> list[str]:
    """That a candidate rests on far fewer customers than the champion, in words."""
    before, after = figure(old, "customers"), figure(new, "customers")
    against = []
    if before is not None and after is not None and after < LEAST_TRAINED * before:
        against.append(
            f"it was trained on {after:,.0f} customers, the champion on {before:,.0f}: with less "
            f"than {LEAST_TRAINED:.0%} of them its clusters and churn rates are less certain"
        )
    fewest = FEWEST_COUNTED if before is None else min(FEWEST_COUNTED, LEAST_TRAINED * before)
    if crosswalk is not None and crosswalk.customers < fewest:
        against.append(
            f"only {crosswalk.customers:,} customers were counted that both models read, at least "
            f"{fewest:,.0f} were expected"
        )
    return against


def uncertain(old: Metrics, new: Metrics) -> list[str]:
    """That the churn AUC is known too badly, and worse than the champion's, in words."""
    auc, error, before = figure(new, "churn_auc"), _auc_error(new), _auc_error(old)
    if auc is None or error is None or error <= max(LARGEST_ERROR, 1.25 * (before or 0.0)):
        return []
    return [
        f"{WORDS['churn_auc']} is {auc:.3f} ± {error:.3f} (95 %): too uncertain to say that it is "
        f"no worse than by {MARGINS['churn_auc']}"
    ]


def _auc_error(metrics: Metrics) -> float | None:
    """Half of the interval of a version's churn AUC; None where training does not state enough."""
    auc, customers = figure(metrics, "churn_auc"), figure(metrics, "customers")
    rate = figure(metrics, "churn_rate")
    if auc is None or customers is None or rate is None:
        return None
    churned = round(rate * customers)
    return auc_error(auc, churned, round(customers) - churned)


def auc_error(auc: float, churned: int, stayed: int) -> float:
    """Half of the 95 % interval of an AUC (Hanley and McNeil 1982, Radiology 143:29-36).

    Args:
        auc: The area under the ROC curve.
        churned: Customers that left.
        stayed: Customers that stayed.
    """
    if min(churned, stayed) < 1:
        return 0.5
    both_churned, both_stayed = auc / (2 - auc), 2 * auc * auc / (1 + auc)
    variance = auc * (1 - auc) + (churned - 1) * (both_churned - auc * auc)
    variance += (stayed - 1) * (both_stayed - auc * auc)
    return 1.96 * math.sqrt(max(variance, 0.0) / (churned * stayed))


def worse(old: Metrics, new: Metrics) -> list[str]:
    """The figures that fall behind by more than their margin, in words."""
    fallen = []
    for name, margin in MARGINS.items():
        before, after = figure(old, name), figure(new, name)
        if before is None:
            continue
        if after is None:
            fallen.append(f"{WORDS[name]} is unknown, the champion's is {before:.3f}")
        elif not after >= before - margin:
            fallen.append(
                f"{WORDS[name]} is {after:.3f}, at least {before - margin:.3f} was expected"
            )
    return fallen


def _contract_change(old: ModelFacts, new: ModelFacts) -> str:
    before, after = (set(facts.get("recipe", {}).get("features", ())) for facts in (old, new))
    changes = [f"reads {name} as well" for name in sorted(after - before)]
    changes += [f"no longer reads {name}" for name in sorted(before - after)]
    return ", ".join(changes) or "the same features, other ranges, labels or churn column"
