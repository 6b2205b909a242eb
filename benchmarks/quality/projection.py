"""Layouts beside each other in one run: ours on the sphere and its flat map, UMAP in the plane and on the sphere.

Trustworthiness@15 (cosine neighbors of the embedding; 2,000 sampled documents, ranks among all), seconds of each
layout as a ratio to UMAP 2-D in the same process, and how much of the globe is used: documents in the emptiest
hemisphere (share) and the radius of the largest empty cap (degrees).

    python -m benchmarks.quality.projection VECTORS.npy [...] [--seeds 3] [--out benchmarks/results/projection.txt]
"""

import argparse
import platform
import sys
import time
import warnings
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from gem_core.geometry import normalize
from gem_core.projection import layout, trustworthiness

Positions = dict[str, np.ndarray]


def ours(X: np.ndarray, seed: int) -> Positions:
    result = layout(X, seed=seed)
    return {"ours, sphere": result.sphere, "ours, flat map": result.flat}


def umap_plane(X: np.ndarray, seed: int) -> Positions:
    import umap

    return {"UMAP 2-D": umap.UMAP(metric="cosine", random_state=seed).fit_transform(X)}


def umap_space(X: np.ndarray, seed: int) -> Positions:
    import umap

    positions = umap.UMAP(metric="cosine", n_components=3, random_state=seed).fit_transform(X)
    return {"UMAP 3-D, centerd and normalized": normalize(positions - positions.mean(axis=0))}


def coverage(sphere: np.ndarray) -> tuple[float, float]:
    """Return the share of documents in the emptiest hemisphere and the largest empty cap's radius in degrees."""
    directions = normalize(np.random.default_rng(0).standard_normal((2000, 3))).astype(np.float32)
    cosine = directions @ sphere.T
    return float((cosine > 0).mean(axis=1).min()), float(np.degrees(np.arccos(min(1.0, cosine.max(axis=1).min()))))


def measure(path: Path, seeds: int) -> list[str]:
    X = normalize(np.load(path).astype(np.float32))
    layout(X[:100])  # compile before the clock runs; UMAP's own compilation is paid by the call below
    umap_plane(X[:300], 0)
    peers: list[Callable[[np.ndarray, int], Positions]] = [umap_plane, umap_space, ours]
    scores: dict[str, list[float]] = {}
    seconds: dict[str, list[float]] = {}
    covers: dict[str, list[tuple[float, float]]] = {}
    for seed in range(seeds):
        for peer in peers:
            began = time.perf_counter()
            results = peer(X, seed)
            took = time.perf_counter() - began
            for name, positions in results.items():
                print(f"{path.name}, seed {seed}: {name} done after {took:.1f} s", file=sys.stderr, flush=True)
                scores.setdefault(name, []).append(trustworthiness(X, positions, seed=seed))
                seconds.setdefault(name, []).append(took)
                if positions.shape[1] == 3:
                    covers.setdefault(name, []).append(coverage(positions))
    base = float(np.median(seconds["UMAP 2-D"]))
    lines = [f"{len(X):,} documents x {X.shape[1]}, {seeds} seeds: mean (lowest - highest)"]
    for name, values in scores.items():
        took = float(np.median(seconds[name]))
        line = (
            f"  {name:<34} trust {np.mean(values):.4f} ({min(values):.4f} - {max(values):.4f})"
            f"   {took:6.1f} s = {took / base:4.2f} x UMAP 2-D"
        )
        if name in covers:
            hemisphere, cap = np.mean(covers[name], axis=0)
            line += f"   emptiest hemisphere {hemisphere:5.1%}, largest empty cap {cap:4.1f} deg"
        lines.append(line)
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("vectors", type=Path, nargs="+", help=".npy file, one row per document")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    warnings.filterwarnings("ignore", module="umap|sklearn|numba")
    lines = [
        f"{datetime.now(UTC):%Y-%m-%d}, {platform.machine()}, Python {platform.python_version()}; "
        "UMAP with a seed runs on one thread, our descent too; the machine was shared"
    ]
    for path in arguments.vectors:
        lines += measure(path, arguments.seeds)
        if arguments.out:  # after each corpus: the large ones take long
            arguments.out.parent.mkdir(parents=True, exist_ok=True)
            arguments.out.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
