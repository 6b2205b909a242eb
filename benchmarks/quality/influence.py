"""Choose beta, M and the standardization of the Geometric Influence Score on labeled documents, and report elsewhere.

The measure: of the m exemplars of a cluster, the share that carries the label most documents of the cluster carry, as a
gain over a document drawn at random from the cluster (whose expectation is that label's share). Settings are chosen on
one random half of the documents of the first corpus, with fits of that half alone; every figure reported comes from
fits of the other half and of the other corpora. Intervals: 95%, bootstrap over clusters (documents of one cluster are
not independent; clusters of different fits of one corpus share documents, so the intervals are somewhat narrow).

    python -m benchmarks.quality.influence --corpus FILE.parquet VECTORS.npy --corpus FILE.parquet VECTORS.npy
"""

import argparse
import platform
import time

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.quality.influence_rules import NEIGHBORS, SMALLEST, Fit, label_gains, prepare, score

BETAS = (0.0, 0.25, 0.5, 1.0, 2.0)


def gains(fits: list[Fit], m: int, rule: str, beta: float, neighbors: int, standardize: bool) -> NDArray[np.float64]:
    """Gain of the top m over a random document, one number per cluster, over all fits."""
    return np.array(
        [gain for fit in fits for gain in label_gains(fit, score(fit, rule, beta, neighbors, standardize), m)]
    )


def interval(values: NDArray[np.float64], rng: np.random.Generator) -> str:
    """Mean in points of percent with its 95% bootstrap interval over clusters."""
    means = values[rng.integers(0, values.size, (4000, values.size))].mean(axis=1)
    low, high = np.percentile(means, [2.5, 97.5])
    return f"{100 * values.mean():+6.2f} [{100 * low:+6.2f}, {100 * high:+6.2f}]"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", nargs=2, action="append", required=True, metavar=("PARQUET", "NPY"))
    parser.add_argument("--label", default="label", help="column of labels")
    parser.add_argument("--clusters", type=int, nargs="+", default=[12, 24, 48])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--strength", type=float, default=1.0)
    args = parser.parse_args()
    rng = np.random.default_rng(0)
    print(
        time.strftime("%Y-%m-%d"),
        platform.machine(),
        f"clusters {args.clusters}, seeds 0..{args.seeds - 1}, "
        f"strength {args.strength}, bootstrap 4000 over clusters, clusters of {SMALLEST} documents or more",
    )
    halves: list[tuple[str, list[Fit]]] = []
    for number, (table, vectors) in enumerate(args.corpus):
        truth = pd.factorize(pd.read_parquet(table, columns=[args.label])[args.label])[0]
        X = np.load(vectors).astype(np.float32)
        X /= np.linalg.norm(X, axis=1, keepdims=True)
        parts = np.array_split(np.random.default_rng(7).permutation(len(X)), 2) if number == 0 else [np.arange(len(X))]
        for half, rows in enumerate(parts):
            rows = np.sort(rows)
            role = "chosen on" if number == 0 and half == 0 else "reported"
            fits = [
                prepare(X[rows], truth[rows], k, seed, args.strength)
                for k in args.clusters
                for seed in range(args.seeds)
            ]
            name = f"corpus {number + 1}" + (f", half {half + 1}" if number == 0 else "")
            share = np.mean(
                [
                    np.bincount(f.truth[f.assignment.labels == k]).max() / (f.assignment.labels == k).sum()
                    for f in fits
                    for k in range(f.n_clusters)
                    if (f.assignment.labels == k).sum() >= SMALLEST
                ]
            )
            print(
                f"{name} ({role}): {len(rows):,} documents, {truth.max() + 1} labels, "
                f"majority's mean share {100 * share:.1f}%",
                flush=True,
            )
            halves.append((f"{name} ({role})", fits))

    print("\nChoice on the first half: gain over random of the top 10 and the top 50, mean of both, points of percent")
    chooser = halves[0][1]
    table: dict[tuple[bool, float, int], float] = {}
    for standardize in (False, True):
        for beta in BETAS:
            cells = []
            for m in NEIGHBORS if beta else (8,):
                values = [gains(chooser, count, "gis", beta, m, standardize).mean() for count in (10, 50)]
                table[standardize, beta, m] = float(np.mean(values))
                cells.append(f"M={m}: {100 * values[0]:+.2f} {100 * values[1]:+.2f}")
            print(f"  standardize={standardize!s:5} beta={beta:<4} " + "   ".join(cells), flush=True)
    best = max(table, key=lambda key: table[key])
    print(f"Best: standardize={best[0]}, beta={best[1]}, M={best[2]}")

    rules = [
        ("random", None),
        ("confidence only", ("confidence", 0.0, 8, False)),
        ("center only", ("center", 0.0, 8, False)),
        ("density only, M=8", ("density", 0.0, 8, False)),
        ("GIS raw, beta 0.5, M 8", ("gis", 0.5, 8, False)),
        ("GIS standardized, beta 0.5, M 8", ("gis", 0.5, 8, True)),
        (f"GIS chosen: {best[0]}, {best[1]}, {best[2]}", ("gis", best[1], best[2], best[0])),
    ]
    for name, fits in halves[1:]:
        for count in (10, 50):
            print(f"\n{name}: top {count}, gain over random; and chosen GIS minus each")
            best_gains = gains(fits, count, *rules[-1][1])
            for title, rule in rules:
                values = gains(fits, count, *rule) if rule else np.zeros_like(best_gains)
                print(f"  {title:36} {interval(values, rng)}    {interval(best_gains - values, rng)}", flush=True)
            print(f"  ({best_gains.size} clusters, {best_gains.size * count:,} exemplars at most)")


if __name__ == "__main__":
    main()
