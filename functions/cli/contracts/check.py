"""The command that says what a contract, and the file beside it, lacks."""

from pathlib import Path

import click

from functions.cli import file_options, options
from functions.cli.output import console
from functions.cli.output.text import print_json
from pipeline.model.contract import Contract, Finding, read_contract
from pipeline.reading.options import ReadingOptions


@click.group()
def contract() -> None:
    """Check the file that declares the columns of customers."""


@contract.command(
    "check", epilog="Example: customer-clusters contract check telco.toml --data telco.csv"
)
@click.argument("path", metavar="CONTRACT", type=options.path)
@click.option(
    "--data", metavar="FILE", type=options.path, help="Customers who should be as it declares."
)
@file_options.reading
@options.as_json_flag
@click.pass_context
def check(
    context: click.Context, path: Path, data: Path | None, as_json: bool, reading: ReadingOptions
) -> None:
    """Say in one list what a contract lacks, and a file beside it.

    Ends with 2 when anything must be mended. A warning says what a run does by itself, such as
    to reject customers of whom a value is missing.
    """
    declared, findings = read_contract(path)
    if declared is not None and data is not None:
        from pipeline.reading.agreement import find_disagreements

        findings = find_disagreements(data, declared, reading)
    if as_json:
        document = {"contract": str(path), "data": data and str(data)}
        print_json({**document, "findings": [finding._asdict() for finding in findings]})
    else:
        _show(path, data, declared, findings)
    if any(finding.level == "error" for finding in findings):
        context.exit(2)


def _show(
    path: Path, data: Path | None, declared: Contract | None, findings: list[Finding]
) -> None:
    out = console.terminal()
    for finding in findings:
        mark = "warning: " if finding.level == "warning" else ""
        out.print(f"{mark}{finding}", soft_wrap=True)
    errors = sum(finding.level == "error" for finding in findings)
    if errors or declared is None:
        out.print(f"{path}: {errors} to mend", soft_wrap=True)
        return
    label = declared.label.column if declared.label else "none"
    count = len(declared.features)
    beside = f", and {data} agrees with it" if data else ""
    out.print(
        f"{path} is a contract of {count} {'feature' if count == 1 else 'features'}, id "
        f"{declared.id_column or 'none'}, churn label {label}{beside}",
        soft_wrap=True,
    )
