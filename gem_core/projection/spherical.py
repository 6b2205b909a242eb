"""The layout of a corpus on the unit sphere, and its flat map."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from gem_core import _check
from gem_core._types import Float32, Floating, Progress, frozen, silent
from gem_core.geometry import normalize
from gem_core.projection.flat import equal_earth, rotate_for_map
from gem_core.projection.neighbors import (
    affinities,
    cosine_index,
    fibonacci_lattice,
    neighbor_graph,
    principal_directions,
)
from gem_core.projection.placement import place_with_index

# Chosen by measurement: benchmarks/projection.py; what was tried and left is in benchmarks/LOG.md.
PERPLEXITY = 15.0
EPOCHS = 500
LANDMARKS = 256
# A larger corpus is laid out by so many of its documents, and the others are placed beside them: an epoch and the
# search for neighbors then cost the same for a million documents (trustworthiness: benchmarks/results/scale.txt).
SAMPLE = 50_000
BLOCK = 1 << 16  # documents that are normalized at a time
# All documents are then moved together for some epochs, each by fewer neighbors: placed alone they lost .06 of
# trustworthiness, so .015 (24,000 documents of which 6,000 were laid out).
REFINE_EPOCHS, REFINE_NEIGHBORS = 100, 30
EXAGGERATION = 1.5  # a little more pull than t-SNE: groups part, and trustworthiness gains
MOMENTUM = 0.8


@dataclass(frozen=True)
class Layout:
    """Positions of documents for looking at; measures are always computed in the embedding space instead.

    Attributes
    ----------
    sphere : ndarray of float32, shape (n, 3)
        Unit vectors. Distances mean neighborhood, not cosine.
    flat : ndarray of float32, shape (n, 2)
        The Equal Earth (equal-area) map of the same points.
    seed : int
        Seed of the layout.
    sampled_documents : int
        Documents that were laid out, the others placed beside them; 0 for all.
    """

    sphere: Float32
    flat: Float32
    seed: int
    sampled_documents: int = 0


def layout(X: ArrayLike, *, seed: int = 0, sample_size: int = SAMPLE, progress: Progress = silent) -> Layout:
    r"""Lay documents out on the unit sphere so that neighbors stay neighbors, and draw the flat map of it.

    t-SNE with the sphere instead of the plane: minimize KL(P || Q) over y_i in S^2 with
    q_ij proportional to 1 / (1 + R^2 ||y_i - y_j||^2).

    Parameters
    ----------
    X : array_like, shape (n, d)
        Embeddings, n >= 1, finite and not zero; only directions count. Any number of copies is allowed.
    seed : int
        Seed of the start, of the sample, of the landmarks and of the search for the map's cut. Same seed, same layout.
    sample_size : int
        With more documents than this, so many of them are laid out (drawn at random), every other one is placed between
        its 8 nearest of these (`place_beside_neighbors`), and a fifth of the epochs is run on all of them.
    progress : Progress
        Called with the steps "neighbors" (documents), "layout" (epochs), with a sample "place on the map" (documents),
        and "flat map".

    Returns
    -------
    Layout
        It depends on the documents only, never on clusters: refits leave it as it is.

    Raises
    ------
    InputError
        X is empty, or a row is zero or not finite.
    Cancelled
        Passed on from `progress`.

    Notes
    -----
    The repulsion is summed over 256 points drawn again each epoch instead of all n, which costs no trustworthiness
    (benchmarks/LOG.md) and makes an epoch linear in n. Memory: what is laid out three times in
    float32, and about 2 kB a document of it. The flat map is a view of the sphere, not a second layout: every place
    stays findable, and the cut costs .003 of trustworthiness. van der Maaten & Hinton, JMLR 9 (2008).

    Examples
    --------
    >>> import numpy as np
    >>> X = np.random.default_rng(0).standard_normal((40, 8))
    >>> result = layout(X)
    >>> result.sphere.shape, result.flat.shape, bool(np.allclose(np.linalg.norm(result.sphere, axis=1), 1))
    ((40, 3), (40, 2), True)
    """
    vectors = _check.vectors(X)
    n = len(vectors)
    rng = np.random.default_rng(seed)
    if n <= sample_size:
        sphere = _lay_out(normalize(vectors), rng, progress)
    else:
        sample = np.sort(rng.choice(n, sample_size, replace=False))
        rows = normalize(vectors[sample])
        placed = _place_others(vectors, sample, rows, _lay_out(rows, rng, progress), progress)
        sphere = rotate_for_map(_refine(vectors, placed, rng, progress), rng)
    flat = equal_earth(sphere)
    progress("flat map", n, n)
    return Layout(frozen(sphere), frozen(flat), seed, 0 if n <= sample_size else sample_size)


def _lay_out(rows: Floating, rng: np.random.Generator, progress: Progress) -> Float32:
    """Return positions of unit rows on the sphere."""
    n = len(rows)
    start = principal_directions(rows, rng) if n > 3 else None
    if start is None:
        # Nothing to arrange: a few documents, or all of them copies.
        return fibonacci_lattice(n)
    perplexity = min(PERPLEXITY, max(1.0, (n - 1) / 3))
    indices, distances = neighbor_graph(rows, min(int(3 * PERPLEXITY), n - 1), progress)
    graph = affinities(indices, distances, perplexity)
    return rotate_for_map(_descend(start, graph, rng, progress), rng)


def _place_others(
    vectors: Floating, sample: NDArray[np.int64], rows: Floating, positions: Float32, progress: Progress
) -> Float32:
    """Return positions of all vectors: those of the sample as they are, the others beside them."""
    index = cosine_index(rows, len(vectors))
    sphere = np.empty((len(vectors), 3), dtype=np.float32)
    for first in range(0, len(vectors), BLOCK):
        progress("place on the map", first, len(vectors))
        block = normalize(vectors[first : first + BLOCK])
        sphere[first : first + BLOCK] = place_with_index(index, positions, block)
    progress("place on the map", len(vectors), len(vectors))
    sphere[sample] = positions
    return sphere


def _refine(vectors: Floating, placed: Float32, rng: np.random.Generator, progress: Progress) -> Float32:
    """Settle all documents around the places that they were given: the last epochs of a layout, on all neighbors."""
    squares = np.einsum("ij,ij->i", vectors, vectors)
    is_unit = vectors.dtype == np.float32 and bool(np.all(np.abs(squares - 1.0) < 1e-5))
    rows = vectors if is_unit else normalize(vectors)  # those of a workspace are units, and not copied
    graph = affinities(*neighbor_graph(rows, REFINE_NEIGHBORS, progress), REFINE_NEIGHBORS / 3)
    return _descend(placed, graph, rng, progress, epochs=REFINE_EPOCHS, grow=False)


def _final_radius(n: int) -> float:
    """Return the sphere's radius in units of the kernel's width.

    The best radius on corpora of 100 to 24,000 documents, within the noise (benchmarks/LOG.md). Slower than the
    root of n, which would keep the documents a kernel constant: 500 epochs cannot order a sphere of many kernels.
    """
    return float(1.35 * n**0.25)


def _exaggeration(n: int) -> float:
    """Return the factor on the attraction: 1 for a few documents (more would pull all into one spot), 1.5 for many."""
    return 1.0 + (EXAGGERATION - 1.0) * min(1.0, n / 1000)


def _descend(
    start: Float32,
    graph: sparse.csr_matrix,
    rng: np.random.Generator,
    progress: Progress,
    *,
    epochs: int = EPOCHS,
    grow: bool = True,
) -> Float32:
    """Run the gradient descent from positions on the unit sphere; return positions there.

    With `grow` the sphere grows over the first half of the epochs; without, positions are in order already.
    """
    from gem_core.projection.forces import gather, move  # loads numba, which only a layout needs

    n = len(start)
    unit, velocity = start.copy(), np.zeros_like(start)
    attraction, repulsion, kernel_sum = np.zeros_like(start), np.zeros_like(start), np.zeros(n, dtype=np.float32)
    edges = (graph.indptr.astype(np.int64), graph.indices.astype(np.int64), graph.data.astype(np.float32))
    normalizer = 0.0
    for epoch in range(epochs):
        progress("layout", epoch, epochs)
        # The sphere grows fourfold over the first half: first the continents, then what lies inside them.
        radius = np.float32(_final_radius(n) * (4.0 ** (min(1.0, 2.0 * epoch / epochs) - 1.0) if grow else 1.0))
        points = radius * unit
        landmarks = points if n <= LANDMARKS else points[rng.integers(0, n, LANDMARKS)]
        gather(points, np.ascontiguousarray(landmarks.T), *edges, attraction, repulsion, kernel_sum)
        scale = n / len(landmarks)
        # Sum of q over pairs; a point's kernel with itself, 1, is not among them. Never below n (n-1) times the
        # kernel of two poles, which the noise of the landmarks must not undercut. Averaged over ten epochs.
        least = n * (n - 1) / (1.0 + 4.0 * float(radius) ** 2)
        total = max(float(kernel_sum.sum(dtype=np.float64)) * scale - n, least)
        normalizer = total if n <= LANDMARKS or epoch == 0 else 0.9 * normalizer + 0.1 * total
        # The rate n of Belkina et al. (2019), and a linear end that averages the landmarks' noise out.
        rate = 4.0 * max(n, 50) * min(1.0, (2.0 if grow else 1.0) * (epochs - epoch) / epochs) / radius
        pull, push = np.float32(rate * _exaggeration(n)), np.float32(rate * scale / normalizer)
        move(unit, velocity, attraction, repulsion, pull, push, np.float32(MOMENTUM))
    progress("layout", epochs, epochs)
    return unit
