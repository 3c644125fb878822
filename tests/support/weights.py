"""Models whose categories weigh more than training made them."""

from dataclasses import replace

from pipeline.model.cluster_model import ClusterModel


def with_weighty_categories(model: ClusterModel, factor: float) -> ClusterModel:
    """The model with its category columns stretched, so that other categories change clusters.

    Args:
        model: One that is rotated. Its centres stay where they are.
        factor: How many times as wide the columns are.
    """
    assert model.space.components is not None
    wider = [factor if column.value is not None else 1.0 for column in model.columns]
    components = tuple(
        tuple(weight * by for weight, by in zip(axis, wider, strict=True))
        for axis in model.space.components
    )
    return replace(model, space=replace(model.space, components=components))
