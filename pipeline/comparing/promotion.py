"""Whether a version may become the champion, and the promotion itself.

It may not, unless somebody forces it with a reason that stays in the history, when

- more than MAX_MOVED of the customers would get another cluster id, or nobody has counted them;
- a figure is worse than the champion's by more than its margin: chance on another sample of the
  same customers moves silhouette and AUC by a hundredth, the weakest Jaccard by some more;
- its contract is another one: callers would have to send other columns or values.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from model_store import CHAMPION, Artifact, CustomerClustersError, NotFound, Store, WrongArtifact
from pipeline.comparing.crosswalks import count_customers, known_crosswalk
from pipeline.model.crosswalk import Crosswalk
from pipeline.model.facts import Metrics, ModelFacts, facts_of, figure

MAX_MOVED = 0.20
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

    Returns:
        The version.

    Raises:
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
    against = objections(champion, candidate, crosswalk, max_moved)
    _refuse(candidate.version, champion.version, against, force)
    moved = crosswalk.moved_share if crosswalk else None
    details = _overruled({"compared_with": champion.version, "moved_share": moved}, against)
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
) -> list[str]:
    """Why a candidate should not replace the champion; none when it may."""
    old, new = facts_of(champion), facts_of(candidate)
    against = []
    if crosswalk is None:
        against.append(
            "nobody counted how many customers would move: retrain it, or give --data FILE"
        )
    elif crosswalk.moved_share > max_moved:
        against.append(
            f"{crosswalk.moved_share:.1%} of the customers would move, at most {max_moved:.0%} may"
        )
    against += worse(old.get("metrics", Metrics()), new.get("metrics", Metrics()))
    if old.get("contract_sha256") != new.get("contract_sha256"):
        against.append(f"its contract is another one ({_contract_change(old, new)})")
    return against


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
