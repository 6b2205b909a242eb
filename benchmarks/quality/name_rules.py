"""Names of clusters by several rules, and the guess which of K names belongs to a document."""

from pathlib import Path

import numpy as np
from safetensors.numpy import load_file
from tokenizers import Tokenizer

from benchmarks.quality.keywords import bertopic
from gem_core._types import Float32, Float64
from gem_core.taxonomy import Terms, cluster_keywords, cluster_labels
from gem_core.taxonomy.cluster_names import name_clusters_by_concepts, telling_kinds
from gem_core.taxonomy.concept_scores import score_concepts
from gem_core.taxonomy.concepts import packaged_concepts, packaged_vectors
from gem_core.taxonomy.text_kinds import document_kinds, text_kinds

LINE = 8  # keywords beside a name
SINGLES, FIVES = 60, 30  # guesses for each cluster


class StaticEncoder:
    """Mean of the token vectors of WordLlama, of unit length."""

    def __init__(self, folder: Path) -> None:
        package = folder / "wordllama"
        (weights,) = (package / "weights").glob("*.safetensors")
        (config,) = (package / "tokenizers").glob("l2_*.json")
        self._table = next(iter(load_file(weights).values())).astype(np.float32)
        self._tokenizer = Tokenizer.from_file(str(config))

    def encode(self, texts: list[str]) -> Float32:
        rows = []
        for text in texts:
            ids = self._tokenizer.encode(text[:4000], add_special_tokens=False).ids
            rows.append(self._table[ids].mean(axis=0) if ids else np.zeros(self._table.shape[1], np.float32))
        vectors = np.stack(rows)
        return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9), np.float32)


def name_rules(
    texts: list[str], X: Float32, terms: Terms, labels: np.ndarray, gis: np.ndarray, centers: Float64
) -> dict[str, list[str]]:
    """Return the names of the clusters by each rule; X are vectors of the packaged encoder."""
    n_clusters = len(centers)
    words = cluster_keywords(terms, X, labels, gis, centers)
    scores = score_concepts(X, labels, packaged_vectors()[1], packaged_concepts(), n_clusters, gis=gis)
    hits = []
    for k in range(n_clusters):
        rows = np.flatnonzero(labels == k)
        rows = rows[np.argsort(-gis[rows], kind="stable")]
        rows = rows[np.unique(np.linspace(0, len(rows) - 1, min(len(rows), 24)).astype(int))]
        hits.append(document_kinds([texts[row] for row in rows]).astype(np.float64))
    kinds = telling_kinds(hits, [kind.name for kind in text_kinds()])
    ours = [name.label for name in name_clusters_by_concepts(scores, kinds, words)]
    lines = [f"{name}: {', '.join(w.term for w in row[:LINE])}" for name, row in zip(ours, words, strict=True)]
    return {
        "name": ours,
        "name and keywords": lines,
        "keyword triple": list(cluster_labels(words)),
        "BERTopic c-TF-IDF": [" ".join(terms.names[t] for t in row[:4]) for row in bertopic(terms, labels, n_clusters)],
    }


def guess(names: Float32, documents: Float32, labels: np.ndarray, rng: np.random.Generator, size: int) -> float:
    """Return the share of right guesses, in percent, for random sets of documents of one cluster."""
    shares = []
    for k in range(len(names)):
        rows = np.flatnonzero(labels == k)
        if rows.size < size:
            continue
        draws = rng.choice(rows, (SINGLES if size == 1 else FIVES, size))
        means = documents[draws].mean(axis=1)
        shares.append(float(((means @ names.T).argmax(axis=1) == k).mean()))
    return 100 * float(np.mean(shares))
