"""Answers about customers of scored files."""

from functions.http.schemas.forms import ClusterId, Count, Date, Share, TypedDict


class PlaceAnswer(TypedDict):
    """Where one run has put a customer."""

    as_of: Date
    """The first day of the period that the file belongs to."""
    cluster: ClusterId
    """The id of the cluster."""
    cluster_name: str
    """The cluster's name in that model."""
    churn_rate: Share | None
    """The cluster's rate in training."""
    risk: Share | None
    """The customer's own risk, where that model has such a score."""
    outlier: bool
    """Whether the customer was unlike those of training."""
    churned: bool | None
    """What the file said of the customer; null where it said nothing."""
    implausible: list[str]
    """Features whose unit in that file is probably another one: then all this means nothing."""
    input: str
    """The name of the file."""
    run: str
    """The id of the run that scored it."""
    model_version: str
    """The version of the model that scored it."""


class CustomerAnswer(TypedDict):
    """Which groups one customer was in."""

    id: str
    """The customer's id."""
    places: list[PlaceAnswer]
    """One for each run, the latest period first."""
    runs_searched: Count
    """How many runs were searched."""
    runs_without_index: Count
    """How many could not be: they have no index under the server's key."""
