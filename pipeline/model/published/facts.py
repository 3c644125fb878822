"""What training states about a model in its manifest, for pages, reports and comparisons.

Any key may be missing: the artifact of an older release, or of another maker, states less.
"""

from collections.abc import Mapping
from typing import Literal, TypedDict, cast

from model_store import Artifact


class RecipeFacts(TypedDict, total=False):
    """What was trained, and how; see `pipeline.training.recipes.Recipe`."""

    name: str
    title: str
    features: list[str]
    k: int
    principal_components: int | None
    yeo_johnson: list[str]
    scaling: Literal["standard", "robust"]
    n_init: int
    seed: int
    algorithm: Literal["kmeans", "minibatch"]
    by_churn: bool
    """Whether churn took part in choosing it."""
    risk: bool
    risk_features: list[str]


class TrainingData(TypedDict, total=False):
    """The customer file that was read, and what cleaning left out of it."""

    file: str
    sha256: str
    rows_read: int
    rows_used: int
    duplicate_rows: int
    rejected_rows: int
    rejected_for: dict[str, int]
    """Column and code → number of rows."""
    dropped_columns: list[str]
    filled: dict[str, int]
    """Feature → customers for whom the contract filled in a missing value."""


class Metrics(TypedDict, total=False):
    """The evidence for a model. Figures about churn are None where there was no label."""

    customers: int
    cluster_sizes: list[int]
    cluster_churn_rates: list[float] | None
    churn_rate: float | None
    churn_counted_on: int | None
    """Customers whose churn the clusters' rates count: those that took no part in choosing."""
    inertia: float
    silhouette_model_space: float
    silhouette_standardised_space: float
    silhouette_raw_space: float
    davies_bouldin: float
    calinski_harabasz: float
    gap: float | None
    gap_standard_error: float | None
    beats_single_group: bool | None
    jaccard: list[float]
    """Per cluster, in the order of the clusters."""
    smallest_share: float
    churn_auc: float | None
    churn_auc_sd: float | None
    lowest_churn: float | None
    highest_churn: float | None
    cramers_v: float | None
    weakest_jaccard: float
    stability: str
    """The weakest Jaccard in a word."""
    churn_auc_untouched: float | None
    """On customers that took no part in choosing; only where the recipe was searched for."""


class RiskFigures(TypedDict, total=False):
    """What one way to foresee who leaves is worth."""

    auc: float
    brier: float
    log_loss: float


class ReachedFacts(TypedDict, total=False):
    """Who is reached by as many calls as the riskiest group has customers."""

    customers: int
    leavers: int
    by_group: int
    by_risk: int


class ReliabilityFacts(TypedDict, total=False):
    """A tenth of the customers: the mean of what the score says, and who left."""

    risk: float
    churned: int
    customers: int


class RiskFacts(TypedDict, total=False):
    """What the risk score is worth, on customers that took no part in choosing and fitting."""

    published: bool
    reason: str
    """Why it is not published; empty where it is."""
    features: list[str]
    not_read: list[str]
    """The model's other features: sensitive, or telling less."""
    customers: int
    churned: int
    score: RiskFigures | None
    groups: RiskFigures | None
    """Of the groups' rates."""
    gain: float
    """By how much the score's log loss is less than that of the groups' rates."""
    gain_error: float
    slope: float | None
    """Of what happened over the logit: 1 is calibrated."""
    slope_error: float | None
    reached: ReachedFacts | None
    reliability: list[ReliabilityFacts]


class RuleLeaf(TypedDict):
    """One line of the readable rule: whoever meets every condition is put into the cluster."""

    conditions: list[str]
    """In words; none where the rule has one leaf alone."""
    cluster: int
    customers: int
    right: float
    """The share of these that are in the cluster."""


class RuleFacts(TypedDict):
    """A few questions that nearly repeat the clusters, for people to remember."""

    questions: int
    """At most so many for one customer."""
    fidelity: float
    """The share of the training customers that it puts into their own cluster."""
    leaves: list[RuleLeaf]


class LineageFacts(TypedDict, total=False):
    """Where the cluster ids come from."""

    champion: str
    """The version that the clusters were matched with."""
    retired: list[int]
    """Ids that no cluster gets again."""
    last_id: int
    """The highest id that any model of the store had when this one was trained."""


class ModelFacts(TypedDict, total=False):
    """Everything that the manifest of a model states besides its files."""

    recipe: RecipeFacts
    training: TrainingData
    metrics: Metrics
    risk: RiskFacts
    """Only where a risk score was asked for and training had a label."""
    rule: RuleFacts
    verdict: str
    """What kind of clusters they are; only where the recipe was searched for."""
    contract_sha256: str
    release: str
    """The product's version that trained it; not in models of old."""
    libraries: dict[str, str]
    lineage: LineageFacts
    texts_by_people: dict[str, list[str]]
    """Cluster id → which of name and description people gave."""
    renamed_from: list[str]
    """Versions that are this one but for words, the oldest first."""


def facts_of(artifact: Artifact) -> ModelFacts:
    """The facts in an artifact's manifest."""
    return cast(ModelFacts, artifact.manifest.facts)


def matched_with(artifact: Artifact) -> str | None:
    """The version whose cluster ids an artifact goes on with; None where it goes on with none."""
    return facts_of(artifact).get("lineage", {}).get("champion")


def same_clusters(artifact: Artifact) -> tuple[str, ...]:
    """The version itself, and those that are the same but for the words about clusters."""
    return (artifact.version, *facts_of(artifact).get("renamed_from", ()))


def figure(metrics: Metrics, name: str) -> float | None:
    """One figure by its name; None where it is unknown."""
    return cast(Mapping[str, float | None], metrics).get(name)
