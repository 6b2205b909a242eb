"""Documents made ready for fits: checked, normalized, on their device or in their files."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from gem_core import _check
from gem_core._types import Float64, Floating, Progress, silent
from gem_core.clustering.config import CAP_RATIO, MixtureConfig
from gem_core.clustering.m_step import Parameters
from gem_core.clustering.out_of_core import FileSums, StreamedDocuments
from gem_core.clustering.ray_vectors import RayVectors
from gem_core.clustering.search_sample import draw_documents, search_sample
from gem_core.clustering.seeding import FitStart, reference_concentration, seed_mixture
from gem_core.clustering.statistics import Documents, DocumentSums
from gem_core.clustering.vector_files import StoredVectors, large_map
from gem_core.errors import InputError
from gem_core.geometry import normalize


@dataclass(frozen=True)
class PreparedDocuments:
    """Checked documents on their device, or in files: shared by the fits of a path."""

    x: Floating | StoredVectors
    share: Float64
    documents: DocumentSums

    def seed(
        self,
        config: MixtureConfig,
        progress: Progress = silent,
        *,
        shares: Float64 | None = None,
        rivals: Sequence[Parameters] = (),
    ) -> FitStart:
        """Cold start for a config; `shares` are matched to clusters, `rivals` compete."""
        scale = 1.0 / self.documents.n if config.lambda_scale == "sum" else 1.0
        return seed_mixture(
            self.x,
            self.share,
            config.n_clusters,
            concentration=config.concentration,
            cap_ratio=CAP_RATIO,
            seed=config.seed,
            start=config.start,
            strength=config.strength * scale if config.strength > 0 else 0.0,
            penalty=None if config.penalty is None else config.penalty * scale,
            shares=shares,
            rivals=rivals,
            device=self.documents.device,
            progress=progress,
        )

    def draw(self, size: int) -> "PreparedDocuments":
        """Return at most `size` of the documents, drawn by weight and content (`draw_documents`)."""
        x, share = draw_documents(self.x, self.share, size)
        return PreparedDocuments(x, share, Documents(x, share, device=self.documents.device))

    def reference_concentration(self, config: MixtureConfig) -> float:
        """kappa_0 of a cold start for a config; no seed enters."""
        sample = search_sample(self.x, self.share, config.n_clusters, self.documents.device)
        return reference_concentration(sample, config.n_clusters, config.concentration)


def prepare_documents(
    X: ArrayLike | StoredVectors, weights: ArrayLike | None, n_clusters: int, device: str = "auto"
) -> PreparedDocuments:
    """Check and normalize documents once, or leave them in their files; errors as in `fit_mixture`."""
    x = load_unit_rows(X)
    share = _check.weights(weights, x.shape[0])
    check_enough(x, share, n_clusters)
    if not isinstance(x, StoredVectors):
        return PreparedDocuments(x, share, Documents(x, share, device=device))
    weighing = share if np.ptp(share) > 0 else None
    if isinstance(x, RayVectors):
        return PreparedDocuments(x, share, x.documents(weighing))
    shard = FileSums(x, weighing, x.shape[0], device=device)
    shard.check()
    return PreparedDocuments(x, share, StreamedDocuments(shard.statistics, x.shape, shard.device))


def load_unit_rows(X: ArrayLike | StoredVectors) -> Floating | StoredVectors:
    """Vectors that stay in their files, or checked unit rows."""
    if isinstance(X, StoredVectors):
        return X
    stored = large_map(X)
    return normalize(X) if stored is None else stored


def check_enough(x: Floating | StoredVectors, share: Float64, k: int) -> None:
    """Refuse fewer documents, weighing documents or directions than clusters need."""
    n, d = x.shape
    if d < 2:
        raise InputError(
            "X must have at least two dimensions (a sphere needs them)",
            f"n_features = {d}",
            "Pass embeddings with two columns or more",
        )
    if n < k:
        raise InputError(
            f"n_clusters must not exceed the number of documents (n_samples = {n})",
            f"{k}",
            f"Ask for at most {n} clusters or add documents",
        )
    weighing = int(np.count_nonzero(share))
    if weighing < k:
        raise InputError(
            "n_clusters must not exceed the number of documents with a positive weight",
            f"{k} clusters for {weighing} such documents",
            "Ask for fewer clusters",
        )
    # Of most corpora the first rows tell: the others are looked at only when these are alike.
    if k > 1 and all(np.all(np.abs(x[at : at + 4096] - x[:1]) < 1e-6) for at in range(0, n, 4096)):
        raise InputError(
            "X must hold at least two different directions to form clusters",
            f"{n:,} vectors that are all the same",
            "Check the embedding, or ask for one cluster",
        )
