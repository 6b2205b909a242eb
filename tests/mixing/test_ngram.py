"""The instant proxy: probabilities by hand, a convex loss, and the optimum that a general solver finds."""

import numpy as np
import pytest
from scipy.optimize import LinearConstraint, minimize

from gem_core.errors import InputError, NotConvergedWarning
from gem_core.mixing.ngram import NgramProxy, Optimum, ngram_optimum, ngram_proxy
from gem_core.mixing.token_streams import Streams


def make_proxy(seed: int = 0, K: int = 6, m: int = 400) -> NgramProxy:
    """Models that know their own tokens best; the last one knows nothing that another does not know better."""
    rng = np.random.default_rng(seed)
    q = rng.gamma(0.5, size=(m, K))
    q[np.arange(m), np.arange(m) % (K - 1)] += 1.0
    q[:, -1] = 0.5 * q[:, :-1].min(axis=1)
    return NgramProxy(q / 10, np.array([0, 100, 250, m]))


def solved(proxy: NgramProxy, goal: np.ndarray, caps: np.ndarray) -> float:
    """The least loss by a general convex solver that knows nothing of EM."""
    q, rows = proxy.probabilities, proxy.row_weights(goal)
    K = q.shape[1]
    solution = minimize(
        lambda w: -rows @ np.log(q @ w),
        np.minimum(np.full(K, 1 / K), caps),
        jac=lambda w: -(rows / (q @ w)) @ q,
        method="SLSQP",
        bounds=[(0, cap) for cap in caps],
        constraints=LinearConstraint(np.ones(K), 1, 1),
        options={"ftol": 1e-14, "maxiter": 1000},
    )
    assert solution.success
    return float(solution.fun)


def losses_by_hand(proxy: NgramProxy, w: np.ndarray) -> list[float]:
    return [
        float(np.mean([-np.log(sum(w[k] * row[k] for k in range(w.size))) for row in proxy.probabilities[a:b]]))
        for a, b in zip(proxy.bounds[:-1], proxy.bounds[1:], strict=True)
    ]


def test_probabilities_are_those_of_the_formula() -> None:
    train = np.array([0, 1, 2, 1, 2, 0, 1, 1], dtype=np.uint16)
    held_out = np.array([1, 2, 1, 0], dtype=np.uint16)
    q = ngram_proxy(Streams((train,), (held_out,), 4)).probabilities[:, 0]
    # Pairs 01 12 21 12 20 01 11; singles 0: 2, 1: 4, 2: 2; contexts 0: 2, 1: 3 (the last is none), 2: 2.
    single = [(2 + 25) / 108, (4 + 25) / 108, (2 + 25) / 108]
    assert q == pytest.approx([(2 + 30 * single[2]) / 33, (1 + 30 * single[1]) / 32, (0 + 30 * single[0]) / 33])


def test_each_model_is_a_distribution() -> None:
    rng = np.random.default_rng(0)
    train = rng.integers(0, 5, 300).astype(np.uint16)
    for context in range(5):
        held_out = np.array([t for token in range(5) for t in (context, token)], dtype=np.uint16)
        proxy = ngram_proxy(Streams((train,), (held_out,), 5))
        assert proxy.probabilities[::2, 0].sum() == pytest.approx(1.0)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("capped", [False, True])
def test_the_optimum_is_that_of_a_convex_solver(seed: int, capped: bool) -> None:
    proxy, rng = make_proxy(seed), np.random.default_rng(seed)
    goal = rng.dirichlet(np.ones(3))
    caps = np.array([0.3, 0.15, 1.0, 0.05, 1.0, 1.0]) if capped else np.ones(6)
    optimum = ngram_optimum(proxy, goal, caps if capped else None)
    assert optimum.converged
    assert optimum.loss == pytest.approx(solved(proxy, goal, caps), abs=1e-6)
    assert optimum.weights.sum() == pytest.approx(1)
    assert (optimum.weights <= caps + 1e-12).all()
    assert optimum.weights[-1] < 1e-4, "a model that knows nothing gets nothing"
    assert goal @ proxy.losses(optimum.weights) == pytest.approx(optimum.loss)


def test_the_gap_bounds_what_is_left_to_gain() -> None:
    proxy, goal = make_proxy(1), np.full(3, 1 / 3)
    best = ngram_optimum(proxy).loss
    previous = np.inf
    for steps in (0, 1, 2, 4, 8):
        with pytest.warns(NotConvergedWarning, match="nats of the best one"):
            early: Optimum = ngram_optimum(proxy, max_iter=steps, tolerance=1e-13)
        assert 0 <= early.loss - best <= early.gap + 1e-9
        assert early.loss <= previous + 1e-12, "no step makes it worse"
        assert not early.converged
        previous = early.loss
        assert goal @ proxy.losses(early.weights) == pytest.approx(early.loss)


def test_losses_are_means_over_each_target_and_convex() -> None:
    proxy, rng = make_proxy(2), np.random.default_rng(5)
    for _ in range(5):
        a, b = rng.dirichlet(np.ones(6), 2)
        assert proxy.losses(a) == pytest.approx(losses_by_hand(proxy, a))
        assert (proxy.losses((a + b) / 2) <= (proxy.losses(a) + proxy.losses(b)) / 2 + 1e-12).all()


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(InputError, match=r"leave room .* got caps that sum to 0.6 \(0.4 too little\)"):
        ngram_optimum(make_proxy(), caps=np.full(6, 0.1))
    with pytest.raises(InputError, match=r"one per domain \(6\); got shape \(5,\)"):
        ngram_optimum(make_proxy(), caps=np.full(5, 0.3))
    with pytest.raises(InputError, match="weights must be shares"):
        make_proxy().losses(np.full(6, 0.5))
    ids = np.zeros(3, dtype=np.uint16)
    with pytest.raises(InputError, match="tokens held out; got 3 and 0 for domain 1"):
        ngram_proxy(Streams((ids, ids), (ids, ids[:0]), 2))
