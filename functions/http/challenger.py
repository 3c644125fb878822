"""Which of two models answers a look-up, where a share of them goes to a challenger."""

from starlette.requests import Request

from functions.http.assign import parse_customer
from functions.http.presenter import Presenter, presenter_of
from functions.live_challenger import LiveChallenger, in_share
from functions.live_model import LoadedModel
from pipeline.errors import WrongRow


def choose(
    request: Request, loaded: LoadedModel, challenger: LiveChallenger | None, customer: object
) -> Presenter:
    """The presenter of the model that answers, which the log names; what both say is counted.

    As with files, the challenger sees customers whom the first model can assign, and one whom it
    cannot assign itself is answered by the first model.

    Args:
        request: Its scope is told where both models put the customer.
        loaded: The first model.
        challenger: What stands beside it.
        customer: As it came.
    """
    second = None if challenger is None else challenger.beside(loaded.version)
    if challenger is None or second is None:
        return presenter_of(loaded)
    try:
        customer_id, parsed = parse_customer(loaded.model.contract, customer)
    except WrongRow:  # which is the answer
        return presenter_of(loaded)
    if not in_share(customer_id, challenger.share):
        return presenter_of(loaded)
    own, cluster = loaded.model.locate(parsed).cluster.id, _cluster(second, customer)
    challenger.count(loaded.version, own, cluster)
    request.scope["challenger"] = {
        "version": second.version,
        "cluster": cluster,
        "champion_cluster": own,
    }
    if cluster is None:
        return presenter_of(loaded)
    request.scope["model_version"] = second.version
    return presenter_of(second)


def _cluster(challenger: LoadedModel, customer: object) -> int | None:
    """Where a challenger puts a customer; None where it cannot assign him."""
    try:
        parsed = parse_customer(challenger.model.contract, customer)[1]
    except WrongRow:
        return None
    return challenger.model.locate(parsed).cluster.id
