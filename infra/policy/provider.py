"""A stand-in for Terraform's provider for AWS: it knows the schema, and makes resources of nothing.

Terraform checks a module against it as against the real one: names and types of attributes, what is
required, references, the order of things. What AWS itself would refuse it does not know.
"""

import json
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import grpc
import msgpack
from tf.gen import tfplugin_pb2 as wire
from tf.gen import tfplugin_pb2_grpc as service

from infra.policy.aws_schema import ACCOUNT, REGION, Block

ADDRESS = "registry.terraform.io/hashicorp/aws"
KNOWN = {"account_id": ACCOUNT, "partition": "aws", "region": REGION, "version": "1"}
_NESTING = {"single": 1, "list": 2, "set": 3}
_UNKNOWN = msgpack.ExtType(0, b"\x00")
_MANY = 64_000_000


def _schema(block: Block) -> Any:
    return wire.Schema(version=0, block=_block(block))


def _block(block: Block) -> Any:
    attributes = [
        wire.Schema.Attribute(
            name=name,
            type=json.dumps(each.type).encode(),
            required=each.required,
            optional=each.optional and not each.required,
            computed=each.computed,
        )
        for name, each in sorted(block.attributes.items())
    ]
    inner = [
        wire.Schema.NestedBlock(
            type_name=name,
            nesting=_NESTING[nesting],
            min_items=int(required and nesting != "single"),
            block=_block(each),
        )
        for name, (nesting, required, each) in sorted(block.blocks.items())
    ]
    return wire.Schema.Block(version=0, attributes=attributes, block_types=inner)


class Provider(service.ProviderServicer):  # type: ignore[misc]
    """Answers Terraform."""

    def __init__(self, resources: Mapping[str, Block], sources: Mapping[str, Block]) -> None:
        self.resources, self.sources = resources, sources

    def GetProviderSchema(self, request: Any, context: Any) -> Any:
        region = wire.Schema.Attribute(name="region", type=b'"string"', optional=True)
        return wire.GetProviderSchema.Response(
            provider=wire.Schema(block=wire.Schema.Block(attributes=[region])),
            resource_schemas={name: _schema(each) for name, each in self.resources.items()},
            data_source_schemas={name: _schema(each) for name, each in self.sources.items()},
        )

    def ValidateProviderConfig(self, request: Any, context: Any) -> Any:
        return wire.ValidateProviderConfig.Response()

    def ValidateResourceConfig(self, request: Any, context: Any) -> Any:
        return wire.ValidateResourceConfig.Response()

    def ValidateDataResourceConfig(self, request: Any, context: Any) -> Any:
        return wire.ValidateDataResourceConfig.Response()

    def ConfigureProvider(self, request: Any, context: Any) -> Any:
        return wire.ConfigureProvider.Response()

    def StopProvider(self, request: Any, context: Any) -> Any:
        return wire.StopProvider.Response()

    def UpgradeResourceState(self, request: Any, context: Any) -> Any:
        state = _packed(json.loads(request.raw_state.json))
        return wire.UpgradeResourceState.Response(upgraded_state=state)

    def ReadResource(self, request: Any, context: Any) -> Any:
        return wire.ReadResource.Response(new_state=request.current_state)

    def ReadDataSource(self, request: Any, context: Any) -> Any:
        state = _unpacked(request.config)
        block = self.sources[request.type_name]
        return wire.ReadDataSource.Response(state=_packed(_made(request.type_name, block, state)))

    def PlanResourceChange(self, request: Any, context: Any) -> Any:
        proposed = _unpacked(request.proposed_new_state)
        if proposed is not None:
            block = self.resources[request.type_name]
            for name, each in block.attributes.items():
                if each.computed and proposed.get(name) is None:
                    proposed[name] = _UNKNOWN
        return wire.PlanResourceChange.Response(planned_state=_packed(proposed))

    def ApplyResourceChange(self, request: Any, context: Any) -> Any:
        planned = _unpacked(request.planned_state)
        if planned is not None:
            planned = _made(request.type_name, self.resources[request.type_name], planned)
        return wire.ApplyResourceChange.Response(new_state=_packed(planned))


def _made(kind: str, block: Block, values: dict[str, Any]) -> dict[str, Any]:
    """What AWS would add: each computed attribute says of what resource it is."""
    named = [values.get(name) for name in ("name", "function_name", "bucket_prefix", "alarm_name")]
    label = next((each for each in named if isinstance(each, str)), kind)
    made = dict(values)
    for name, each in block.attributes.items():
        value = made.get(name)
        if each.computed and (value is None or isinstance(value, msgpack.ExtType)):
            made[name] = _invented(name, each.type, f"{kind}.{label}")
    return made


def _invented(name: str, kind: object, of: str) -> Any:
    match kind:
        case "number":
            return 1
        case "bool":
            return False
        case ["map", _]:
            return {}
        case list():
            return []
    return KNOWN.get(name, f"{of}.{name}")


def _unpacked(value: Any) -> Any:
    return msgpack.unpackb(value.msgpack, ext_hook=lambda code, data: _UNKNOWN)


def _packed(value: Any) -> Any:
    return wire.DynamicValue(msgpack=msgpack.packb(value))


@contextmanager
def running(resources: Mapping[str, Block], sources: Mapping[str, Block]) -> Iterator[str]:
    """The stand-in; what TF_REATTACH_PROVIDERS has to say for Terraform to ask it."""
    options = [("grpc.max_send_message_length", _MANY), ("grpc.max_receive_message_length", _MANY)]
    server = grpc.server(ThreadPoolExecutor(8), options=options)
    service.add_ProviderServicer_to_server(Provider(resources, sources), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        address = {"Network": "tcp", "String": f"127.0.0.1:{port}"}
        told = {"Protocol": "grpc", "ProtocolVersion": 6, "Pid": 1, "Test": True, "Addr": address}
        yield json.dumps({ADDRESS: told})
    finally:
        server.stop(None)
