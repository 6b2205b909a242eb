"""PerfRe, the adaptation probe and predictability: by hand, on planted domains, and where nothing is to be found."""

from pathlib import Path

import numpy as np
import pytest

from gem_core.errors import InputError
from gem_core.mixing import sample_mixtures
from gem_core.mixing.perfre import perfre, upsampled
from gem_core.mixing.predictability import Predictability, predictability
from gem_core.mixing.proxies import ProxyConfig, Windows, train_group, train_proxies
from gem_core.mixing.rapid_adaptation import rapid_adaptation
from gem_core.mixing.token_streams import Streams

TINY = ProxyConfig(layers=2, width=16, heads=2, context=16, batch=4, steps=30, rate=1e-2, judged=256)


def planted() -> Streams:
    """A rule to learn, the same rule again, another rule, and noise."""
    rng = np.random.default_rng(0)
    parts = [
        np.tile([1, 2, 3, 4], 800),
        np.tile([1, 2, 3, 4], 800),
        np.tile([1, 3, 5, 7], 800),
        rng.integers(0, 16, 3200),
    ]
    return Streams(
        tuple(p[:2400].astype(np.uint16) for p in parts), tuple(p[2400:].astype(np.uint16) for p in parts), 16
    )


def test_mixtures_of_the_study_by_hand() -> None:
    rows = upsampled([0.6, 0.4, 0.0], factor=2)
    assert rows[0].tolist() == [0.6, 0.4, 0.0]
    assert rows[1] == pytest.approx([1.2 / 1.6, 0.4 / 1.6, 0])
    assert rows[2] == pytest.approx([0.6 / 1.4, 0.8 / 1.4, 0])
    assert rows[3].tolist() == [0.6, 0.4, 0.0]
    with pytest.raises(InputError, match="must be above 1; got 1"):
        upsampled([0.5, 0.5], factor=1)


def test_weights_by_hand() -> None:
    losses = [[2.0, 4.0, 3.0], [1.8, 4.0, 3.0], [2.0, 3.9, 3.2], [2.4, 4.0, 3.0]]
    shares = [0.5, 0.25, 0.25]
    result = perfre(losses, shares, lift=2)
    # g = (.5 * .2, .25 * .1 - .25 * .2, -.5 * .4) = (.1, -.025, -.2); exponents .5, -.125, -1
    assert result.base == pytest.approx(2.75)
    assert result.benefits == pytest.approx([0.1, -0.025, -0.2])
    raw = np.array([0.5 * 1.414214, 0.25 * 0.917004, 0.25 * 0.5])
    assert result.weights == pytest.approx(raw / raw.sum(), abs=1e-6)
    second = perfre(losses, shares, lift=2, target=[0, 1, 0])  # g = (0, .1, 0)
    assert second.weights == pytest.approx(np.array([0.5, 0.5, 0.25]) / 1.25)
    assert perfre(losses, shares, lift=2, target=[0, 1, 0], caps=[1, 0.1, 1]).weights == pytest.approx([0.6, 0.1, 0.3])
    assert perfre([[1.0, 1.0]] * 3, [0.7, 0.3]).weights == pytest.approx([0.7, 0.3])
    with pytest.raises(InputError, match="Losses must be 4 rows"):
        perfre(losses[:3], shares)
    with pytest.raises(InputError, match="1 of them no numbers"):
        perfre([[1.0, np.nan]] + [[1.0, 1.0]] * 2, [0.5, 0.5])


def test_a_helpful_domain_is_read_more_and_noise_less() -> None:
    streams, shares = planted(), np.array([0.1, 0.2, 0.2, 0.5])
    losses = train_proxies(streams, upsampled(shares), TINY)
    result = perfre(losses, shares, target=[1, 0, 0, 0])  # the first domain; the second holds the same rule
    assert result.benefits[1] > 0 > result.benefits[3]
    assert result.weights[1] > shares[1]
    assert result.weights[3] < shares[3]


def test_the_probe_finds_what_can_be_learnt_fast() -> None:
    streams = planted()
    body = train_group(streams, Windows(streams, TINY.context, 0), np.full((1, 4), 0.25), TINY)
    before = {name: value.detach().clone() for name, value in body.items()}
    probe = rapid_adaptation(streams, body, TINY, [3, 2, 4, 3])
    assert probe.gains[:3].min() > 0.2
    assert probe.gains[3] < 0.05 + 3 * probe.errors[3], "noise is not learnt"
    assert probe.errors[2] < 1e-6 < probe.errors[3], "all windows of a rule are the same"
    assert all(bool((before[name] == value).all()) for name, value in body.items()), "the body stays as it was"
    again = rapid_adaptation(streams, body, TINY, [3, 2, 4, 3])
    assert np.array_equal(probe.gains, again.gains)
    with pytest.raises(InputError, match="2 probes or more"):
        rapid_adaptation(streams, body, TINY, [3, 1, 3, 3])


def test_probes_do_not_feel_each_other() -> None:
    streams = planted()
    body = train_group(streams, Windows(streams, TINY.context, 0), np.full((1, 4), 0.25), TINY)
    few = rapid_adaptation(streams, body, TINY, [2, 2, 2, 2])
    many = rapid_adaptation(streams, body, TINY, [2, 2, 2, 9])
    assert few.gains[:3] == pytest.approx(many.gains[:3], abs=1e-5)


def test_probes_read_windows_of_their_own_above_the_frozen_body(tmp_path: Path) -> None:
    streams = planted()
    streams = Streams(streams.train, tuple(part[:17] for part in streams.held_out), 16)  # one window: judged alike
    body = train_group(streams, Windows(streams, TINY.context, 0), np.full((1, 4), 0.25), TINY)
    probe = rapid_adaptation(streams, body, TINY, [2, 2, 2, 4], folder=tmp_path)
    assert probe.errors[3] > 1e-5, "other windows of the noise"
    blind = {name: value.detach() * (name == "head") for name, value in body.items()}
    assert np.abs(rapid_adaptation(streams, blind, TINY, [2] * 4).gains - probe.gains)[:3].min() > 1e-3
    (tmp_path / "probes-00000.pt").unlink()
    assert np.array_equal(rapid_adaptation(streams, body, TINY, [2, 2, 2, 4], folder=tmp_path).gains, probe.gains)
    other = rapid_adaptation(streams, body, TINY, [2, 2, 2, 4], rate=1e-3, folder=tmp_path)
    assert not np.allclose(other.gains, probe.gains), "what was kept belongs to another rate"


def test_no_step_no_gain() -> None:
    streams = planted()
    body = train_group(streams, Windows(streams, TINY.context, 0), np.full((1, 4), 0.25), TINY)
    assert rapid_adaptation(streams, body, TINY, [2] * 4, steps=0).gains.tolist() == [0.0] * 4


def test_predictable_and_not() -> None:
    w = sample_mixtures([0.5, 0.3, 0.2], 48, seed=1)
    loss = 4 - 0.4 * np.log(0.1 + np.sqrt(w) @ [1.0, 0.4, 0.2])
    good = predictability(w, loss, regressor="effective", splits=4)
    assert good.held_out == 12
    assert good.median > 0.95
    assert good.verdict.startswith("Predictable: median rank correlation")
    noise = predictability(w, np.random.default_rng(0).normal(size=48), regressor="linear")
    assert noise.verdict.startswith("Not predictable with these runs")
    assert len(noise.scores) == 10


def test_held_out_runs_have_no_say() -> None:
    """A loss that is wrong in one run changes a split only where that run is on the fitted side."""
    w = sample_mixtures([0.5, 0.3, 0.2], 20, seed=1)
    loss = w @ [1.0, 2.0, 3.0]
    wrong = loss.copy()
    wrong[3] = 1e6  # of the highest rank wherever it stands
    top = loss.copy()
    top[3] = 10.0
    a, b = (predictability(w, y, regressor="linear", held_out=0.5, splits=8).scores for y in (wrong, top))
    rng = np.random.default_rng(0)
    holdouts = np.array([3 in rng.permutation(20)[:10] for _ in range(8)])
    assert holdouts.any()
    assert (a[holdouts] == b[holdouts]).all()


def test_auto_chooses_inside_the_fitted_part() -> None:
    w = sample_mixtures([0.5, 0.3, 0.2], 30, seed=1)
    result = predictability(w, 4 - 0.4 * np.log(0.1 + np.sqrt(w) @ [1.0, 0.4, 0.2]), splits=2)
    assert set(result.regressors) <= {"lightgbm", "linear", "effective", "exponential", "ensemble"}
    assert result.median > 0.9


def test_words_by_hand() -> None:
    def describe(*scores: float) -> str:
        return Predictability(np.array(scores), ("linear",) * len(scores), 17, 64).verdict

    assert describe(0.9, 0.85, 0.8) == "Predictable: median rank correlation 0.85 (0.82 to 0.88) on 17 of 64 runs"
    assert describe(0.6, 0.7, 0.65).startswith("Partly predictable: median rank correlation 0.65")
    assert describe(0.45, 0.49, 0.47).startswith("Not predictable with these runs")
    assert describe(0.1, 0.2, 0.6, 0.9, 0.9).startswith("Not predictable"), (
        "a quarter of the splits is no better than 0.41"
    )
    with pytest.raises(InputError, match="got 2 of 8 in 10 splits"):
        predictability(np.full((8, 2), 0.5), np.zeros(8))
    with pytest.raises(InputError, match="one finite loss for each mixture"):
        predictability(np.full((8, 2), 0.5), np.full(8, np.nan))


def test_benefits_within_the_noise_leave_natural_weights() -> None:
    rng = np.random.default_rng(0)
    shares = rng.dirichlet(np.full(12, 2.0))
    losses = 4.0 + 1e-6 * rng.standard_normal((13, 12))
    assert perfre(losses, shares).weights == pytest.approx(shares, rel=0.01)
    noisy = 4.0 + 0.02 * rng.standard_normal((13, 12))
    weights = perfre(noisy, shares, noise=0.2).weights
    assert weights == pytest.approx(shares, rel=0.1)
