"""The balance path: fits over a grid of strengths by warm start."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gem_core._types import Float64, Progress, frozen, silent
from gem_core.clustering.assignment import assign_units
from gem_core.clustering.config import CAP_RATIO, MixtureConfig
from gem_core.clustering.em_loop import Problem, expectation_maximization
from gem_core.clustering.matching import match_clusters
from gem_core.clustering.measures import agreement, balance_measures
from gem_core.clustering.mixture import (
    MixtureFit,
    cold_start,
    fit_prepared,
    inherit_target,
    warm_seed,
)
from gem_core.clustering.prepared_documents import PreparedDocuments, prepare_documents
from gem_core.clustering.vector_files import StoredVectors
from gem_core.errors import InputError

# No balance, 14 strengths evenly spaced in their logarithm around the matched one, and exact balance.
STRENGTHS = (0.0, *(float(s) for s in np.geomspace(1 / 32, 16, 14).round(4)), float("inf"))


@dataclass(frozen=True)
class BalancePath:
    """Fits over strengths and what they show; every array has one entry per strength, weakest first.

    Attributes
    ----------
    strengths : ndarray, shape (S,)
        Balance strengths, rising, may hold 0 and inf.
    fits : tuple of MixtureFit
        One per strength; all share the reference concentration, and cluster k is the same cluster in all.
    masses : ndarray, shape (S, K)
        Soft masses, fractions.
    normalized_entropy, effective_clusters, largest, smallest : ndarray, shape (S,)
        Measures of the masses (`BalanceMeasures`).
    objective : ndarray, shape (S,)
        F, nats per document; not comparable between strengths (the penalty differs).
    mean_margin : ndarray, shape (S,)
        Mean margin of the documents, nats.
    moved_share : ndarray, shape (S,)
        Fraction of documents with another label than in the reference.
    ari : ndarray, shape (S,)
        Adjusted Rand index to the reference.
    sampled_documents : int
        Documents that centers and concentrations were fitted to; 0 for all. Everything else is of all documents.
    """

    strengths: Float64
    fits: tuple[MixtureFit, ...]
    masses: Float64
    normalized_entropy: Float64
    effective_clusters: Float64
    largest: Float64
    smallest: Float64
    objective: Float64
    mean_margin: Float64
    moved_share: Float64
    ari: Float64
    sampled_documents: int = 0

    def nearest(self, strength: float) -> MixtureFit:
        """Return the fit of the nearest strength, on the scale s / (1 + s) of a slider from 0 to infinity."""
        if not strength >= 0:
            raise InputError("strength must be a number from 0 to infinity", f"{strength!r}", "Use 1 for matched")
        return self.fits[int(np.argmin(np.abs(_slider(self.strengths) - _slider(np.array(float(strength))))))]


def balance_path(
    X: ArrayLike | StoredVectors,
    config: MixtureConfig,
    *,
    weights: ArrayLike | None = None,
    strengths: Sequence[float] | None = None,
    reference: ArrayLike | None = None,
    start: MixtureFit | None = None,
    sample_size: int | None = None,
    progress: Progress = silent,
    device: str = "auto",
) -> BalancePath:
    """Fit a grid of strengths, each from its neighbor.

    Parameters
    ----------
    X, weights, device
        As in `fit_mixture`.
    config : MixtureConfig
        Everything but the strength of the fits (an "mm" solver is replaced by "dual" at infinite strength).
    strengths : sequence of float, optional
        At least one, each from 0 to infinity. Default: 16, from 0 over the matched 1 to infinity.
    reference : array_like of int, shape (n,), optional
        Labels to compare with; the clusters of the whole path are then numbered after them. Default: the labels of
        the path at the strength nearest to `config.strength`.
    start : MixtureFit, optional
        Begin at this fit instead of a cold start: the path then runs through its solution.
    sample_size : int, optional
        With more documents than this, fit the path to so many of them, drawn by weight, and end with an E-step of each
        fit on all documents: bias, masses and objective are those of all, as are margins and labels.
    progress : Progress
        Called as progress("seed", ...), progress("path", done, total) and, with a sample, progress("path of all
        documents", done, total).

    Returns
    -------
    BalancePath

    Raises
    ------
    InputError
        As in `fit_mixture`; a strength is not a number from 0 to infinity.

    Notes
    -----
    The path begins balanced, at the matched strength (or at `start`), and runs from there down to 0 and up to
    infinity: a plain mixture reached this way keeps the optimum that a balanced one found. Beginning at infinity
    (start "relax") ended in lower objectives at strengths 0, 0.25 and 1 (benchmarks/results/clustering_seeds.txt).

    Examples
    --------
    >>> from gem_core.geometry import sample_vmf
    >>> rng = np.random.default_rng(0)
    >>> X = np.vstack([sample_vmf(m, 30.0, n, rng) for m, n in (([1, 0, 0], 90), ([0, 1, 0], 30))])
    >>> path = balance_path(X, MixtureConfig(n_clusters=2), strengths=[0.0, float("inf")])
    >>> path.largest.round(2).tolist()
    [0.75, 0.5]
    """
    grid = np.unique(np.asarray(STRENGTHS if strengths is None else strengths, dtype=np.float64))
    if grid.ndim != 1 or grid.size == 0 or not np.all(grid >= 0):
        raise InputError(
            "strengths must be one number or more, each from 0 to infinity",
            f"{grid.tolist()}",
            "Leave them out for the usual 16",
        )
    prepared = prepare_documents(X, weights, config.n_clusters, device)
    sampled = sample_size is not None and prepared.documents.n > sample_size
    fits = _fits(prepared.draw(sample_size) if sampled and sample_size else prepared, config, grid, start, progress)
    if sampled:
        fits = _extend_to_all(prepared, fits, progress)
    assignments = [assign_units(prepared.x, fit) for fit in fits]
    center = int(np.argmin(np.abs(_slider(grid) - _slider(np.array(float(config.strength))))))
    labels: list[NDArray[Any]] = [a.labels for a in assignments]
    if reference is None:
        old = labels[center]
    else:
        old = np.asarray(reference)
        order = match_clusters(old, labels[center], config.n_clusters)
        fits, labels = [fit.permute(order) for fit in fits], [order[each] for each in labels]
    measures = [balance_measures(fit.masses) for fit in fits]

    def column(values: list[float]) -> Float64:
        return frozen(np.array(values))

    return BalancePath(
        strengths=frozen(grid),
        fits=tuple(fits),
        masses=frozen(np.stack([fit.masses for fit in fits])),
        normalized_entropy=column([m.normalized_entropy for m in measures]),
        effective_clusters=column([m.effective_clusters for m in measures]),
        largest=column([m.largest for m in measures]),
        smallest=column([m.smallest for m in measures]),
        objective=column([fit.objective for fit in fits]),
        mean_margin=column([float(a.margin.mean(dtype=np.float64)) for a in assignments]),
        moved_share=column([float(np.mean(each != old)) for each in labels]),
        ari=column([agreement(old, each).ari for each in labels]),
        sampled_documents=sample_size or 0 if sampled else 0,
    )


def _fits(
    prepared: PreparedDocuments, config: MixtureConfig, grid: Float64, start: MixtureFit | None, progress: Progress
) -> list[MixtureFit]:
    """Fits of the grid, outwards from the anchor."""
    anchor = int(np.argmin(np.abs(_slider(grid) - _slider(np.array(1.0 if start is None else start.strength)))))
    d = prepared.x.shape[1]
    if start is None:
        cold = replace(config, strength=float(grid[anchor]), penalty=None, solver="dual")
        seed, target = cold_start(prepared, cold, progress)
    else:
        seed, target = warm_seed(start, config, d), inherit_target(start, config)
    fits: dict[int, MixtureFit] = {}
    for at in [*range(anchor, -1, -1), *range(anchor + 1, grid.size)]:
        progress("path", len(fits), grid.size)
        strength = float(grid[at])
        step = replace(config, strength=strength, penalty=None, solver="dual" if np.isinf(strength) else config.solver)
        if at != anchor:
            seed = warm_seed(fits[at + 1 if at < anchor else at - 1], step, d)
        fits[at] = fit_prepared(prepared, step, seed, target=target)
        if config.target != "uniform":
            target = fits[at].target
    progress("path", grid.size, grid.size)
    return [fits[at] for at in range(grid.size)]


def _extend_to_all(prepared: PreparedDocuments, fits: list[MixtureFit], progress: Progress) -> list[MixtureFit]:
    """Solve the E-step of every fit on all documents: centers and concentrations stay."""
    extended: list[MixtureFit] = []
    for fit in fits:
        progress("path of all documents", len(extended), len(fits))
        cap = CAP_RATIO * fit.reference_concentration
        problem = Problem(fit.penalty, fit.target, fit.config.concentration, cap)
        bias = np.where(np.isfinite(fit.bias), fit.bias, 0.0) if fit.penalty > 0 else None
        run = expectation_maximization(prepared.documents, problem, fit.parameters(), bias=bias, max_iter=1)
        step = run.expectation
        extended.append(
            replace(
                fit,
                bias=frozen(step.bias),
                masses=frozen(step.mass),
                resultants=frozen(step.resultants),
                objective=float(run.trace[-1]),
            )
        )
    progress("path of all documents", len(fits), len(fits))
    return extended


def _slider(strength: Float64) -> Float64:
    """Map strengths to s / (1 + s): 0 at no balance, 1/2 at the matched strength, 1 at exact balance."""
    return np.where(np.isinf(strength), 1.0, strength / (1.0 + np.where(np.isinf(strength), 0.0, strength)))
