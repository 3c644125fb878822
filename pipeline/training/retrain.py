"""Training the champion's recipe again, on new customers."""

from pathlib import Path

from model_store import CHAMPION, NotFound, Store, WrongArtifact
from pipeline.errors import WrongFile
from pipeline.model.contract import DEFAULT_CONTRACT, Contract, load_contract
from pipeline.training.clusters.lineage import ReferenceModel, ancestor_of
from pipeline.training.search.evaluation import Budget
from pipeline.training.search.recipes import Recipe
from pipeline.training.train import Progress, Trained, train


def retrain(
    path: Path,
    store: Store,
    declared: Path | None,
    progress: Progress,
    budget: Budget | None = None,
) -> Trained:
    """Train what the champion was trained by; its clusters keep their ids and names."""
    champion = store.open(CHAMPION)
    reference_model = ancestor_of(store, champion)
    try:
        recipe = Recipe.from_dict(champion.manifest.facts["recipe"])
    except (KeyError, TypeError) as error:
        problem = f"its manifest states no recipe that this release knows ({error})"
        raise WrongArtifact(champion.version, problem, "train another model") from error
    contract = _contract(reference_model, declared)
    return train(path, contract, recipe, progress, budget, reference_model=reference_model)


def _contract(reference_model: ReferenceModel, declared: Path | None) -> Contract:
    """The champion's, or a file's that says the same of more columns, which help to describe."""
    own = reference_model.model.contract
    if declared is not None:
        return load_contract(declared)
    names = [feature.name for feature in own.features]
    try:
        shipped = load_contract(DEFAULT_CONTRACT)
        same = shipped.select(names).digest == own.digest
    except (WrongFile, NotFound):
        return own
    return shipped if same else own
