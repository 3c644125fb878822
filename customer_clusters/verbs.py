"""The verbs of the command line for a notebook: train, explore, score, audience, compare."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, SupportsIndex

from customer_clusters.model import Model, as_store
from customer_clusters.progress import steps
from customer_clusters.reports import Compared, Explored, Run
from model_store import CANDIDATE, CHAMPION, Artifact, Store
from model_store.extras import needs_extra
from pipeline.errors import MAX_REJECTED_SHARE, WrongFile
from pipeline.model.contract import Contract
from pipeline.model.published.loading import load_model
from pipeline.reading.options import AUTODETECT, ReadingOptions

if TYPE_CHECKING:
    from pipeline.runs.audience.spec import Audience


def train(
    data: Any,
    *,
    contract: Contract | str | Path | None = None,
    churn: Any = None,
    features: Sequence[str] | None = None,
    k: SupportsIndex | None = None,
    recipe: Any = None,
    seed: SupportsIndex = 42,
    store: str | Path | Store | None = None,
    alias: str = CANDIDATE,
    who: str = "",
) -> Model:
    """Train a model with all its evidence, and publish it where a store is given.

    Args:
        data: A table of pandas, Polars, DuckDB or Arrow, or the path of a customer file.
        contract: What the columns mean, or the path of a contract in TOML; a file needs one.
        churn: Who left, of a table: the name of a column, or a value for each customer, as True
            and False or as two numbers of which the larger means that the customer left.
        features: Columns to train on; by default all that can be features.
        k: The number of clusters. Without it, and without a recipe, both are searched for.
        recipe: A `Recipe` in place of `features` and `k`, or the path of one in TOML.
        seed: Where the starts of K-Means come from, where `k` is given.
        store: Where it is published: a folder or s3:// address, or the store itself.
        alias: What the version is called. The first of a store is its champion too.
        who: Who did it, for the store's history.

    Raises:
        WrongFile: It is no table, or its customers do not allow this, or form no clusters.

    Example:
        >>> import pyarrow as pa
        >>> import customer_clusters as cc
        >>> visits, fees = [1, 2, 1, 20, 21, 22] * 20, [9, 8, 9, 30, 31, 29] * 20
        >>> cc.train(pa.table({"visits": visits, "fee": fees}), k=2)
        <Model unpublished: 2 clusters of customers>
    """
    from customer_clusters.fitting import asked_recipe, model_of, recipe_of, train_with_evidence
    from customer_clusters.training_data import open_training_data

    with needs_extra("train", "train"):
        from pipeline.training import find_reference, publish

    asked = asked_recipe(recipe)
    recipe = recipe if asked is None else asked.recipe
    wanted = features if recipe is None else recipe.features
    opened = open_training_data(data, contract, churn, wanted)
    chosen = recipe_of(opened, features, k, recipe, seed)
    target = None if store is None else as_store(store)
    reference = None if target is None else find_reference(target, opened.contract)
    with steps() as progress:
        trained = train_with_evidence(opened, chosen, features, reference, progress, asked)
        if target is None:
            return model_of(trained)
        return Model.of(publish(trained, target, alias, who))


def explore(
    data: Any, *, contract: Contract | str | Path | None = None, churn: Any = None
) -> Explored:
    """Describe customers before training: what is missing, odd, leaking, telling.

    Args:
        data: As for `train`.
        contract: As for `train`.
        churn: As for `train`.

    Raises:
        WrongFile: It is no table, or has no customers.

    Example:
        >>> import pyarrow as pa
        >>> import customer_clusters as cc
        >>> explored = cc.explore(pa.table({"visits": [1, 2, None, 20], "fee": [9, 8, 9, 30]}))
        >>> "missing values: 1" in str(explored)
        True
    """
    from customer_clusters.training_data import open_training_data

    with needs_extra("explore", "train"):
        from pipeline.training import exploring

    opened = open_training_data(data, contract, churn)
    with steps() as progress:
        progress("describing the columns")
        return Explored(exploring.explore(opened.source, opened.contract))


def score(
    path: str | Path,
    out: str | Path = "results",
    *,
    model: str = CHAMPION,
    store: str | Path | Store | None = None,
    output_format: Any = None,
    max_rejected_share: float = MAX_REJECTED_SHARE,
    reading: ReadingOptions = AUTODETECT,
    as_of: date | None = None,
) -> Run:
    """Assign every customer of a file and write the results, as `customer-clusters score` does.

    A table in memory needs no files: `load().assign` answers for it.

    Args:
        path: A CSV, Parquet, Excel or OpenDocument file, or its address in S3.
        out: The folder or s3:// prefix that results go below.
        model: An alias or version.
        store: As for `load`.
        output_format: `csv`, `parquet` or `xlsx`; by default that of the file.
        max_rejected_share: Refuse a file of which a larger share cannot be scored.
        reading: How the file is written, where it does not show it.
        as_of: The period that the file belongs to; by default as its name says.

    Returns:
        The run. The same file, model and options are scored once; after that it is found.

    Raises:
        WrongFile: It is not one file, or is refused.
    """
    from pipeline.runs import WholeFile, find_inputs, open_runs, read_summary
    from pipeline.runs import score as score_once
    from pipeline.scoring.process.isolated import isolated
    from pipeline.scoring.spec import Options, ScoringSpec

    artifact = as_store(store).open(model)
    options = Options(output_format, max_rejected_share, reading, as_of=as_of)
    spec = ScoringSpec(load_model(artifact), artifact.version, options)
    inputs, runs = find_inputs(str(path)), open_runs(str(out))
    if len(inputs) != 1:
        raise WrongFile(path, f"means {len(inputs):,} files; expected one, so call score for each")
    with steps() as progress, inputs[0].open() as source:
        engine = WholeFile(isolated())
        result = score_once(
            source,
            spec,
            runs,
            engine,
            progress=lambda rows: progress(f"{rows:,} customers"),
            retry_failed=True,
        )
    return Run(result.manifest, read_summary(runs, result.manifest), str(out))


def audience(
    run: Run | str | Path,
    out: str | Path,
    *,
    clusters: Sequence[int] = (),
    store: str | Path | Store | None = None,
    output_format: Any = None,
    **chosen: Any,
) -> "Audience":
    """List customers of a run for a campaign, as `customer-clusters audience` does.

    Args:
        run: What `score` gave back, or the folder or s3:// address of a run.
        out: The file to write, in place of one that may be there; or its s3:// address.
        clusters: Whose customers; by default those of all.
        store: As for `load`; it is asked for runs of old only.
        output_format: `csv`, `parquet` or `xlsx`; by default what `out` ends in.
        chosen: The other fields of `pipeline.runs.audience.spec.AudienceSpec`, such as `top=500`,
            `by="margin"`, `min_margin=0.2`, `control=0.1` and `include_churned=True`.

    Returns:
        What was written, with the counts of all who were left out.

    Raises:
        WrongFile: There is no such cluster or column, or nobody is left.
    """
    from pipeline.runs.audience.spec import AudienceSpec, format_of
    from pipeline.runs.audience.write import as_target, write_audience
    from pipeline.runs.committed import open_run

    address = run.folder if isinstance(run, Run) else str(run)
    written = output_format or format_of(str(out))
    spec = AudienceSpec(tuple(clusters), format=written, **chosen)

    def contract_of(version: str) -> Contract:
        return load_model(as_store(store).open(version)).contract

    return write_audience(open_run(address), spec, as_target(str(out)), contract_of)


def compare(
    old: str = CHAMPION,
    new: str = CANDIDATE,
    *,
    store: str | Path | Store | None = None,
    data: str | Path | None = None,
) -> Compared:
    """Compare two versions: figures, who moves, and how far the training customers drifted.

    Args:
        old: An alias or version.
        new: Another one.
        store: As for `load`.
        data: A customer file to count on who moves, where training has not.

    Example:
        >>> import customer_clusters as cc
        >>> cc.compare("original", "champion").comparison.figures["churn_auc"].new > 0.8
        True
    """
    from pipeline import comparing

    target = as_store(store)
    artifacts: tuple[Artifact, Artifact] = target.open(old), target.open(new)
    return Compared(comparing.compare(*artifacts, None if data is None else Path(data)))
