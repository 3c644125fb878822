"""The shapes of answers for machines: the same over HTTP and from the command line.

A string below a field describes it in the OpenAPI document. New shapes are TypedDicts of `forms`;
they may stand in a module here, or beside what makes them.
"""

from functions.http.schemas.assignments import (
    AssignedItem,
    AssignmentAnswer,
    BatchAnswer,
    BatchCluster,
    ChangeAnswer,
    Churn,
    ClusterName,
    ReasonAnswer,
    RejectedItem,
    RiskScoreAnswer,
    RiskScoreItem,
    RunnerUp,
    RunnerUpItem,
    WhatIfAnswer,
)
from functions.http.schemas.customers import (
    CustomerAnswer,
    PlaceAnswer,
)
from functions.http.schemas.jobs import (
    JobAnswer,
    JobCluster,
    JobCounts,
    JobNotice,
    JobOutput,
    JobState,
    JobUpload,
    OutputRole,
)
from functions.http.schemas.models import (
    ChallengerState,
    ClusterAnswer,
    ClustersAnswer,
    LiveAnswer,
    ModelAnswer,
    ModelsAnswer,
    ModelState,
    ProfileAnswer,
    ReadyAnswer,
)
from functions.http.schemas.problems import (
    FieldProblem,
    ProblemDocument,
)

__all__ = [
    "AssignedItem",
    "AssignmentAnswer",
    "BatchAnswer",
    "BatchCluster",
    "ChallengerState",
    "ChangeAnswer",
    "Churn",
    "ClusterAnswer",
    "ClusterName",
    "ClustersAnswer",
    "CustomerAnswer",
    "FieldProblem",
    "JobAnswer",
    "JobCluster",
    "JobCounts",
    "JobNotice",
    "JobOutput",
    "JobState",
    "JobUpload",
    "LiveAnswer",
    "ModelAnswer",
    "ModelState",
    "ModelsAnswer",
    "OutputRole",
    "PlaceAnswer",
    "ProblemDocument",
    "ProfileAnswer",
    "ReadyAnswer",
    "ReasonAnswer",
    "RejectedItem",
    "RiskScoreAnswer",
    "RiskScoreItem",
    "RunnerUp",
    "RunnerUpItem",
    "WhatIfAnswer",
]
