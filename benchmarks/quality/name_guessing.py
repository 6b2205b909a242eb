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

from benchmarks.quality.name_rules import StaticEncoder, guess, name_rules
from gem_core._types import Float32
from gem_core.clustering import MixtureConfig, assign, fit_mixture
from gem_core.influence import influence_scores
from gem_core.taxonomy import Terms, count_terms


def names_of_fit(
    texts: list[str], X: Float32, terms: Terms, n_clusters: int, seed: int
) -> tuple[np.ndarray, dict[str, list[str]], float]:
    """Return the cluster of each document, the names by each rule, and the seconds that naming took."""
    fit = fit_mixture(X, MixtureConfig(n_clusters=n_clusters, seed=seed))
    assignment = assign(X, fit)
    gis = influence_scores(X, assignment, n_clusters=n_clusters).gis
    start = time.process_time()
    rules = name_rules(texts, X, terms, assignment.labels, gis, fit.centers)
    return assignment.labels, rules, time.process_time() - start


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
                single, five = np.mean(rows, axis=0)
                print(f"  {rule:20} {single:5.1f} / {five:5.1f}", flush=True)


if __name__ == "__main__":
    main()
