"""Outcomes as evidence: whether the rates of two versions came true, and whose did better.

Outcomes are of the same customers where input, labels and day are the same: then both versions
foresaw the same thing, and their figures can be held against each other.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, cast

from model_store import Artifact, NotFound, open_storage
from model_store.errors import MALFORMED
from pipeline.errors import WrongFile
from pipeline.model.published.facts import same_clusters
from pipeline.scoring.outcome_documents import (
    OUTCOMES_FILE,
    ClusterOutcome,
    Estimate,
    OutcomesDocument,
)

AUC_MARGIN = 0.02
"""By how much the AUC on the same customers may be worse."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What became of customers that one of two versions had scored."""

    document: OutcomesDocument
    of_new: bool
    """Of the new version, which may become the champion; else of the old one."""

    @property
    def sentence(self) -> str:
        """Whether its rates came true."""
        document, overall = self.document, self.document["overall"]
        observed = overall["observed"]
        churned = 0 if observed is None else observed["churned"]
        return (
            f"of {overall['counted']:,} customers of {document['input']['name']} {churned:,} "
            f"{document['churned_word']} by {document['as_of']}, expected were "
            f"{overall['expected_churners']:,.0f}: {overall['verdict']}"
        )

    @property
    def off(self) -> list[ClusterOutcome]:
        """The clusters whose rates did not come true."""
        return [cluster for cluster in self.document["clusters"] if _is_off(cluster["verdict"])]

    @property
    def came_true(self) -> bool:
        """Whether no verdict says the contrary."""
        return not self.off and not _is_off(self.document["overall"]["verdict"])

    @property
    def auc(self) -> Estimate | None:
        """That of the customers' own risk, else of the groups' rates."""
        rankings = self.document["rankings"]
        figures = rankings["risk"] or rankings["clusters"]
        return None if figures is None else figures["auc"]

    def to_dict(self) -> dict[str, Any]:
        """What comparison.json states."""
        document = self.document
        return {
            "version": document["model_version"],
            "of": "new" if self.of_new else "old",
            "outcomes": document["outcomes"],
            "as_of": document["as_of"],
            "input": document["input"]["name"],
            "counted": document["overall"]["counted"],
            "verdict": document["overall"]["verdict"],
            "clusters_off": [cluster["cluster"] for cluster in self.off],
            "auc": None if self.auc is None else dict(self.auc),
        }


def read_evidence(addresses: Iterable[str], old: Artifact, new: Artifact) -> tuple[Evidence, ...]:
    """Outcomes of runs that one of two versions has scored.

    Args:
        addresses: Of files `outcomes.json`, or of the folders that they are in; also in S3.
        old: One version.
        new: The other one.

    Raises:
        WrongFile: One is no such file, or of another version.
    """
    return tuple(_of_either(address, old, new) for address in addresses)


def _of_either(address: str, old: Artifact, new: Artifact) -> Evidence:
    document = _read(address)
    version = document["model_version"]
    for artifact, of_new in ((new, True), (old, False)):
        if version in same_clusters(artifact):
            return Evidence(document, of_new)
    expected = f"expected {old.version} or {new.version}"
    raise WrongFile(address, f"has outcomes of model {version}, {expected}")


def _read(address: str) -> OutcomesDocument:
    folder = address.removesuffix(OUTCOMES_FILE).rstrip("/") or "."
    try:
        document = cast(OutcomesDocument, json.loads(open_storage(folder).read(OUTCOMES_FILE)))
        evidence = Evidence(document, of_new=True)
        evidence.to_dict()
        str(evidence.sentence)
        str(_customers_of(evidence))
    except NotFound as error:
        problem = f"has no {OUTCOMES_FILE}; name one, or the folder that it is in"
        raise WrongFile(address, problem) from error
    except MALFORMED as error:
        raise WrongFile(address, "is not what the command outcomes writes") from error
    return document


def against(evidence: Sequence[Evidence]) -> list[str]:
    """Why outcomes speak against the new version, in words.

    That its rates did not come true is no objection where those of the old version did not either,
    for the same customers: then the world has changed, and not the model is to blame.
    """
    old = {_customers_of(each): each for each in evidence if not each.of_new}
    found = []
    for each in (each for each in evidence if each.of_new):
        before = old.get(_customers_of(each))
        if not each.came_true and (before is None or before.came_true):
            found.append(f"its churn rates did not come true: {each.sentence}{_where(each)}")
        if before is not None:
            found += _worse(before, each)
    return found


def _worse(old: Evidence, new: Evidence) -> list[str]:
    if old.auc is None or new.auc is None or new.auc["value"] >= old.auc["value"] - AUC_MARGIN:
        return []
    return [
        f"on the same {new.document['overall']['counted']:,} customers of "
        f"{new.document['input']['name']} it foresaw worse who "
        f"{new.document['churned_word']}: AUC {new.auc['value']:.3f}, "
        f"the champion's is {old.auc['value']:.3f}"
    ]


def _customers_of(evidence: Evidence) -> tuple[str, ...]:
    document = evidence.document
    return document["input"]["identity"], document["labels"]["identity"], document["as_of"]


def _where(evidence: Evidence) -> str:
    """The clusters that are off."""
    each = [f"cluster {cluster['cluster']} {cluster['verdict']}" for cluster in evidence.off]
    return f" ({', '.join(each)})" if each else ""


def _is_off(verdict: str) -> bool:
    return verdict in ("higher", "lower")
