"""The schema of Terraform's provider for AWS, read out of the bindings that a package carries.

The provider itself cannot be had from a package registry. Its generated bindings can, and say of
each attribute its name and type, whether it is a block, and whether it is required or computed.
"""

import re
import tarfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from importlib import metadata
from typing import Literal

PACKAGE = "cdktn-provider-aws"
ACCOUNT = "123456789012"
REGION = "eu-central-1"
"""Where everything is that the stand-in of the provider makes."""
Nesting = Literal["single", "list", "set"]
_HCL = re.compile(
    r"^ +(\w+): \{\n +value: (.*),\n +isBlock: (true|false),\n"
    r' +type: "(\w+)",\n +storageClassType: "(\w+)",',
    re.MULTILINE,
)
_FLAGS = re.compile(
    r"// (\w+) - computed: (true|false), optional: (true|false), required: (true|false)\n"
    r"(?: +get \w+\(\) \{\n +return this\.get(\w+)Attribute\()?"
)
_STRUCT = re.compile(
    r"^function (\w+)ToHclTerraform\(struct\) \{(.*?)^\}", re.MULTILINE | re.DOTALL
)
_CLASS = re.compile(r"^class (\w+) extends (\S+) \{(.*?)^\}", re.MULTILINE | re.DOTALL)
_MAPPED = re.compile(r"(?<!cdktn\.)\b(\w+)ToHclTerraform")
_TYPES: dict[str, object] = {
    "string": "string",
    "number": "number",
    "boolean": "bool",
    "stringList": ["list", "string"],
    "numberList": ["list", "number"],
    "stringMap": ["map", "string"],
    "numberMap": ["map", "number"],
    "booleanMap": ["map", "bool"],
}
_GETTERS: dict[str, object] = {
    "String": "string",
    "Number": "number",
    "Boolean": "bool",
    "List": ["list", "string"],
    "StringMap": ["map", "string"],
    "NumberMap": ["map", "number"],
}


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute: its type as Terraform writes it, and who sets it."""

    type: object
    required: bool
    optional: bool
    computed: bool


@dataclass(frozen=True, slots=True)
class Block:
    """What stands between two braces."""

    attributes: dict[str, Attribute] = field(default_factory=dict)
    blocks: dict[str, "tuple[Nesting, bool, Block]"] = field(default_factory=dict)
    """Name → how it nests, whether it is required, and what is in it."""


def kinds(names: Iterable[str]) -> tuple[dict[str, Block], dict[str, Block]]:
    """The schemas of resources (`aws_s3_bucket`), and of data sources (`data.aws_region`).

    The archive is read once, from its beginning to its end: it is 46 MB packed.
    """
    wanted = {f"package/lib/{_folder(name)}/index.js": name for name in names}
    found: dict[str, Block] = {}
    with _archive() as archive:
        for member in archive:
            if name := wanted.get(member.name):
                file = archive.extractfile(member)
                assert file is not None
                found[name] = _schema(file.read().decode())
    missing = set(wanted.values()) - found.keys()
    assert not missing, f"the provider has no {', '.join(sorted(missing))}"
    sources = {name[5:]: block for name, block in found.items() if name.startswith("data.")}
    return {name: block for name, block in found.items() if name[:5] != "data."}, sources


def _archive() -> tarfile.TarFile:
    (packed,) = (path for path in metadata.files(PACKAGE) or [] if path.name.endswith(".jsii.tgz"))
    return tarfile.open(packed.locate(), mode="r|gz")


def _folder(kind: str) -> str:
    return kind.replace("data.aws_", "data-aws-").removeprefix("aws_").replace("_", "-")


def _schema(text: str) -> Block:
    """What a module of the bindings says, from the outside in."""
    structs = {found[1].lower(): found[2] for found in _STRUCT.finditer(text)}
    classes = {found[1].lower(): (found[2], found[3]) for found in _CLASS.finditer(text)}
    (body,) = (body for base, body in classes.values() if base in _TOP)
    flags = {name: body for name, (_, body) in classes.items()}

    def block(hcl: str, body: str) -> Block:
        made = Block()
        said = {found[1]: found for found in _FLAGS.finditer(body)}
        for name, value, is_block, kind, storage in _HCL.findall(hcl):
            found = said.get(name)
            required = bool(found and found[4] == "true")
            if is_block == "true":
                mapped = _MAPPED.search(value)
                assert mapped, value
                inner = mapped[1].lower()
                nesting: Nesting = kind if kind in ("list", "set") else "single"
                flagged = flags.get(f"{inner}outputreference", "")
                made.blocks[name] = (nesting, required, block(structs[inner], flagged))
            else:
                computed = bool(found and found[2] == "true")
                made.attributes[name] = Attribute(
                    _type(kind, storage), required, not required, computed
                )
        for name, found in said.items():
            if name not in made.attributes and name not in made.blocks and found[2] == "true":
                getter = _GETTERS.get(found[5] or "", "string")
                made.attributes[name] = Attribute(getter, False, found[3] == "true", True)
        return made

    synthesize = body[body.index("synthesizeHclAttributes") :]
    return block(synthesize, body)


_TOP = ("cdktn.TerraformResource", "cdktn.TerraformDataSource", "cdktn.TerraformProvider")


def _type(kind: str, storage: str) -> object:
    """A type as Terraform writes it."""
    known = _TYPES.get(storage, "string")
    if kind == "set" and isinstance(known, list):
        return ["set", known[1]]
    return known
