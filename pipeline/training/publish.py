"""From what was trained to a version in a store."""

import importlib.metadata
import io
import json
import platform
from contextlib import suppress
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import joblib

from model_store import CANDIDATE, CHAMPION, Artifact, Conflict, Reason, Store
from pipeline.training.clusters.lineage import LAST_ID
from pipeline.training.repeat import same_training
from pipeline.training.report import page as report
from pipeline.training.train import Trained

if TYPE_CHECKING:
    from model_store.signing import Signer

_LIBRARIES = ("joblib", "numpy", "pandas", "pyarrow", "scikit-learn", "scipy")


def publish(
    trained: Trained,
    store: Store,
    alias: str = CANDIDATE,
    who: str = "",
    signer: "Signer | None" = None,
) -> Artifact:
    """Publish an artifact under an alias; the first one in a store becomes its champion.

    What was trained before over the same champion, or is the champion again, is no new version:
    the alias gets the one that is there. Conflict when somebody else took the same cluster ids.
    """
    facts = _facts(trained)
    known = None
    if trained.descent is not None:
        known = same_training(trained.model, facts, trained.descent.reference_model.version, store)
    if known is not None and signer is not None:
        store.sign(known.version, signer)
    artifact = known or _published(trained, facts, store, signer)
    store.point(alias, artifact.version, Reason(who, f"trained on {trained.cleaning.file}"))
    if CHAMPION not in store.aliases():
        with suppress(Conflict):  # another one was the first
            store.promote(artifact.version, "the first model of this store", who, instead_of=None)
    return artifact


def _published(
    trained: Trained, facts: dict[str, Any], store: Store, signer: "Signer | None"
) -> Artifact:
    buffer = io.BytesIO()
    joblib.dump(trained.fitted.pipeline, buffer, compress=("zlib", 6))
    files = {"model.json": trained.model.to_json(), "pipeline.joblib": buffer.getvalue()}
    files["report.html"] = report.render(trained).encode()
    files |= {name: figure.encode() for name, figure in report.figures(trained).items()}
    if trained.search is not None:
        files["leaderboard.json"] = _as_json(trained.search.to_dict())
    if (crosswalk := trained.crosswalk) is not None:
        files["crosswalk.json"] = _as_json(crosswalk.to_dict())
    _take_ids(trained, store)
    return store.publish(files, facts, signer=signer)


def _take_ids(trained: Trained, store: Store) -> None:
    """Put the ids on record before anybody sees them, so that no cluster gets one again."""
    highest = max(cluster.id for cluster in trained.model.clusters)
    last = highest if trained.descent is None else trained.descent.reference_model.last_id
    store.counters.reserve(LAST_ID, last, max(last, highest))


def _facts(trained: Trained) -> dict[str, Any]:
    """What the manifest states."""
    facts: dict[str, Any] = {
        "recipe": asdict(trained.recipe),
        "training": asdict(trained.cleaning),
        "metrics": trained.metrics,
        "contract_sha256": trained.model.contract.digest,
        "libraries": {
            "python": platform.python_version(),
            **{name: importlib.metadata.version(name) for name in _LIBRARIES},
        },
    }
    if trained.descent is not None:
        facts["lineage"] = trained.descent.to_dict()
    if trained.by_people:
        facts["texts_by_people"] = {str(id): kinds for id, kinds in trained.by_people.items()}
    return facts


def _as_json(document: Any) -> bytes:
    return (json.dumps(document, indent=1, allow_nan=False) + "\n").encode()
