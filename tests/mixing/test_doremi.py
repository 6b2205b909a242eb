"""DoReMi: the update by hand, the weighting by hand, and a domain that is hard to learn gets more."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from gem_core.errors import Cancelled, InputError
from gem_core.mixing import doremi as module
from gem_core.mixing.doremi import DoReMi, doremi, doremi_update, window_weights
from gem_core.mixing.proxies import ProxyConfig
from gem_core.mixing.token_streams import Streams

TINY = ProxyConfig(layers=2, width=16, heads=2, context=8, batch=6, steps=120, judged=200)
ONE = ProxyConfig(layers=2, width=16, heads=2, context=8, batch=1, steps=30, judged=200)  # a window a step


def languages(length: int = 4000) -> Streams:
    """Domain 0 is noise, 1 is a short cycle, 2 takes longer: each token has a favorite to follow it."""
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 12, length)
    cycle = np.arange(length) % 3
    follows, hard = rng.permutation(12), np.zeros(length, dtype=int)
    for i in range(1, length):
        hard[i] = follows[hard[i - 1]] if rng.random() < 0.9 else rng.integers(12)
    streams = [part.astype(np.uint16) for part in (noise, cycle, hard)]
    return Streams(tuple(part[:-400] for part in streams), tuple(part[-400:] for part in streams), 12)


# By hand: a exp(s), over its sum, times 0.9, plus 0.1 / K. exp(log 3) = 3, exp(log 2) = 2.
TABLE = [
    ([0.5, 0.5], [np.log(3), 0.0], [0.9 * 0.75 + 0.05, 0.9 * 0.25 + 0.05]),
    ([0.2, 0.3, 0.5], [np.log(2), np.log(2), np.log(2)], [0.9 * 0.2 + 1 / 30, 0.9 * 0.3 + 1 / 30, 0.9 * 0.5 + 1 / 30]),
    (
        [0.2, 0.3, 0.5],
        [np.log(3), np.log(2), 0.0],
        [0.9 * 0.6 / 1.7 + 1 / 30, 0.9 * 0.6 / 1.7 + 1 / 30, 0.9 * 0.5 / 1.7 + 1 / 30],
    ),
    ([0.0, 1.0], [50.0, 0.0], [0.05, 0.95]),
]


@pytest.mark.parametrize(("alpha", "scores", "expected"), TABLE)
def test_the_update_is_the_table(alpha: list[float], scores: list[float], expected: list[float]) -> None:
    assert doremi_update(np.array(alpha), np.array(scores), 1.0, 0.1) == pytest.approx(expected, abs=1e-12)


def test_the_update_defaults_and_extremes() -> None:
    new = doremi_update(np.array([0.25] * 4), np.array([0.0, 0.0, 0.0, 2000.0]))
    assert new == pytest.approx([0.00025] * 3 + [0.99925])
    twice = doremi_update(np.array([0.5, 0.5]), np.array([np.log(3), 0.0]), eta=2.0, smoothing=0.0)
    assert twice == pytest.approx([0.9, 0.1])


def test_windows_are_weighted_as_each_normalizer_says() -> None:
    alpha, domain = np.array([0.1, 0.2, 0.3, 0.4]), np.array([3, 1, 3, 0])
    loss = np.array([1.0, 2.0, 3.0, 4.0])
    by_token = (0.4 * 1 + 0.2 * 2 + 0.4 * 3 + 0.1 * 4) / (0.4 + 0.2 + 0.4 + 0.1)
    by_domain = (0.4 * 2 + 0.2 * 2 + 0.1 * 4) / (0.4 + 0.2 + 0.1)
    assert window_weights(alpha, domain, "token") @ loss == pytest.approx(by_token)
    assert window_weights(alpha, domain, "domain") @ loss == pytest.approx(by_domain)


def by_hand(monkeypatch: pytest.MonkeyPatch, config: ProxyConfig) -> tuple[DoReMi, list[np.ndarray], list[np.ndarray]]:
    """Run, and record the scores and weights of each step."""
    scores, alphas = [], []

    def recorded(alpha: np.ndarray, score: np.ndarray, eta: float, smoothing: float) -> np.ndarray:
        scores.append(score.copy())
        alphas.append(doremi_update(alpha, score, eta, smoothing))
        return alphas[-1]

    monkeypatch.setattr(module, "doremi_update", recorded)
    return doremi(languages(), [0.4, 0.4, 0.2], config), scores, alphas


def test_the_weights_are_the_mean_over_the_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    curve_result, scores, alphas = by_hand(monkeypatch, ProxyConfig(**{**vars(TINY), "steps": 40}))
    assert len(alphas) == 40
    assert curve_result.weights == pytest.approx(np.mean(alphas, axis=0))
    assert np.array_equal(curve_result.last, alphas[-1])
    assert np.array_equal(curve_result.curve, alphas)
    assert curve_result.curve_steps.tolist() == list(range(1, 41))
    assert np.array_equal(curve_result.scores, scores[-1])
    assert min(map(np.min, scores)) >= 0, "what the proxy knows better than the reference does not count"
    assert np.exp(-(curve_result.weights * np.log(curve_result.weights)).sum()) == pytest.approx(curve_result.effective)


@pytest.mark.filterwarnings("ignore:DoReMi collapsed")
def test_an_absent_domain_keeps_its_score(monkeypatch: pytest.MonkeyPatch) -> None:
    _, scores, _ = by_hand(monkeypatch, ONE)
    for before, after in pairwise(scores):
        assert (before != after).sum() <= 1, "one window a step has one domain"
    assert all(np.ptp([score[k] for score in scores]) > 0 for k in range(3))


@pytest.mark.parametrize("normalizer", ["token", "domain"])
def test_what_is_learnable_and_not_yet_learned_gets_more(normalizer: str) -> None:
    result = doremi(languages(), [0.1, 0.1, 0.8], TINY, normalizer=normalizer)  # type: ignore[arg-type]
    assert result.weights.argmax() == 2
    assert result.weights.sum() == pytest.approx(1)
    assert np.array_equal(result.weights, doremi(languages(), [0.1, 0.1, 0.8], TINY, normalizer=normalizer).weights)  # type: ignore[arg-type]


def test_a_collapse_is_said() -> None:
    with pytest.warns(UserWarning, match=r"DoReMi collapsed: domain 1 has 9\d% of the weight"):
        result = doremi(languages(), [0.4, 0.4, 0.2], ONE)
    assert result.collapsed
    assert result.effective < 1.5


def test_bad_options_are_refused() -> None:
    with pytest.raises(InputError, match="normaliser must be token or domain; got 'batch'"):
        doremi(languages(), [0.4, 0.4, 0.2], TINY, normalizer="batch")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="shares must be shares"):
        doremi(languages(), [0.4, 0.4, 0.4], TINY)


def test_a_stopped_run_goes_on(tmp_path: Path) -> None:
    config = ProxyConfig(**{**vars(TINY), "steps": 210})

    def stop(step: str, completed: int, total: int) -> None:
        if step == "train the proxy" and completed == 150:
            raise Cancelled

    with pytest.raises(Cancelled):
        doremi(languages(), [0.4, 0.4, 0.2], config, tmp_path, progress=stop)
    steps: list[tuple[str, int]] = []
    result = doremi(
        languages(),
        [0.4, 0.4, 0.2],
        config,
        tmp_path,
        progress=lambda step, completed, total: steps.append((step, completed)),
    )
    assert steps[:2] == [("train the reference", 210), ("train the proxy", 100)]
    whole = doremi(languages(), [0.4, 0.4, 0.2], config)
    for name in ("weights", "last", "curve", "curve_steps", "scores"):
        assert np.array_equal(getattr(result, name), getattr(whole, name)), name
