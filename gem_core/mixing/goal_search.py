r"""Search of a mixture for a goal: runs near natural shares, a law for each stream, and a trained check."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from gem_core import _check
from gem_core._types import Float64, frozen
from gem_core.errors import InputError
from gem_core.mixing.constraints import project
from gem_core.mixing.gaussian_process import GaussianProcess, fit_gaussian_process
from gem_core.mixing.regressors import spearman
from gem_core.mixing.scaling_laws import EffectiveLaw, fit_effective
from gem_core.mixing.simplex_minimum import SimplexMinimum, minimize_on_simplex

TILTS = (0.5, 1.0, 1.5)  # standard deviations of the log ratios of the runs, in turn
PULL = 0.02  # nats: weight of the divergence from natural shares in the proposal
PARTS = (0.25, 0.5, 0.75, 1.0)  # of the way from natural to the proposal that are trained
SEEDS = 3  # fresh seeds of the check
LEAST_GAIN = 0.002  # nats per token: a smaller gain is no reason to leave natural shares
_FOLDS = 5
_STEP = 1e-5  # of the numerical gradient of the laws
Train = Callable[[Float64, int], Float64]


def tilted_mixtures(
    natural: ArrayLike, count: int, *, seed: int = 0, caps: ArrayLike | None = None, tilts: Sequence[float] = TILTS
) -> Float64:
    r"""Return random tilts of natural shares, w_k ~ p_k exp(s z_k) with z standard normal, within caps.

    Parameters
    ----------
    natural : (K,) float
        p, sum 1.
    count : int
    seed : int
    caps : (K,) float, optional
        Largest weights.
    tilts : sequence of float
        Values of s, used in turn.

    Returns
    -------
    (count, K) float64
        Rows sum to 1.

    Examples
    --------
    >>> tilted_mixtures([0.5, 0.3, 0.2], 6, seed=1).shape
    (6, 3)
    """
    p = _check.shares(natural, np.size(natural), "natural shares")
    rng = np.random.default_rng(seed)
    rows = [project(p * np.exp(tilts[i % len(tilts)] * rng.standard_normal(p.size)), caps) for i in range(count)]
    return frozen(np.array(rows).reshape(count, p.size))


def interpolate(natural: ArrayLike, proposal: ArrayLike, part: float, caps: ArrayLike | None = None) -> Float64:
    r"""Return the mixture between natural shares and a proposal, w ~ p^(1 - a) c^a, within caps.

    Weights of the proposal below a ten-thousandth of the natural share count as that much, so that a cluster which
    the proposal leaves out fades gradually.

    Examples
    --------
    >>> interpolate([0.5, 0.5], [0.8, 0.2], 0.5).round(3).tolist()
    [0.667, 0.333]
    """
    p, c = np.asarray(natural, dtype=np.float64), np.asarray(proposal, dtype=np.float64)
    if part >= 1:
        return project(c, caps)
    logs = (1 - part) * np.log(np.maximum(p, 1e-300)) + part * np.log(np.maximum(np.maximum(c, 1e-4 * p), 1e-300))
    return project(np.where(p > 0, np.exp(logs - logs.max()), 0.0), caps)


@dataclass(frozen=True)
class StreamLaws:
    """Laws from a mixture to the loss of each of T streams.

    Attributes
    ----------
    laws : tuple of T EffectiveLaw or None
        None where the law has no rank correlation above 0 on runs it was not fitted to.
    process : GaussianProcess
    process_used : (T,) bool
    means : (T,) float64
        Mean loss of the runs, the prediction where no member is left.
    """

    laws: tuple[EffectiveLaw | None, ...]
    process: GaussianProcess
    process_used: Float64
    means: Float64

    def predict(self, mixtures: Float64) -> Float64:
        """Losses of mixtures, (m, T), nats per token: the mean over the members of each stream."""
        rows = np.asarray(mixtures, dtype=np.float64)
        by_process = self.process.predict(rows)
        out = np.tile(self.means, (len(rows), 1))
        for t, law in enumerate(self.laws):
            members = [] if law is None else [law.predict(rows)]
            members += [by_process[:, t]] if self.process_used[t] else []
            if members:
                out[:, t] = np.mean(members, axis=0)
        return out


def fit_stream_laws(mixtures: Float64, losses: Float64, *, seed: int = 0) -> StreamLaws:
    """Fit the effective-data law and a Gaussian process to every stream; useless members are left out.

    Parameters
    ----------
    mixtures : (n, K) float
    losses : (n, T) float
        Nats per token.
    seed : int
        Of the folds and the starts.

    Raises
    ------
    InputError
        If there are fewer than 10 runs.
    """
    n, T = losses.shape
    if n < 10:
        raise InputError("Laws need 10 runs or more", f"{n}", "Train more proxies")
    order = np.random.default_rng(seed).permutation(n)
    by_law, by_process = np.empty((n, T)), np.empty((n, T))
    for fold in range(_FOLDS):
        held_out = np.zeros(n, dtype=bool)
        held_out[order[fold::_FOLDS]] = True
        by_process[held_out] = fit_gaussian_process(mixtures[~held_out], losses[~held_out]).predict(mixtures[held_out])
        for t in range(T):
            law = fit_effective(mixtures[~held_out], losses[~held_out, t], seed)
            by_law[held_out, t] = law.predict(mixtures[held_out])
    laws = tuple(
        fit_effective(mixtures, losses[:, t], seed) if spearman(by_law[:, t], losses[:, t]) > 0 else None
        for t in range(T)
    )
    used = np.array([spearman(by_process[:, t], losses[:, t]) > 0 for t in range(T)])
    return StreamLaws(laws, fit_gaussian_process(mixtures, losses), used, losses.mean(axis=0))


def propose(
    laws: StreamLaws, goal: ArrayLike, natural: ArrayLike, *, caps: ArrayLike | None = None, pull: float = PULL
) -> SimplexMinimum:
    """Return the mixture of least predicted goal loss, with a pull to natural shares, within caps.

    Parameters
    ----------
    laws : StreamLaws
    goal : (T,) float
        Weight of each stream, sum 1.
    natural : (K,) float
    caps : (K,) float, optional
    pull : float
        Nats (`minimize_on_simplex`).
    """
    p, v = np.asarray(natural, dtype=np.float64), np.asarray(goal, dtype=np.float64)

    def loss(w: Float64) -> tuple[float, Float64]:
        rows = np.vstack([w, w + _STEP * np.eye(w.size)])
        values = laws.predict(rows) @ v
        return float(values[0]), (values[1:] - values[0]) / _STEP

    return minimize_on_simplex(loss, p, caps, pull=pull, max_iter=400, tolerance=1e-4)


@dataclass(frozen=True)
class Verification:
    """Trained comparison of a proposal with natural shares; differences are paired by seed.

    Attributes
    ----------
    parts, gains : (A,) float64
        Parts of the way to the proposal, and by how much each lowered the goal loss with the first seed.
    part : float
        Part that was checked with fresh seeds.
    gain, error : float
        Mean fall of the goal loss on the fresh seeds, nats per token, and its standard error.
    price, price_error : float
        Mean rise of the corpus loss, and its standard error.
    natural_loss, mixture_loss : float
        Mean goal losses on the fresh seeds.
    seeds : int
    accepted : bool
        Whether the mixture beats natural shares.
    weights : (K,) float64
        The mixture if accepted, else natural shares.
    """

    parts: Float64
    gains: Float64
    part: float
    gain: float
    error: float
    price: float
    price_error: float
    natural_loss: float
    mixture_loss: float
    seeds: int
    accepted: bool
    weights: Float64

    @property
    def verdict(self) -> str:
        """The result as a sentence."""
        if not self.accepted:
            return (
                f"Natural shares are kept: the proposal changed the goal loss by {-self.gain:+.4f} ± {self.error:.4f} "
                f"nats per token on {self.seeds} fresh seeds"
            )
        return (
            f"Better than natural by {self.gain:.3f} ± {self.error:.3f} nats per token on the goal, "
            f"{abs(self.price):.3f} {'worse' if self.price > 0 else 'better'} on the corpus"
        )


def verify(
    train: Train,
    natural: ArrayLike,
    proposal: ArrayLike,
    goal: ArrayLike,
    *,
    caps: ArrayLike | None = None,
    parts: Sequence[float] = PARTS,
    seeds: int = SEEDS,
    first_seed: int = 0,
) -> Verification:
    """Train mixtures between natural shares and a proposal; keep natural shares unless one has a lower loss.

    The best part by the first seed is trained again beside natural shares with fresh seeds. It is accepted if its mean
    gain is at least `LEAST_GAIN` and above the one-sided t quantile that two standard errors are for many seeds.

    Parameters
    ----------
    train : callable
        ((n, K) mixtures, seed) to (n, T) losses, nats per token; streams 0 to K - 1 are the clusters.
    natural, proposal : (K,) float
    goal : (T,) float
        Weight of each stream, sum 1.
    caps : (K,) float, optional
    parts : sequence of float
        In (0, 1].
    seeds : int
        Fresh seeds, at least 2.
    first_seed : int
    """
    from scipy.stats import norm, t

    if seeds < 2:
        raise InputError("A check needs 2 fresh seeds or more", f"{seeds}", "Use 3")
    p, v = np.asarray(natural, dtype=np.float64), np.asarray(goal, dtype=np.float64)
    rows = np.array([p, *(interpolate(p, proposal, part, caps) for part in parts)])
    first = train(rows, first_seed) @ v
    gains = first[0] - first[1:]
    best = int(np.argmax(gains))
    pair = rows[[0, 1 + best]]
    tables = [train(pair, first_seed + 1 + i) for i in range(seeds)]
    falls = np.array([float((table[0] - table[1]) @ v) for table in tables])
    rises = np.array([float((table[1] - table[0])[: p.size] @ p) for table in tables])
    gain, error = float(falls.mean()), float(falls.std(ddof=1) / np.sqrt(seeds))
    quantile = float(t.ppf(norm.cdf(2.0), seeds - 1))
    accepted = bool(gains[best] > 0 and gain >= LEAST_GAIN and gain > quantile * error)
    return Verification(
        frozen(np.array(parts, dtype=np.float64)),
        frozen(gains),
        float(parts[best]),
        gain,
        error,
        float(rises.mean()),
        float(rises.std(ddof=1) / np.sqrt(seeds)),
        float(np.mean([table[0] @ v for table in tables])),
        float(np.mean([table[1] @ v for table in tables])),
        seeds,
        accepted,
        frozen(pair[1] if accepted else p),
    )
