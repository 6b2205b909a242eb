"""Baselines that return a `MixtureFit`: k-means, spherical k-means, and a vMF mixture with a learned prior."""

import time
import warnings

import numpy as np
from numpy.typing import ArrayLike

from gem_core import _check
from gem_core._types import Float64, Floating, frozen
from gem_core.clustering.config import CAP_RATIO, MixtureConfig
from gem_core.clustering.m_step import Parameters, maximize
from gem_core.clustering.mixture import MixtureFit
from gem_core.clustering.prepared_documents import check_enough, prepare_documents
from gem_core.clustering.seeding import hard_assignment_sums, pooled_concentration, seed_mixture
from gem_core.errors import NotConvergedWarning
from gem_core.geometry import log_normalizer, normalize


def kmeans(X: ArrayLike, n_clusters: int, seed: int = 0, weights: ArrayLike | None = None) -> MixtureFit:
    """scikit-learn's KMeans (k-means++, one start) on unit vectors, as a mixture that assigns the same.

    Parameters
    ----------
    X : array_like, shape (n, d)
        Embeddings; normalized here.
    n_clusters, seed : int
        K and the random state.
    weights : array_like, shape (n,), optional
        Document weights.

    Returns
    -------
    MixtureFit
        `objective` is minus the weighted mean squared distance. Center c_k becomes mu_k = c_k / ||c_k||, kappa_k
        proportional to ||c_k||, and b_k so that l + b = s (x'c_k - ||c_k||^2 / 2): `assign` gives k-means' labels.

    Raises
    ------
    InputError
        As in `fit_mixture`.

    Examples
    --------
    >>> kmeans([[1.0, 0.1], [1.0, -0.1], [-1.0, 0.1]], 2).masses.round(2).max().item()
    0.67
    """
    from sklearn.cluster import KMeans

    began = time.perf_counter()
    config = MixtureConfig(n_clusters=n_clusters, strength=0.0, seed=seed, start="plain")
    x, share = _rows_and_shares(X, weights, n_clusters)
    model = KMeans(n_clusters, n_init=1, random_state=seed).fit(x, sample_weight=share * x.shape[0])
    centers = np.asarray(model.cluster_centers_, dtype=np.float64)
    length = np.linalg.norm(centers, axis=1)
    mass, sums = hard_assignment_sums(x, share, model.labels_, n_clusters)
    reference = pooled_concentration(sums)
    # The scale of l that fits the documents best on average; only ratios of kappa_k matter for the labels.
    scale = reference / float(mass @ length)
    parameters = Parameters(centers / length[:, None], scale * length, np.zeros(n_clusters, dtype=bool))
    bias = -0.5 * scale * length**2 - _log_normalizer(parameters)
    return _hard(
        config,
        parameters,
        bias - bias.mean(),
        (mass, sums),
        reference,
        -float(model.inertia_) / x.shape[0],
        int(model.n_iter_),
        began,
    )


def spherical_kmeans(
    X: ArrayLike, n_clusters: int, seed: int = 0, weights: ArrayLike | None = None, iterations: int = 50
) -> MixtureFit:
    """Spherical k-means (faiss), as a mixture with one concentration and no bias.

    Parameters and errors as in `kmeans`; `iterations` is faiss' fixed number. `objective` is the weighted mean cosine
    to the own center.

    Examples
    --------
    >>> round(spherical_kmeans([[1.0, 0.1], [1.0, -0.1], [-1.0, 0.1]], 2).objective, 3)
    0.997
    """
    import faiss

    began = time.perf_counter()
    config = MixtureConfig(n_clusters=n_clusters, strength=0.0, seed=seed, start="plain")
    x, share = _rows_and_shares(X, weights, n_clusters)
    rows = np.ascontiguousarray(x, dtype=np.float32)
    # faiss samples to 256 documents per cluster and warns below 39 unless it is configured not to.
    model = faiss.Kmeans(
        x.shape[1],
        n_clusters,
        niter=iterations,
        spherical=True,
        seed=seed,
        verbose=False,
        min_points_per_centroid=1,
        max_points_per_centroid=x.shape[0],
    )
    model.train(rows, weights=(share * x.shape[0]).astype(np.float32))
    labels = model.index.search(rows, 1)[1][:, 0]
    mass, sums = hard_assignment_sums(x, share, labels, n_clusters)
    reference = pooled_concentration(sums)
    centers = np.asarray(model.centroids, dtype=np.float64)
    centers /= np.linalg.norm(centers, axis=1, keepdims=True)
    parameters = Parameters(centers, np.full(n_clusters, reference), np.zeros(n_clusters, dtype=bool))
    return _hard(
        config,
        parameters,
        np.zeros(n_clusters),
        (mass, sums),
        reference,
        float(np.sum(centers * sums)),
        iterations,
        began,
    )


def vmf_mixture(
    X: ArrayLike,
    n_clusters: int,
    seed: int = 0,
    weights: ArrayLike | None = None,
    *,
    max_iter: int = 200,
    tol: float = 1e-6,
) -> MixtureFit:
    """Mixture of von Mises-Fisher distributions with a learned prior alpha, by ordinary EM from k-means++.

    Parameters and errors as in `kmeans`; `max_iter` and `tol` as in `MixtureConfig`. `objective` is the weighted mean
    log-likelihood, nats; b_k = log alpha_k + log K. This is the rich-get-richer model that GEM decouples (Banerjee
    et al., JMLR 6, 2005).

    Examples
    --------
    >>> from gem_core.geometry import sample_vmf
    >>> rng = np.random.default_rng(0)
    >>> X = np.vstack([sample_vmf(m, 50.0, n, rng) for m, n in (([1, 0, 0], 90), ([0, 1, 0], 30))])
    >>> sorted(vmf_mixture(X, 2).masses.round(2).tolist())
    [0.25, 0.75]
    """
    began = time.perf_counter()
    config = MixtureConfig(n_clusters=n_clusters, strength=0.0, seed=seed, start="plain", max_iter=max_iter, tol=tol)
    corpus = prepare_documents(X, weights, n_clusters)
    documents = corpus.documents
    start = seed_mixture(
        corpus.x,
        corpus.share,
        n_clusters,
        concentration="per_cluster",
        cap_ratio=CAP_RATIO,
        seed=seed,
        start="plain",
        device=documents.device,
    )
    parameters, bias, trace, converged = start.parameters, np.zeros(n_clusters), [], False
    for _ in range(max_iter):
        model = parameters.model().shifted(bias)
        moments = documents.evaluate(model.slopes, model.offsets, gram=False)
        resultants = documents.resultants()
        trace.append(moments.log_partition)
        converged = len(trace) > 1 and trace[-1] - trace[-2] <= tol
        if converged or len(trace) == max_iter:
            break
        parameters = maximize(moments.mass, resultants, parameters, "per_cluster", CAP_RATIO * start.reference)
        # A prior of 0 would be -inf for ever; this one only keeps the arithmetic finite.
        bias = np.log(np.maximum(moments.mass, 1e-300)) + np.log(n_clusters)
    if not converged:
        warnings.warn(
            f"The mixture did not reach tol={tol:g} in {max_iter} iterations", NotConvergedWarning, stacklevel=2
        )
    return _fit(
        config,
        parameters,
        bias,
        moments.mass,
        resultants,
        start.reference,
        np.array(trace),
        converged,
        documents.passes,
        began,
    )


def _rows_and_shares(X: ArrayLike, weights: ArrayLike | None, n_clusters: int) -> tuple[Floating, Float64]:
    """Return unit rows in memory, and weights with sum 1."""
    x = normalize(X)
    share = _check.weights(weights, x.shape[0])
    check_enough(x, share, n_clusters)
    return x, share


def _hard(
    config: MixtureConfig,
    parameters: Parameters,
    bias: Float64,
    sums: tuple[Float64, Float64],
    reference: float,
    objective: float,
    iterations: int,
    began: float,
) -> MixtureFit:
    return _fit(config, parameters, bias, *sums, reference, np.array([objective]), True, iterations, began)


def _fit(
    config: MixtureConfig,
    parameters: Parameters,
    bias: Float64,
    mass: Float64,
    resultants: Float64,
    reference: float,
    trace: Float64,
    converged: bool,
    passes: int,
    began: float,
) -> MixtureFit:
    k = config.n_clusters
    return MixtureFit(
        centers=frozen(parameters.centers),
        concentrations=frozen(parameters.concentrations),
        bias=frozen(bias),
        masses=frozen(mass),
        target=frozen(np.full(k, 1.0 / k)),
        resultants=frozen(resultants),
        capped=frozen(parameters.capped),
        strength=0.0,
        penalty=0.0,
        reference_concentration=reference,
        objective=float(trace[-1]),
        trace=frozen(trace),
        n_iter=passes,
        converged=converged,
        passes=passes,
        seconds=time.perf_counter() - began,
        config=config,
    )


def _log_normalizer(parameters: Parameters) -> Float64:
    return log_normalizer(parameters.centers.shape[1], parameters.concentrations)
