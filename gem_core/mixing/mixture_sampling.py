"""Random mixtures, for proxy training and for the search of the best mixture."""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from gem_core._types import Float64, frozen
from gem_core.errors import InputError
from gem_core.mixing.constraints import project

TEMPERATURE = 0.5  # the prior is flattened by this power
SCALES = (0.1, 5.0)  # of the Dirichlet's parameters: near a corner .. near the prior
MOST = 15.0  # a domain gets at most so many times its natural share
LEAST = 2e-4  # weights below this are 0
_TRIES = 10_000  # draws for each mixture before giving up
_ENOUGH = 8  # times as many draws must keep to the caps as are averaged, or the best are no choice
_PROJECTED = 8192  # draws that are projected at most: half a second


def sample_mixtures(
    shares: ArrayLike,
    count: int,
    *,
    seed: int = 0,
    most: float = MOST,
    least: float = LEAST,
) -> Float64:
    r"""Draw mixtures for proxy runs as RegMix does (arXiv 2407.01492, section 3.1 and the authors' sampler).

    w ~ Dirichlet(s q) with q_k ~ p_k^0.5 and the scale s log-spaced from 0.1 to 5, each value in turn; a draw in which
    some w_k > `most` p_k is thrown away; weights below `least` become 0 and the rest is scaled to 1.

    Parameters
    ----------
    shares : (K,) float
        Natural shares p, in tokens; sum to 1.
    count : int
    seed : int
    most : float
        Cap as a multiple of the natural share; infinity for none.
    least : float
        Smallest weight above 0, a fraction.

    Returns
    -------
    (count, K) float64
        Rows sum to 1.

    Raises
    ------
    InputError
        If the shares are no shares, or the cap leaves no room.

    Examples
    --------
    >>> w = sample_mixtures([0.5, 0.3, 0.2], 4, seed=1)
    >>> w.shape, bool(np.allclose(w.sum(axis=1), 1))
    ((4, 3), True)
    """
    p = np.asarray(shares, dtype=np.float64)
    if p.ndim != 1 or not p.size or not np.isfinite(p).all() or (p < 0).any() or abs(p.sum() - 1) > 1e-6:
        raise InputError(
            "Shares must be numbers from 0 that sum to 1",
            f"shape {p.shape}, sum {np.sum(p):g}",
            "Divide them by their sum",
        )
    if not most * p.sum() >= 1:
        raise InputError(
            "The cap must leave room for weights that sum to 1",
            f"at most {most:g} times each share, {most:g} together",
            "Use a cap above 1",
        )
    has_share = np.flatnonzero(p > 0)
    q = np.sqrt(p[has_share]) / np.sqrt(p[has_share]).sum()
    scales = np.geomspace(*SCALES, max(count, 2))
    rng = np.random.default_rng(seed)
    out = np.zeros((count, p.size))
    for i, scale in enumerate(rng.permutation(scales)[:count]):
        for _ in range(_TRIES):
            draw = rng.dirichlet(scale * q)
            draw[draw < least] = 0.0
            total = draw.sum()
            if total > 0 and np.all(draw / total <= most * p[has_share]):
                out[i, has_share] = draw / total
                break
        else:
            raise InputError(
                "Mixtures must be found under the cap",
                f"none in {_TRIES:,} draws at {most:g} times the share",
                "Raise the cap",
            )
    return frozen(out)


def search(
    predict: Callable[[Float64], Float64],
    prior: ArrayLike,
    *,
    draws: int = 100_000,
    best: int = 128,
    seed: int = 0,
    caps: ArrayLike | None = None,
) -> Float64:
    """Find a mixture of low predicted loss: the mean of the best of many draws from Dirichlet(prior), as RegMix does.

    Parameters
    ----------
    predict : callable
        (m, K) mixtures to (m,) losses.
    prior : (K,) float
        Parameters of the Dirichlet, such as natural shares; sum to 1.
    draws, best : int
    seed : int
    caps : (K,) float, optional
        Largest weight of each domain; draws above it do not count. Where caps are so tight that hardly a draw keeps
        to them, draws are projected onto them (`project`).

    Returns
    -------
    (K,) float64
        Sums to 1 and respects the caps.

    Raises
    ------
    InputError
        If the caps sum to less than 1, by how much, or fewer than `best` mixtures are to be drawn.

    Examples
    --------
    >>> w = search(lambda W: -W[:, 0], [0.5, 0.5], draws=2000, best=16)
    >>> bool(w[0] > 0.99)
    True
    """
    p = np.asarray(prior, dtype=np.float64)
    rng = np.random.default_rng(seed)
    candidates = rng.dirichlet(np.maximum(p, 1e-6), draws)  # a domain without a share is drawn next to never
    if caps is not None:
        within_caps = (candidates <= np.asarray(caps)).all(axis=1)
        candidates = candidates[within_caps] if within_caps.sum() >= _ENOUGH * best else _project_rows(candidates, caps)
    if len(candidates) < best:
        raise InputError(f"A search draws at least {best} mixtures", f"{draws:,}", "Draw more")
    best_rows = candidates[np.argsort(predict(candidates), kind="stable")[:best]]
    return frozen(best_rows.mean(axis=0))


def _project_rows(candidates: Float64, caps: ArrayLike) -> Float64:
    return np.array([project(row, caps) for row in candidates[:_PROJECTED]])
