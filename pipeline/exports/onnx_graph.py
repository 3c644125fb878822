"""A model as a graph of ONNX, in double precision, made of the numbers of model.json."""

from functools import reduce

import numpy as np

from model_store.extras import needs_extra
from pipeline.exports.errors import WrongExport
from pipeline.exports.graph_builder import GraphBuilder
from pipeline.model.cluster_model import ClusterModel
from pipeline.model.contract import LARGEST, Feature

with needs_extra("an export to onnx", "onnx"):
    import onnx
    from onnx import TensorProto, helper

OUTPUTS = ("cluster", "cluster_name", "churn_rate", "distance", "margin")
NO_CLUSTER = 0
"""What stands for a cluster where a value cannot be used: ids begin at 1."""
_OPSET = 19
"""The first one that compares texts; runtimes of 2023 and later know it."""
_IR_VERSION = 9
_OUTPUT_TYPES = {
    "cluster": TensorProto.INT64,
    "cluster_name": TensorProto.STRING,
    "churn_rate": TensorProto.DOUBLE,
    "distance": TensorProto.DOUBLE,
    "margin": TensorProto.DOUBLE,
}


def to_onnx(model: ClusterModel, version: str) -> bytes:
    """The graph that gives each customer its cluster.

    It has an input for each feature, by its name, with one element a customer: doubles for a
    number, NaN where it is missing, or texts for a category. A customer with a value that the
    contract refuses has cluster 0, an empty name, and NaN for the rest.

    Args:
        model: The model.
        version: What it is called; stands in the metadata.

    Returns:
        The content of a .onnx file, checked by onnx.

    Raises:
        WrongExport: A feature has the name of an output.
        MissingExtra: The extra `onnx` is not installed.
    """
    _refuse_taken(model)
    build = _Assignment(model)
    build.outputs()
    inputs = [_input(feature) for feature in model.contract.features]
    outputs = [helper.make_tensor_value_info(name, _OUTPUT_TYPES[name], ["customers"])
               for name in OUTPUTS]  # fmt: skip
    graph = build.builder.graph("customer_clusters", inputs, outputs)
    made = helper.make_model(
        graph,
        opset_imports=[helper.make_opsetid("", _OPSET)],
        ir_version=_IR_VERSION,
        producer_name="customer-clusters",
    )
    made.doc_string = f"{model.contract.title}: model {version}"
    metadata = {"model_version": version, "contract": model.contract.name}
    helper.set_model_props(made, {**metadata, "contract_sha256": model.contract.digest})
    onnx.checker.check_model(made, full_check=True)
    return bytes(made.SerializeToString())


class _Assignment:
    """The steps of an assignment as nodes, in the order of `ClusterModel.assign_many`."""

    def __init__(self, model: ClusterModel) -> None:
        self.builder = GraphBuilder()
        self._model = model
        self._values = {f.name: self._value(f) for f in model.contract.features}

    def outputs(self) -> None:
        apply, number = self.builder.apply, self.builder.number
        squared = self._squared_distances()
        zero_axis = self.builder.array(np.array([0], np.int64))
        own = apply("ArgMin", squared, axis=0, keepdims=0)  # of several the first: the lowest id
        usable = self._usable()
        nearest, further = self._both(squared, own, zero_axis)
        distance, runner_up = apply("Sqrt", nearest), apply("Sqrt", further)
        both = apply("Add", runner_up, distance)
        margin = apply("Div", apply("Sub", runner_up, distance), both)
        margin = apply("Where", apply("Greater", both, number(0)), margin, number(0))
        clusters = self._model.clusters
        ids = self.builder.array(np.array([cluster.id for cluster in clusters], np.int64))
        rates = [cluster.churn.rate if cluster.churn else np.nan for cluster in clusters]
        answers = {
            "cluster": (apply("Gather", ids, own), self.builder.array(np.array(NO_CLUSTER))),
            "cluster_name": (
                apply("Gather", self.builder.texts([cluster.name for cluster in clusters]), own),
                self.builder.texts([""]),
            ),
            "churn_rate": (apply("Gather", self.builder.array(rates), own), number(np.nan)),
            "distance": (distance, number(np.nan)),
            "margin": (margin, number(np.nan)),
        }
        for name, (answer, otherwise) in answers.items():
            apply("Where", usable, answer, otherwise, into=name)

    def _value(self, feature: Feature) -> str:
        """A feature's value, with what stands in for a missing one."""
        if not feature.numeric or feature.missing is None:
            return feature.name
        missing = self.builder.apply("IsNaN", feature.name)
        stand_in = self.builder.number(float(feature.missing))
        return self.builder.apply("Where", missing, stand_in, feature.name)

    def _usable(self) -> str:
        """Whether all values of a customer are what the contract says."""
        checks = [self._valid(feature) for feature in self._model.contract.features]
        return reduce(lambda a, b: self.builder.apply("And", a, b), checks)

    def _valid(self, feature: Feature) -> str:
        apply, value = self.builder.apply, self._values[feature.name]
        if not feature.numeric:
            known = [apply("Equal", value, self.builder.texts([v])) for v in feature.values]
            return reduce(lambda a, b: apply("Or", a, b), known)
        low = -LARGEST if feature.valid.low is None else max(feature.valid.low, -LARGEST)
        high = LARGEST if feature.valid.high is None else min(feature.valid.high, LARGEST)
        valid = apply(
            "And",
            apply("GreaterOrEqual", value, self.builder.number(low)),
            apply("LessOrEqual", value, self.builder.number(high)),
        )
        if feature.type != "integer":
            return valid
        return apply("And", valid, apply("Equal", value, apply("Floor", value)))

    def _squared_distances(self) -> str:
        """(clusters, customers)."""
        apply, number = self.builder.apply, self.builder.number
        axes = self._rotated(self._standardised())
        rows = []
        for cluster in self._model.clusters:
            offsets = [apply("Sub", axis, number(at))
                       for axis, at in zip(axes, cluster.centre, strict=True)]  # fmt: skip
            squares = [apply("Mul", offset, offset) for offset in offsets]
            total = reduce(lambda a, b: apply("Add", a, b), squares)
            rows.append(apply("Unsqueeze", total, self.builder.array(np.array([0], np.int64))))
        return apply("Concat", *rows, axis=0)

    def _standardised(self) -> list[str]:
        space, apply, number = self._model.space, self.builder.apply, self.builder.number
        lows = {f.name: f.valid.low for f in self._model.contract.features}
        z = []
        for index, column in enumerate(self._model.columns):
            value = self._values[column.feature]
            if column.value is not None:
                is_value = apply("Equal", value, self.builder.texts([column.value]))
                value = apply("Cast", is_value, to=TensorProto.DOUBLE)
            value = self._yeo_johnson(value, space.lambdas[index], lows[column.feature])
            centred = apply("Sub", value, number(space.mean[index]))
            z.append(apply("Div", centred, number(space.scale[index])))
        return z

    def _yeo_johnson(self, x: str, power: float | None, low: float | None) -> str:
        """The transform; a value from 0 on needs one branch, and no other where none is below."""
        apply, number = self.builder.apply, self.builder.number
        if power is None:
            return x
        above = self._power(apply("Max", x, number(0)), power)
        if low is not None and low >= 0:
            return above
        mirrored = apply("Neg", apply("Min", x, number(0)))
        below = apply("Neg", self._power(mirrored, 2 - power))
        return apply("Where", apply("GreaterOrEqual", x, number(0)), above, below)

    def _power(self, x: str, power: float) -> str:
        apply, number = self.builder.apply, self.builder.number
        grown = apply("Add", x, number(1))
        if power == 0:
            return apply("Log", grown)
        raised = apply("Sub", apply("Pow", grown, number(power)), number(1))
        return apply("Div", raised, number(power))

    def _rotated(self, z: list[str]) -> list[str]:
        space, apply, number = self._model.space, self.builder.apply, self.builder.number
        if space.components is None or space.pca_mean is None:
            return z
        moved = [apply("Sub", column, number(mean))
                 for column, mean in zip(z, space.pca_mean, strict=True)]  # fmt: skip
        axes = []
        for axis in space.components:
            terms = [apply("Mul", m, number(w)) for m, w in zip(moved, axis, strict=True)]
            axes.append(reduce(lambda a, b: apply("Add", a, b), terms))
        return axes

    def _both(self, squared: str, own: str, axis: str) -> tuple[str, str]:
        """The squared distances to the own centre and to the runner-up's."""
        apply, count = self.builder.apply, len(self._model.clusters)
        places = self.builder.array(np.arange(count, dtype=np.int64).reshape(-1, 1))
        is_own = apply("Equal", places, apply("Unsqueeze", own, axis))
        others = apply("Where", is_own, self.builder.number(np.inf), squared)
        nearest = apply("ReduceMin", squared, axis, keepdims=0)
        return nearest, apply("ReduceMin", others, axis, keepdims=0)


def _input(feature: Feature) -> onnx.ValueInfoProto:
    kind = TensorProto.DOUBLE if feature.numeric else TensorProto.STRING
    unit = f" [{feature.unit}]" if feature.unit else ""
    text = f"{feature.label}{unit}: {feature.expected}"
    return helper.make_tensor_value_info(feature.name, kind, ["customers"], doc_string=text)


def _refuse_taken(model: ClusterModel) -> None:
    taken = [feature.name for feature in model.contract.features if feature.name in OUTPUTS]
    if taken:
        raise WrongExport("onnx", f"feature {taken[0]} has the name of an answer; rename it")
