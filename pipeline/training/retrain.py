"""Training the champion's recipe again, on new customers."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from model_store import CANDIDATE, CHAMPION, Artifact, NotFound, Reason, Store, WrongArtifact
from pipeline.errors import WrongFile, refuse_unreadable
from pipeline.hashing import sha256_of_file
from pipeline.model.contract import DEFAULT_CONTRACT, Contract, load_contract
from pipeline.model.published.facts import facts_of
from pipeline.training.clusters.lineage import ReferenceModel, load_reference, trained_over
from pipeline.training.evaluation import Budget
from pipeline.training.publish import publish_version
from pipeline.training.recipes import Recipe
from pipeline.training.train import train

if TYPE_CHECKING:
    from model_store.signing import Signer


@dataclass(frozen=True, slots=True)
class Retrained:
    """The version that some customers make of the champion."""

    status: Literal["candidate", "known", "champion"]
    """A new version; one that was there before; or the champion itself."""
    artifact: Artifact
    champion: Artifact


def retrain_champion(
    path: Path,
    store: Store,
    *,
    contract: Path | None = None,
    who: str = "",
    signer: "Signer | None" = None,
    progress: Callable[[str], None] = lambda step: None,
    budget: Budget | None = None,
) -> Retrained:
    """Train the champion's recipe on a file and make the result the candidate.

    Clusters that are the champion's again keep its ids and names. A file that was trained on
    before, by the same recipe over the same champion, is not trained on again: the version that
    is there is the answer. It becomes the candidate once: where people put another one in its
    place, it does not come back. The champion never becomes the candidate.

    Args:
        path: The new customers.
        store: Where the champion is, and where the new version goes.
        contract: A file that declares the columns, in place of the champion's own contract; with
            one, the file is always trained on.
        who: Who does it, for the store's history.
        signer: Vouches for a new version.
        progress: Called with each step, in words.
        budget: How much evidence to gather.

    Raises:
        NotFound: The store has no champion.
        WrongArtifact: The champion cannot be trained again, or the store would refuse what this
            signer publishes.
        WrongFile: The file is no table of such customers, or they cannot be trained on.
        Conflict: Somebody else took the same cluster ids meanwhile.
    """
    store.check_signer(signer)
    champion = store.open(CHAMPION)
    with refuse_unreadable(path):
        sha256 = sha256_of_file(path)
    artifact = None if contract else _trained_before(sha256, champion, store)
    known = artifact is not None
    if artifact is None:
        published = {str(version) for version in store.versions()}
        reference_model = load_reference(store, champion)
        trained = train(
            path,
            _contract(reference_model, contract),
            _recipe(champion),
            progress,
            budget,
            reference_model=reference_model,
            sha256=sha256,
        )
        artifact = publish_version(trained, store, signer)
        known = artifact.version in published
    if artifact.version == champion.version:
        return Retrained("champion", artifact, champion)
    if not known or not _was_candidate(artifact, store):
        why = f"trained {'before ' if known else ''}on {path.name}"
        store.point(CANDIDATE, artifact.version, Reason(who, why))
    return Retrained("known" if known else "candidate", artifact, champion)


def _trained_before(sha256: str, champion: Artifact, store: Store) -> Artifact | None:
    """The version that retraining the champion on a file has already made; None without one."""
    recipe = json.loads(json.dumps(asdict(_recipe(champion))))  # as this release states it
    for artifact in trained_over(store, champion.version):
        facts = facts_of(artifact)
        if facts.get("recipe") == recipe and facts.get("training", {}).get("sha256") == sha256:
            return artifact
    return None


def _was_candidate(artifact: Artifact, store: Store) -> bool:
    """Whether the alias was moved to a version at any time; if not, a crash came between."""
    moves = (event for event, effective in store.history() if effective)
    return any(move.alias == CANDIDATE and move.new == artifact.version for move in moves)


def _recipe(champion: Artifact) -> Recipe:
    try:
        return Recipe.from_dict(champion.manifest.facts["recipe"])
    except (KeyError, TypeError) as error:
        problem = f"its manifest states no recipe that this release knows ({error})"
        raise WrongArtifact(champion.version, problem, "train another model") from error


def _contract(reference_model: ReferenceModel, declared: Path | None) -> Contract:
    """The champion's, or a file's that says the same of more columns, which help to describe."""
    own = reference_model.model.contract
    if declared is not None:
        return load_contract(declared)
    names = [feature.name for feature in own.features]
    try:
        shipped = load_contract(DEFAULT_CONTRACT)
        same = shipped.select(names).unmarked().digest == own.unmarked().digest
    except (WrongFile, NotFound):
        return own
    return shipped.with_aliases({**shipped.aliases, **own.aliases}) if same else own
