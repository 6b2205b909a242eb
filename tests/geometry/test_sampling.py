"""Sampling tested against what the distribution says; simplex measures and normalizing by hand."""

import numpy as np
import pytest

from gem_core.errors import InputError
from gem_core.geometry import effective_number, mean_resultant, normalize, normalized_entropy, sample_vmf


def direction(dimension: int, rng: np.random.Generator) -> np.ndarray:
    mu = rng.standard_normal(dimension)
    return mu / np.linalg.norm(mu)


@pytest.mark.parametrize("dimension", [2, 3, 5, 64, 4096])
@pytest.mark.parametrize("kappa", [0.0, 0.5, 20.0, 1000.0, 1e6, 1e18])
def test_mean_and_spread_along_the_mean_direction(dimension: int, kappa: float) -> None:
    """E[mu'x] = A_d and Var[mu'x] = 1 - A^2 - (d-1)/kappa A, within five standard errors."""
    rng = np.random.default_rng(dimension)
    mu, size = direction(dimension, rng), 1500 if dimension > 1000 else 20_000
    x = sample_vmf(mu, kappa, size, rng)
    assert x.shape == (size, dimension)
    assert np.allclose(np.linalg.norm(x, axis=1), 1.0, atol=1e-14)
    # 1 - mu'x as half the squared distance: mu'x itself has no digits left at kappa = 1e18.
    gap = 0.5 * np.sum((x - mu) ** 2, axis=1)
    if kappa < 1e6:
        a = float(mean_resultant(dimension, kappa))
        assert abs(gap.mean() - (1 - a)) < 5 * gap.std() / np.sqrt(size)
        variance = 1 - a * a - a * (dimension - 1) / kappa if kappa else 1 / dimension
        assert gap.var() == pytest.approx(variance, rel=0.2)
    else:
        # kappa |x - mu|^2 tends to chi-square with d - 1 degrees of freedom.
        statistic = 2 * kappa * gap
        allowed = 5 * statistic.std() / np.sqrt(size) + (dimension - 1) ** 2 / kappa  # the limit's own error
        assert abs(statistic.mean() - (dimension - 1)) < allowed


@pytest.mark.parametrize("dimension", [2, 3, 10])
def test_tangent_is_uniform(dimension: int) -> None:
    """Around mu no direction is preferred: the tangent's mean is 0 and its covariance I / (d-1) on the tangent."""
    rng = np.random.default_rng(4)
    mu, size = direction(dimension, rng), 40_000
    x = sample_vmf(mu, 7.0, size, rng)
    tangent = x - np.outer(x @ mu, mu)
    tangent /= np.linalg.norm(tangent, axis=1, keepdims=True)
    assert np.linalg.norm(tangent.mean(axis=0)) < 5 / np.sqrt(size)
    expected = (np.eye(dimension) - np.outer(mu, mu)) / (dimension - 1)
    assert np.abs(tangent.T @ tangent / size - expected).max() < 5 / np.sqrt(size)


def test_angle_follows_the_density_in_the_plane() -> None:
    """On the circle the angle has density exp(kappa cos) / (2 pi I_0): compare the whole histogram."""
    from scipy.stats import kstest, vonmises

    x = sample_vmf([0.0, 3.0], 2.5, 20_000, np.random.default_rng(8))
    angle = np.arctan2(-x[:, 0], x[:, 1])
    assert kstest(angle, vonmises(2.5).cdf).pvalue > 1e-3


def test_same_seed_same_draws_and_none_are_asked() -> None:
    draws = [sample_vmf([1.0, 0.0, 0.0], 9.0, 50, np.random.default_rng(3)) for _ in range(2)]
    assert np.array_equal(*draws)
    assert sample_vmf([1.0, 0.0], 9.0, 0, np.random.default_rng(3)).shape == (0, 2)


def test_draws_stay_distinct_at_huge_concentration() -> None:
    x = sample_vmf([0.0, 0.0, 1.0], 1e14, 1000, np.random.default_rng(0))
    assert len(np.unique(x, axis=0)) == 1000


@pytest.mark.parametrize(
    ("mean", "kappa", "size", "start"),
    [
        ([0.0, 0.0], 1.0, 1, "mean_direction must be one vector with a direction; got shape (2,), length 0.0."),
        ([[1.0, 0.0]], 1.0, 1, "mean_direction must be one vector with a direction; got shape (1, 2), length nan."),
        ([1.0], 1.0, 1, "dimension must be a whole number of at least 2; got 1."),
        ([1.0, 0.0], np.inf, 1, "concentration must be finite and not negative; got inf."),
        ([1.0, 0.0], 1.0, -1, "size must not be negative; got -1."),
    ],
)
def test_refusals(mean: object, kappa: float, size: int, start: str) -> None:
    with pytest.raises(InputError) as caught:
        sample_vmf(mean, kappa, size, np.random.default_rng(0))
    assert str(caught.value).startswith(start)


def test_entropy_and_effective_number_by_hand() -> None:
    """H(1/2, 1/4, 1/4) = 1.5 bits; over log2(3), log2(4) with an empty cluster beside."""
    assert normalized_entropy([2, 1, 1]) == pytest.approx(1.5 / np.log2(3))
    assert normalized_entropy([2, 1, 1, 0]) == pytest.approx(0.75)
    assert effective_number([2, 1, 1]) == pytest.approx(2**1.5)
    assert (normalized_entropy([1.0, 0.0]), effective_number([1.0, 0.0])) == (0.0, 1.0)
    assert (normalized_entropy([3.0]), effective_number([3.0])) == (1.0, 1.0)
    assert normalized_entropy(np.full(7, 1 / 7)) == 1.0


@pytest.mark.parametrize("masses", [[], [0.0, 0.0], [1.0, -0.1], [1.0, np.nan], [[1.0]]])
def test_masses_are_checked(masses: object) -> None:
    for measure in (normalized_entropy, effective_number):
        with pytest.raises(InputError, match=r"^masses must be"):
            measure(masses)


def test_normalize() -> None:
    assert normalize([[3, 4], [0, -2]]).tolist() == [[0.6, 0.8], [0.0, -1.0]]
    assert normalize(np.array([[3, 4]], dtype=np.float16)).dtype == np.float32
    wide = normalize(np.array([[3e37, 4e37], [3e-30, 4e-30]], dtype=np.float32))
    assert wide.dtype == np.float32
    assert np.allclose(wide, [[0.6, 0.8]] * 2, rtol=1e-7, atol=0)
    with pytest.raises(InputError, match="vectors with a direction"):
        normalize([[1.0, 0.0], [0.0, 0.0]])
