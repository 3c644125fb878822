"""The web pages: routes, and nothing that an assignment over HTTP would have to wait for.

What the pages show lives in `functions.web`, imported with the first page.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Match, Route
from starlette.types import Scope

from functions.http.bodies import read_form
from functions.http.problems import TITLES, ProblemError
from functions.live_model import LiveModel, LoadedModel
from functions.settings import Settings
from pipeline.errors import Problem, WrongRow

if TYPE_CHECKING:
    from functions.web.figures import Figure, Figures

FOR_EVER = {"Cache-Control": "private, max-age=31536000, immutable"}
STYLED_INSIDE = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
}
"""The policy for what training wrote: its style is inside it, and it may do nothing else."""
_STATIC = {"style.css": "text/css", "icon.svg": "image/svg+xml"}


class PageRoute(Route):
    """A plain route, cheap to make at a cold start, that the log can name."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        match, found = super().matches(scope)
        return match, {**found, "route": self}


def pages(live_model: LiveModel, settings: Settings) -> list[Route]:
    """The routes for people, none of them in the API's document; `problem_page` makes pages of
    their problems."""
    shown = _Pages(live_model, settings)
    answers = {
        "/": shown.form,
        "/clusters": shown.clusters,
        "/about": shown.about,
        "/docs": shown.docs,
        "/report": shown.report,
        "/figures/{name}": shown.figure,
        "/static/{name}": shown.static,
        "/favicon.ico": shown.icon,
    }
    result = PageRoute("/result", shown.result, methods=["GET", "POST"])
    return [result, *(PageRoute(path, answer) for path, answer in answers.items())]


def problem_page(request: Request, refused: ProblemError) -> Response | None:
    """The problem as a page where a person asked for one, None where a machine did."""
    path = str(request.scope["path"]).removeprefix(request.scope.get("root_path", ""))
    for_machines = path.startswith(("/v1/", "/health/", "/openapi.json"))
    if for_machines or not by_person(request):
        return None
    from functions.web.rendering import error_page

    return error_page(request, refused)


def by_person(request: Request) -> bool:
    """Whether a browser asks, and not a program."""
    return "text/html" in request.headers.get("accept", "")


def model_for(request: Request, live_model: LiveModel) -> LoadedModel:
    """The model that answers a request, which the line in the log names."""
    loaded = live_model.current()
    request.scope["model_version"] = loaded.version
    return loaded


class _Pages:
    """One method a page."""

    def __init__(self, live_model: LiveModel, settings: Settings) -> None:
        self.live_model, self.settings = live_model, settings
        self._figures: Figures | None = None

    async def form(self, request: Request) -> Response:
        """The form, empty or filled with an example."""
        from functions.web.forms import examples

        loaded = model_for(request, self.live_model)
        wanted = request.query_params.get("example", "")
        typed = {str(id): form for id, form in examples(loaded).items()}.get(wanted, {})
        return self._form(request, loaded, typed)

    async def result(self, request: Request) -> Response:
        """Which group; values come in the body, never in an address that a log would keep."""
        from functions.web.forms import form_fields, tidied
        from functions.web.rendering import link, render
        from functions.web.result import result_view

        if request.method == "GET":
            return RedirectResponse(link(request, "/"), 303)
        limits = self.settings.max_body_bytes, self.settings.request_seconds
        form = await read_form(request, *limits)
        loaded = model_for(request, self.live_model)
        contract = loaded.model.contract
        typed = {f.name: form.get(f.name, "") for f in contract.features}
        try:
            customer = contract.parse({f.name: tidied(f, typed[f.name]) for f in contract.features})
        except WrongRow as error:
            return self._form(request, loaded, typed, error.problems, 422)
        view = {
            **result_view(loaded, customer),
            "fields": form_fields(contract.features, typed),
            "figures": await self._drawn(loaded),
        }
        return render(request, "result.html.j2", loaded, view)

    async def clusters(self, request: Request) -> Response:
        """All groups side by side."""
        from functions.web.charts import rate_chart, strips
        from functions.web.rendering import render

        loaded = model_for(request, self.live_model)
        model = loaded.model
        view = {
            "rates": rate_chart(model, loaded.answers),
            "strips": {cluster.id: strips(model, cluster) for cluster in model.clusters},
            "answers": [loaded.answers.cluster(cluster) for cluster in model.clusters],
            "figures": await self._drawn(loaded),
        }
        return render(request, "clusters.html.j2", loaded, view)

    async def about(self, request: Request) -> Response:
        """What the model is and is not."""
        from functions.web.about import about_view
        from functions.web.rendering import render

        loaded = model_for(request, self.live_model)
        return render(request, "about.html.j2", loaded, about_view(loaded))

    async def docs(self, request: Request) -> Response:
        """The API reference."""
        from functions.web.reference import operations
        from functions.web.rendering import render

        loaded = model_for(request, self.live_model)
        with_key = bool(self.settings.api_keys)
        found = await operations(request, loaded, with_key)
        view = {"operations": found, "titles": TITLES, "with_key": with_key}
        return render(request, "docs.html.j2", loaded, view)

    async def report(self, request: Request) -> Response:
        """What training wrote about the model."""
        artifact = model_for(request, self.live_model).artifact
        content = await asyncio.to_thread(artifact.read, "report.html")
        return Response(content, 200, STYLED_INSIDE, "text/html; charset=utf-8")

    async def figure(self, request: Request) -> Response:
        """A drawing of the artifact; one of another version is asked for anew."""
        figure = (await self._drawn(model_for(request, self.live_model))).get(
            request.path_params["name"]
        )
        if figure is None:
            raise ProblemError(404, "the model has no such figure")
        known = request.query_params.get("v") == figure.fingerprint
        headers = {**STYLED_INSIDE, **(FOR_EVER if known else {})}
        return Response(figure.content, 200, headers, _STATIC["icon.svg"])

    async def static(self, request: Request) -> Response:
        """The stylesheet and the icon."""
        return self._static(request, request.path_params["name"])

    async def icon(self, request: Request) -> Response:
        """What browsers ask for unasked."""
        return self._static(request, "icon.svg")

    def _static(self, request: Request, name: str) -> Response:
        from functions.web.rendering import fingerprint, static

        if name not in _STATIC:
            raise ProblemError(404, "there is no such file")
        known = request.query_params.get("v") == fingerprint(name)
        headers = FOR_EVER if known else {"Cache-Control": "max-age=3600"}
        return Response(static(name), 200, headers, _STATIC[name])

    def _form(
        self,
        request: Request,
        loaded: LoadedModel,
        typed: Mapping[str, str],
        problems: Sequence[Problem] = (),
        status: int = 200,
    ) -> Response:
        from functions.web.forms import examples, form_fields
        from functions.web.rendering import render

        fields = form_fields(loaded.model.contract.features, typed, problems)
        names = {id: loaded.model.cluster(id).name for id in examples(loaded)}
        view = {"fields": fields, "examples": names}
        return render(request, "form.html.j2", loaded, view, status)

    async def _drawn(self, loaded: LoadedModel) -> "Mapping[str, Figure]":
        from functions.web.figures import Figures

        self._figures = self._figures or Figures()
        return await self._figures.of(loaded)
