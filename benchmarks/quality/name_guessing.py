"""Which of the K names belongs to this document? Asked of an encoder that took no part in naming.

The encoder is the static one that the package `wordllama` carries (16 MB, 256 dimensions): the mean of its token
vectors, read from the package's files. Names and documents are embedded by it, and the name with the highest cosine is
the guess: for one random document, and for the mean of five. The figure is the share of right guesses in percent,
clusters counting alike; 100/K is chance.

Names: ours (the vocabulary, or keywords where it is not sure), ours with its line of keywords, the keyword triple, and
the four words that BERTopic joins (class TF-IDF over the same phrases).

    pip install --no-deps --target FOLDER wordllama
    python -m benchmarks.quality.name_guessing --encoder FOLDER --corpus FILE.parquet VECTORS.npy [--corpus ...]

The vectors must be those of the packaged encoder, for the vocabulary is compared with them.
"""

import argparse
import platform
import time
from pathlib import Path

import numpy as np
import pandas as pd
from safetensors.numpy import load_file
from tokenizers import Tokenizer

from benchmarks.quality.keywords import bertopic
from gem_core._types import Float32
from gem_core.clustering import MixtureConfig, assign, fit_mixture
from gem_core.influence import influence_scores
from gem_core.taxonomy import Terms, cluster_keywords, cluster_labels, count_terms
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


def names_of_fit(
    texts: list[str], X: Float32, terms: Terms, n_clusters: int, seed: int
) -> tuple[np.ndarray, dict[str, list[str]], float]:
    """Return the cluster of each document, the names by each rule, and the seconds that naming took."""
    fit = fit_mixture(X, MixtureConfig(n_clusters=n_clusters, seed=seed))
    assignment = assign(X, fit)
    gis = influence_scores(X, assignment, n_clusters=n_clusters).gis
    labels = assignment.labels
    start = time.process_time()
    words = cluster_keywords(terms, X, labels, gis, fit.centers)
    scores = score_concepts(X, labels, packaged_vectors()[1], packaged_concepts(), n_clusters, gis=gis)
    hits = []
    for k in range(n_clusters):
        rows = np.flatnonzero(labels == k)
        rows = rows[np.argsort(-gis[rows], kind="stable")]
        rows = rows[np.unique(np.linspace(0, len(rows) - 1, min(len(rows), 24)).astype(int))]
        hits.append(document_kinds([texts[row] for row in rows]).astype(np.float64))
    kinds = telling_kinds(hits, [kind.name for kind in text_kinds()])
    ours = [name.label for name in name_clusters_by_concepts(scores, kinds, words)]
    seconds = time.process_time() - start
    triples = list(cluster_labels(words))
    lines = [f"{name}: {', '.join(w.term for w in row[:LINE])}" for name, row in zip(ours, words, strict=True)]
    peers = [" ".join(terms.names[t] for t in row[:4]) for row in bertopic(terms, labels, n_clusters)]
    rules = {"name": ours, "name and keywords": lines, "keyword triple": triples, "BERTopic c-TF-IDF": peers}
    return labels, rules, seconds


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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--encoder", type=Path, required=True)
    parser.add_argument("--corpus", nargs=2, action="append", required=True, metavar=("PARQUET", "NPY"))
    parser.add_argument("--clusters", type=int, nargs="+", default=[12, 24, 48])
    parser.add_argument("--seeds", type=int, default=3)
    args = parser.parse_args()
    encoder = StaticEncoder(args.encoder)
    print(
        time.strftime("%Y-%m-%d"), platform.machine(), f"seeds 0..{args.seeds - 1}; percent right, one / five documents"
    )
    for table, vectors in args.corpus:
        texts = pd.read_parquet(table, columns=["text"])["text"].tolist()
        X = np.load(vectors).astype(np.float32)
        X /= np.linalg.norm(X, axis=1, keepdims=True)
        terms = count_terms(texts)
        documents = encoder.encode(texts)
        for n_clusters in args.clusters:
            figures: dict[str, list[tuple[float, float]]] = {}
            seconds = []
            for seed in range(args.seeds):
                labels, rules, spent = names_of_fit(texts, X, terms, n_clusters, seed)
                seconds.append(spent)
                for rule, names in rules.items():
                    rng = np.random.default_rng(seed)
                    embedded = encoder.encode(names)
                    figures.setdefault(rule, []).append(
                        (guess(embedded, documents, labels, rng, 1), guess(embedded, documents, labels, rng, 5))
                    )
            print(
                f"\n{Path(table).stem}, {len(texts):,} documents, K = {n_clusters}; naming {np.mean(seconds):.2f} CPU s"
            )
            for rule, rows in figures.items():
                one, five = np.mean(rows, axis=0)
                print(f"  {rule:20} {one:5.1f} / {five:5.1f}", flush=True)


if __name__ == "__main__":
    main()
