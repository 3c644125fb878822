"""What became of a run's customers, as a type: `outcomes.json`, which is written beside the run.

It is a JSON object whose keys stand in this order; it names no customer. Needs the standard library
only, so that whoever compares models or shows history can read it.
"""

from typing import Literal, TypedDict, get_args

OUTCOMES_FILE, OUTCOMES_PAGE = "outcomes.json", "outcomes.html"
OUTCOMES_FOLDER = "outcomes"
"""In the folder of a run; below it a folder for each day and labels."""
OutcomeVerdict = Literal["as trained", "higher", "lower", "cannot tell yet"]
"""How a churn rate compares with training's."""
IdMatching = Literal["text", "number"]
"""Whether 001 and 1 are two customers, or one."""
ID_MATCHINGS: tuple[IdMatching, ...] = get_args(IdMatching)
EffectVerdict = Literal["fewer", "more", "cannot tell yet"]
"""Whether fewer of those who were contacted churned than of the control group."""


class Estimate(TypedDict):
    """A figure with its 95 % interval."""

    value: float
    low: float
    high: float


class Sample(TypedDict):
    """A churn rate of some customers with its interval; `value` is the rate."""

    churned: int
    customers: int
    value: float
    low: float
    high: float


class LabelledFile(TypedDict):
    """A file that was read, without the path that led to it."""

    name: str
    identity: str


class CustomerCounts(TypedDict):
    """Every customer of the run is counted once: the sum of those that follow `customers`."""

    customers: int
    no_id: int
    repeated: int
    """Rows whose id stands in another row of the run too."""
    churned_before: int
    """Had churned already when the file was scored, as the file says."""
    contradicted: int
    """The labels say both that they churned and that they stayed."""
    not_known: int
    """Their label is empty or a word that the contract does not know."""
    no_label: int
    counted: int


class LabelCounts(TypedDict):
    """The rows of the labels."""

    rows: int
    no_id: int
    ids: int
    """Each counted once."""
    repeated_ids: int
    """Ids in more than one row; where these agree, they count once."""
    strangers: int
    """Ids of no customer of the run."""
    spelled_otherwise: int
    """Of these: a customer without a label has the same id but for leading zeros or `.0`."""
    broken: int
    """Rows that are no row of the table."""


class Comparison(TypedDict):
    """Customers of whom it is known who churned, beside what training leads to expect."""

    counted: int
    observed: Sample | None
    """None where nobody is counted."""
    expected: Estimate
    """Training's rate, which is known by a sample too; of all customers in these groups."""
    expected_churners: float
    difference: Estimate | None
    """The observed rate less the expected one."""
    p_adjusted: float
    """How often chance alone brings such a difference, adjusted for the number of tests."""
    verdict: OutcomeVerdict


class ClusterOutcome(Comparison):
    """One cluster's customers."""

    cluster: int
    cluster_name: str
    customers: int
    """Who had not churned when the file was scored."""
    trained_on: int
    """Training's customers whose churn its rate counts."""


class Tenth(TypedDict):
    """A tenth of the customers by their risk, the least first."""

    customers: int
    risk: float
    """The mean of what the score says."""
    observed: Sample


class Ranking(TypedDict):
    """How well rates foresaw who churned."""

    auc: Estimate | None
    """None where nobody churned, or everybody."""
    brier: float
    """The mean squared difference of rate and outcome; less is better."""
    expected_churners: float


class RiskRanking(Ranking):
    """That of each customer's own risk."""

    customers: int
    """Counted customers who have a risk."""
    tenths: list[Tenth]


class Rankings(TypedDict):
    """How well the rates of the clusters, and each customer's own risk, foresaw who churned."""

    one_rate_brier: float | None
    """Of a forecast that says the same of everybody, the observed rate."""
    clusters: Ranking | None
    """None where nobody is counted."""
    risk: RiskRanking | None
    """None where the run has no risk."""


class AudienceCounts(TypedDict):
    """The rows of a list: the sum of those that follow `rows` is its ids."""

    rows: int
    no_id: int
    repeated: int
    """Rows whose id stood in the list before, with the same mark."""
    contradicted: int
    """Ids that are marked as control in one row and not in another."""
    strangers: int
    """Ids of no customer of the run."""
    not_counted: int
    """Customers of the run whose outcome is not counted."""
    counted: int


class AudienceOutcome(TypedDict):
    """What a campaign has changed: those to contact beside the control group."""

    file: LabelledFile
    counts: AudienceCounts
    contacted: Sample | None
    control: Sample | None
    difference: Estimate | None
    """The rate of those who were contacted less that of the control group."""
    prevented: Estimate | None
    """So many fewer churned among those who were contacted; below zero, more."""
    p: float
    verdict: EffectVerdict


class OutcomesDocument(TypedDict):
    """`outcomes.json`: the outcomes of one run on one day; it never changes."""

    outcomes: str
    """The day and a digest of run and files: another file makes other outcomes."""
    as_of: str
    """YYYY-MM-DD: the day on which it was known who had churned."""
    run: str
    model_version: str
    input: LabelledFile
    implausible: list[str]
    """Features whose unit in the scored file is probably another one than training's."""
    scored_as_of: str | None
    """The day that the scored file belongs to, where the run says it."""
    labels: LabelledFile
    others_stayed: bool
    """Whether customers without a label were taken to have stayed."""
    ids: IdMatching
    all_churned: bool
    """Whether the labels have no words, so that everybody in them was taken to have churned."""
    churned_word: str
    counts: CustomerCounts
    label_counts: LabelCounts
    overall: Comparison
    clusters: list[ClusterOutcome]
    rankings: Rankings
    audience: AudienceOutcome | None
