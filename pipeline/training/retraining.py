"""Training the champion's recipe again, on new customers."""

from pathlib import Path

from model_store import CHAMPION, NotFound, Store, WrongArtifact
from pipeline.contract import DEFAULT_CONTRACT, Contract, load_contract
from pipeline.errors import WrongFile
from pipeline.training.judging import Effort
from pipeline.training.lineage import Ancestor, ancestor_of
from pipeline.training.recipes import Recipe
from pipeline.training.train import Progress, Trained, train


def retrain(
    path: Path,
    store: Store,
    declared: Path | None,
    progress: Progress,
    effort: Effort | None = None,
) -> Trained:
    """Train what the champion was trained by; its clusters keep their ids and names."""
    champion = store.open(CHAMPION)
    ancestor = ancestor_of(store, champion)
    try:
        recipe = Recipe.from_dict(champion.manifest.facts["recipe"])
    except (KeyError, TypeError) as error:
        problem = f"its manifest states no recipe that this release knows ({error})"
        raise WrongArtifact(champion.version, problem, "train another model") from error
    contract = _contract(ancestor, declared)
    return train(path, contract, recipe, progress, effort, ancestor=ancestor)


def _contract(ancestor: Ancestor, declared: Path | None) -> Contract:
    """The champion's, or a file's that says the same of more columns, which help to describe."""
    own = ancestor.model.contract
    if declared is not None:
        return load_contract(declared)
    names = [feature.name for feature in own.features]
    try:
        shipped = load_contract(DEFAULT_CONTRACT)
        same = shipped.select(names).digest == own.digest
    except (WrongFile, NotFound):
        return own
    return shipped if same else own
