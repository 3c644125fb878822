"""Which challenger stands beside the model that scores."""

from collections.abc import Callable
from dataclasses import dataclass

from model_store import CustomerClustersError, Store, Temporary, WrongArtifact
from pipeline.model.published.facts import matched_with, same_clusters
from pipeline.model.published.loading import load_model
from pipeline.scoring.spec import Challenger


def load_challenger(store: Store, reference: str, version: str) -> Challenger | None:
    """The model that an alias or version means, verified, to stand beside a version.

    None where it is that very version: nobody challenges himself.
    """
    artifact = store.open(reference)
    if artifact.version == version:
        return None
    model = load_model(artifact)
    related = bool(_lineage(store, version) & _lineage(store, artifact.version))
    return Challenger(model, artifact.version, related)


def _lineage(store: Store, version: str) -> set[str]:
    """A version and those that its cluster ids come from, as far back as manifests are there."""
    versions: set[str] = set()
    following: str | None = version
    while following is not None and following not in versions:
        versions.add(following)
        try:
            artifact = store.open(following)
        except (LookupError, WrongArtifact):  # pruned; its name is still known
            break
        versions.update(same_clusters(artifact))
        following = matched_with(artifact)
    return versions


@dataclass(slots=True)
class Challengers:
    """Follows a reference for a process that lives long.

    Customers do not wait for an experiment: where there is no usable challenger, that is told and
    they are scored without. Only storage that does not answer makes them wait, so that a file is
    not scored without a challenger by accident.
    """

    store: Store
    reference: str
    tell: Callable[[CustomerClustersError], object]
    _pair: tuple[str, str] = ("", "")
    _known: Challenger | None = None

    def challenger_for(self, version: str) -> Challenger | None:
        """The challenger of a version; none where the reference means that very version."""
        try:
            pair = version, self.store.resolve(self.reference)
            if self._pair != pair:
                self._known, self._pair = load_challenger(self.store, pair[1], version), pair
        except Temporary:
            raise
        except CustomerClustersError as error:
            self.tell(error)
            return None
        return self._known
