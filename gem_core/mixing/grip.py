r"""GRIP: allocation of probes to domains, and weights from the measured gains."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gem_core._types import Float64, frozen
from gem_core.errors import InputError
from gem_core.mixing.constraints import project

SIZE_POWER = 0.5  # budget grows with the root of a domain's size
NOISE = 1e-3  # smallest standard error of a gain, a fraction: probes cannot measure less
REPLAY = 0.5  # alpha: a domain one standard deviation above the mean gain gets exp(0.5) = 1.65 times as much


def dispersion(mean_length: ArrayLike) -> Float64:
    r"""Return how spread a domain is, o_k^2 = 1 - Rbar_k^2, from the length of the mean of its unit vectors.

    This is Rao's quadratic entropy with d(x, y) = 1 - cos(x, y): the mean of d over all pairs of documents, each with
    itself included. Its cost is that of a mean, not that of the pairs.

    Parameters
    ----------
    mean_length : (K,) float
        Rbar_k in [0, 1].

    Returns
    -------
    (K,) float64
        In [0, 1]: 0 where all documents are the same, 1 where they cancel out.

    Raises
    ------
    InputError
        If a length lies outside [0, 1].

    Examples
    --------
    >>> X = np.array([[1.0, 0.0], [0.6, 0.8], [0.0, 1.0]])
    >>> pairs = float(np.mean(1 - X @ X.T))
    >>> bool(np.isclose(dispersion(np.linalg.norm(X.mean(axis=0))), pairs))
    True
    """
    lengths = np.asarray(mean_length, dtype=np.float64)
    if not ((lengths >= 0) & (lengths <= 1 + 1e-6)).all():  # float32 vectors of length 1 may sum to a little more
        raise InputError(
            "The mean of unit vectors has a length from 0 to 1",
            f"{lengths.min():g} to {lengths.max():g}",
            "Pass lengths of means of unit vectors",
        )
    return frozen(np.asarray(1 - np.minimum(lengths, 1.0) ** 2))


def mean_lengths(vectors: NDArray[np.floating], positions: ArrayLike, n_domains: int) -> Float64:
    """Return the length of the mean unit vector of each domain, (K,), in [0, 1]; NaN for a domain without documents.

    Parameters
    ----------
    vectors : (n, d) float
        Unit rows. Read in blocks of 65,536 rows: a memory map stays on disk.
    positions : (n,) int
        Domain of each row; -1 for none.
    n_domains : int
    """
    domain_index = np.asarray(positions)
    sums = np.zeros((n_domains, vectors.shape[1]))
    for start in range(0, len(vectors), 65_536):
        rows = domain_index[start : start + 65_536]
        in_domain = rows >= 0
        np.add.at(sums, rows[in_domain], np.asarray(vectors[start : start + 65_536][in_domain], dtype=np.float64))
    counts = np.bincount(domain_index[domain_index >= 0], minlength=n_domains).astype(np.float64)
    with np.errstate(invalid="ignore"):
        return frozen(np.linalg.norm(sums, axis=1) / counts)


def neyman(sizes: ArrayLike, spread: ArrayLike, total: int) -> NDArray[np.int64]:
    r"""Share a probe of so many documents among domains: n_k ~ N_k o_k, at most N_k (Neyman, 1934).

    Of all ways to draw `total` documents this one estimates a mean over the corpus with the least variance,
    sum_k (N_k o_k)^2 / n_k. Whole numbers by largest remainder.

    Parameters
    ----------
    sizes : (K,) int
        N_k, documents.
    spread : (K,) float
        o_k^2 (`dispersion`).
    total : int
        At most sum_k N_k.

    Returns
    -------
    (K,) int64
        Sums to `total`.

    Raises
    ------
    InputError
        If more documents are asked for than there are, or no domain is spread.

    Examples
    --------
    >>> neyman([100, 100, 400], [0.25, 1.0, 0.25], 35).tolist()
    [5, 10, 20]
    """
    N, o = np.asarray(sizes, dtype=np.int64), np.sqrt(np.asarray(spread, dtype=np.float64))
    if not 1 <= total <= N.sum():
        raise InputError(
            "A probe draws from 1 document to all there are", f"{total:,} of {N.sum():,}", "Ask for a number between"
        )
    if not (N * o).sum() > 0:
        raise InputError(
            "A domain must be spread, or there is nothing to probe",
            "o_k = 0 in every domain",
            "Use domains of different documents",
        )
    exact = total * project(N * o, caps=N / total)
    counts = np.floor(exact + 1e-9).astype(np.int64)
    remainder_order = np.argsort(counts - exact, kind="stable")[: total - int(counts.sum())]
    counts[remainder_order] += 1
    counts.setflags(write=False)
    return counts


def replay_budget(
    sizes: ArrayLike,
    gains: ArrayLike,
    *,
    quality: ArrayLike | None = None,
    temperature: float = 1.0,
    alpha: float = REPLAY,
    caps: ArrayLike | None = None,
    errors: ArrayLike | None = None,
) -> Float64:
    r"""Return weights from the gains of probes: B_k ~ N_k^0.5 exp(Q_k / T) exp(alpha z(dL_k)), within caps.

    With `errors`, the deviations of the gains from their mean are shrunk by d^2 / (d^2 + se^2), and the size power
    moves from 0.5 toward 1 as the share of variance that is signal, sum d^2 / sum (d^2 + se^2), falls to 0 [choice]:
    probes that measure no difference give natural weights. With alpha = 0 only sizes count.

    Parameters
    ----------
    sizes : (K,) float
        N_k, tokens of the domains; a domain without tokens gets nothing.
    gains : (K,) float
        dL_k, the relative fall of the loss in the probe (`gem_core.mixing.rapid_adaptation`); z is over the domains
        with tokens.
    quality : (K,) float, optional
        Q_k, higher is better; the same for all when left out.
    temperature : float
        T > 0.
    alpha : float
        0 leaves the gains out.
    caps : (K,) float, optional
        Largest weights, such as `epoch_caps`; what they take away goes to the others in proportion.
    errors : (K,) float, optional
        Standard errors of the gains; at least `NOISE` is used. The published rule, without shrinkage, when left out.

    Returns
    -------
    (K,) float64
        Sum to 1.

    Raises
    ------
    InputError
        If a number is not finite, T is not positive, or caps leave no room (by how much).

    Examples
    --------
    >>> replay_budget([100, 400], [0.1, 0.1]).round(4).tolist()
    [0.3333, 0.6667]
    """
    N, gain = np.asarray(sizes, dtype=np.float64), np.asarray(gains, dtype=np.float64)
    Q = np.zeros_like(N) if quality is None else np.asarray(quality, dtype=np.float64)
    has_tokens = N > 0
    if not (
        np.isfinite(N).all()
        and (N >= 0).all()
        and has_tokens.any()
        and np.isfinite(gain[has_tokens]).all()
        and np.isfinite(Q[has_tokens]).all()
    ):
        raise InputError(
            "Sizes, gains and qualities must be finite numbers, and one size above 0",
            f"sizes {N.tolist()}, gains {gain.tolist()}"[:100],
            "Probe every domain that has tokens",
        )
    if not (temperature > 0 and np.isfinite(alpha)):
        raise InputError(
            "The temperature must be above 0, alpha a number", f"{temperature:g} and {alpha:g}", "Use 1 and 0.5"
        )
    z, power = standardised(gain[has_tokens]), SIZE_POWER
    if errors is not None and alpha:
        error = np.maximum(np.nan_to_num(np.asarray(errors, dtype=np.float64)[has_tokens]), NOISE)
        squares = np.square(gain[has_tokens] - gain[has_tokens].mean())
        z = z * squares / (squares + np.square(error))
        power = 1 - (1 - SIZE_POWER) * float(squares.sum() / (squares + np.square(error)).sum())
    exponent = Q[has_tokens] / temperature + alpha * z
    raw = np.zeros_like(N)
    raw[has_tokens] = N[has_tokens] ** power * np.exp(exponent - exponent.max())
    return project(raw, None if caps is None else np.where(has_tokens, np.asarray(caps, dtype=np.float64), 0.0))


def standardised(values: Float64) -> Float64:
    """Return z-scores, (n,); zeros where nothing varies."""
    spread = float(values.std())
    if not spread > 1e-12 * float(np.abs(values).max(initial=0.0)):  # rounding of equal numbers is no difference
        return np.zeros_like(values)
    return np.asarray((values - values.mean()) / spread)
