"""Compute the balance path of the current taxonomy once."""

from collections.abc import Sequence
from dataclasses import fields, replace

import numpy as np

from gem_core._types import Progress, silent
from gem_core.clustering import STRENGTHS, BalancePath, balance_path
from gem_core.workspace import Taxonomy, Workspace
from gem_core.workspace.costs import CostBook
from gem_core.workspace.manifest import read_manifest

# Documents that the path is fitted to in a larger corpus, and the fewest per cluster among them. Beyond, a path costs
# twice a whole fit and shows the same shares: benchmarks/results/scale.txt.
SAMPLE = 50_000
SAMPLE_PER_CLUSTER = 256
FINAL_PART = 0.1  # of the time of a path: the final pass over all documents, where the path was fitted to a sample
PRODUCTS = 3e7  # documents x clusters x dimensions that the whole path takes a second for, on two cores


def ensure_path(workspace: Workspace, *, progress: Progress = silent) -> Taxonomy:
    """Compute the balance path of the current taxonomy's fit unless it is there already."""
    taxonomy = workspace.taxonomy()
    if not taxonomy.has_path:
        book = CostBook()
        with book.step("balance path"):
            path = _path(workspace, workspace.taxonomy(taxonomy.base), progress)
        with workspace.writing():
            taxonomy.save_path(path)
            # Another process may have added documents meanwhile: the cost goes to the manifest as it is now.
            workspace.manifest = read_manifest(workspace.root).with_cost(book.costs[0])
            workspace.manifest.save(workspace.root)
    return taxonomy


def path_seconds(workspace: Workspace, taxonomy: Taxonomy) -> float:
    """Estimate the time of a balance path of a taxonomy in seconds, from documents, clusters and dimensions.

    It is proportional to their product; the real time is a third to three times as long.
    """
    n, d = workspace.embeddings.shape
    sample_size = _sample_size(taxonomy)
    fitted = n if n <= sample_size else sample_size + FINAL_PART * n
    return float(fitted * d * taxonomy.settings.n_clusters / PRODUCTS)


def _sample_size(taxonomy: Taxonomy) -> int:
    return max(SAMPLE, SAMPLE_PER_CLUSTER * len(taxonomy.clusters))


def _path(workspace: Workspace, taxonomy: Taxonomy, progress: Progress) -> BalancePath:
    """Compute the fits at strengths above 0 from the present fit; the plain mixture (strength 0) comes first."""
    labels, settings = taxonomy.documents["cluster_id"].to_numpy(), taxonomy.settings
    if not isinstance(settings.target, str):  # own shares, for the clusters as this taxonomy numbers them
        settings = replace(settings, target=tuple(float(share) for share in taxonomy.fit.target))
    weights = workspace.weights(settings.weighting)

    def walk(strength: float, strengths: Sequence[float]) -> BalancePath:
        plain = strength == 0
        fits_before = 0 if plain else 1

        def overall(step: str, completed: int, total: int) -> None:
            if step == "path":
                completed, total = completed + fits_before, len(STRENGTHS)
            progress(step, completed, total)

        return balance_path(
            workspace.embeddings,
            replace(settings, strength=strength).config(),
            weights=weights,
            strengths=strengths,
            reference=labels,
            sample_size=_sample_size(taxonomy),
            progress=overall,
            start=taxonomy.fit if plain == (settings.strength == 0) else None,
        )

    plain, balanced = walk(0.0, STRENGTHS[:1]), walk(settings.strength or 1.0, STRENGTHS[1:])
    joined = {
        item.name: np.concatenate([getattr(plain, item.name), getattr(balanced, item.name)])
        for item in fields(BalancePath)
        if item.name not in ("fits", "sampled_documents")
    }
    return BalancePath(fits=plain.fits + balanced.fits, **joined, sampled_documents=balanced.sampled_documents)
