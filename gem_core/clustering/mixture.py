"""Fit a GEM mixture: `fit_mixture(X, config) -> MixtureFit` (GEM, arXiv 2605.26121)."""

import time
import warnings
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from gem_core._types import Bool, Float64, Progress, frozen, silent
from gem_core.clustering.config import CAP_RATIO, MixtureConfig
from gem_core.clustering.em_loop import Problem, Run, expectation_maximization, is_solved
from gem_core.clustering.m_step import Parameters, maximize
from gem_core.clustering.prepared_documents import PreparedDocuments, prepare_documents
from gem_core.clustering.seeding import FitStart
from gem_core.clustering.target import needs_natural_masses, target_from_masses
from gem_core.clustering.vector_files import StoredVectors
from gem_core.errors import InputError, NotConvergedWarning


@dataclass(frozen=True)
class MixtureFit:
    r"""A fitted mixture. A document belongs to argmax_k of l_k(x) + b_k, l_k = log(1/K) + log f(x | mu_k, kappa_k).

    Attributes
    ----------
    centers : ndarray of float64, shape (K, d)
        mu_k, unit rows.
    concentrations : ndarray, shape (K,)
        kappa_k.
    bias : ndarray, shape (K,)
        b_k, nats; -lambda (pi_k - u_k) at finite strength. -inf for a cluster whose target is 0 at infinite strength.
    masses : ndarray, shape (K,)
        pi_k = sum_i w_i gamma_ik, fractions with sum 1.
    target : ndarray, shape (K,)
        u_k, fractions with sum 1.
    resultants : ndarray, shape (K, d)
        sum_i w_i gamma_ik x_i.
    capped : ndarray of bool, shape (K,)
        Where kappa_k stopped at the cap (10 times the reference concentration).
    strength, penalty : float
        Balance strength as asked, and the lambda it meant here.
    reference_concentration : float
        kappa_0 with lambda = strength x kappa_0: the shared concentration of the start (or the fixed one). Constant
        over one fit and over a path, so that a trace follows one objective.
    objective : float
        F, nats per document.
    trace : ndarray, shape (T,)
        F after every E-step on all documents; never falls.
    n_iter : int
        T.
    converged : bool
        Whether the tolerance was reached.
    passes : int
        Evaluations of all documents, Newton steps included (work on a sample of the start not counted).
    seconds : float
        Wall time, start included.
    config : MixtureConfig
        What was asked.
    """

    centers: Float64
    concentrations: Float64
    bias: Float64
    masses: Float64
    target: Float64
    resultants: Float64
    capped: Bool
    strength: float
    penalty: float
    reference_concentration: float
    objective: float
    trace: Float64
    n_iter: int
    converged: bool
    passes: int
    seconds: float
    config: MixtureConfig

    def permute(self, order: ArrayLike) -> "MixtureFit":
        """Return the fit with cluster k renamed to order[k].

        Parameters
        ----------
        order : array_like of int, shape (K,)
            New id of each cluster (as `match_clusters` returns it), a permutation of 0 .. K-1.

        Raises
        ------
        InputError
            `order` is not a permutation.
        """
        new = np.asarray(order)
        k = self.masses.size
        if new.shape != (k,) or not np.array_equal(np.sort(new), np.arange(k)):
            raise InputError(
                f"order must be a permutation of 0 to {k - 1}", f"{new.tolist()}", "Pass the result of match_clusters"
            )
        old = np.argsort(new)
        config = self.config
        if not isinstance(config.target, str):
            config = replace(config, target=tuple(config.target[i] for i in old))
        return replace(
            self,
            config=config,
            centers=frozen(self.centers[old]),
            concentrations=frozen(self.concentrations[old]),
            bias=frozen(self.bias[old]),
            masses=frozen(self.masses[old]),
            target=frozen(self.target[old]),
            resultants=frozen(self.resultants[old]),
            capped=frozen(self.capped[old]),
        )

    def parameters(self) -> Parameters:
        """mu, kappa and where the cap binds, as the M-step gives them."""
        return Parameters(self.centers, self.concentrations, self.capped)


def fit_mixture(
    X: ArrayLike | StoredVectors,
    config: MixtureConfig,
    *,
    weights: ArrayLike | None = None,
    start: MixtureFit | None = None,
    progress: Progress = silent,
    device: str = "auto",
) -> MixtureFit:
    """Fit a GEM mixture to documents.

    Parameters
    ----------
    X : array_like or StoredVectors, shape (n, d)
        Embeddings, d >= 2; normalized here. float16 and float32 are fitted in float32 (sums in float64), float64 in
        float64. Memory: one copy at most, and twice n x K responsibilities while they take less than 1 GiB. A memory
        map (`np.load(path, mmap_mode="r")`) of float16 or float32 that would take more than half a GiB in float32 stays
        on disk: every pass reads it block by block, and 24 bytes per document are held. So do `stored_vectors(paths)`,
        and `ray_vectors(paths)` over several machines.
    config : MixtureConfig
        Number of clusters, strength and the rest.
    weights : array_like, shape (n,), optional
        Document weights >= 0 (tokens, say); divided by their sum. Default: every document counts the same.
    start : MixtureFit, optional
        Warm start from a fit of the same documents; its reference concentration (and a target
        that is natural or a floor) is kept, so strengths mean the same in both.
    progress : Progress
        Called as progress("seed" | "fit", done, total).
    device : str
        "auto", "cpu" or "cuda".

    Returns
    -------
    MixtureFit

    Raises
    ------
    InputError
        X is not a table of finite vectors, has fewer rows than clusters, or all its rows are the same direction
        while more than one cluster is asked; weights or start do not match.

    Warns
    -----
    NotConvergedWarning
        max_iter was reached before tol.

    Examples
    --------
    >>> from gem_core.geometry import sample_vmf
    >>> rng = np.random.default_rng(0)
    >>> X = np.vstack([sample_vmf(m, 50.0, n, rng) for m, n in (([1, 0, 0], 90), ([0, 1, 0], 30))])
    >>> fit_mixture(X, MixtureConfig(n_clusters=2, strength=0.0)).masses.round(2).tolist()
    [0.75, 0.25]
    """
    began = time.perf_counter()
    prepared = prepare_documents(X, weights, config.n_clusters, device)
    if start is None:
        seed, target = cold_start(prepared, config, progress)
    else:
        seed, target = warm_seed(start, config, prepared.x.shape[1]), inherit_target(start, config)
    return fit_prepared(prepared, config, seed, target=target, progress=progress, began=began)


def cold_start(
    prepared: PreparedDocuments, config: MixtureConfig, progress: Progress = silent
) -> tuple[FitStart, Float64 | None]:
    """Start from scratch, and the target masses in its order where they are known."""
    if config.target == "uniform":
        return prepared.seed(config, progress), None
    if not needs_natural_masses(config.target):
        seed = prepared.seed(config, progress, shares=np.array(config.target))
        if config.strength == 0 or seed.target is None:  # No share pulls, or all are equal: any order will do.
            return seed, np.array(config.target)
        # Cluster k of the fit has share k: clusters are put in the order of the shares as they were given.
        order = np.empty(config.n_clusters, dtype=np.int64)
        order[np.argsort(-np.array(config.target), kind="stable")] = np.argsort(-seed.target, kind="stable")
        return seed.reorder(order), np.array(config.target)
    base = fit_natural(prepared, config, progress)
    target = target_from_masses(config.target, base.masses)
    if config.strength == 0 or config.penalty == 0:
        return warm_seed(base, config, prepared.x.shape[1]), target
    seed = prepared.seed(config, progress, shares=target, rivals=[base.parameters()])
    return seed, target if seed.target is None else seed.target


def fit_natural(prepared: PreparedDocuments, config: MixtureConfig, progress: Progress = silent) -> MixtureFit:
    """Fit the plain mixture (strength 0) of a config: its masses are the natural ones."""
    plain = replace(config, strength=0.0, penalty=None, target="uniform", solver="dual")
    return fit_prepared(prepared, plain, prepared.seed(plain, progress), progress=progress)


def fit_prepared(
    prepared: PreparedDocuments,
    config: MixtureConfig,
    seed: FitStart,
    *,
    target: Float64 | None = None,
    progress: Progress = silent,
    began: float | None = None,
) -> MixtureFit:
    """Fit from a seed; `target` (K,) when it is known already."""
    began = time.perf_counter() if began is None else began
    documents, before = prepared.documents, prepared.documents.passes
    penalty = _penalty(config, seed.reference, documents.n)
    if target is None:
        seed, target = _target(prepared, config, seed)
    problem = Problem(penalty, target, config.concentration, CAP_RATIO * seed.reference, config.solver)
    run = expectation_maximization(
        documents,
        problem,
        seed.parameters,
        bias=seed.bias if penalty > 0 else None,
        max_iter=config.max_iter,
        tol=config.tol,
        progress=progress,
    )
    if not run.converged:
        error = float(np.max(np.abs(run.expectation.mass - target)))
        unsolved = (
            "" if is_solved(run.expectation, problem) else f" and its masses miss the target by up to {error:.1e}"
        )
        warnings.warn(
            f"The fit did not reach tol={config.tol:g} in {run.trace.size} iterations{unsolved}; allow more with "
            "max_iter, or accept a looser tol",
            NotConvergedWarning,
            stacklevel=3,
        )
    return _result(run, problem, config, seed.reference, documents.passes - before, time.perf_counter() - began)


def _result(
    run: Run, problem: Problem, config: MixtureConfig, reference: float, passes: int, seconds: float
) -> MixtureFit:
    step, parameters = run.expectation, run.parameters
    return MixtureFit(
        centers=frozen(parameters.centers),
        concentrations=frozen(parameters.concentrations),
        bias=frozen(step.bias),
        masses=frozen(step.mass),
        target=frozen(problem.target),
        resultants=frozen(step.resultants),
        capped=frozen(parameters.capped),
        strength=float(config.strength) if config.penalty is None else problem.penalty / reference,
        penalty=problem.penalty,
        reference_concentration=reference,
        objective=float(run.trace[-1]),
        trace=frozen(run.trace),
        n_iter=run.trace.size,
        converged=run.converged,
        passes=passes,
        seconds=seconds,
        config=config,
    )


def _penalty(config: MixtureConfig, reference: float, n: int) -> float:
    scale = 1.0 / n if config.lambda_scale == "sum" else 1.0
    if config.penalty is not None:
        return float(config.penalty) * scale
    if config.strength == 0:
        return 0.0
    return float(config.strength) * reference * scale


def _target(prepared: PreparedDocuments, config: MixtureConfig, seed: FitStart) -> tuple[FitStart, Float64]:
    """Return the target masses of a warm start whose settings do not contain them."""
    k = config.n_clusters
    if config.target == "uniform":
        return seed, np.full(k, 1.0 / k)
    if not needs_natural_masses(config.target):
        return seed, np.array(config.target)
    base = fit_natural(prepared, config)
    masses = base.masses
    # The natural masses in the order of the start: clusters are matched by the cosine of their centers.
    from scipy.optimize import linear_sum_assignment

    _, partner = linear_sum_assignment(-(seed.parameters.centers @ base.centers.T))
    return seed, target_from_masses(config.target, masses[partner])


def warm_seed(start: MixtureFit, config: MixtureConfig, d: int) -> FitStart:
    """Start from an earlier fit; errors as in `fit_mixture`."""
    if start.centers.shape != (config.n_clusters, d):
        raise InputError(
            f"start must have {config.n_clusters} clusters in {d} dimensions",
            f"{start.centers.shape[0]} clusters in {start.centers.shape[1]}",
            "Fit without start, or with the same number of clusters on the same vectors",
        )
    parameters, reference = start.parameters(), start.reference_concentration
    if config.concentration != start.config.concentration:
        # The rule for kappa changed: one M-step under the new rule, so that the first value belongs to it.
        if not isinstance(config.concentration, str):
            reference = float(config.concentration)
        parameters = maximize(start.masses, start.resultants, parameters, config.concentration, CAP_RATIO * reference)
    return FitStart(parameters, np.where(np.isfinite(start.bias), start.bias, 0.0), start.masses, reference, warm=True)


def inherit_target(start: MixtureFit | None, config: MixtureConfig) -> Float64 | None:
    """Return the target for a warm start; masses at strength 0 are computed once."""
    return (
        start.target
        if start is not None and config.target == start.config.target and needs_natural_masses(config.target)
        else None
    )
