"""Time the clustering against what it contains and against scikit-learn, all in one process.

    python -m benchmarks.speed.clustering_speed VECTORS.npy [--clusters 24] [--strength 1.0] [--repeats 5]

Four tables: one full iteration (exact E + M) beside the two bare float32 matrix products it contains; a whole fit
beside KMeans(n_init=1); E-step passes of the two solvers to the same objective; a 16-point path beside one fit.
"""

import argparse
import time

import numpy as np
import torch
from sklearn.cluster import KMeans

from benchmarks._harness import machine, seconds, spread
from gem_core.clustering import Documents, MixtureConfig, balance_path, fit_mixture
from gem_core.clustering.config import CAP_RATIO
from gem_core.clustering.e_step import dual_step
from gem_core.clustering.em_loop import Extrapolation, Problem, expectation_maximization
from gem_core.clustering.m_step import maximize
from gem_core.clustering.prepared_documents import prepare_documents
from gem_core.clustering.seeding import seed_mixture
from gem_core.geometry import normalize


def iteration(x: np.ndarray, k: int, strength: float, repeats: int) -> None:
    """Exact iterations of a running fit, each beside the bare products, in turn."""
    n, d = x.shape
    weights = np.full(n, 1.0 / n)
    seed = seed_mixture(x, weights, k, concentration="per_cluster", cap_ratio=CAP_RATIO, seed=0, start="plain")
    penalty, target = strength * seed.reference, np.full(k, 1.0 / k)
    documents = Documents(x, weights)
    tensor, product = torch.from_numpy(x), torch.empty(n, k)
    slopes, gamma = torch.randn(k, d), torch.rand(n, k)

    def bare() -> None:
        torch.mm(tensor, slopes.T, out=product)
        torch.mm(gamma.T, tensor)

    start = expectation_maximization(
        documents, Problem(penalty, target, "per_cluster", np.inf), seed.parameters, max_iter=15, tol=0.0
    )
    parameters, biases = start.parameters, Extrapolation(start.expectation.bias)
    ours, products, passes = [], [], documents.passes
    for _ in range(20 * repeats):
        products.append(seconds(bare))
        began = time.perf_counter()
        step = dual_step(documents, parameters.model(), penalty, target, bias=biases.next())
        biases.add(step.optimum)
        parameters = maximize(step.mass, step.resultants, parameters, "per_cluster", CAP_RATIO * seed.reference)
        ours.append(time.perf_counter() - began)
    count = len(ours)
    print(
        f"one exact iteration: {1e3 * np.median(ours):.2f} ms (best {1e3 * min(ours):.2f}), two bare products "
        f"{1e3 * np.median(products):.2f} ms (best {1e3 * min(products):.2f}), "
        f"{(documents.passes - passes) / count:.1f} Newton passes; "
        f"ratio of medians {np.median(ours) / np.median(products):.2f}, of bests "
        f"{min(ours) / min(products):.2f}  [must be <= 2, goal 1.3]"
    )


def whole(x: np.ndarray, k: int, strength: float, repeats: int) -> None:
    ours, peer, plain, iterations = [], [], [], []
    for seed in range(repeats):
        peer.append(seconds(lambda s=seed: KMeans(k, n_init=1, random_state=s).fit(x)))
        fit = fit_mixture(x, MixtureConfig(n_clusters=k, strength=strength, seed=seed))
        ours.append(fit.seconds)
        iterations.append(fit.n_iter)
        config = MixtureConfig(n_clusters=k, strength=strength, seed=seed, start="plain")
        plain.append(fit_mixture(x, config).seconds)
    print(
        f"whole fit: {spread(ours)} s, {np.median(iterations):.0f} iterations on all documents; start=plain "
        f"{spread(plain)} s; KMeans(n_init=1) {spread(peer)} s; ratio of sums {sum(ours) / sum(peer):.2f}, plain "
        f"{sum(plain) / sum(peer):.2f}  [must be <= 3]"
    )


def solvers(x: np.ndarray, k: int, strength: float, repeats: int) -> None:
    for start in ("search", "plain"):
        for seed in range(repeats):
            shared = {"n_clusters": k, "strength": strength, "start": start, "seed": seed}
            mm = fit_mixture(x, MixtureConfig(solver="mm", max_iter=20_000, **shared))
            passes, reached = passes_to(x, MixtureConfig(solver="dual", **shared), mm.objective)
            print(
                f"solvers, start {start}, seed {seed}: mm {mm.passes} passes to {mm.objective:.6f} (converged "
                f"{mm.converged}); dual {passes} passes to {reached:.6f}; ratio 1/{mm.passes / passes:.0f}"
                f"{'' if reached >= mm.objective else ' (another optimum, below)'}  [must be <= 1/50]",
                flush=True,
            )


def passes_to(x: np.ndarray, config: MixtureConfig, goal: float) -> tuple[int, float]:
    """Passes after which the dual solver, from the same start, has an objective of at least `goal`."""
    corpus = prepare_documents(x, None, config.n_clusters)
    seed = corpus.seed(config)
    target, kappa = np.full(config.n_clusters, 1.0 / config.n_clusters), seed.reference
    problem = Problem(config.strength * kappa, target, "per_cluster", CAP_RATIO * kappa)
    passes: list[int] = []
    run = expectation_maximization(
        corpus.documents,
        problem,
        seed.parameters,
        bias=seed.bias,
        max_iter=1000,
        tol=1e-9,
        progress=lambda *_: passes.append(corpus.documents.passes),
    )
    first = int(np.argmax(run.trace >= goal)) if np.any(run.trace >= goal) else run.trace.size - 1
    return passes[first + 1], float(run.trace[first])


def path(x: np.ndarray, k: int, repeats: int) -> None:
    ratios = []
    for seed in range(repeats):
        fit_seconds = fit_mixture(x, MixtureConfig(n_clusters=k, seed=seed)).seconds
        ratios.append(seconds(lambda s=seed: balance_path(x, MixtureConfig(n_clusters=k, seed=s))) / fit_seconds)
    print(f"path of 16 strengths over one fit: {spread(ratios)}  [must be <= 4]")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("vectors")
    parser.add_argument("--clusters", type=int, default=24)
    parser.add_argument("--strength", type=float, default=1.0)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--only", choices=["iteration", "whole", "solvers", "path"])
    options = parser.parse_args()
    x = normalize(np.load(options.vectors))
    print(
        f"{machine()}; {x.shape[0]:,} x {x.shape[1]} {x.dtype}, K = {options.clusters}, strength {options.strength:g}, "
        f"{torch.get_num_threads()} threads, torch {torch.__version__}"
    )
    if options.only in (None, "iteration"):
        iteration(x, options.clusters, options.strength, options.repeats)
    if options.only in (None, "whole"):
        whole(x, options.clusters, options.strength, options.repeats)
    if options.only in (None, "solvers"):
        solvers(x, options.clusters, options.strength, options.repeats)
    if options.only in (None, "path"):
        path(x, options.clusters, options.repeats)


if __name__ == "__main__":
    main()
