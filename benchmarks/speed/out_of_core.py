"""Fit vectors that stay on disk: memory, passes, and time beside reading the file and the bare matrix products.

    python -m benchmarks.speed.out_of_core FOLDER REAL.npy [--rows 1000000] [--clusters 24 200]

Makes FOLDER/vectors.npy (rows x d float16, removed afterwards): 80% drawn from 200 von Mises-Fisher clusters in 20
groups with shares falling as 1 / rank, 20% the real vectors again and again with jitter, in random order. Every fit
then runs in a process of its own, which reports its largest resident memory.
"""

import argparse
import json
import os
import pickle
import resource
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from sklearn.metrics import adjusted_rand_score

from benchmarks._harness import machine, seconds_in_turn
from gem_core.clustering import (
    MixtureConfig,
    MixtureFit,
    assign,
    block_statistics,
    fit_mixture,
    ray_vectors,
    stored_vectors,
)
from gem_core.clustering.prepared_documents import prepare_documents
from gem_core.clustering.threads import torch_threads
from gem_core.geometry import normalize, sample_vmf

PLANTED = 200
REAL = 0.2
JITTER = 0.02  # of every coordinate's root mean square: copies are near-duplicates, not duplicates


def make(folder: Path, real: Path, n: int) -> None:
    rng = np.random.default_rng(0)
    real_rows = normalize(np.load(real))
    d = real_rows.shape[1]
    vectors = np.lib.format.open_memmap(folder / "vectors.npy", mode="w+", dtype=np.float16, shape=(n, d))
    labels = np.full(n, -1, dtype=np.int32)
    order = rng.permutation(n)
    copies = order[: int(REAL * n)]
    for part in np.array_split(copies, max(1, copies.size // 20_000)):
        x = real_rows[rng.integers(len(real_rows), size=part.size)]
        vectors[part] = normalize(x + JITTER * rng.standard_normal(x.shape) / np.sqrt(d))
    rest = order[copies.size :]
    share = 1.0 / np.arange(1, PLANTED + 1)
    labels[rest] = np.sort(rng.choice(PLANTED, size=rest.size, p=share / share.sum())).astype(np.int32)
    groups = normalize(rng.standard_normal((20, d)))
    for k in range(PLANTED):
        center = normalize(groups[[k % 20]] + 1.2 * rng.standard_normal((1, d)) / np.sqrt(d))[0]
        rows = np.flatnonzero(labels == k)
        for part in np.array_split(rows, max(1, rows.size // 20_000)):
            vectors[part] = sample_vmf(center, rng.uniform(150, 400), part.size, rng)
    vectors.flush()
    np.save(folder / "labels.npy", labels)


def run_one(folder: Path, k: int, tol: float) -> None:
    """Fit, and print one line of JSON; memory is read before anything else is measured."""
    path = folder / "vectors.npy"
    vectors = np.load(path, mmap_mode="r")
    if len(vectors) < 500_000:  # would be taken into memory
        vectors = stored_vectors(path)
    marks: dict[str, float] = {}

    def progress(step: str, completed: int, total: int) -> None:
        marks.setdefault(step, time.perf_counter())
        marks["end"] = time.perf_counter()

    fit = fit_mixture(vectors, MixtureConfig(n_clusters=k, tol=tol), progress=progress)
    memory = resident()
    began = time.perf_counter()
    labels = assign(vectors, fit).labels
    assigned = time.perf_counter() - began
    planted = np.load(folder / "labels.npy")
    labeled = planted >= 0
    passing, read, products = in_turn(vectors, fit, path)
    print(
        json.dumps(
            {
                "clusters": k,
                "rows": vectors.shape[0],
                "iterations": fit.n_iter,
                "passes": fit.passes,
                "converged": fit.converged,
                "seconds": fit.seconds,
                "seconds_of_passes": marks["end"] - marks["fit"],
                "seconds_a_pass": passing,
                "read": read,
                "products": products,
                "ratio": passing / (read + products),
                "objective": fit.objective,
                "falls": int(np.sum(np.diff(fit.trace) < 0)),
                "largest_fall": float(-min(0.0, np.diff(fit.trace).min())),
                "ari": adjusted_rand_score(planted[labeled], labels[labeled]),
                "assign_seconds": assigned,
                **memory,
                "resident_after_assign": resident()["peak_mb"],
            }
        )
    )


def in_turn(vectors: np.ndarray, fit: MixtureFit, path: Path, repeats: int = 5) -> np.ndarray:
    """Median seconds of a pass, of reading the file, and of the three float32 products of a pass, taken in turn.

    Two threads work on the bare products as on the pass: each multiplies blocks of its own.
    """
    documents = prepare_documents(vectors, None, fit.masses.size).documents
    model, rows, d, k = fit.parameters().model(), 4096, fit.centers.shape[1], fit.masses.size
    x, slopes = torch.randn(rows, d), torch.randn(k, d)
    gamma, into = torch.softmax(torch.randn(k, rows), 0), bytearray(1 << 22)

    def read() -> None:
        with path.open("rb", buffering=0) as file:
            while file.readinto(into):
                pass

    def products() -> None:
        with torch_threads(1) as threads, ThreadPoolExecutor(threads) as pool:
            list(pool.map(multiply, range(documents.n // rows)))

    def multiply(_: int) -> None:
        torch.mm(slopes, x.T)
        torch.mm(gamma, gamma.T)
        torch.mm(gamma, x)

    calls = [lambda: documents.evaluate(model.slopes, model.offsets + fit.bias), read, products]
    return np.median(seconds_in_turn(calls, repeats), axis=0)


def over_ray(folder: Path, k: int, workers: int) -> None:
    """One line: the fit by Ray workers beside the one of this process, and the bytes that a pass moves."""
    path, config = folder / "vectors.npy", MixtureConfig(n_clusters=k, start="plain", max_iter=20)
    alone = fit_mixture(stored_vectors(path), config)
    with ray_vectors(path, workers=workers) as vectors:
        fit = fit_mixture(vectors, config)
        documents, local = (
            prepare_documents(vectors, None, k).documents,
            prepare_documents(stored_vectors(path), None, k).documents,
        )
        model, offsets = fit.parameters().model(), fit.parameters().model().offsets + fit.bias
        passes = [lambda d=d: d.evaluate(model.slopes, offsets) for d in (documents, local)]
        times = np.median(seconds_in_turn(passes, 5), axis=0)
    rows = np.load(path, mmap_mode="r")[:1000].astype(np.float32)
    out = len(pickle.dumps(block_statistics(rows, np.full(1000, 1e-3), model.slopes, offsets)))
    there = len(pickle.dumps((model.slopes, offsets)))
    print(
        f"Ray, {workers} workers, {documents.n:,} rows, K = {k}: objective {fit.objective:.6f}, alone "
        f"{alone.objective:.6f} (relative difference {abs(fit.objective / alone.objective - 1):.1e}); a pass "
        f"{times[0]:.3f} s, alone {times[1]:.3f} s; a pass sends a worker {there:,} and returns {out:,} bytes",
        flush=True,
    )


def resident() -> dict[str, float]:
    """Peak of the process, and of its private memory and mapped files now, MB."""
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines() if ":" in line)

    def mb(name: str) -> float:
        return int(status[name].split()[0]) / 1024

    return {
        "peak_mb": mb("VmHWM"),
        "now_mb": mb("VmRSS"),
        "mapped_mb": mb("RssFile"),
        "peak_by_getrusage_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("real", type=Path)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--clusters", type=int, nargs="+", default=[24, 200])
    parser.add_argument("--tol", type=float, default=1e-6)
    parser.add_argument("--keep", action="store_true", help="leave the vectors where they are, and use them if there")
    parser.add_argument("--ray", type=int, default=0, metavar="WORKERS", help="compare with Ray workers, and no more")
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        run_one(options.folder, options.one, options.tol)
        return
    print(machine(), flush=True)
    options.folder.mkdir(parents=True, exist_ok=True)
    if not (options.folder / "labels.npy").exists():
        make(options.folder, options.real, options.rows)
    try:
        for k in options.clusters:
            if options.ray:
                over_ray(options.folder, k, options.ray)
                continue
            out = subprocess.run(
                [
                    *(sys.executable, "-m", "benchmarks.speed.out_of_core"),
                    *map(str, (options.folder, options.real)),
                    "--one",
                    str(k),
                    "--tol",
                    str(options.tol),
                ],
                capture_output=True,
                text=True,
                env=dict(os.environ),
            )
            print(report(json.loads(out.stdout)) if out.returncode == 0 else out.stderr, flush=True)
    finally:
        if not options.keep:
            for name in ("vectors.npy", "labels.npy"):
                (options.folder / name).unlink(missing_ok=True)


def report(r: dict[str, float]) -> str:
    return (
        f"{r['rows']:,} x float16, K = {r['clusters']}: peak resident {r['peak_mb']:.0f} MB (mapped files "
        f"{r['mapped_mb']:.0f} MB) [must be < 2000]; after assigning all too {r['resident_after_assign']:.0f} MB\n"
        f"  {r['iterations']} iterations, {r['passes']} passes, converged {bool(r['converged'])}, "
        f"{r['seconds']:.1f} s in all, {r['seconds_of_passes']:.1f} s of passes; objective {r['objective']:.6f}, "
        f"{r['falls']} falls of the trace, largest {r['largest_fall']:.1e}; ARI to planted {r['ari']:.4f}\n"
        f"  a pass {r['seconds_a_pass']:.3f} s, reading {r['read']:.3f} s, three products {r['products']:.3f} s: "
        f"ratio {r['ratio']:.2f}  [must be <= 2]; assigning {r['assign_seconds']:.1f} s"
    )


if __name__ == "__main__":
    main()
