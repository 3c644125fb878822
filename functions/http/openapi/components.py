"""The schemas that the document's operations name."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from copy import deepcopy
from functools import lru_cache
from typing import Any, Literal, get_args

from pydantic import ConfigDict, TypeAdapter
from pydantic.json_schema import GenerateJsonSchema
from typing_extensions import is_typeddict

from functions.http.openapi.contract_schemas import NEEDS, contract_schemas
from functions.http.openapi.operation import Operation, Schema, by_type
from functions.http.problems import TITLES
from functions.http.schemas import ProblemDocument
from functions.live_model import LoadedModel

_TEMPLATE = "#/components/schemas/{model}"


class _Untitled(GenerateJsonSchema):
    """Fields have no title: it would say their name again, and clients name classes by it."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


def reference(schema: Schema) -> dict[str, Any]:
    """A schema where it is used."""
    if isinstance(schema, Mapping):
        return dict(schema)
    name = schema if isinstance(schema, str) else schema.__name__
    return {"$ref": _TEMPLATE.format(model=name)}


def component_schemas(
    operations: Sequence[Operation], loaded: LoadedModel | None
) -> dict[str, dict[str, Any]]:
    """The schemas of some operations by name, and what these name in turn."""
    named = {ProblemDocument, *_named(operations)}
    shapes = frozenset(schema for schema in named if not isinstance(schema, str))
    schemas = deepcopy(_of_shapes(shapes))
    schemas["ProblemDocument"]["properties"]["code"]["enum"] = sorted(TITLES)
    of_contract = contract_schemas(loaded)
    for name in (schema for schema in named if isinstance(schema, str)):
        schemas |= {need: of_contract[need] for need in (name, *NEEDS[name])}
    if loaded is not None:
        names = [feature.name for feature in loaded.model.contract.features]
        for answer in {"ReasonAnswer", "ChangeAnswer"} & set(schemas):
            schemas[answer]["properties"]["feature"]["enum"] = names
    return dict(sorted(schemas.items()))


@lru_cache(maxsize=4)  # reading the docstrings below fields takes longer than all the rest
def _of_shapes(shapes: frozenset[type]) -> dict[str, dict[str, Any]]:
    for shape in _with_fields(shapes):
        shape.__pydantic_config__ = ConfigDict(use_attribute_docstrings=True)  # type: ignore[attr-defined]
    adapters: list[tuple[type, Literal["serialization"], TypeAdapter[Any]]] = [
        (shape, "serialization", TypeAdapter(shape)) for shape in shapes
    ]
    _, defined = TypeAdapter.json_schemas(
        adapters, ref_template=_TEMPLATE, schema_generator=_Untitled
    )
    return dict(defined["$defs"])


def _named(operations: Sequence[Operation]) -> Iterator[type | str]:
    for operation in operations:
        for content in (operation.body, *(a.content for a in operation.answers.values())):
            if content is not None:
                for _, media in by_type(content):
                    if not isinstance(media.schema, Mapping):
                        yield media.schema


def _with_fields(shapes: Collection[type]) -> set[type]:
    """Some TypedDicts, and those that their fields have."""
    known: set[type] = set()
    waiting: list[Any] = list(shapes)
    while waiting:
        shape = waiting.pop()
        if is_typeddict(shape) and shape not in known:
            known.add(shape)
            waiting += shape.__annotations__.values()
        waiting += get_args(shape)
    return known
