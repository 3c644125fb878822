"""The outcomes of one run: its customers joined with what became of them, and measured."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

from pipeline.errors import WrongFile, refuse_unreadable
from pipeline.hashing import identity_of_file
from pipeline.model.cluster_model import ClusterModel
from pipeline.model.contract import Contract
from pipeline.runs.committed import CommittedRun, file_at
from pipeline.runs.outcomes.join import join
from pipeline.runs.outcomes.parts import IdParts
from pipeline.runs.outcomes.rankings import rankings_of
from pipeline.runs.outcomes.sources import (
    CUSTOMERS,
    LABELS,
    LISTED,
    read_audience,
    read_labels,
    read_run,
)
from pipeline.runs.outcomes.spec import OutcomesSpec, day_of
from pipeline.runs.outcomes.tally import OutcomeTally
from pipeline.runs.outcomes.verdicts import compare_arms, compare_with_training
from pipeline.scoring.outcome_documents import LabelledFile, OutcomesDocument


def outcomes_of(run: CommittedRun, model: ClusterModel, spec: OutcomesSpec) -> OutcomesDocument:
    """Hold what became of a run's customers against what training led to expect.

    Memory is bounded by the model and by a part of the ids; these lie on disk meanwhile.

    Args:
        run: The run.
        model: The model that it was scored with.
        spec: The labels, their day, and a list with a control group.

    Raises:
        WrongFile: A file cannot be read, lacks a column, or is of other customers.
        WrongOption: The day cannot be that of these outcomes.
    """
    spec.refuse_other_days(run.manifest)
    contract = _contract_for(run, model)
    tally = OutcomeTally([cluster.id for cluster in model.clusters])
    with ExitStack() as stack:
        paths = [
            None if address is None else stack.enter_context(file_at(address))
            for address in (spec.labels, spec.audience)
        ]
        labels, audience = map(_file, (spec.labels, spec.audience), paths)
        _count(run, contract, spec, paths, tally)
    assert labels is not None
    overall, clusters = compare_with_training(
        model.clusters, tally.followed.tolist(), tally.by_cluster
    )
    assert contract.label is not None
    return OutcomesDocument(
        outcomes=_id(run, labels, audience, spec),
        as_of=spec.as_of.isoformat(),
        run=run.manifest["run"],
        model_version=run.manifest["model_version"],
        input=_input(run),
        implausible=list(run.implausible),
        scored_as_of=day_of(run.manifest),
        labels=labels,
        others_stayed=spec.others_stayed,
        ids=spec.ids,
        all_churned=not tally.has_words,
        churned_word=contract.label.churned_word,
        counts=tally.customers,
        label_counts=tally.labels,
        overall=overall,
        clusters=clusters,
        rankings=rankings_of(model.clusters, tally.by_cluster, tally.by_risk),
        audience=None if audience is None else compare_arms(tally.arms, tally.listed, audience),
    )


def _contract_for(run: CommittedRun, model: ClusterModel) -> Contract:
    """The id and the label alone: labels and lists have no features."""
    contract, version = model.contract, run.manifest["model_version"]
    if contract.id_column is None:
        problem = f"names no id column in the contract of model {version}, by which to join"
        raise WrongFile(run.address, problem)
    if contract.label is None or any(cluster.churn is None for cluster in model.clusters):
        problem = f"was scored with model {version}, whose training did not know who churned"
        raise WrongFile(run.address, f"{problem}: there is nothing to hold outcomes against")
    return replace(contract, features=(), never_features=())


def _count(
    run: CommittedRun,
    contract: Contract,
    spec: OutcomesSpec,
    paths: Sequence[Path | None],
    tally: OutcomeTally,
) -> None:
    """Join the run with the files at the paths, labels and list, and count."""
    labels_path, audience_path = paths
    assert labels_path is not None
    with ExitStack() as stack:
        customers, labels = (
            stack.enter_context(IdParts(columns, spec.ids)) for columns in (CUSTOMERS, LABELS)
        )
        audience = None
        read = read_labels(
            labels_path, contract, spec.reading, labels, all_churned=spec.others_stayed
        )
        tally.labels["broken"], tally.has_words = read
        if audience_path is not None:
            audience = stack.enter_context(IdParts(LISTED, spec.ids))
            read_audience(audience_path, run.manifest["run"], contract, audience)
        read_run(run, contract, tally.clusters, customers)
        join(customers, labels, audience, tally, others_stayed=spec.others_stayed)
    _refuse_strangers(run, spec, tally)


def _refuse_strangers(run: CommittedRun, spec: OutcomesSpec, tally: OutcomeTally) -> None:
    """Refuse files of which nothing can be told."""
    labels, counts = tally.labels, tally.customers
    if labels["ids"] and labels["strangers"] == labels["ids"]:
        alike = labels["spelled_otherwise"]
        remedy = (
            f"; {alike:,} would be without leading zeros or .0 (as 001 and 1): write ids as text "
            "in both files, or say --ids number where 001 and 1 are the same"
            if alike
            else ""
        )
        raise WrongFile(spec.labels, f"has no id of a customer of run {run.address}{remedy}")
    listed = tally.listed
    ids = listed["rows"] - listed["no_id"] - listed["repeated"]
    if ids and listed["strangers"] == ids:
        problem = (
            f"has no id of a customer of run {run.address}; write ids as text, or say --ids number"
        )
        raise WrongFile(spec.audience, problem)
    if not counts["counted"]:
        raise WrongFile(
            spec.labels,
            f"says of none of the {counts['customers']:,} customers what became of them: "
            f"{counts['churned_before']:,} had churned before, {counts['no_label']:,} have no "
            f"label, of {counts['not_known'] + counts['contradicted']:,} it is unclear",
        )


def _file(address: str | None, path: Path | None) -> LabelledFile | None:
    if address is None or path is None:
        return None
    with refuse_unreadable(address):
        return LabelledFile(name=Path(address).name, identity=identity_of_file(path))


def _input(run: CommittedRun) -> LabelledFile:
    known = run.manifest["input"]
    return LabelledFile(name=known["name"], identity=known["identity"])


def _id(
    run: CommittedRun, labels: LabelledFile, audience: LabelledFile | None, spec: OutcomesSpec
) -> str:
    """The day and a digest of what the outcomes follow from."""
    parts = [
        run.manifest["run"], labels["identity"], audience["identity"] if audience else "",
        str(spec.others_stayed), spec.ids, repr(sorted(spec.reading.facts.items())),
    ]  # fmt: skip
    digest = sha256("\n".join(parts).encode()).hexdigest()
    return f"{spec.as_of.isoformat()}-{digest[:12]}"
