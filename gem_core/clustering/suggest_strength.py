"""Suggest a balance strength: where further balance begins to cost more than it brings."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from gem_core._types import Float64
from gem_core.clustering.path import BalancePath
from gem_core.errors import InputError
from gem_core.geometry import concentration_from_resultant, log_normalizer

NEAR = 0.25  # shares within a quarter of their targets at every strength: there is nothing to balance
TIE = 0.01  # of a whole: strengths whose advantage differs by less are as good, and the weakest of them is taken


@dataclass(frozen=True)
class Suggestion:
    """A strength, or none, and the facts it rests on. Fractions throughout.

    Attributes
    ----------
    strength : float or None
        One of the path's strengths; None where it hardly matters.
    reason : "knee" or "flat"
        "knee": from here on, balance costs more than it brings. "flat": every strength gives much the same shares.
    brought : float
        Part of the imbalance that the strength removes. The imbalance is the mass that lies beyond the targets,
        half of sum_k |pi_k - u_k|.
    price, whole_price : float
        How much less of the documents the clusters describe at the strength, and at the strongest of the path: loss
        of fidelity as a part of what the clusters explain beyond one cluster.
    largest_before, largest, smallest_before, smallest : float
        Masses at the weakest strength of the path and at the suggested one (flat: the strongest).
    furthest : float
        Largest distance of a mass from its target anywhere on the path, as a part of the target.
    """

    strength: float | None
    reason: Literal["knee", "flat"]
    brought: float
    price: float
    whole_price: float
    largest_before: float
    largest: float
    smallest_before: float
    smallest: float
    furthest: float

    @property
    def sentence(self) -> str:
        """The suggestion in words, plain text; "fit" is short for what the clusters explain."""
        if self.strength is None:
            return (
                f"Strength hardly matters here: at every one, all clusters are within {_percent(self.furthest)} "
                "of their targets."
            )
        if np.isinf(self.strength):
            return f"Exact balance costs only {_price(self.price)} of the fit: all the way is worth it."
        return (
            f"Strength {self.strength:.2g}: {_percent(self.brought)} of the imbalance gone for "
            f"{_price(self.price)} of the fit; exact costs {_price(self.whole_price)}. Beyond it, balance costs "
            "more than it brings."
        )

    def to_json(self) -> dict[str, Any]:
        """Return JSON's types only; infinite strength becomes the text "inf"."""
        value = {**asdict(self), "sentence": self.sentence}
        value["strength"] = "inf" if self.strength == float("inf") else self.strength
        return value


def suggest_strength(path: BalancePath) -> Suggestion:
    r"""Suggest a strength from a balance path.

    For each strength two things are known: the imbalance D = sum_k |pi_k - u_k| / 2 that is left, and the fidelity
    F + (lambda/2) ||pi - u||^2, how well the clusters describe the documents. Both are put on a scale from 0 to 1
    over the path: the part of the imbalance that is gone, less the part of the price that is paid. The suggestion is
    the strength where this difference is greatest, the knee of the exchange of one for the other: before it, a step
    brings more of the balance than it costs of the price; after it, less. Of strengths within 0.01 of the best the
    weakest is taken. No label and no threshold on shares enters.

    Parameters
    ----------
    path : BalancePath
        Two strengths or more, with at least one finite.

    Returns
    -------
    Suggestion
        Without a strength where all masses of the path lie within a quarter of their targets.

    Raises
    ------
    InputError
        The path has one strength only.

    Notes
    -----
    The knee of a curve of two normalized quantities is that of Satopaa et al. (2011, "Finding a kneedle in a
    haystack"). A plain mixture that a bad start has trapped describes the documents worse than balanced ones; price is
    counted from the best fidelity on the path, so that such a trap does not make balance look free. What the clusters
    explain is that best fidelity less the one of a single von Mises-Fisher distribution. A rule of this kind reads the
    shape of the path and knows nothing of what the clusters are for.

    Examples
    --------
    >>> from gem_core.clustering import MixtureConfig, balance_path
    >>> from gem_core.geometry import sample_vmf
    >>> rng = np.random.default_rng(0)
    >>> X = np.vstack([sample_vmf(m, 30.0, n, rng) for m, n in (([1, 0, 0], 100), ([0, 1, 0], 100))])
    >>> suggest_strength(balance_path(X, MixtureConfig(n_clusters=2))).reason
    'flat'
    """
    if path.strengths.size < 2:
        raise InputError(
            "A suggestion needs a path of two strengths or more",
            f"{path.strengths.size}",
            "Compute the whole path with balance_path(X, config)",
        )
    target = np.stack([fit.target for fit in path.fits])
    imbalance = 0.5 * np.abs(path.masses - target).sum(axis=1)
    fidelity = _fidelity(path, target)
    loss = np.max(fidelity) - fidelity
    explained = max(float(np.max(fidelity)) - _one_cluster(path), np.finfo(np.float64).tiny)
    # Targets at or near 0 are compared with a quarter of an even share: nothing is within a part of 0.
    furthest = float(np.max(np.abs(path.masses - target) / np.maximum(target, 0.25 / target.shape[1])))
    balance_gain = _part(imbalance.max() - imbalance, imbalance.max() - imbalance.min())
    advantage = balance_gain - _part(loss, loss[-1])
    at = int(np.flatnonzero(advantage >= advantage.max() - TIE)[0])
    flat = furthest <= NEAR
    index = -1 if flat else at
    return Suggestion(
        strength=None if flat else float(path.strengths[at]),
        reason="flat" if flat else "knee",
        brought=0.0 if flat else float(1.0 - imbalance[at] / max(imbalance.max(), np.finfo(np.float64).tiny)),
        price=float(loss[index] / explained),
        whole_price=float(loss[-1] / explained),
        largest_before=float(path.largest[0]),
        largest=float(path.largest[index]),
        smallest_before=float(path.smallest[0]),
        smallest=float(path.smallest[index]),
        furthest=furthest,
    )


def _fidelity(path: BalancePath, target: Float64) -> Float64:
    """Return the objective without its penalty, nats per document; the penalty is 0 at infinite strength."""
    penalty = np.array([fit.penalty if np.isfinite(fit.penalty) else 0.0 for fit in path.fits])
    return np.asarray(path.objective + 0.5 * penalty * ((path.masses - target) ** 2).sum(axis=1))


def _one_cluster(path: BalancePath) -> float:
    """Fidelity of a single cluster: log C_d(kappa) + kappa Rbar, with Rbar the length of the mean document."""
    fit = path.fits[0]
    length, d = float(np.linalg.norm(fit.resultants.sum(axis=0))), fit.centers.shape[1]
    rule = fit.config.concentration
    kappa = concentration_from_resultant(d, length) if isinstance(rule, str) else float(rule)
    return float(log_normalizer(d, kappa) + kappa * length)


def _part(values: Float64, whole: float) -> Float64:
    return values / whole if whole > 0 else np.zeros_like(values)


def _percent(part: float) -> str:
    return f"{100 * part:.0f}%"


def _price(part: float) -> str:
    return "less than 0.1%" if part < 0.001 else f"{part:.1%}"
