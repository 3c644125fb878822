import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.preprocessing import PowerTransformer

from pipeline.model.geometry import Space, squared_distance, yeo_johnson

finite = st.floats(-1e6, 1e6)


@pytest.mark.parametrize("power", [-1.0, 0.0, 0.4, 1.0, 2.0, 3.0])
def test_yeo_johnson_equals_scikit_learns(power: float) -> None:
    x = np.linspace(-30, 30, 121)
    reference = PowerTransformer(standardize=False).fit(x[:, None])
    reference.lambdas_ = np.array([power])
    expected = reference.transform(x[:, None])[:, 0]
    np.testing.assert_allclose(yeo_johnson(x, power), expected, rtol=1e-12)
    np.testing.assert_allclose([yeo_johnson(v, power) for v in x.tolist()], expected, rtol=1e-12)


@given(st.lists(finite, min_size=3, max_size=3), st.lists(finite, min_size=2, max_size=2))
def test_one_and_many_take_the_same_steps(values: list[float], centre: list[float]) -> None:
    space = Space(
        (None,) * 3,
        (1.0, 2.0, 3.0),
        (0.5, 2.0, 7.0),
        (0.1, 0.2, 0.3),
        ((0.6, 0.8, 0.0), (0.0, 0.0, 1.0)),
    )
    one = squared_distance(space.rotate(space.standardise(values)), centre)
    columns = [np.array([value]) for value in values]
    many = squared_distance(space.rotate(space.standardise(columns)), centre)
    assert one == many[0]  # to the last bit


@given(
    st.lists(finite, min_size=2, max_size=2),
    st.lists(st.floats(-10, 10), min_size=2, max_size=2),
    st.lists(st.floats(-10, 10), min_size=2, max_size=2),
)
def test_contributions_add_up_without_a_rotation(
    z: list[float], own: list[float], other: list[float]
) -> None:
    space = Space((None,) * 2, (0.0, 0.0), (1.0, 1.0))
    difference = squared_distance(z, other) - squared_distance(z, own)
    scale = 1 + max(abs(value) for value in z) ** 2
    assert sum(space.border(own, other).terms(z)) == pytest.approx(difference, abs=1e-9 * scale)
