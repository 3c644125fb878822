"""Contracts in files."""

from pathlib import Path

from model_store.errors import MALFORMED
from pipeline.errors import WrongFile, first_line, refuse_unreadable
from pipeline.model.contract.contract import Contract
from pipeline.model.contract.declaration import read_declaration
from pipeline.model.contract.findings import Finding, listed

_CONTRACTS = Path(__file__).parent.parent / "contracts"
DEFAULT_CONTRACT = _CONTRACTS / "bank_churners.toml"
SCHEMA = _CONTRACTS / "contract.schema.json"
"""The JSON Schema of a contract's file, by which editors complete it."""


def load_contract(path: Path) -> Contract:
    """Read a contract from TOML.

    Raises:
        WrongFile: It cannot be read, or is no contract; says which key is wrong.
    """
    contract, findings = read_contract(path)
    if contract is None:
        raise WrongFile(path, f"is not a contract: {listed(findings)}")
    return contract


def read_contract(path: Path) -> tuple[Contract | None, list[Finding]]:
    """Read a contract from TOML, and everything that is wrong with it.

    Returns:
        The contract, where there is no finding, and the findings.

    Raises:
        WrongFile: The file cannot be read.
    """
    import tomllib  # an artifact carries its contract as JSON

    with refuse_unreadable(path):
        content = path.read_bytes()
    try:
        fields, findings = read_declaration(tomllib.loads(content.decode()))
    except RecursionError:
        return None, [Finding("the file", "TOML", "what is nested too deeply")]
    except MALFORMED as error:
        return None, [Finding("the file", "TOML", first_line(error))]
    return (None if findings else Contract(**fields)), findings
