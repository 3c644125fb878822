"""A second model that answers a share of the look-ups, beside the first one of the same store."""

import threading
from collections import Counter
from dataclasses import dataclass
from hashlib import blake2b

from functions import logs
from functions.aws.metrics import Measure
from functions.live_model import LoadedModel, load
from functions.logs import Log
from model_store import CustomerClustersError, Store, Temporary, WrongArtifact
from pipeline.model.published.lineage import are_related

_DRAWN = 1 << 64


def in_share(customer_id: str | int | None, share: float) -> bool:
    """Whether a customer is of the share; one without an id never is.

    The same customer always is, or never, on every machine: the id is hashed as text.
    """
    if customer_id is None:
        return False
    drawn = blake2b(str(customer_id).encode(), digest_size=8, person=b"challenger").digest()
    return int.from_bytes(drawn) < share * _DRAWN


@dataclass(frozen=True, slots=True, eq=False)
class Pair:
    """A challenger for one version of the first model."""

    version: str
    """That of the first model."""
    challenger: LoadedModel | None
    """None where the reference means that very version: nobody challenges himself."""
    related: bool
    """Whether the ids of their clusters were matched: else the same id means nothing."""


@dataclass(frozen=True, slots=True)
class Counted:
    """Look-ups that went to a challenger, in this process; the words are those of a summary."""

    version: str
    customers: int
    unassigned: int
    differ: int | None


class LiveChallenger:
    """Follows the reference of a challenger, and counts where both models put the same customers.

    Customers do not wait for an experiment: where there is no usable challenger, that is told and
    the first model answers them.
    """

    def __init__(
        self,
        reference: str,
        share: float,
        log: Log = logs.write,
        measure: Measure = lambda figures: None,
    ) -> None:
        """Nothing is loaded yet.

        Args:
            reference: The alias or version that is followed.
            share: The share of customers whom it answers, from 0 to 1.
            log: Where it is told that there is none.
            measure: Takes the figures of each customer that both have assigned.
        """
        self.reference, self.share, self._log, self._measure = reference, share, log, measure
        self.failure: str | None = None
        """Why there is no usable challenger; None where there is one, or none is meant."""
        self._pair: Pair | None = None
        self._counts: Counter[tuple[int, int | None]] = Counter()
        self._lock = threading.Lock()

    def beside(self, version: str) -> LoadedModel | None:
        """The challenger of a version of the first model; None where there is none."""
        pair = self._pair
        return pair.challenger if pair is not None and pair.version == version else None

    def refresh(self, store: Store, loaded: LoadedModel) -> None:
        """Load the challenger that the reference means now, if it or the first model changed."""
        try:
            self._follow(store, loaded)
            self.failure = None
        except Exception as error:  # of an experiment, which must not end what answers
            ours = isinstance(error, CustomerClustersError | OSError)
            why = str(error) if ours else f"an unexpected error ({type(error).__name__})"
            if not isinstance(error, Temporary):
                self._pair = None
            before, self.failure = self.failure, why
            if why != before:
                message = f"look-ups are answered without a challenger: {why}"
                self._log({"level": "warning", "message": message})

    def unload(self) -> None:
        """Give the model's memory back."""
        self._pair = None

    def count(self, version: str, cluster: int, challenger_cluster: int | None) -> None:
        """Count a customer of the share, whom the first model has assigned.

        Args:
            version: That of the first model.
            cluster: Where that one puts the customer.
            challenger_cluster: Where the challenger does; None where it cannot assign him.
        """
        pair = self._pair
        if pair is None or pair.version != version:  # they were exchanged this moment
            return
        with self._lock:
            self._counts[cluster, challenger_cluster] += 1
        unassigned = challenger_cluster is None
        figures = {"ChallengerLookUps": 1, "ChallengerUnassigned": int(unassigned)}
        if pair.related and not unassigned:
            figures["ChallengerDiffers"] = int(cluster != challenger_cluster)
        self._measure(figures)

    def counted(self) -> Counted | None:
        """What was counted since the two models met; None without a challenger."""
        pair = self._pair
        if pair is None or pair.challenger is None:
            return None
        with self._lock:
            counts = dict(self._counts)
        both = {(own, other): n for (own, other), n in counts.items() if other is not None}
        customers = sum(both.values())
        differ = sum(n for (own, other), n in both.items() if own != other)
        return Counted(
            pair.challenger.version,
            customers,
            sum(counts.values()) - customers,
            differ if pair.related else None,
        )

    def _follow(self, store: Store, loaded: LoadedModel) -> None:
        version = store.resolve(self.reference)
        pair, known = self._pair, None
        if pair is not None and pair.challenger is not None:
            known = pair.challenger
        meant = loaded.version if known is None else known.version
        if pair is not None and pair.version == loaded.version and version == meant:
            return
        challenger = None
        if version != loaded.version:
            challenger = known if known and known.version == version else load(store, version)
            _refuse_other_ids(loaded, challenger)
        related = challenger is not None and are_related(store, loaded.version, version)
        with self._lock:
            self._pair, self._counts = Pair(loaded.version, challenger, related), Counter()
        if challenger is not None:
            message = {"message": "challenger loaded", "model_version": version}
            self._log({"level": "info", **message})


def _refuse_other_ids(loaded: LoadedModel, challenger: LoadedModel) -> None:
    own, other = loaded.model.contract.id_column, challenger.model.contract.id_column
    if own != other:
        problem = (
            f"it reads ids from column {other}, and the model that it stands beside from {own}"
        )
        raise WrongArtifact(challenger.version, problem, "take a challenger of the same contract")
