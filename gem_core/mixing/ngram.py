r"""N-gram proxy: losses of a mixture of bigram models, convex in the weights, and their exact minimum."""

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gem_core import _check
from gem_core._types import Float64, frozen
from gem_core.errors import InputError, NotConvergedWarning
from gem_core.mixing.constraints import project
from gem_core.mixing.token_streams import Streams

SAMPLE = 2000  # held-out tokens of each domain; every mixture is judged on the same ones
PAIRS, SINGLES = 30.0, 100.0  # counts that the model with less context weighs as much as
TOLERANCE = 1e-7


@dataclass(frozen=True)
class NgramProxy:
    r"""Probability of held-out tokens under the n-gram model of each domain.

    L_t(w) = -E_t[log sum_k w_k q_k(x)] over held-out tokens x of target t: the loss of the mixture of the models, an
    upper bound of what one model trained on the mixed documents would need. Convex in w.

    Attributes
    ----------
    probabilities : (m, K) float64
        q_k of each held-out token, in its context.
    bounds : (T + 1,) int64
        Tokens `bounds[t]` to `bounds[t + 1]` are of target t; the targets are the domains, then the validation files.
    """

    probabilities: Float64
    bounds: NDArray[np.int64]

    def losses(self, weights: ArrayLike) -> Float64:
        """Loss of each target under a mixture, (T,), nats per token.

        Examples
        --------
        >>> proxy = NgramProxy(np.array([[0.5, 0.1], [0.2, 0.4]]), np.array([0, 1, 2]))
        >>> proxy.losses([1, 0]).round(4).tolist()
        [0.6931, 1.6094]
        """
        w = _check.shares(weights, self.probabilities.shape[1], "weights")
        with np.errstate(divide="ignore"):  # a model may give 0; the loss is then infinite, as it should be
            return frozen(-np.add.reduceat(np.log(self.probabilities @ w), self.bounds[:-1]) / np.diff(self.bounds))

    def row_weights(self, goal: ArrayLike | None = None) -> Float64:
        """Weight of each held-out token in the goal: shares of the targets, equal when left out; (m,), sum 1."""
        n_targets = len(self.bounds) - 1
        shares = np.full(n_targets, 1 / n_targets) if goal is None else _check.shares(goal, n_targets, "goal")
        sizes = np.diff(self.bounds)
        return np.repeat(shares / sizes, sizes)


def ngram_proxy(streams: Streams, *, sample: int = SAMPLE, seed: int = 0) -> NgramProxy:
    r"""Count word pairs of each domain; evaluate each domain's model on held-out tokens of every domain.

    q_k(x | p) = (c_k(p, x) + a u_k(x)) / (c_k(p) + a), u_k(x) = (c_k(x) + b / V) / (n_k + b): pairs backed by single
    tokens, single tokens by the vocabulary (MacKay & Peto 1995), a = 30, b = 100.

    Parameters
    ----------
    streams : Streams
    sample : int
        Held-out tokens of each domain that are asked for.
    seed : int
        Of the draw of these tokens.

    Returns
    -------
    NgramProxy
        sample * K^2 numbers of 8 bytes.

    Raises
    ------
    InputError
        If a domain has no tokens to train on or none held out.

    Examples
    --------
    >>> a, b = np.tile([0, 1, 2], 50).astype(np.uint16), np.tile([0, 2, 1], 50).astype(np.uint16)
    >>> proxy = ngram_proxy(Streams((a, b), (a[:30], b[:30]), 4))
    >>> bool(proxy.losses([0.9, 0.1])[0] < proxy.losses([0.1, 0.9])[0])
    True
    """
    V = streams.vocabulary
    for k, (train, held_out) in enumerate(zip(streams.train, streams.held_out, strict=True)):
        if len(train) < 2 or len(held_out) < 2:
            raise InputError(
                "Each domain must have tokens to train on and tokens held out",
                f"{len(train)} and {len(held_out)} for domain {k}",
                "Merge it with another, or exclude it",
            )
    rng = np.random.default_rng(seed)
    contexts, tokens, sizes = [], [], []
    for held_out in streams.targets:
        rows = np.sort(rng.choice(np.arange(1, len(held_out)), min(sample, len(held_out) - 1), replace=False))
        contexts.append(held_out[rows - 1].astype(np.int64))
        tokens.append(held_out[rows].astype(np.int64))
        sizes.append(rows.size)
    context, token = np.concatenate(contexts), np.concatenate(tokens)
    q = np.empty((token.size, len(streams)))
    for k, train in enumerate(streams.train):
        ids = train.astype(np.int64)
        single = np.bincount(ids, minlength=V)
        pairs = np.bincount(ids[:-1] * V + ids[1:], minlength=V * V)  # 8 V^2 bytes, one domain at a time
        unigram = (single + SINGLES / V) / (ids.size + SINGLES)
        before = single - (np.arange(V) == ids[-1])  # the last token is no context
        q[:, k] = (pairs[context * V + token] + PAIRS * unigram[token]) / (before[context] + PAIRS)
    return NgramProxy(frozen(q), frozen(np.concatenate([[0], np.cumsum(sizes)])))


@dataclass(frozen=True)
class Optimum:
    """The best mixture of a convex proxy.

    Attributes
    ----------
    weights : (K,) float64
    loss : float
        Nats per token.
    gap : float
        The loss is at most this far above the least one, nats.
    n_iter : int
    converged : bool
        Whether the gap is within the tolerance.
    """

    weights: Float64
    loss: float
    gap: float
    n_iter: int
    converged: bool


def ngram_optimum(
    proxy: NgramProxy,
    goal: ArrayLike | None = None,
    caps: ArrayLike | None = None,
    *,
    tolerance: float = TOLERANCE,
    max_iter: int = 2000,
) -> Optimum:
    r"""Find the mixture with the least loss by EM, with a bound on its distance from the minimum.

    An EM step takes w_k to the share r_k = w_k g_k of the tokens that model k accounts for, g_k = E[q_k / sum_j w_j
    q_j]; under caps to the w within them that maximizes sum_k r_k log w_k. Steps are extrapolated (SQUAREM, Varadhan &
    Roland 2008) where that lowers the loss. For every mixture v, L(w) - L(v) <= log sum_k v_k g_k, so the largest value
    of the right side within the caps bounds what is left to gain; without caps it is log max_k g_k (KKT: g_k <= 1).

    Parameters
    ----------
    proxy : NgramProxy
    goal : (T,) float, optional
        Share of each target in the loss, sum 1; equal when left out.
    caps : (K,) float, optional
        Largest weight of each domain.
    tolerance : float
        Gap to stop at, nats.
    max_iter : int

    Returns
    -------
    Optimum

    Raises
    ------
    InputError
        If the goal is no shares, or the caps leave no room.

    Warns
    -----
    NotConvergedWarning
        If the gap is larger than `tolerance` after `max_iter` steps.

    Examples
    --------
    >>> proxy = NgramProxy(np.array([[0.5, 0.1], [0.2, 0.4]]), np.array([0, 1, 2]))
    >>> ngram_optimum(proxy).weights.round(3).tolist()
    [0.875, 0.125]
    """
    q, rows = proxy.probabilities, proxy.row_weights(goal)
    K = q.shape[1]
    bound = np.ones(K) if caps is None else np.asarray(caps, dtype=np.float64)

    def gradient(w: Float64) -> tuple[Float64, float]:
        mix = q @ w
        return (rows / mix) @ q, float(-rows @ np.log(mix))

    w = project(np.full(K, 1 / K), bound)
    g, loss = gradient(w)
    n_iter = 0
    while (gap := _gap(g, bound)) > tolerance and n_iter < max_iter:
        n_iter += 1
        first_step = project(w * g, bound)
        second_step = project(first_step * gradient(first_step)[0], bound)
        r, v = first_step - w, second_step - 2 * first_step + w
        curve = float(np.linalg.norm(v))
        extrapolated = second_step
        if curve > 0:
            alpha = max(float(np.linalg.norm(r)) / curve, 1.0)
            extrapolated = project(
                np.maximum(w + 2 * alpha * r + alpha**2 * v, 0.01 * second_step), bound
            )  # 0 could not grow again
        g_extrapolated, loss_extrapolated = gradient(extrapolated)
        g_second, loss_second = gradient(second_step)
        w, g, loss = (
            (extrapolated, g_extrapolated, loss_extrapolated)
            if loss_extrapolated <= loss_second
            else (second_step, g_second, loss_second)
        )
    if gap > tolerance:
        warnings.warn(
            f"The mixture is within {gap:.2g} nats of the best one, not {tolerance:g}",
            NotConvergedWarning,
            stacklevel=2,
        )
    return Optimum(frozen(w), loss, gap, n_iter, gap <= tolerance)


def _gap(g: Float64, caps: Float64) -> float:
    """Return the log of the largest sum_k v_k g_k over mixtures v within the caps; the best domains come first."""
    order = np.argsort(-g, kind="stable")
    room = 1 - np.concatenate([[0.0], np.cumsum(caps[order])[:-1]])
    return float(np.log(np.clip(room, 0, caps[order]) @ g[order]))
