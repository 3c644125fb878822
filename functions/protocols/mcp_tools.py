"""The tools that a language model may call: what each is for, takes and answers."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from pydantic import TypeAdapter
from starlette.requests import Request

from functions.http.assign import assign_one
from functions.http.openapi.contract_schemas import customer_schema, ways_schema
from functions.http.presenter import presenter_of
from functions.http.schemas import AssignmentAnswer, ClustersAnswer, WhatIfAnswer
from functions.http.what_if import what_if
from functions.live_model import LoadedModel
from functions.protocols.mcp_messages import INVALID_PARAMS, RpcError
from pipeline.errors import shortened
from pipeline.model.contract import Contract

Arguments = Mapping[str, Any]
NOTHING: Mapping[str, Any] = {"type": "object", "additionalProperties": False}


@dataclass(frozen=True, slots=True)
class Tool:
    """Something that may be asked."""

    name: str
    title: str
    description: str
    takes: Callable[[Contract], Mapping[str, Any]]
    """The JSON Schema of its arguments, by the contract of the model that answers."""
    answer: Callable[[Request, LoadedModel, Arguments], Awaitable[Mapping[str, Any]]]
    gives: type | None = None
    """The shape of its answer, where that is declared."""
    scope: str = "assign"
    """What a key has to allow."""

    def document(self, contract: Contract) -> dict[str, Any]:
        """As `tools/list` gives it."""
        gives = {} if self.gives is None else {"outputSchema": _schema(self.gives)}
        return {
            "name": self.name,
            "title": self.title,
            "description": self.description,
            "inputSchema": self.takes(contract),
            **gives,
            "annotations": {
                "readOnlyHint": True,
                "destructiveHint": False,
                "idempotentHint": True,
                "openWorldHint": False,
            },
        }

    def check(self, arguments: Arguments, contract: Contract) -> None:
        """RpcError where an argument is missing, or not known."""
        schema = self.takes(contract)
        known, required = schema.get("properties", {}), schema.get("required", ())
        if absent := [name for name in required if name not in arguments]:
            raise RpcError(INVALID_PARAMS, f"{self.name}: expected the argument {absent[0]}")
        if unknown := [name for name in arguments if name not in known]:
            expected = f"expected {', '.join(known)}" if known else "expected none"
            raise RpcError(
                INVALID_PARAMS, f"{self.name}: no argument {shortened(unknown[0])}; {expected}"
            )


async def _assign(request: Request, loaded: LoadedModel, arguments: Arguments) -> Arguments:
    return assign_one(presenter_of(loaded), arguments["customer"])


async def _what_if(request: Request, loaded: LoadedModel, arguments: Arguments) -> Arguments:
    return what_if(presenter_of(loaded), dict(arguments))


async def _clusters(request: Request, loaded: LoadedModel, arguments: Arguments) -> Arguments:
    return presenter_of(loaded).clusters()


def _customer(contract: Contract) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {"customer": customer_schema(contract)},
        "required": ["customer"],
        "additionalProperties": False,
    }


def _customer_and_ways(contract: Contract) -> dict[str, Any]:
    ways = {**ways_schema(contract), "type": ["object", "null"]}
    schema = _customer(contract)
    return {**schema, "properties": {**schema["properties"], "ways": ways}}


@cache
def _schema(shape: type) -> dict[str, Any]:
    return TypeAdapter(shape).json_schema(mode="serialization")


TOOLS = (
    Tool(
        "assign",
        "Group of one customer",
        "Which group one customer belongs to, how sure that is, why, and how many of that group "
        "left. churn.rate is the historical rate of the group, never the probability of this "
        "person. If warning is not null, say it first.",
        _customer,
        _assign,
        AssignmentAnswer,
    ),
    Tool(
        "what_if",
        "What would change the group",
        "The smallest change of one feature alone that leads one customer to another group, the "
        "smallest first; ways says which features may change, and which way. It describes the "
        "model's borders, and not what an action would cause.",
        _customer_and_ways,
        _what_if,
        WhatIfAnswer,
    ),
    Tool(
        "clusters",
        "All groups",
        "Every group that training found: name, description, size, how many left, and the typical "
        "values of its customers.",
        lambda contract: NOTHING,
        _clusters,
        ClustersAnswer,
    ),
)
"""What every server can be asked."""
