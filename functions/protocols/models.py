"""The model that a request of another protocol means, and whether it can answer."""

from starlette.requests import Request

from functions.http.models import bind
from functions.http.problems import ProblemError
from functions.http.routes import model_for
from functions.live_model import LoadedModel
from functions.live_models import LiveModels


async def model_named(request: Request, models: LiveModels, name: str | None = None) -> LoadedModel:
    """The model of a name, loaded now if it was not yet, or the one that answers without a name.

    Raises:
        ProblemError: There is no such model.
        NoLiveModel: It cannot be had.
    """
    if name is not None:
        await bind(models, request.scope, name)
    return model_for(request, models.default)


def check_ready(loaded: LoadedModel) -> None:
    """Have a model answer for its golden customers; ProblemError where it does not."""
    try:
        loaded.model.self_test()
    except ValueError as error:
        raise ProblemError(503, f"the model fails its self-test: {error}") from error
