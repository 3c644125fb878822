"""Which challenger stands beside the model that scores."""

from collections.abc import Callable
from dataclasses import dataclass

from model_store import CustomerClustersError, Store, Temporary
from pipeline.model.published.lineage import are_related
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
    related = are_related(store, version, artifact.version)
    return Challenger(model, artifact.version, related)


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
