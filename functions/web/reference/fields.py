"""Fields of what an address takes and answers, from the schemas of the OpenAPI document."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

Schema = Mapping[str, Any]
_NULL = "null"
_OF_NOBODY = "This model knows nothing of it. Another one may: be ready for both."
_SHOWN = 40
"""Longer examples stand in the sample and in the answer alone."""


@dataclass(frozen=True, slots=True)
class FieldRow:
    """A field as the page shows it."""

    name: str
    """With what it lies in: `reasons[].border`."""
    type: str
    allowed: str
    """A range, a length, or the values there are."""
    unit: str
    required: bool
    example: str
    description: str
    same_as: tuple[str, str] = ("", "")
    """Where the fields inside it stand: anchor and words; empty where they stand below it."""


@dataclass(slots=True)
class FieldTable:
    """Writes the fields of schemas down, each schema once: where it comes again is a link.

    Args:
        schemas: Those of the document, by name.
        units: Feature → its unit.
        unknown: Fields that are null with the model that answers, whatever is asked.
    """

    schemas: Mapping[str, Schema]
    units: Mapping[str, str] = field(default_factory=dict)
    unknown: frozenset[str] = frozenset()
    _known: dict[str, tuple[str, str]] = field(default_factory=dict)

    def of(self, schema: Schema, place: tuple[str, str], example: Any = None) -> list[FieldRow]:
        """The fields of a body; of one that was written down before, a row that leads there.

        Args:
            schema: That of the body.
            place: The anchor of the table that is made, and what others call it.
            example: A body.
        """
        name = _referenced(schema)
        if name in self._known:
            kind = _plain(schema, self.schemas)
            return [FieldRow("", kind, "", "", True, "", "", self._known[name])]
        return list(self._inside(schema, place, "", example))

    def _inside(
        self, schema: Schema, place: tuple[str, str], within: str, example: Any
    ) -> Iterator[FieldRow]:
        name = _referenced(schema)
        if name:
            inside = f"{within[:-1]} in " if within else ""
            self._known[name] = (place[0], inside + place[1])
        schema = _resolved(schema, self.schemas)
        if "items" in schema and not within:
            yield from self._inside(schema["items"], place, "[].", _first(example))
        given = example if isinstance(example, Mapping) else {}
        for key, value in schema.get("properties", {}).items():
            required = key in schema.get("required", ())
            yield from self._field(f"{within}{key}", value, place, given.get(key), required)

    def _field(
        self, path: str, schema: Schema, place: tuple[str, str], example: Any, required: bool
    ) -> Iterator[FieldRow]:
        inner, suffix = _inner(schema, self.schemas)
        key = path.rpartition(".")[2]
        if key in self.unknown:
            yield FieldRow(path, _NULL, "", "", required, "", _OF_NOBODY)
            return
        kind = _plain(schema, self.schemas)
        row = FieldRow(
            path,
            kind,
            allowed(_without_null(_resolved(schema, self.schemas))),
            self.units.get(key, "") if kind.startswith(("number", "integer")) else "",
            required,
            _shown(example),
            _description(schema, self.schemas),
            self._known.get(_referenced(inner), ("", "")),
        )
        yield row
        if not row.same_as[0] and _resolved(inner, self.schemas).get("properties"):
            deeper = _first(example) if suffix else example
            yield from self._inside(inner, place, f"{path}{suffix}.", deeper)


def parameter_rows(parameters: Any) -> list[FieldRow]:
    """The parameters of an address, wherever they stand in a request."""
    where = {"path": "in the path", "query": "in the query", "header": "as a header"}
    return [
        FieldRow(
            parameter["name"],
            f"{_plain(parameter['schema'], {})}, {where.get(parameter['in'], parameter['in'])}",
            allowed(parameter["schema"]),
            "",
            parameter.get("required", False),
            _shown(parameter_example(parameter)),
            parameter.get("description", ""),
        )
        for parameter in parameters
    ]


def header_rows(headers: Mapping[str, Any]) -> list[FieldRow]:
    """The headers of an answer."""
    return [
        FieldRow(name, "a header", "", "", True, "", header.get("description", ""))
        for name, header in headers.items()
    ]


def parameter_example(parameter: Mapping[str, Any]) -> Any:
    """The example of a parameter; None where there is none."""
    return parameter.get("example", parameter["schema"].get("example"))


def allowed(schema: Schema) -> str:
    """Which values a schema allows, as people read it; empty where it says no more than a type."""
    if "enum" in schema:
        return ", ".join(json.dumps(value, ensure_ascii=False) for value in schema["enum"])
    if "const" in schema:
        return json.dumps(schema["const"], ensure_ascii=False)
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None and high is not None:
        return f"{low:,.10g} to {high:,.10g}"
    if low is not None or high is not None:
        return f"at least {low:,.10g}" if low is not None else f"at most {high:,.10g}"
    for key, words in (("maxLength", "characters"), ("maxItems", "items")):
        if key in schema:
            return f"at most {schema[key]:,} {words}"
    return ""


def _referenced(schema: Schema) -> str:
    return str(schema.get("$ref", "")).rpartition("/")[2]


def _resolved(schema: Schema, schemas: Mapping[str, Schema]) -> Schema:
    name = _referenced(schema)
    return {**schemas.get(name, {}), **schema} if name else schema


def _choices(schema: Schema) -> list[Schema]:
    return [*schema.get("anyOf", ()), *schema.get("oneOf", ())]


def _without_null(schema: Schema) -> Schema:
    """What a value is where it is not null."""
    others = [choice for choice in _choices(schema) if choice.get("type") != _NULL]
    return others[0] if len(others) == 1 else schema


def _inner(schema: Schema, schemas: Mapping[str, Schema]) -> tuple[Schema, str]:
    """The schema that has the fields within a field, and how its path goes on."""
    schema = _without_null(schema)
    outer = _resolved(schema, schemas)
    if isinstance(outer.get("items"), Mapping):
        return _without_null(outer["items"]), "[]"
    if isinstance(outer.get("additionalProperties"), Mapping):
        return _without_null(outer["additionalProperties"]), ".*"
    return schema, ""


def _plain(schema: Schema, schemas: Mapping[str, Schema]) -> str:
    """The type in a few words."""
    choices = _choices(schema)
    if choices:
        return " or ".join(dict.fromkeys(_plain(choice, schemas) for choice in choices))
    schema = _resolved(schema, schemas)
    kind = schema.get("type", "object" if "properties" in schema else "")
    if isinstance(kind, list):
        return " or ".join(kind)
    if kind == "array":
        items = _plain(schema.get("items", {}), schemas)
        return f"array of {items}s" if items.isalpha() else f"array of ({items})"
    if not kind:
        values = [*schema.get("enum", ()), schema.get("const")]
        return "string" if isinstance(values[0], str) else "any"
    return f"{kind} ({schema['format']})" if "format" in schema else str(kind)


def _description(schema: Schema, schemas: Mapping[str, Schema]) -> str:
    """That of the field; of one that only names a schema, what the schema is."""
    if "description" in schema:
        return str(schema["description"])
    inner, _ = _inner(schema, schemas)
    return str(_resolved(inner, schemas).get("description", ""))


def _shown(example: Any) -> str:
    if example is None or isinstance(example, Mapping | list):
        return ""
    text = json.dumps(example, ensure_ascii=False)
    return text if len(text) <= _SHOWN else ""


def _first(example: Any) -> Any:
    if isinstance(example, Mapping):
        return next(iter(example.values()), None)
    return example[0] if isinstance(example, list) and example else None
