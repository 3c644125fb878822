"""The code of a model of MLflow: copied into its folder, and run when it is loaded."""

from pathlib import Path
from typing import Any

from mlflow.models import set_model
from mlflow.pyfunc.model import PythonModel

from pipeline.exports.pyfunc import assign, read_model


class CustomerClusters(PythonModel):
    """Gives each customer of a table the cluster."""

    def load_context(self, context: Any) -> None:
        """Read the model that lies in the folder."""
        self.model = read_model(Path(context.artifacts["version"]))

    # MLflow would take types in this line for a signature; the model has one.
    def predict(self, context, model_input, params=None):  # type: ignore[no-untyped-def]
        """A row for each customer: cluster, name, churn rate, distance, margin, problem."""
        return assign(self.model, model_input)


set_model(CustomerClusters())
