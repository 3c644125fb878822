"""From what was trained to a version in a store."""

import importlib.metadata
import io
import json
import platform
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, cast

import joblib

from model_store import CANDIDATE, CHAMPION, Artifact, Conflict, Reason, Store, WrongArtifact
from pipeline.model.crosswalk import CROSSWALK_FILE
from pipeline.model.published.facts import ModelFacts
from pipeline.release import RELEASE
from pipeline.training.clusters.lineage import counter_of, last_id, trained_over
from pipeline.training.report import page
from pipeline.training.train import Trained

if TYPE_CHECKING:
    from model_store.signing import Signer

_OF_THE_STORE = ("lineage", "release", "renamed_from", "rule")
"""Facts that say where a version and its ids come from, and not what was trained."""
_LIBRARIES = ("joblib", "numpy", "pandas", "pyarrow", "scikit-learn", "scipy")


def publish(
    trained: Trained,
    store: Store,
    alias: str = CANDIDATE,
    who: str = "",
    signer: "Signer | None" = None,
) -> Artifact:
    """Publish an artifact under an alias; the first one in a store becomes its champion.

    Args:
        trained: What was trained.
        store: Where it goes.
        alias: What the version is called from now on.
        who: Who did it, for the store's history.
        signer: Vouches for the version.

    Raises:
        Conflict: Somebody else took the same cluster ids meanwhile.
    """
    artifact = publish_version(trained, store, signer)
    store.point(alias, artifact.version, Reason(who, f"trained on {trained.cleaning.file}"))
    if CHAMPION not in store.aliases():
        with suppress(Conflict):  # another one was the first
            store.promote(artifact.version, "the first model of this store", who, instead_of=None)
    return artifact


def publish_version(trained: Trained, store: Store, signer: "Signer | None" = None) -> Artifact:
    """Publish an artifact under no alias.

    What was trained before over the same champion, or is the champion again, is no new version:
    the one that is there is the answer.

    Raises:
        Conflict: Somebody else took the same cluster ids meanwhile.
    """
    facts = _facts(trained)
    known = _same_training(trained, facts, store)
    if known is None:
        return _publish(trained, facts, store, signer)
    if signer is not None:
        store.sign(known.version, signer)
    return known


def _publish(
    trained: Trained, facts: ModelFacts, store: Store, signer: "Signer | None"
) -> Artifact:
    buffer = io.BytesIO()
    joblib.dump(trained.fitted.pipeline, buffer, compress=("zlib", 6))
    report = page.render(trained)
    ids = [cluster.id for cluster in trained.model.clusters]
    facts = {**facts, "rule": report.rule.facts(ids)}
    files = {
        "model.json": trained.model.to_json(),
        "pipeline.joblib": buffer.getvalue(),
        "report.html": report.html.encode(),
        **{name: figure.encode() for name, figure in report.figures.items()},
    }
    if trained.search is not None:
        files["leaderboard.json"] = _as_json(trained.search.to_dict())
    if (crosswalk := trained.crosswalk) is not None:
        files[CROSSWALK_FILE] = _as_json(crosswalk.to_dict())
    _take_ids(trained, store)
    return store.publish(files, cast(Mapping[str, Any], facts), signer=signer)


def _take_ids(trained: Trained, store: Store) -> None:
    """Put the ids on record before anybody sees them, so that no cluster gets one again."""
    highest = max(cluster.id for cluster in trained.model.clusters)
    contract = trained.model.contract.name
    if trained.lineage is None:
        last = highest = max(highest, last_id(store, contract))
    else:
        last = trained.lineage.reference_model.last_id
    store.counters.reserve(counter_of(contract), last, max(last, highest))


def _facts(trained: Trained) -> ModelFacts:
    """What the manifest states."""
    facts = cast(
        ModelFacts,
        {
            "recipe": asdict(trained.recipe),
            "training": trained.cleaning.to_facts(),
            "metrics": trained.metrics,
            "contract_sha256": trained.model.contract.digest,
            "release": RELEASE,
            "libraries": {
                "python": platform.python_version(),
                **{name: importlib.metadata.version(name) for name in _LIBRARIES},
            },
        },
    )
    if trained.risk is not None:
        facts["risk"] = trained.risk.evidence.to_facts()
    if trained.search is not None:
        facts["verdict"] = trained.search.verdict
    if trained.lineage is not None:
        facts["lineage"] = trained.lineage.facts()
    if trained.texts_by_people:
        texts = trained.texts_by_people.items()
        facts["texts_by_people"] = {str(cluster): list(kinds) for cluster, kinds in texts}
    return facts


def _same_training(trained: Trained, facts: ModelFacts, store: Store) -> Artifact | None:
    """The version that already is what was trained now; None when there is none.

    It is the champion itself, or was trained over it; it states the same facts and has the same
    clusters. Only ids of clusters that the champion has not may differ: each training takes new
    ones.
    """
    if trained.lineage is None:
        return None
    own_facts, own_model = _comparable_facts(facts), _without_ids(trained.model.to_json())
    for artifact in trained_over(store, trained.lineage.reference_model.version):
        if _comparable_facts(artifact.manifest.facts) != own_facts:
            continue
        with suppress(WrongArtifact):  # of which nothing can be said
            if _without_ids(artifact.read("model.json")) == own_model:
                return artifact
    return None


def _comparable_facts(facts: Mapping[str, Any]) -> Any:
    """The facts as a manifest has them, without what says where file, ids and words come from."""
    kept = {name: fact for name, fact in facts.items() if name not in _OF_THE_STORE}
    training = {name: fact for name, fact in facts.get("training", {}).items() if name != "file"}
    return json.loads(json.dumps({**kept, "training": training}))


def _without_ids(model: bytes) -> Any:
    document = json.loads(model)
    for cluster in document["clusters"]:
        del cluster["id"]
    for golden in document["golden"]:
        del golden["cluster"]
    return document


def _as_json(document: Any) -> bytes:
    return (json.dumps(document, indent=1, allow_nan=False) + "\n").encode()
