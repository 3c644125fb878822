"""The documents that a run writes, as types: `manifest.json`, `summary.json` and `failed.json`.

They are JSON objects whose keys stand in this order. A key that is `NotRequired` is left out where
there is nothing to say. Needs the standard library only, so that whoever reads results can use it.
"""

from typing import Literal, NotRequired, TypedDict, final, get_args

from pipeline.reading.facts import ReadingFacts

Verdict = Literal["stable", "moved", "shifted", "implausible", "too few customers"]
"""How far a distribution is from training's."""
OutputFormat = Literal["csv", "parquet", "xlsx"]
"""What assigned rows and lists of them are written as."""
OUTPUT_FORMATS: tuple[OutputFormat, ...] = get_args(OutputFormat)
ChurnVerdict = Literal["as in training", "higher", "lower", "clearly higher", "clearly lower"]
"""How a churn rate compares with what training leads to expect."""
APPENDED_COLUMNS = ("cluster", "cluster_name", "churn_rate", "distance", "margin", "outlier")
"""What scoring appends to each customer, in this order."""
RISK_COLUMNS = ("risk", "risk_low", "risk_high")
"""What stands behind these where the model has a risk score: the share of customers with such
values that churned, and its 95 % interval."""
CHALLENGER_COLUMN = "challenger_cluster"
"""What stands last where a challenger assigned the customers as well."""


class DataSetFile(TypedDict):
    """One file of a data set."""

    name: str
    """Below the data set's address."""
    bytes: int
    first_row: int
    """Counted through all files, from 1."""
    rows: int


class InputIdentity(TypedDict):
    """What was scored."""

    name: str
    identity: str
    """What tells the input from all others: a digest of its content, or what S3 knows it by."""
    bytes: int
    files: NotRequired[list[DataSetFile]]
    """The files of a data set of many."""


class InputFacts(InputIdentity, ReadingFacts):
    """What was scored, and how it was read."""


class ExplainingDocument(TypedDict):
    """What the rows of a run say of why they are where they are."""

    why: NotRequired[int]
    """So many reasons."""
    sentences: NotRequired[bool]
    what_if: NotRequired[bool]


class OptionsDocument(TypedDict):
    """What a user chose about a run."""

    format: str | None
    max_rejected_share: float
    safe_csv: bool
    reading: NotRequired[dict[str, str | int]]
    """What was said about how the file is written; see `pipeline.reading.options`."""
    challenger: NotRequired[str]
    """The challenger's version."""
    explaining: NotRequired[ExplainingDocument]
    as_of: NotRequired[str]
    """The date of the period, YYYY-MM-DD, where somebody said it."""


class LabelDocument(TypedDict):
    """What the churn label of the contract is."""

    column: str
    churned: list[str]
    """Its values that mean that a customer has churned."""
    stayed: list[str]
    churned_word: str
    """What people say of customers who churned, such as "cancelled"."""


class Manifest(TypedDict):
    """`manifest.json`, written last: a run that has it is complete."""

    run: str
    input: InputFacts
    model_version: str
    contract_sha256: str
    options: OptionsDocument
    rows_in: int
    """The sum of the next two."""
    rows_assigned: int
    rows_rejected: int
    columns: dict[str, str]
    """The appended columns: one of `APPENDED_COLUMNS`, of `RISK_COLUMNS` or `CHALLENGER_COLUMN` →
    its name there."""
    outputs: dict[str, str]
    """Role (`assigned`, `rejected`, `clusters`, `summary`, `report`) → path below the results."""
    bytes: dict[str, int]
    """The size of each file by its name in the run's folder."""
    id_column: NotRequired[str | None]
    """The contract's, and so is the next; neither is there in runs of old."""
    label: NotRequired[LabelDocument | None]
    as_of: NotRequired[str]
    """The date of the period that the input belongs to, YYYY-MM-DD: as somebody said, or as its
    name does; not there where neither did."""
    release: NotRequired[str]
    """The product's version that wrote it; not in runs of old."""


class ObservedChurn(TypedDict):
    """How many customers left, where the file says so, with the Wilson 95 % interval."""

    churned: int
    customers: int
    """Those of whom it is known."""
    rate: float
    low: float
    high: float


class ClusterSummary(TypedDict):
    """One cluster's customers."""

    cluster: int
    cluster_name: str
    customers: int
    share: float
    """Of all assigned customers; 0 where there are none."""
    training_share: float
    training_churn_rate: float | None
    expected_churners: float | None
    """Customers times the training churn rate; None where training knew no churn."""
    observed_churn: ObservedChurn | None
    outliers: int
    means: dict[str, float | None]
    """By numeric feature; None without customers."""
    medians: dict[str, float | None]
    at_risk: NotRequired[int]
    """Customers who have not churned as far as is known, and whose own risk is a half or more."""


@final
class NumericDistribution(TypedDict):
    """Where the values of a numeric feature lie, in the bins of the training data."""

    median: float | None
    training_median: float
    training_typical: list[float]
    """Two numbers between which 8 of 10 training customers lie."""
    edges: list[float]
    """Between the bins, ascending: one less than there are shares."""
    shares: list[float]
    training_shares: list[float]


@final
class CategoryDistribution(TypedDict):
    """How often each value of a category occurs."""

    values: list[str]
    shares: list[float]
    training_shares: list[float]


FeatureDistribution = NumericDistribution | CategoryDistribution


class DriftDocument(TypedDict):
    """How far one distribution is from training's."""

    psi: float
    """The population stability index."""
    critical_psi: float | None
    """What chance alone passes once in a thousand files of this size; None without customers."""
    verdict: Verdict


class ClusterChurnDrift(TypedDict):
    """Who left in one cluster, beside what training leads to expect."""

    cluster: int
    churned: int
    customers: int
    """Those of whom it is known."""
    expected: float
    """Of these, at training's rate."""
    p_adjusted: float
    """How often chance alone brings such a difference, adjusted for the number of tests."""
    verdict: ChurnVerdict


class ChurnDriftDocument(TypedDict):
    """Who left in all, beside what training leads to expect of the same clusters."""

    churned: int
    customers: int
    expected: float
    p_adjusted: float
    verdict: ChurnVerdict
    clusters: list[ClusterChurnDrift]


class DriftSummary(TypedDict):
    """How far customers and clusters are from training's."""

    features: dict[str, DriftDocument]
    clusters: DriftDocument
    """The shares of the clusters."""
    implausible: list[str]
    """Features whose unit is probably another one."""
    churn: NotRequired[ChurnDriftDocument | None]
    """None where training or the file does not know who left; not there in runs of old."""


class RepeatedIdsDocument(TypedDict):
    """Ids that several rows have, and rows that are totals."""

    compared: bool
    """False, and no other key, where there are too many ids to compare."""
    ids: NotRequired[int]
    rows: NotRequired[int]
    """All rows with one of these ids."""
    first_rows: NotRequired[list[list[int]]]
    """Of the first few ids: the numbers of their first few rows."""
    total_rows: NotRequired[int]
    """Rows whose id is a word such as Total."""
    first_total_rows: NotRequired[list[int]]


class ExpectedChurners(TypedDict):
    """Churners to be expected of the same customers under two models; None where unknown."""

    model: float | None
    challenger: float | None


class ChallengerCluster(TypedDict):
    """One of the challenger's clusters, of the customers that both models assigned."""

    cluster: int
    cluster_name: str
    customers: int
    share: float
    training_churn_rate: float | None
    observed_churn: ObservedChurn | None


class ChallengerSummary(TypedDict):
    """Where a second model puts the same customers."""

    version: str
    customers: int
    """Those that both models assigned: the crosstab counts them."""
    unassigned: int
    """Those that only the first model assigned."""
    unassigned_for: dict[str, int]
    """Column and code → customers, most first."""
    differ: int | None
    """Customers with another cluster id; None where training never matched the two models' ids."""
    differ_share: float | None
    ari: float
    """The adjusted Rand index, which does not depend on what clusters are called."""
    cluster_ids: list[int]
    """Of the rows of the crosstab."""
    challenger_ids: list[int]
    """Of its columns."""
    crosstab: list[list[int]]
    expected_churners: ExpectedChurners
    clusters: list[ChallengerCluster]


class FeatureContribution(TypedDict):
    """What one feature adds to its customers' lead: d²(runner-up) - d²(own)."""

    mean: float
    """Above zero it speaks for the cluster, against each customer's runner-up."""
    mean_size: float
    """The mean without the signs: near `mean` where it speaks for nearly all customers."""
    share: float
    """Of the sizes of all features."""


class ClusterContributions(TypedDict):
    """What keeps one cluster's customers in it."""

    cluster: int
    cluster_name: str
    features: dict[str, FeatureContribution]
    """The weightiest first; empty without customers."""


class Summary(TypedDict):
    """`summary.json`: what a run says of its customers."""

    rows_in: int
    rows_assigned: int
    rows_rejected: int
    rejected_for: dict[str, int]
    """Column and code → rows, most first."""
    rejected_first_rows: dict[str, list[int]]
    """Column and code → the numbers of the first few rows."""
    filled: NotRequired[dict[str, int]]
    """Feature → customers for whom the contract filled in a missing value; not there without any.
    """
    outliers: int
    observed_churn: ObservedChurn | None
    expected_churners: float | None
    """None where training knew no churn."""
    clusters: list[ClusterSummary]
    features: dict[str, FeatureDistribution]
    drift: DriftSummary
    repeated_ids: NotRequired[RepeatedIdsDocument | None]
    """None where no ids were given; not there in runs of old."""
    challenger: NotRequired[ChallengerSummary]
    contributions: NotRequired[list[ClusterContributions]]
    """Where rows say why they are where they are."""


class ScoredRows(TypedDict):
    """What an engine found in an input, once its rows are written; all else follows from it."""

    input: InputFacts
    format: OutputFormat
    """Of the assigned rows."""
    columns: dict[str, str]
    """Appended column → its name in the assigned file."""
    summary: Summary
    assigned: dict[str, int]
    """The files of assigned rows, and the bytes of each."""


class FailedInput(TypedDict):
    """What could not be scored."""

    name: str
    identity: str


class Failure(TypedDict):
    """`failed.json`: why a file was refused."""

    input: FailedInput
    model_version: str
    error: str
    """The name of the error's class."""
    code: NotRequired[str]
    reason: str
    problem: NotRequired[str]
    """The reason without the name of the file, where a file is to blame."""
    release: NotRequired[str]
    """The product's version that refused it; not in documents of old."""
    time: NotRequired[str]
    """ISO 8601, UTC."""
    remedy: NotRequired[str]
