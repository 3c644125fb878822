"""Pages as HTML: templates, and links that know what stands before our paths."""

import hashlib
from collections.abc import Mapping
from functools import cache, partial
from pathlib import Path

from jinja2 import Environment
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from functions.http.addresses import site
from functions.http.problems import ProblemError, title_of
from functions.live_model import LoadedModel
from pipeline.model.contract import Feature, Value
from pipeline.pages.rendering import create_environment, exact, render_page

_FOLDER = Path(__file__).parent
STYLE, SCRIPT, PREVIEW = "style.css", "docs.js", "preview.png"
_EXPLAINED: dict[int | str, str] = {
    "results_gone": "Results are kept for a while only, or until the server restarts. Score the "
    "file again: the same file gives the same results.",
    "no_history": "No file of that kind was scored yet, or its run is gone.",
    "storage_unavailable": "The storage of files does not answer. Try again in a minute.",
    "busy": "Others come first at the moment. Try again in a minute.",
    "missing_scope": "The key that you entered is not for this page. Ask for one that is; a "
    "private window asks for a key anew.",
    "rate_exceeded": "Too many pages were asked for with this key. Wait a moment.",
    "too_many_attempts": "Wait a minute, then enter the key once more.",
    401: "Your browser asks for a name and a password: the key that you were given goes into the "
    "password field. The name may be anything.",
    404: "The address may be mistyped, or the page may have moved.",
    405: "This address takes no such request. Start again from the form.",
    503: "No model is loaded at the moment. Try again in a minute.",
}
_AGAIN = {"results_gone": ("/files", "Score a file")}
"""Where a page about a problem leads, and what it says there."""


@cache
def static(name: str) -> bytes:
    """A file of ours that browsers ask for; the stylesheet has the colours of groups in it."""
    content = (_FOLDER / "static" / name).read_bytes()
    return content + render_page("groups.css.j2").encode() if name == STYLE else content


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
    """A page from a template; every value is escaped.

    Args:
        request: The request that it answers.
        template: The template's name.
        loaded: The model that the page is about; None on a page about none.
        view: What the template names, besides `link`, `here`, `has_history`, `model_name`,
            `model_pages`, `loaded`, `style`, `script` and `preview`.
        status: The HTTP status.
        headers: More headers.
    """
    page = _environment().get_template(template)
    content = page.render(
        view,
        link=partial(link, request),
        here=_path(request),
        has_history=getattr(request.app.state, "has_history", False),
        model_name=request.scope.get("model_name"),
        model_pages=_model_pages(request),
        loaded=loaded,
        style=fingerprint(STYLE),
        script=fingerprint(SCRIPT),
        preview=f"{site(request)}/static/{PREVIEW}?v={fingerprint(PREVIEW)}",
    )
    return HTMLResponse(content, status, headers)


def _model_pages(request: Request) -> dict[str, str]:
    """Name → address of the pages of each model, where there are several."""
    names = getattr(request.app.state, "model_names", ())
    root = str(request.scope.get("site_root", request.scope.get("root_path", ""))).rstrip("/")
    return {name: f"{root}/models/{name}" for name in names} if len(names) > 1 else {}


def _path(request: Request) -> str:
    """The path that is asked for, without what stands before our paths."""
    return str(request.scope["path"]).removeprefix(link(request, ""))


def error_page(request: Request, problem: ProblemError) -> Response:
    """A problem, for people."""
    explained = _EXPLAINED.get(problem.code) or _EXPLAINED.get(problem.status)
    if problem.status == 401 and not takes_password(problem):
        explained = None
    view = {
        "title": title_of(problem),
        "explained": explained or f"{problem.detail}.",
        "again": _again(request, problem),
        "request_id": request.scope["request_id"],
    }
    return render(request, "error.html.j2", None, view, problem.status, problem.headers)


def takes_password(problem: ProblemError) -> bool:
    """Whether a browser asks a person for what is missing."""
    return (problem.headers or {}).get("WWW-Authenticate", "").startswith("Basic")


def _again(request: Request, problem: ProblemError) -> tuple[str, str]:
    """Where the page of a problem leads, and what it says there."""
    if takes_password(problem):  # the browser asks once more
        return _path(request), "Enter the key"
    if problem.code == "invalid_list":
        return _path(request).rpartition("/")[0], "Back to the results"
    return _AGAIN.get(problem.code, ("/", "Look up a customer"))


def amount(feature: Feature, value: Value) -> str:
    """A value exactly, with its unit."""
    return f"{exact(value)} {feature.unit}".rstrip()


def bare(feature: Feature, value: float) -> str:
    """A figure of a group, as people write it, where the unit stands elsewhere."""
    return feature.show(value).removesuffix(f" {feature.unit}")


def coded(text: str) -> Markup:
    """A text in which what stands between backticks is code."""
    parts = text.split("`")
    shown = [Markup("<code>{}</code>").format(p) if i % 2 else p for i, p in enumerate(parts)]
    return Markup("").join(shown)


@cache
def _environment() -> Environment:
    return create_environment(_FOLDER / "templates", amount=amount, bare=bare, coded=coded)
