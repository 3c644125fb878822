"""The HTTP application, for a server with a port and, through Mangum, for AWS Lambda.

`app` and `handler` are made when they are first asked for: importing this module reads no
environment and loads no model.
"""

import gc
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI

from functions import logs
from functions.aws.metrics import FUNCTION, Measure, emf
from functions.aws.telemetry import after, function_telemetry, measured
from functions.http.content.coding import ContentCoding
from functions.http.middleware import Middleware
from functions.http.models import ModelRoutes
from functions.http.routes import add_routes
from functions.live_model import LiveModel
from functions.live_models import LiveModels
from functions.logs import Log
from functions.protocols.routes import ProtocolRoutes
from functions.settings import Settings
from functions.uploads.routes import UploadRoutes
from functions.web.routes import PAGES_OF_ONE_MODEL, PageRoutes
from pipeline.release import RELEASE

if TYPE_CHECKING:
    from functions.http.access.callers import Callers
    from functions.http.access.hosts import Hosts
    from functions.http.access.origins import Origins
    from functions.http.lambda_adapter import LambdaHandler
    from functions.telemetry import Telemetry
    from pipeline.runs.notices import Notices

    app: FastAPI
    handler: LambdaHandler

_CONTAINERS = 20_000
"""So many new objects that hold others are there before the garbage collector looks at them; the
answer to a batch has about as many."""


def create_app(
    models: LiveModels | LiveModel,
    settings: Settings,
    log: Log = logs.write,
    make_notices: "Callable[[], Notices] | None" = None,
    telemetry: "Telemetry | None" = None,
) -> FastAPI:
    """The application over models and its settings; nothing is read from elsewhere.

    Args:
        models: All that answer, or the only one.
        settings: What a server allows.
        log: Takes a line for each request.
        make_notices: Makes who is told of whole files that were scored here; by default nobody.
        telemetry: Takes figures and spans; by default nobody does.
    """
    if isinstance(models, LiveModel):
        models = LiveModels.of(models)
    live_model = models.default
    pages = PageRoutes(live_model, settings)
    uploads = UploadRoutes(live_model, settings, log, make_notices, models, telemetry)
    protocols = ProtocolRoutes(models, settings)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        models.stop()
        uploads.stop()
        if telemetry is not None:
            telemetry.stop()

    app = FastAPI(
        title="Customer clusters",
        version=RELEASE,
        openapi_url=None,  # ours is a route like any other, and so are the pages
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,  # it would believe the Host header; our middleware takes them off
        lifespan=lifespan,
        telemetry={"tracing": False, "metrics": False, "logs": False},  # would log customers
    )
    app.root_path = settings.base_path  # as a parameter it would warn
    app.state.public_url = settings.public_url
    app.state.has_history = bool(settings.results)  # which every page leads to then
    app.state.model_names = models.names
    add_routes(app, models, settings)
    by_name = ModelRoutes(app, models, PAGES_OF_ONE_MODEL)
    app.router.routes += [*pages.routes, *uploads.routes, *by_name.routes]
    app.router.routes += protocols.routes

    # In place of six layers of FastAPI's, which take an eighth of a look-up's time for what ours
    # does: it answers every exception, bounds every body, and no route has dependencies to close.
    parts = (
        ContentCoding(app.router),
        _callers(settings, log),
        _origins(settings),
        log,
        pages.problem_page,
        _hosts(settings),
        settings.public_url.host.encode() if settings.public_url else None,
    )
    if telemetry is None:
        app.middleware_stack = Middleware(*parts)
    else:
        from functions.http.observed import observe  # nobody else need load it

        app.middleware_stack = observe(app, models, settings, telemetry, *parts)
    return app


def _callers(settings: Settings, log: Log) -> "Callers | None":
    """Who may ask; None where all may."""
    if not settings.api_keys and not settings.access.known:
        return None
    from functions.http.access.callers import Callers

    return Callers(settings.api_keys, settings.access, log)


def _origins(settings: Settings) -> "Origins | None":
    """Whose pages may ask; None where no other site's may."""
    if not settings.access.cors_origins:
        return None
    from functions.http.access.origins import Origins

    return Origins(settings.access.cors_origins)


def _hosts(settings: Settings) -> "Hosts | None":
    """Under which names it is asked; None where any will do."""
    if not settings.access.hosts:
        return None
    from functions.http.access.hosts import Hosts

    public = [settings.public_url.name] if settings.public_url else []
    return Hosts([*settings.access.hosts, *public])


def _models(settings: Settings, measure: Measure = lambda figures: None) -> LiveModels:
    models = LiveModels.from_settings(settings, measure=measure)
    models.default.refresh()
    return models


def _telemetry(settings: Settings) -> "Telemetry | None":
    """Who takes figures and spans of a server; None where nobody does."""
    if settings.metrics is None:
        return function_telemetry(os.environ)
    from functions.telemetry.start import prometheus, telemetry_from

    return telemetry_from(os.environ, prometheus("CUSTOMER_CLUSTERS_METRICS"))


def _notices() -> "Notices":
    """Who is told, as the environment says; asked for with the first job."""
    from functions.notices import logged, notices_from

    return notices_from(os.environ, logged(logs.write))


def _spare_garbage_collector() -> None:
    """What is loaded stays, and answers are no garbage yet: look at less, and less often.

    Of the time of a batch a quarter went there, and now and then 40 ms of somebody's look-up.
    """
    gc.freeze()  # without a look at it before: of 50,000 objects that imports left none is garbage
    gc.set_threshold(_CONTAINERS, *gc.get_threshold()[1:])


def __getattr__(name: str) -> Any:
    if name == "app":
        settings = Settings.from_environment(os.environ)
        telemetry = _telemetry(settings)
        models = _models(settings, *([] if telemetry is None else [telemetry.measure]))
        models.follow(settings.model_ttl_seconds)
        globals()["app"] = application = create_app(
            models, settings, make_notices=_notices, telemetry=telemetry
        )
        _spare_garbage_collector()
        return application
    if name == "handler":
        from functions.http.lambda_adapter import handler_for  # Mangum, which a port needs not

        settings, telemetry = Settings.from_environment(os.environ), function_telemetry(os.environ)
        models = _models(settings, measured(emf(os.environ.get(FUNCTION, "api")), telemetry))
        models.refresh_seconds = settings.model_ttl_seconds
        refresh = partial(models.default.refresh_if_older, models.refresh_seconds)
        application = create_app(models, settings, telemetry=telemetry)
        base = settings.base_path if settings.root_path or settings.public_url else None
        adapter = handler_for(application, refresh, base_path=base, after=after(telemetry))
        globals()["handler"] = adapter
        _spare_garbage_collector()
        return adapter
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
