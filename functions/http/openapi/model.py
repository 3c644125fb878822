"""Operations that read the model, and the health of the server."""

from typing import Any

from functions.http.openapi.operation import READS, Answer, Media, Operation, Parameter
from functions.http.openapi.problems import EXAMPLES
from functions.http.presenter import model_answer, presenter_of
from functions.http.problems import ProblemError
from functions.http.schemas import (
    ClusterAnswer,
    ClustersAnswer,
    LiveAnswer,
    ModelAnswer,
    ModelsAnswer,
    ReadyAnswer,
)
from functions.live_model import LoadedModel


def _clusters(loaded: LoadedModel) -> Any:
    return presenter_of(loaded).clusters()


def _cluster(loaded: LoadedModel) -> Any:
    return presenter_of(loaded).cluster(loaded.model.clusters[0])


def _model(loaded: LoadedModel) -> Any:
    return model_answer(loaded, "champion")


def _ready(loaded: LoadedModel) -> Any:
    return {
        "status": "ready",
        "release": "1.0.0",
        "model_version": loaded.version,
        "loaded_at": loaded.artifact.manifest.version.published.isoformat(),
        "reload_failure": None,
        "models": _models(loaded)["models"],
    }


def _models(loaded: LoadedModel) -> Any:
    state = {
        "name": "default",
        "default": True,
        "reference": "champion",
        "state": "loaded",
        "version": loaded.version,
        "title": loaded.model.contract.title,
        "failure": None,
        "challenger": None,
    }
    return {"models": [state]}


_KEPT = {
    "ETag": "Names this text. A request with it in If-None-Match is answered by 304 without a body "
    "while the text is the same.",
    "Cache-Control": "How long it may be used without asking again.",
}
_CLUSTER_ID = Parameter(
    "cluster_id",
    "The id of a cluster, as in `cluster.id` of an assignment.",
    {"type": "integer", "minimum": 0},
    example=lambda loaded: loaded.model.clusters[0].id,
)
_NO_CLUSTER = ProblemError(404, EXAMPLES["unknown_cluster"], code="unknown_cluster")

OPERATIONS = (
    Operation(
        id="listClusters",
        method="get",
        path="/v1/clusters",
        tag="Model",
        summary="Every cluster with its size and profile",
        answers={
            200: Answer(
                Media(ClustersAnswer, _clusters),
                "The clusters, by id",
                _KEPT,
                links={"getCluster": {"cluster_id": "$response.body#/clusters/0/id"}},
            )
        },
        problems=READS,
    ),
    Operation(
        id="getCluster",
        method="get",
        path="/v1/clusters/{cluster_id}",
        tag="Model",
        summary="One cluster with its size and profile",
        parameters=(_CLUSTER_ID,),
        answers={200: Answer(Media(ClusterAnswer, _cluster), "The cluster", _KEPT)},
        problems=(*READS, _NO_CLUSTER),
    ),
    Operation(
        id="getModel",
        method="get",
        path="/v1/model",
        tag="Model",
        summary="The model that answers: version, metrics and contract",
        answers={200: Answer(Media(ModelAnswer, _model), "The model", _KEPT)},
        problems=READS,
    ),
    Operation(
        id="listModels",
        method="get",
        path="/v1/models",
        tag="Model",
        summary="The models that this server answers with",
        description="Each has the same interface below `/v1/models/{name}`, and describes it at "
        "`/v1/models/{name}/openapi.json`. The addresses without a name are the default's.",
        answers={200: Answer(Media(ModelsAnswer, _models), "The models, the default first")},
        problems=READS,
    ),
    Operation(
        id="getLiveness",
        method="get",
        path="/health/live",
        tag="Health",
        summary="Whether the process answers at all; open without a key",
        answers={200: Answer(Media(LiveAnswer, lambda loaded: {"status": "live"}), "It does")},
        problems=(431,),
        key="none",
    ),
    Operation(
        id="getReadiness",
        method="get",
        path="/health/ready",
        tag="Health",
        summary="Whether a model is loaded and gives its golden customers their known answers",
        description="Without a key, where keys are set, it says no more than that: for probes.",
        answers={200: Answer(Media(ReadyAnswer, _ready), "It is")},
        problems=READS,
        key="optional",
    ),
)
