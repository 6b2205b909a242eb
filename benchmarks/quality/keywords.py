"""Do keywords name their cluster? Measured on documents that neither the fit nor the keywords have seen.

A cluster's first 3 (a label) and first 8 keywords are used in two ways on the unseen half of the corpus.
Guess: which cluster does a document belong to, given the keywords of all? The one of whose keywords it holds most (ties
share the point); the figure is the share of right guesses, clusters counting alike (1/K is chance). Broad words that
fit everywhere do not help here; this is what a reader does with labels.
Search: a document scores one point for each keyword of the cluster it holds; the figure is the area under the ROC curve
(0.5 is chance) for finding the cluster's documents, and those with the label most documents of the cluster carry. Broad
words help here: it measures coverage.
Peers: the cluster's most frequent phrases, and class TF-IDF as BERTopic defines it, over the same candidates.
Intervals: 95%, bootstrap over clusters, of the mean and of ours minus each.

    python -m benchmarks.quality.keywords --corpus FILE.parquet VECTORS.npy [--corpus ...]
"""

import argparse
import platform
import time
from collections.abc import Callable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gem_core.clustering import MixtureConfig, assign, fit_mixture
from gem_core.influence import influence_scores
from gem_core.taxonomy import Terms, cluster_keywords, count_terms
from gem_core.taxonomy import keywords as room

Table = list[list[int]]
_WHAT = ("guess the cluster: share right", "search its documents: area", "search its label: area")
_TITLES = tuple(f"{what}, {m} keywords" for what in _WHAT for m in (3, 8))


def frequent(terms: Terms, labels: NDArray[np.int32], k: int) -> Table:
    """Phrases in most documents of each cluster."""
    counts = terms.counts.copy()
    counts.data = np.ones_like(counts.data)
    sums = [np.asarray(counts[labels == c].sum(axis=0)).ravel() for c in range(k)]
    return [np.argsort(-row, kind="stable")[:8].tolist() for row in sums]


def bertopic(terms: Terms, labels: NDArray[np.int32], k: int) -> Table:
    """Class TF-IDF: share of the phrase among the class's phrases times log(1 + A / f)."""
    sums = np.stack([np.asarray(terms.counts[labels == c].sum(axis=0)).ravel() for c in range(k)]).astype(float)
    shares = sums / np.maximum(sums.sum(axis=1, keepdims=True), 1)
    scores = shares * np.log(1 + sums.sum(axis=1).mean() / np.maximum(sums.sum(axis=0), 1))
    return [np.argsort(-row, kind="stable")[:8].tolist() for row in scores]


def area(score: NDArray[np.float64], member: NDArray[np.bool_]) -> float:
    """Area under the ROC curve, ties half."""
    ranks = pd.Series(score).rank().to_numpy()
    inside = int(member.sum())
    return float((ranks[member].sum() - inside * (inside + 1) / 2) / (inside * (member.size - inside)))


def interval(values: NDArray[np.float64], rng: np.random.Generator) -> str:
    """Mean and its 95% bootstrap interval."""
    low, high = np.percentile(values[rng.integers(0, values.size, (4000, values.size))].mean(axis=1), [2.5, 97.5])
    return f"{values.mean():+.3f} [{low:+.3f}, {high:+.3f}]"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", nargs=2, action="append", required=True, metavar=("PARQUET", "NPY"))
    parser.add_argument("--clusters", type=int, default=24)
    parser.add_argument("--seeds", type=int, default=3)
    args = parser.parse_args()
    rng = np.random.default_rng(0)
    print(time.strftime("%Y-%m-%d"), platform.machine(), f"K={args.clusters}, seeds 0..{args.seeds - 1}")
    for number, (table, vectors) in enumerate(args.corpus, 1):
        frame = pd.read_parquet(table, columns=["text", "label"])
        truth = pd.factorize(frame["label"])[0]
        X = np.load(vectors).astype(np.float32)
        X /= np.linalg.norm(X, axis=1, keepdims=True)
        start = time.perf_counter()
        terms = count_terms(frame["text"].tolist())
        counting = time.perf_counter() - start
        scores: dict[str, list[list[float]]] = {}
        naming = []
        for seed in range(args.seeds):
            shuffle = np.random.default_rng(seed).permutation(len(X))
            first_half, unseen = np.sort(shuffle[: len(X) // 2]), np.sort(shuffle[len(X) // 2 :])
            fit = fit_mixture(X[first_half], MixtureConfig(n_clusters=args.clusters, seed=seed))
            assignment, other = assign(X[first_half], fit), assign(X[unseen], fit).labels
            gis = influence_scores(X[first_half], assignment, n_clusters=args.clusters).gis
            own = Terms(terms.names, terms.counts[first_half])
            column = {name: i for i, name in enumerate(terms.names)}

            def ours(cosine: float = room._COSINE, flat: bool = False, diversity: float = room._DIVERSITY) -> Table:
                before = room._COSINE, room._DIVERSITY
                room._COSINE, room._DIVERSITY = cosine, diversity
                score = np.zeros_like(gis) if flat else gis  # noqa: B023
                words = cluster_keywords(own, X[first_half], assignment.labels, score, fit.centers)  # noqa: B023
                room._COSINE, room._DIVERSITY = before
                return [[column[w.term] for w in row[:8]] for row in words]  # noqa: B023

            start = time.perf_counter()
            rules: dict[str, Callable[[], Table]] = {
                "ours": ours,
                "ours, every document alike": lambda: ours(flat=True),
                "ours, class TF-IDF only": lambda: ours(cosine=0.0),
                "ours, cosine only": lambda: ours(cosine=1.0),
                "ours, no MMR": lambda: ours(diversity=0.0),
                "class TF-IDF of BERTopic": lambda: bertopic(own, assignment.labels, args.clusters),  # noqa: B023
                "most frequent phrases": lambda: frequent(own, assignment.labels, args.clusters),  # noqa: B023
            }
            held_out = terms.counts[unseen].tocsc()
            held_out.data = np.ones_like(held_out.data)
            for name, rule in rules.items():
                start = time.perf_counter()
                columns = rule()
                hits = [np.stack([np.asarray(held_out[:, c[:m]].sum(axis=1)).ravel() for c in columns]) for m in (3, 8)]
                points = [(h == h.max(axis=0)) / (h == h.max(axis=0)).sum(axis=0) for h in hits]
                if name == "ours":
                    naming.append(time.perf_counter() - start)
                for c in range(args.clusters):
                    inside = truth[first_half][assignment.labels == c]
                    members = other == c
                    kind = truth[unseen] == (np.bincount(inside).argmax() if inside.size else -1)
                    if inside.size < 20 or members.sum() < 20:
                        continue
                    row = [float(p[c, members].mean()) for p in points]
                    row += [area(h[c].astype(np.float64), target) for target in (members, kind) for h in hits]
                    scores.setdefault(name, []).append(row)
        values = {name: np.array(rows) for name, rows in scores.items()}
        print(
            f"\ncorpus {number}: {len(X):,} documents, {len(terms.names):,} phrases counted in {counting:.1f} s, "
            f"{len(values['ours'])} clusters; keywords of {len(X) // 2:,} documents in {np.mean(naming):.2f} s"
        )
        for j, title in enumerate(_TITLES):
            print(f"  {title}; ours minus it")
            for name, rows in values.items():
                print(
                    f"    {name:28} {interval(rows[:, j], rng)}   {interval(values['ours'][:, j] - rows[:, j], rng)}",
                    flush=True,
                )


if __name__ == "__main__":
    main()
