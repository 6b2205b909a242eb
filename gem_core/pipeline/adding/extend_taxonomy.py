"""Extend the taxonomies of a workspace to documents that were added: clusters, names and keys stay."""

import os
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from gem_core._types import Float32
from gem_core.clustering.assignment import assign_units
from gem_core.pipeline.building.fit import score_documents
from gem_core.pipeline.editing.cluster_evidence import Evidence, gather_evidence
from gem_core.pipeline.editing.describe_clusters import taxonomy_hash, with_shares
from gem_core.pipeline.labels.stop_words import drop_stop_words, read_stop_words
from gem_core.workspace import Cluster, Taxonomy, Workspace
from gem_core.workspace.atomic_files import write_folder
from gem_core.workspace.integrity import read_hashes
from gem_core.workspace.taxonomy import PARTS, write_taxonomy

PATH = "path.npz"  # the balance path stays that of the documents it was computed on


class TaxonomyExtension:
    """Writes the taxonomies of a workspace again, for a larger corpus of which its documents are the first.

    The new documents go to the clusters of each taxonomy's own mixture, which stays as it was fitted. Scores are
    computed again for all documents, keywords and typical documents for the clusters that grow. Taxonomies that differ
    by names alone share this work.

    Parameters
    ----------
    larger : Workspace
        The larger corpus; the taxonomies are written into its fits/ under their present keys.
    new : ndarray of float32, shape (m, d)
        Unit vectors of the documents that were added.
    """

    def __init__(self, larger: Workspace, new: Float32) -> None:
        self._larger, self._new = larger, new
        self._evidence: dict[tuple[str, ...], dict[int, Evidence]] = {}
        self._written: dict[tuple[str, ...], Taxonomy] = {}

    def extend(self, old: Taxonomy) -> Taxonomy:
        """Write one taxonomy for the larger corpus and return it."""
        hashes = read_hashes(old.folder) or {}
        same_parts = tuple(hashes.get(part, old.key) for part in PARTS)
        first = self._written.get(same_parts)
        if first is None:
            numbers = np.array([cluster.number for cluster in old.clusters], dtype=np.int32)
            added = assign_units(self._new, old.fit).labels
            positions = np.concatenate([old.positions, added]).astype(np.int32)
            X = self._larger.embeddings
            table = score_documents(X, assign_units(X, old.fit, positions), numbers)
            grown = [int(row) for row in np.unique(added)]
            evidence = gather_evidence(self._larger, old.fit.centers, positions, table, grown)
            self._evidence[same_parts] = dict(zip(grown, evidence, strict=True))
        else:
            table = first.documents
        clusters = self._clusters(old, table, self._evidence[same_parts])
        labels = table["cluster_id"].to_numpy()
        extended = replace(
            old,
            clusters=clusters,
            data_hash=self._larger.manifest.data_hash,
            taxonomy_hash=taxonomy_hash(labels, clusters),
            folder=self._larger.root / "fits" / old.key,
        )
        parts = (old.fit, table) if first is None else first.folder
        write_folder(extended.folder, lambda folder: write_taxonomy(folder, extended, parts))
        if (old.folder / PATH).exists():
            _link(old.folder / PATH, extended.folder / PATH)
        self._written.setdefault(same_parts, extended)
        return extended

    def _clusters(self, old: Taxonomy, table: pd.DataFrame, evidence: dict[int, Evidence]) -> tuple[Cluster, ...]:
        """Return the clusters with the documents they have now; what people gave them stays."""
        numbers = np.array([cluster.number for cluster in old.clusters])
        positions, k = np.searchsorted(numbers, table["cluster_id"].to_numpy()), len(numbers)
        counts = np.bincount(positions, minlength=k)
        tokens = np.bincount(positions, self._larger.documents["tokens"].to_numpy(np.float64), k)
        cosine = np.bincount(positions, table["cosine"].to_numpy(np.float64), k) / np.maximum(counts, 1)
        clusters = []
        for row, cluster in enumerate(old.clusters):
            own = evidence.get(row)
            if own is not None:
                cluster = replace(
                    cluster,
                    keywords=drop_stop_words(own.keywords, read_stop_words(self._larger)),
                    exemplars=own.exemplars,
                    borderline=own.borderline,
                    atypical=own.atypical,
                )
            clusters.append(
                replace(
                    cluster,
                    documents=int(counts[row]),
                    tokens=int(tokens[row]),
                    within_cosine=float(cosine[row]),
                )
            )
        return tuple(with_shares(clusters))


def _link(old: Path, new: Path) -> None:
    try:
        os.link(old, new)
    except OSError:  # A file system without links.
        shutil.copyfile(old, new)
