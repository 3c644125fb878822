"""What can be wrong with an export."""

from model_store.errors import CustomerClustersError
from pipeline.errors import printable


class WrongExport(CustomerClustersError, ValueError):
    """Raised when a model cannot be exported as it was asked for.

    Args:
        target: The kind of export: sql, onnx, skops or mlflow.
        problem: What is in the way, what was expected and what to do.
    """

    code = "wrong_export"

    def __init__(self, target: str, problem: str) -> None:
        self.target, self.problem = target, printable(problem)
        super().__init__(f"export to {target}: {self.problem}")
