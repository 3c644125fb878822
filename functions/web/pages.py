"""The pages for people, one method a page."""

import asyncio
from collections.abc import Mapping, Sequence

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from functions.http.content.bodies import read_form
from functions.http.content.caching import kept
from functions.http.middleware import STYLED_INSIDE, WITH_SCRIPT
from functions.http.presenter import presenter_of
from functions.http.problems import ProblemError
from functions.http.routes import model_for
from functions.live_model import LiveModel, LoadedModel
from functions.settings import Settings
from functions.web.about import about_view, rule_view
from functions.web.charts import rate_chart, strips
from functions.web.figures import Figures
from functions.web.forms import examples, form_fields, tidied
from functions.web.reference import reference_view
from functions.web.rendering import error_page, fingerprint, link, render, static
from functions.web.result import result_view
from pipeline.errors import Problem, WrongRow

FOR_EVER = "private, max-age=31536000, immutable"
_AN_HOUR = "max-age=3600"
_STATIC = {
    "style.css": "text/css",
    "docs.js": "text/javascript",
    "icon.svg": "image/svg+xml",
    "preview.png": "image/png",
}


class Pages:
    """The pages over the model that answers."""

    def __init__(self, live_model: LiveModel, settings: Settings) -> None:
        self.live_model, self.settings = live_model, settings
        self._figures = Figures()

    async def form(self, request: Request) -> Response:
        """The form, empty or filled with an example."""
        loaded = model_for(request, self.live_model)
        wanted = request.query_params.get("example", "")
        by_cluster = {str(cluster): form for cluster, form in examples(loaded).items()}
        return self._form(request, loaded, by_cluster.get(wanted, {}))

    async def result(self, request: Request) -> Response:
        """Which group; values come in the body, never in an address that a log would keep."""
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
            "figures": await self._figures.of(loaded),
        }
        return render(request, "result.html.j2", loaded, view)

    async def clusters(self, request: Request) -> Response:
        """All groups side by side."""
        loaded = model_for(request, self.live_model)
        model = loaded.model
        view = {
            "rates": rate_chart(model),
            "strips": {cluster.id: strips(model, cluster) for cluster in model.clusters},
            "answers": presenter_of(loaded).clusters()["clusters"],
            "figures": await self._figures.of(loaded),
            "rule": rule_view(loaded),
        }
        return render(request, "clusters.html.j2", loaded, view)

    async def about(self, request: Request) -> Response:
        """What the model is and is not."""
        loaded = model_for(request, self.live_model)
        return render(request, "about.html.j2", loaded, about_view(loaded))

    async def docs(self, request: Request) -> Response:
        """The API reference."""
        loaded = model_for(request, self.live_model)
        view = await reference_view(request, loaded, self.settings)
        return render(request, "docs.html.j2", loaded, view, headers=WITH_SCRIPT)

    async def report(self, request: Request) -> Response:
        """What training wrote about the model."""
        artifact = model_for(request, self.live_model).artifact
        content = await asyncio.to_thread(artifact.read, "report.html")
        return Response(content, 200, STYLED_INSIDE, "text/html; charset=utf-8")

    async def figure(self, request: Request) -> Response:
        """A drawing of the artifact; one of another version is asked for anew."""
        figures = await self._figures.of(model_for(request, self.live_model))
        figure = figures.get(request.path_params["name"])
        if figure is None:
            raise ProblemError(404, "the model has no such figure")
        known = request.query_params.get("v") == figure.fingerprint
        control = FOR_EVER if known else "no-store"
        return kept(request, figure.content, control, _STATIC["icon.svg"], STYLED_INSIDE)

    async def static(self, request: Request) -> Response:
        """The stylesheet, the script of `/docs`, and the pictures."""
        return self._static(request, request.path_params["name"])

    async def icon(self, request: Request) -> Response:
        """What browsers ask for unasked."""
        return self._static(request, "icon.svg")

    def problem(self, request: Request, problem: ProblemError) -> Response:
        """What went wrong."""
        return error_page(request, problem)

    def _static(self, request: Request, name: str) -> Response:
        if name not in _STATIC:
            raise ProblemError(404, "there is no such file")
        known = request.query_params.get("v") == fingerprint(name)
        return kept(request, static(name), FOR_EVER if known else _AN_HOUR, _STATIC[name])

    def _form(
        self,
        request: Request,
        loaded: LoadedModel,
        typed: Mapping[str, str],
        problems: Sequence[Problem] = (),
        status: int = 200,
    ) -> Response:
        fields = form_fields(loaded.model.contract.features, typed, problems)
        names = {cluster: loaded.model.cluster(cluster).name for cluster in examples(loaded)}
        view = {"fields": fields, "examples": names}
        return render(request, "form.html.j2", loaded, view, status)
