"""Bessel functions, normalizer, resultant and inverse against 50 digits, closed forms and limits."""

import json
from pathlib import Path

import mpmath as mp
import numpy as np
import pytest

from gem_core.errors import InputError
from gem_core.geometry import concentration_from_resultant, log_bessel, log_normalizer, mean_resultant

GOLDEN = json.loads((Path(__file__).parent.parent / "golden" / "vmf.json").read_text(encoding="utf-8"))["rows"]
# A hundred times tighter than what the method asks for (1e-10), so that a lost digit is seen.
TOLERANCE = 1e-12


def relative_error(value: float, exact: str | mp.mpf) -> float:
    with mp.workdps(50):
        exact = mp.mpf(exact)
        return float(abs((mp.mpf(float(value)) - exact) / exact))


@pytest.mark.parametrize("dimension", sorted({row["dimension"] for row in GOLDEN}))
def test_agrees_with_fifty_digits(dimension: int) -> None:
    rows = [row for row in GOLDEN if row["dimension"] == dimension]
    kappas = np.array([row["concentration"] for row in rows])
    resultants = [float.fromhex(row["resultant"]) for row in rows]
    values = {
        "log_bessel": log_bessel(dimension / 2 - 1, kappas),
        "log_normaliser": log_normalizer(dimension, kappas),
        "mean_resultant": mean_resultant(dimension, kappas),
        "concentration_from_resultant": concentration_from_resultant(dimension, resultants, cap=np.inf),
    }
    for name, column in values.items():
        for value, row in zip(column, rows, strict=True):
            assert relative_error(value, row[name]) < TOLERANCE, (name, row["concentration"])


def test_golden_file_covers_the_required_grid() -> None:
    assert {row["dimension"] for row in GOLDEN} == {2, 3, 8, 64, 384, 768, 1024, 4096}
    kappas = {row["concentration"] for row in GOLDEN}
    assert min(kappas) == 1e-3
    assert max(kappas) == 1e6


def test_log_bessel_agrees_with_mpmath_across_the_routes() -> None:
    """Orders and arguments on both sides of every switch, against mpmath's own Bessel function."""
    orders = [0.0, 0.3, 0.5, 1.0, 7.5, 15.9, 23.5, 24.0, 24.5, 60.0, 383.0]
    with mp.workdps(50):
        for order in orders:
            switch = 2.0 * (order + 1.0) ** 0.5
            for x in (1e-3, switch * (1 - 1e-12), switch * (1 + 1e-12), 3.0, 24.0, 150.0, 2000.0):
                exact = mp.log(mp.besseli(order, x, maxterms=10**6))
                # log I crosses zero in here, so errors are taken over the larger of 1 and |log I|.
                error = abs(float(mp.mpf(float(log_bessel(order, x))) - exact)) / max(1.0, abs(float(exact)))
                assert error < 1e-13, (order, x, error)


def test_log_bessel_closed_forms() -> None:
    """I_0(0) = 1, I_nu(0) = 0, I_1/2(x) = sqrt(2 / (pi x)) sinh x, and the value that scipy's ive loses."""
    assert log_bessel([0.0, 0.5, 400.0], 0.0).tolist() == [0.0, -np.inf, -np.inf]
    x = np.array([0.2, 1.0, 5.0, 30.0])
    assert np.allclose(log_bessel(0.5, x), np.log(np.sqrt(2 / (np.pi * x)) * np.sinh(x)), rtol=0, atol=1e-13)
    assert log_bessel(383, 10.0) == pytest.approx(-1282.51, abs=0.005)


def test_log_bessel_broadcasts() -> None:
    table = log_bessel(np.array([[0.0], [10.0], [300.0]]), np.array([0.5, 50.0]))
    assert table.shape == (3, 2)
    assert table[1, 1] == pytest.approx(float(log_bessel(10.0, 50.0)), rel=1e-14)
    assert table[2, 0] == pytest.approx(float(log_bessel(300.0, 0.5)), rel=1e-14)


@pytest.mark.parametrize("dimension", [2, 3, 8, 768])
def test_normalizer_at_zero_is_the_area_of_the_sphere(dimension: int) -> None:
    with mp.workdps(50):
        area = 2 * mp.pi ** (mp.mpf(dimension) / 2) / mp.gamma(mp.mpf(dimension) / 2)
        assert relative_error(float(log_normalizer(dimension, 0.0)), -mp.log(area)) < 1e-13


def test_three_dimensions_by_hand() -> None:
    """C_3 = kappa / (4 pi sinh kappa) and A_3 = coth kappa - 1 / kappa (Langevin)."""
    kappa = np.array([0.5, 2.0, 11.0])
    assert np.allclose(log_normalizer(3, kappa), np.log(kappa / (4 * np.pi * np.sinh(kappa))), rtol=1e-14, atol=1e-14)
    assert np.allclose(mean_resultant(3, kappa), 1 / np.tanh(kappa) - 1 / kappa, rtol=1e-14, atol=0)


@pytest.mark.parametrize("dimension", [2, 7, 30, 1000])
def test_density_integrates_to_one(dimension: int) -> None:
    """C_d(kappa) times the area of S^{d-2} times the integral of exp(kappa w) (1 - w^2)^{(d-3)/2} over w is 1."""
    angle = (np.arange(200_000) + 0.5) * np.pi / 200_000
    log_area = np.log(2) + 0.5 * (dimension - 1) * np.log(np.pi) - float(mp.loggamma(0.5 * (dimension - 1)))
    for kappa in (0.1, 5.0, 400.0):
        log_density = float(log_normalizer(dimension, kappa)) + log_area + kappa * np.cos(angle)
        total = np.sum(np.exp(log_density + (dimension - 2) * np.log(np.sin(angle)))) * np.pi / 200_000
        assert total == pytest.approx(1.0, abs=1e-8)


def test_resultant_is_the_slope_of_minus_log_normalizer() -> None:
    for dimension in (2, 9, 384):
        for kappa in (0.7, 40.0, 3000.0):
            h = 1e-3 * kappa
            low, high = log_normalizer(dimension, [kappa - h, kappa + h])
            assert -(high - low) / (2 * h) == pytest.approx(float(mean_resultant(dimension, kappa)), rel=1e-6)


@pytest.mark.parametrize("dimension", [2, 3, 5, 20, 64, 384, 4096])
def test_inverse_undoes_the_resultant_between_the_grid_points(dimension: int) -> None:
    kappa = np.logspace(-9, 4, 300)
    back = concentration_from_resultant(dimension, mean_resultant(dimension, kappa))
    # The float64 resultant itself blurs kappa by about eps kappa / (1 - A) near the top.
    assert np.all(np.abs(back / kappa - 1) < 1e-13 + 1e-15 * kappa)


def test_inverse_at_the_ends_and_at_the_cap() -> None:
    assert concentration_from_resultant(5, [0.0, 1.0, 1.0 + 1e-9]).tolist() == [0.0, 1e6, 1e6]
    assert concentration_from_resultant(5, [0.2, 0.9999], cap=100.0)[1] == 100.0
    assert concentration_from_resultant(5, 1.0, cap=np.inf) == np.inf
    assert concentration_from_resultant(2, 5e-324) > 0
    assert np.isfinite(concentration_from_resultant(2, 1 - 2.0**-53, cap=np.inf))


def test_extreme_concentrations_stay_finite() -> None:
    kappa = np.array([0.0, 1e-300, 1e12, 1e300])
    assert np.all(np.isfinite(log_normalizer(768, kappa)))
    assert mean_resultant(768, kappa)[[0, 3]].tolist() == [0.0, 1.0]
    assert np.all(np.diff(mean_resultant(768, np.logspace(-6, 12, 500))) > 0)


def test_scalars_and_shapes() -> None:
    assert mean_resultant(10, 3.0).shape == ()
    assert log_normalizer(10, np.ones((2, 3))).shape == (2, 3)
    assert concentration_from_resultant(10, np.full((2, 3), 0.4)).shape == (2, 3)
    assert concentration_from_resultant(10, np.empty(0)).shape == (0,)
    assert log_bessel(np.empty(0), 1.0).shape == (0,)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: log_bessel(-1.0, 1.0), "order must be finite and not negative; got -1.0. Check the argument."),
        (lambda: log_bessel(1.0, np.nan), "x must be finite and not negative; got nan. Check the argument."),
        (
            lambda: log_normalizer(1, 1.0),
            "dimension must be a whole number of at least 2; got 1. Pass vectors with two coordinates or more.",
        ),
        (
            lambda: mean_resultant(3, [1.0, -2.0]),
            "concentration must be finite and not negative; got -2.0. Check the fit that it came from.",
        ),
        (
            lambda: concentration_from_resultant(3, 1.5),
            "resultant must lie between 0 and 1; got 1.5. "
            "Divide the length of the summed unit vectors by the summed weights.",
        ),
        (
            lambda: concentration_from_resultant(3, 0.5, cap=0.0),
            "cap must be positive; got 0.0. Use the default, 1e+06.",
        ),
    ],
)
def test_refusals(call, message: str) -> None:
    with pytest.raises(InputError) as caught:
        call()
    assert str(caught.value) == message
