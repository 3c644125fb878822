"""A graph of ONNX, made a node at a time."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from model_store.extras import needs_extra

with needs_extra("an export to onnx", "onnx"):
    import onnx
    from onnx import TensorProto, helper, numpy_helper


@dataclass(slots=True)
class GraphBuilder:
    """Collects constants and nodes; every method names what it makes, and gives the name back."""

    _nodes: list[onnx.NodeProto] = field(default_factory=list)
    _constants: list[onnx.TensorProto] = field(default_factory=list)

    def number(self, value: float) -> str:
        """A double."""
        return self._constant(np.array(value, np.float64))

    def array(self, values: Any) -> str:
        """Numbers of any shape: doubles, or whole numbers where they are given as such."""
        return self._constant(np.asarray(values))

    def texts(self, values: list[str]) -> str:
        """Texts in a row."""
        name = f"/constant_{len(self._constants)}"
        encoded = [value.encode() for value in values]
        tensor = helper.make_tensor(name, TensorProto.STRING, [len(values)], encoded)  # type: ignore[arg-type]
        self._constants.append(tensor)
        return name

    def apply(self, operator: str, *inputs: str, into: str = "", **attributes: Any) -> str:
        """The result of an operator.

        Args:
            operator: Its name in ONNX.
            inputs: Names of what it takes.
            into: The name of the result; empty for any.
            attributes: What the operator is told besides.
        """
        name = into or f"/{operator.lower()}_{len(self._nodes)}"
        self._nodes.append(helper.make_node(operator, list(inputs), [name], **attributes))
        return name

    def graph(
        self, name: str, inputs: list[onnx.ValueInfoProto], outputs: list[onnx.ValueInfoProto]
    ) -> onnx.GraphProto:
        """All of it, with what goes in and what comes out."""
        return helper.make_graph(self._nodes, name, inputs, outputs, self._constants)

    def _constant(self, values: "np.ndarray[Any, Any]") -> str:
        name = f"/constant_{len(self._constants)}"
        self._constants.append(numpy_helper.from_array(values, name))
        return name
