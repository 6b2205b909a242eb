"""Compare starts over seeds: objective, agreement with labels, agreement between seeds and between resamplings.

    python -m benchmarks.quality.clustering_seeds VECTORS.npy TABLE.parquet --label label --clusters 24 [--seeds 20]

The start is chosen by objective and by agreement between seeds; the labels are only reported. "resampled" fits a
random 80% of the documents with its own seed and assigns all: it also counts what new data would change.
"""

import argparse
import time
import warnings

import numpy as np
import pyarrow.parquet as pq

from benchmarks.quality.fitters import Fitter, baselines, gem
from gem_core.clustering import agreement, assign, stability
from gem_core.geometry import normalize


def candidates(k: int) -> dict[str, Fitter]:
    starts = {
        f"GEM {strength:g} {start}": gem(k, strength, start=start)
        for strength in (1.0, 0.25, 0.0)
        for start in ("plain", "relax", "search")
    }
    return {**baselines(k), **starts}


def row(name: str, fitter: Fitter, x: np.ndarray, truth: np.ndarray, seeds: int) -> str:
    objective, seconds, ari, labels, resampled = [], [], [], [], []
    for seed in range(seeds):
        began = time.perf_counter()
        fit = fitter(x, seed)
        seconds.append(time.perf_counter() - began)
        objective.append(fit.objective)
        labels.append(assign(x, fit).labels)
        ari.append(agreement(truth, labels[-1]).ari)
        if seed < max(2, seeds // 2):
            keep = np.random.default_rng(seed).random(x.shape[0]) < 0.8
            resampled.append(assign(x, fitter(x[keep], seed)).labels)
    return (
        f"{name:20s} {np.mean(objective):10.4f} {np.std(objective):7.4f} {max(objective):10.4f} "
        f"{np.mean(ari):7.3f} {np.std(ari):6.3f} {stability(labels):8.3f} {stability(resampled):10.3f} "
        f"{np.median(seconds):7.2f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("vectors")
    parser.add_argument("table")
    parser.add_argument("--label", default="label")
    parser.add_argument("--clusters", type=int, required=True)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--only", default="", help="run the rows whose name holds this")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    x = normalize(np.load(options.vectors))
    truth = np.unique(pq.read_table(options.table)[options.label].to_numpy(), return_inverse=True)[1]
    print(
        f"{x.shape[0]:,} x {x.shape[1]}, K = {options.clusters}, {options.seeds} seeds "
        f"({max(2, options.seeds // 2)} resamplings)"
    )
    print(
        f"{'':20s} {'objective':>10s} {'sd':>7s} {'best':>10s} {'ARI':>7s} {'sd':>6s} {'seeds':>8s} "
        f"{'resampled':>10s} {'seconds':>7s}"
    )
    for name, fitter in candidates(options.clusters).items():
        if options.only in name:
            print(row(name, fitter, x, truth, options.seeds), flush=True)


if __name__ == "__main__":
    main()
