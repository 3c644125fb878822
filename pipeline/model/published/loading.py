"""The one way to load the model of an artifact."""

from model_store import Artifact
from pipeline.model.cluster_model import ClusterModel


def load_model(artifact: Artifact) -> ClusterModel:
    """The model of an artifact, verified before it answers anything.

    Its digest must be the one that was published, its parts must fit together, and it must give
    the golden customers the answers that training gave them. Nothing is unpickled.

    Args:
        artifact: A published version, as `Store.open` gives it.

    Returns:
        The model, ready to assign customers.

    Raises:
        WrongArtifact: model.json is missing, differs from what was published, or is no usable
            model.
        NotFound: the artifact's manifest names no model.json.
        Temporary: the storage did not answer; the same call may succeed later.
        Denied: the storage refuses, and will refuse again.
    """
    return ClusterModel.from_json(artifact.read("model.json"), artifact.version)
