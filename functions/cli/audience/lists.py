"""What `customer-clusters audience` does, once its options are read."""

import re
from pathlib import Path, PurePosixPath

import click

from functions.cli import options
from functions.cli.output.text import print_json, print_text
from model_store import S3Address, open_storage
from pipeline.model.contract import Contract
from pipeline.model.published.loading import load_model
from pipeline.runs.audience.spec import Audience, AudienceSpec, format_of
from pipeline.runs.audience.write import ListTarget, as_target, write_audience
from pipeline.runs.committed import CommittedRun, another_unit, open_run
from pipeline.scoring.documents import OUTPUT_FORMATS, OutputFormat

_UNSAFE = re.compile(r"[^\w.-]+")


def format_for(written: OutputFormat | None, out: str | None) -> OutputFormat:
    """The format that was asked for, else the one that the file's name ends in, else CSV."""
    ending = PurePosixPath(out or "").suffix.lower().removeprefix(".")
    if written and ending in OUTPUT_FORMATS and written != ending:
        raise click.UsageError(f"--out ends in .{ending}, and --format says {written}")
    return written or format_of(out or "")


def make_audience(
    address: str,
    spec: AudienceSpec,
    out: str | None,
    store: str,
    *,
    replace: bool,
    as_json: bool,
) -> None:
    """Write an audience, and print what came of it.

    Args:
        address: Of the run.
        spec: Which customers, in which order, with which columns.
        out: A path or an address in S3; None makes a name in this folder.
        store: Of the models, for runs of old.
        replace: Whether a file that is there is replaced.
        as_json: Print JSON and not words.
    """
    run = open_run(options.address_of(address))
    target = as_target(options.address_of(out) if out else default_name(run, spec))
    if not replace and _exists(target):
        raise click.UsageError(f"{target} is there already; choose another --out, or --force")

    def contract_of(version: str) -> Contract:
        return load_model(options.open_store(store).open(version)).contract

    audience = write_audience(run, spec, target, contract_of)
    if as_json:
        print_json({**audience.to_dict(), "written": str(target)})
    else:
        _show(audience, str(target))


def default_name(run: CommittedRun, spec: AudienceSpec) -> str:
    """A name for the list: what was scored, the clusters and the day."""
    stem = _UNSAFE.sub("-", PurePosixPath(run.manifest["input"]["name"]).stem) or "customers"
    clusters = "".join(f"-{cluster}" for cluster in spec.clusters)
    of = f"-cluster{clusters}" if clusters else ""
    return f"audience-{stem}{of}-{spec.day.isoformat()}.{spec.format}"


def _show(audience: Audience, target: str) -> None:
    if audience.implausible:
        click.echo(f"Note: {another_unit(audience.implausible)}", err=True)
    counts = audience.counts
    clusters = ", ".join(map(str, audience.clusters))
    some = "groups" if len(audience.clusters) > 1 else "group"
    print_text(f"{counts.listed:,} customers of {audience.input}, {some} {clusters}", bold=True)
    total = counts.assigned - counts.other_clusters
    word = audience.churned_word
    if word is None:
        print_text("The file does not say who is gone already: nobody was left out for that")
    elif counts.churned:
        print_text(f"Left out: {counts.churned:,} of {total:,} who {word} already")
    if word is not None and counts.churn_unknown:
        print_text(f"Of {counts.churn_unknown:,} it is not known whether they {word} already")
    if counts.outliers:
        print_text(f"Left out: {counts.outliers:,} outliers")
    if counts.near_border:
        print_text(f"Left out: {counts.near_border:,} nearer to another group")
    if counts.beyond_top:
        print_text(f"Not among the first: {counts.beyond_top:,}")
    if counts.control:
        print_text(f"To contact: {counts.contact:,}; control group: {counts.control:,}")
    print_text(f"Ordered by {audience.by}" if audience.by else "In the order of the file")
    print_text(f"Written to {target}")


def _exists(target: ListTarget) -> bool:
    if isinstance(target, Path):
        return target.exists()
    assert isinstance(target, S3Address)
    return open_storage(f"{S3Address.SCHEME}{target.bucket}").exists(target.key)
