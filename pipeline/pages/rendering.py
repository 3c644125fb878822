"""Templates of every page that this product writes, and how numbers read on them."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from jinja2.meta import find_referenced_templates

from pipeline.pages.colours import group_class, group_classes, group_colour

NOTHING = "–"
_TEMPLATES = Path(__file__).parents[1] / "templates"


def render_page(template: str, **values: object) -> str:
    """Fill a template of `pipeline/templates`.

    Args:
        template: Its path below that folder.
        values: What it shows; each is escaped unless it is Markup.
    """
    return _environment().get_template(template).render(values)


@cache
def prepare_page(template: str) -> None:
    """Compile a template of `pipeline/templates` and all that it includes."""
    environment, names = _environment(), [template]
    assert environment.loader is not None
    for name in names:
        text, path, _ = environment.loader.get_source(environment, name)
        referenced = find_referenced_templates(environment.parse(text, name, path))
        names += [other for other in referenced if other and other not in names]
        environment.get_template(name)


def create_environment(folder: Path, **filters: Callable[..., object]) -> Environment:
    """An environment of templates that escapes every value and knows how numbers read.

    Keep it: compiling templates takes thirty times as long as filling them.

    Args:
        folder: Where the templates are; those of `pipeline/templates` are there as well.
        filters: What they may call besides `count`, `number`, `percent`, `signed` and `exact`,
            and the colour of a group: `group_class`, `group_colour`.
    """
    environment = Environment(
        loader=FileSystemLoader([folder, _TEMPLATES]),
        autoescape=True,
        auto_reload=False,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(
        count=count, number=number, percent=percent, signed=signed, exact=exact, **filters
    )
    environment.filters.update(group_class=group_class, group_colour=group_colour)
    environment.globals["group_classes"] = group_classes()
    return environment


@cache
def _environment() -> Environment:
    return create_environment(_TEMPLATES)


def count(value: int) -> str:
    """A whole number with its thousands apart: 1,234."""
    return f"{value:,}"


def number(value: float | None) -> str:
    """A number with three digits, or all before the point; a whole number stays whole."""
    if value is None:
        return NOTHING
    whole = abs(value) < 1e9 and (abs(value) >= 100 or float(value).is_integer())
    return _minus(f"{value:,.0f}" if whole else f"{value:#.3g}")


def percent(share: float | None) -> str:
    """A share as 12.3%."""
    return NOTHING if share is None else f"{share:.1%}"


def signed(value: float | None) -> str:
    """A difference as +0.12 or −0.12; what rounds to nothing has no sign."""
    if value is None:
        return NOTHING
    return "0.00" if abs(value) < 0.005 else _minus(f"{value:+,.2f}")


def exact(value: float | str) -> str:
    """A value with all the digits it was given, but for the noise of binary fractions."""
    if isinstance(value, str):
        return value
    if abs(value) >= 1e15:
        return f"{value:.6g}"
    text = f"{value:,.10f}" if abs(value) < 1 else f"{value:,.6f}"
    return _minus(text.rstrip("0").rstrip("."))


def _minus(text: str) -> str:
    return text.replace("-", "−")
