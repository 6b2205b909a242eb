"""`GEM`: the mixture with scikit-learn's estimator interface. Imports scikit-learn, so nothing light imports this."""

from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, ClusterMixin, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from gem_core._types import Floating, Int32
from gem_core.clustering.assignment import assign, mean_log_likelihood, responsibilities
from gem_core.clustering.config import MixtureConfig
from gem_core.clustering.mixture import MixtureFit, fit_mixture
from gem_core.errors import InputError

# Checks of scikit-learn that cannot hold for this model, for `check_estimator(..., expected_failed_checks=...)`.
EXPECTED_FAILED_CHECKS = {
    "check_estimators_dtypes": "cuts random numbers down to integers, which leaves rows of zeros; a row of zeros has "
    "no direction on the sphere and is refused",
    "check_sample_weight_equivalence_on_dense_data": "the start draws documents at random, so repeating a document "
    "and doubling its weight draw different starts",
}
Target = Literal["uniform", "natural"] | ArrayLike


# scikit-learn has no types, hence the ignored complaint about its bases.
class GEM(ClassNamePrefixFeaturesOutMixin, TransformerMixin, ClusterMixin, BaseEstimator):  # type: ignore[misc]
    r"""Balanced clustering of embeddings on the sphere: geometric entropy mixing.

    Maximizes the mean log-likelihood of a von Mises-Fisher mixture with a fixed uniform prior plus the entropy of
    the assignment, minus (lambda/2) ||pi - u||^2, which pulls the cluster masses pi to the target u
    (arXiv 2605.26121; `gem_core.fit_mixture` is the same without scikit-learn).

    Parameters
    ----------
    n_clusters : int, default 24
        K.
    strength : float, default 1.0
        Balance strength lambda / kappa, from 0 (plain mixture) over 1 (matched) to infinity (masses equal u).
    target : "uniform", "natural", "floor:x" or array of K shares, default "uniform"
        u: equal; the masses at strength 0; these masses lifted to at least x; or given.
    concentration : "per_cluster", "shared" or float, default "per_cluster"
        How kappa is chosen.
    solver : "dual" or "mm", default "dual"
        Exact E-step, or minorize-maximize.
    max_iter : int, default 200
        Largest number of iterations.
    tol : float, default 1e-6
        Gain of the objective per iteration, nats per document, at which the fit stops.
    penalty : float, optional
        lambda itself instead of `strength` (the paper's 5000, say); refuses a `strength` beside it.
    random_state : int, RandomState, Generator or None, default None
        Seed of the start. None means 0: the same data give the same clusters.

    Attributes
    ----------
    labels_ : ndarray of int32, shape (n,)
        Cluster of each document.
    probabilities_ : ndarray, shape (n, K)
        Responsibilities of the documents (`predict_proba`), in the type of X; BERTopic reads them. They take n x K
        values of memory; `gem_core.fit_mixture` stores none.
    cluster_centers_ : ndarray, shape (K, d)
        Mean directions mu_k, unit rows, in the type of X.
    concentrations_, masses_, bias_ : ndarray, shape (K,)
        kappa_k; pi_k, fractions; b_k, nats.
    objective_trace_ : ndarray
        Objective after every E-step, nats per document.
    n_iter_ : int
    converged_ : bool
    fit_ : MixtureFit
        The whole result.

    Notes
    -----
    Rows are normalized: only directions count, and a row of zeros is refused. BERTopic takes it as `hdbscan_model`;
    hand embeddings over unreduced (`umap_model=bertopic.dimensionality.BaseDimensionalityReduction()`), the model
    is made for the sphere they live on. `EXPECTED_FAILED_CHECKS` lists, with the reason, the two checks of
    scikit-learn's `check_estimator` that cannot hold (run it on `GEM(n_clusters=3)`: it uses tables of ten rows).

    Examples
    --------
    >>> X = np.random.default_rng(0).normal(size=(100, 8))
    >>> GEM(n_clusters=4, strength=float("inf")).fit(X).masses_.round(6).tolist()
    [0.25, 0.25, 0.25, 0.25]
    """

    def __init__(
        self,
        n_clusters: int = 24,
        *,
        strength: float = 1.0,
        target: Target = "uniform",
        concentration: Literal["per_cluster", "shared"] | float = "per_cluster",
        solver: Literal["dual", "mm"] = "dual",
        max_iter: int = 200,
        tol: float = 1e-6,
        penalty: float | None = None,
        random_state: Any = None,
    ) -> None:
        self.n_clusters = n_clusters
        self.strength = strength
        self.target = target
        self.concentration = concentration
        self.solver = solver
        self.max_iter = max_iter
        self.tol = tol
        self.penalty = penalty
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: object = None, sample_weight: ArrayLike | None = None) -> "GEM":
        """Cluster X (n, d); y is ignored; sample_weight (n,) >= 0 are document weights."""
        x = validate_data(self, X, dtype=[np.float64, np.float32, np.float16], ensure_min_samples=1)
        weights = None if sample_weight is None else _check_sample_weight(sample_weight, x, ensure_non_negative=True)
        fit = fit_mixture(x, self._config(), weights=weights)
        self.fit_: MixtureFit = fit
        self.labels_ = np.array(assign(x, fit).labels)
        self.probabilities_ = responsibilities(x, fit)
        self.cluster_centers_ = fit.centers.astype(np.float32 if x.dtype != np.float64 else np.float64)
        self.concentrations_, self.masses_, self.bias_ = fit.concentrations, fit.masses, fit.bias
        self.objective_trace_, self.n_iter_, self.converged_ = fit.trace, fit.n_iter, fit.converged
        self._n_features_out = fit.masses.size
        return self

    def fit_predict(self, X: ArrayLike, y: object = None, sample_weight: ArrayLike | None = None) -> Int32:
        """Fit and return the labels (n,)."""
        return self.fit(X, sample_weight=sample_weight).labels_

    def predict(self, X: ArrayLike) -> Int32:
        """Cluster of each row of X, (n,)."""
        return np.array(assign(self._rows(X), self.fit_).labels)

    def predict_proba(self, X: ArrayLike) -> Floating:
        """Responsibilities gamma, (n, K), rows sum to 1. They saturate in high dimension: no calibrated probability."""
        return responsibilities(self._rows(X), self.fit_)

    def score(self, X: ArrayLike, y: object = None) -> float:
        """Mean log-likelihood of the rows of X under the mixture with its uniform prior, nats per row; y is ignored."""
        return mean_log_likelihood(self._rows(X), self.fit_)

    def transform(self, X: ArrayLike) -> Floating:
        """Cosine of each row of X to each center, (n, K)."""
        x = self._rows(X)
        length = np.linalg.norm(x.astype(np.float64), axis=1, keepdims=True)
        if not np.all(length > 0):
            raise InputError("X must hold vectors with a direction", "an all-zero row", "Drop those rows")
        return np.asarray(
            np.clip((x / length) @ self.fit_.centers.T, -1.0, 1.0).astype(
                np.float64 if x.dtype == np.float64 else np.float32
            )
        )

    def _rows(self, X: ArrayLike) -> Any:
        check_is_fitted(self)
        return validate_data(self, X, dtype=[np.float64, np.float32, np.float16], reset=False)

    def _config(self) -> MixtureConfig:
        state = self.random_state
        seed = 0 if state is None else state
        if isinstance(state, np.random.RandomState):
            seed = int(check_random_state(state).randint(2**31 - 1))
        elif isinstance(state, np.random.Generator):
            seed = int(state.integers(2**31 - 1))
        target = self.target if isinstance(self.target, str) else tuple(np.asarray(self.target, dtype=float).tolist())
        return MixtureConfig(
            n_clusters=self.n_clusters,
            strength=self.strength,
            target=target,
            concentration=self.concentration,
            solver=self.solver,
            max_iter=self.max_iter,
            tol=self.tol,
            penalty=self.penalty,
            seed=seed,
        )
