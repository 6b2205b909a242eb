r"""M-step: mean directions and concentrations from resultants (Banerjee et al., JMLR 6, 2005)."""

from dataclasses import dataclass, replace

import numpy as np

from gem_core._types import Bool, Float64
from gem_core.clustering.e_step import Affine
from gem_core.clustering.vmf_table import vmf_table

# Below this mass a cluster is empty: its resultant is rounding, so it keeps the parameters it had. A single
# document of a corpus of 10^9 still counts.
EMPTY_MASS = 1e-10


@dataclass(frozen=True)
class Parameters:
    """Parameters of K von Mises-Fisher distributions.

    Attributes
    ----------
    centers : ndarray, shape (K, d)
        mu_k, unit rows.
    concentrations : ndarray, shape (K,)
        kappa_k.
    capped : ndarray of bool, shape (K,)
        Where the cap on kappa binds.
    dimension : int, optional
        d, where the centers are given by fewer coordinates, in an orthonormal basis of a subspace they are bound to;
        default: the columns of `centers`.
    """

    centers: Float64
    concentrations: Float64
    capped: Bool
    dimension: int | None = None

    def model(self) -> Affine:
        """l_ik = log alpha_k + log f(x_i | mu_k, kappa_k) with alpha_k = 1/K, as slopes and offsets."""
        table = vmf_table(self.dimension or self.centers.shape[1])
        return Affine(
            self.centers * self.concentrations[:, None],
            table.log_normalizer(self.concentrations) - np.log(len(self.centers)),
        )


def maximize(
    mass: Float64, resultants: Float64, previous: Parameters, concentration: str | float, cap: float
) -> Parameters:
    r"""Exact M-step: mu_k = r_k / ||r_k||, and kappa_k with A_d(kappa_k) = ||r_k|| / pi_k.

    Parameters
    ----------
    mass, resultants : ndarray, shape (K,) and (K, d)
        pi_k and r_k = sum_i w_i gamma_ik x_i.
    previous : Parameters
        Kept by empty clusters.
    concentration : "per_cluster", "shared" or float
        One kappa a cluster, one for all (A_d(kappa) = sum_k ||r_k||), or the given one.
    cap : float
        Largest kappa. The likelihood is concave in A_d(kappa), so the capped value is the exact constrained maximum
        and F still never falls.

    Returns
    -------
    updated : Parameters
        Centers, concentrations, and where the cap binds.

    Examples
    --------
    >>> start = Parameters(np.eye(2), np.ones(2), np.zeros(2, dtype=bool))
    >>> maximize(np.full(2, 0.5), np.array([[0.3, 0.0], [0.0, 0.5]]), start, "per_cluster", 100.0).capped.tolist()
    [False, True]
    """
    length = np.linalg.norm(resultants, axis=1)
    filled = (mass > EMPTY_MASS) & (length > EMPTY_MASS * mass)
    centers = np.where(filled[:, None], resultants / np.where(filled, length, 1.0)[:, None], previous.centers)
    if isinstance(concentration, str):
        kappa = _concentrations(mass, length, filled, previous, concentration, cap)
        return replace(previous, centers=centers, concentrations=kappa, capped=kappa >= cap)
    return replace(
        previous,
        centers=centers,
        concentrations=np.full(mass.size, float(concentration)),
        capped=np.zeros(mass.size, dtype=bool),
    )


def _concentrations(
    mass: Float64, length: Float64, filled: Bool, previous: Parameters, concentration: str, cap: float
) -> Float64:
    table = vmf_table(previous.dimension or previous.centers.shape[1])
    if concentration == "shared":
        # Rounding of the sums may put a resultant a hair above its mass.
        pooled = np.minimum(1.0, length.sum(keepdims=True) / mass.sum())
        return np.full(mass.size, table.concentration(pooled, cap)[0])
    kappa = np.minimum(previous.concentrations, cap)
    # A cluster whose resultant vanished but whose mass did not is spread evenly: kappa 0 is its exact maximum.
    heavy = mass > EMPTY_MASS
    rbar = np.minimum(1.0, length[heavy] / mass[heavy])
    kappa[heavy] = table.concentration(rbar, cap)
    return kappa
