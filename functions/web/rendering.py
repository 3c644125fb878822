"""Pages as HTML: templates, links that know what stands before our paths, numbers for people."""

import hashlib
from collections.abc import Mapping
from functools import cache, partial
from http import HTTPStatus
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from functions.http.problems import TITLES, ProblemError
from functions.live_model import LoadedModel
from pipeline.model.contract import Feature, Value

_FOLDER = Path(__file__).parent
_EXPLAINED: dict[int | str, str] = {
    "results_gone": "Results are kept for a while only. Score the file again to have them.",
    "storage_unavailable": "The storage of files does not answer. Try again in a minute.",
    401: "Reload the page and enter your key as the password; any user name will do.",
    404: "The address may be mistyped, or the page may have moved.",
    405: "This address takes no such request. Start again from the form.",
    503: "No model is loaded at the moment. Try again in a minute.",
}


@cache
def static(name: str) -> bytes:
    """A file of ours that browsers ask for."""
    return (_FOLDER / "static" / name).read_bytes()


@cache
def fingerprint(name: str) -> str:
    """Changes with the file, so that a browser may keep what it has for ever."""
    return hashlib.sha256(static(name)).hexdigest()[:12]


def link(request: Request, path: str) -> str:
    """The address of one of our paths in the browser, a stage or proxy prefix included."""
    return str(request.scope.get("root_path", "")).rstrip("/") + path


def render(
    request: Request,
    template: str,
    loaded: LoadedModel | None,
    view: Mapping[str, object],
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """A page from a template; every value is escaped."""
    path = str(request.scope["path"]).removeprefix(link(request, ""))
    page = _environment().get_template(template)
    content = page.render(
        view,
        link=partial(link, request),
        here=path,
        loaded=loaded,
        style=fingerprint("style.css"),
    )
    return HTMLResponse(content, status, headers)


def error_page(request: Request, refused: ProblemError) -> Response:
    """A problem, for people."""
    title = TITLES.get(refused.code) or HTTPStatus(refused.status).phrase
    explained = _EXPLAINED.get(refused.code) or _EXPLAINED.get(refused.status)
    view = {
        "title": title,
        "explained": explained or f"{refused.detail}.",
        "request_id": request.scope["request_id"],
    }
    return render(request, "error.html.j2", None, view, refused.status, refused.headers)


def count(value: int) -> str:
    """1,234."""
    return f"{value:,}"


def percent(share: float) -> str:
    """12.3%."""
    return f"{share:.1%}"


def signed(value: float) -> str:
    """+0.12 or −0.12; what rounds to nothing has no sign."""
    return "0.00" if abs(value) < 0.005 else f"{value:+,.2f}".replace("-", "−")


def exact(value: Value) -> str:
    """A value with all the digits it was given, but for the noise of binary fractions."""
    if isinstance(value, str):
        return value
    if abs(value) >= 1e15:
        return f"{value:.6g}"
    text = f"{value:,.10f}" if abs(value) < 1 else f"{value:,.6f}"
    return text.rstrip("0").rstrip(".").replace("-", "−")


def amount(feature: Feature, value: Value) -> str:
    """A value exactly, with its unit."""
    return f"{exact(value)} {feature.unit}".rstrip()


def bare(feature: Feature, value: float) -> str:
    """A figure of a group, as people write it, where the unit stands elsewhere."""
    return feature.show(value).removesuffix(f" {feature.unit}")


def coded(text: str) -> Markup:
    """Text from the OpenAPI document: what stands between backticks is code."""
    parts = text.split("`")
    shown = [Markup("<code>{}</code>").format(p) if i % 2 else p for i, p in enumerate(parts)]
    return Markup("").join(shown)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_FOLDER / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.filters.update(
        count=count,
        percent=percent,
        signed=signed,
        exact=exact,
        amount=amount,
        bare=bare,
        coded=coded,
    )
    return environment
