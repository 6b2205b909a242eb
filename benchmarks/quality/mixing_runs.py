"""Proxies, DoReMi, probes and PerfRe on a real workspace at their default sizes: time, kill -9, and what they find.

    python -m benchmarks.quality.mixing_runs WORKSPACE [--kinds=ngram,proxies,doremi,probe,perfre] [--kill=40]

WORKSPACE is a copy that may be written to. Each command is killed once, --kill seconds after its first progress, and
started again; 0 for never. Times are of both parts together.
"""

import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch

from gem_core.mixing.doremi import DEFAULT
from gem_core.mixing.ngram import ngram_optimum
from gem_core.mixing.proxies import ProxyConfig
from gem_core.mixing.regressors import out_of_fold, spearman
from gem_core.pipeline.mixing.domains import Domains, domains_of
from gem_core.pipeline.mixing.ngram_preview import ngram_preview
from gem_core.workspace import Workspace
from gem_core.workspace.mixing_runs import Mixes


def command(root: Path, kind: str, kill: float) -> tuple[dict, str]:
    """Run `gem-explorer mix KIND`, killed once on the way; its facts, and how long it took."""
    words = [sys.executable, "-m", "gem_core.cli", "mix", kind, str(root), "--json"]
    progress = Path(tempfile.mkdtemp()) / "progress.json"
    began, note = time.monotonic(), "not killed"
    if kill:
        child = subprocess.Popen(
            [*words, "--progress-file", str(progress)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        while child.poll() is None and not _training(progress):
            time.sleep(0.2)
        try:
            child.wait(kill)
        except subprocess.TimeoutExpired:
            state = json.loads(progress.read_text())
            child.kill()
            child.wait()
            note = f"killed at {state['done']:,} of {state['total']:,} of '{state['step']}', then started again"
    completed = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True)
    return json.loads(completed.stdout), f"{time.monotonic() - began:,.0f} s wall, {note}"


def _training(progress: Path) -> bool:
    try:
        return str(json.loads(progress.read_text())["step"]).startswith("train")
    except (OSError, ValueError):
        return False


def table(domains: Domains, columns: dict[str, np.ndarray]) -> None:
    """Weights beside natural shares, in percent."""
    print("\n" + "".join(f"{name:>10}" for name in ("natural", *columns)) + "  cluster")
    for k in np.argsort(-domains.natural):
        print(
            "".join(f"{100 * values[k]:>10.2f}" for values in (domains.natural, *columns.values()))
            + f"  {domains.numbers[k]:>3} {domains.names[k]}"
        )


def ngram(workspace: Workspace, domains: Domains) -> np.ndarray:
    """Build, evaluate and optimize the instant proxy."""
    began = time.perf_counter()
    proxy = ngram_preview(workspace, domains)
    built = time.perf_counter() - began
    times = []
    for _ in range(50):
        began = time.perf_counter()
        proxy.losses(domains.natural)
        times.append(time.perf_counter() - began)
    began = time.perf_counter()
    optimum = ngram_optimum(proxy, domains.natural)
    print(
        f"n-gram mixture: {len(proxy.probabilities):,} held-out tokens, built in {built:.1f} s, one evaluation "
        f"{1e3 * np.median(times):.1f} ms; optimum for the whole corpus in {time.perf_counter() - began:.2f} s, "
        f"{optimum.n_iter} steps, gap {optimum.gap:.1e} nats; loss of natural shares "
        f"{domains.natural @ proxy.losses(domains.natural):.4f}, optimum {optimum.loss:.4f}"
    )
    return optimum.weights


def proxies(workspace: Workspace, domains: Domains, kill: float) -> np.ndarray:
    """64 proxies, and whether anything predicts their losses: regressors out of fold, and the n-gram mixture."""
    print(f"\nmix proxies: {asdict(ProxyConfig())}")
    result, took = command(workspace.root, "proxies", kill)
    evidence = Mixes(workspace.root, domains.taxonomy_hash).read_evidence("proxies")
    assert evidence is not None
    mixtures, losses = np.array(evidence["mixtures"]), np.array(evidence["losses"])
    preview = ngram_preview(workspace, domains)
    instant = np.stack([preview.losses(w) for w in mixtures])
    print(
        f"  {took}; {result['n_runs']} runs, {result['regressor']} for the whole corpus: rank correlation out of fold "
        + ", ".join(f"{name} {score:.3f}" for name, score in result["scores"].items())
    )
    whole = losses @ domains.natural
    print(
        f"  loss of the whole corpus over the runs: {whole.min():.3f} to {whole.max():.3f} nats per token, predicted "
        f"for the proposal {result['predicted_loss']:.3f}; n-gram mixture against the proxies, rank correlation "
        f"{spearman(instant @ domains.natural, whole):.3f}"
    )
    each = [spearman(out_of_fold("linear", mixtures, losses[:, k]), losses[:, k]) for k in range(len(domains.numbers))]
    own = [spearman(instant[:, k], losses[:, k]) for k in range(len(domains.numbers))]
    for name, values in (("linear regressor out of fold", each), ("n-gram mixture", own)):
        print(
            f"  loss of one cluster, {name}: median rank correlation {np.median(values):.3f}, "
            f"lowest {min(values):.3f} ({domains.names[int(np.argmin(values))]})"
        )
    return np.array([cluster["weight"] for cluster in result["clusters"]])


def doremi(workspace: Workspace, domains: Domains, kill: float) -> np.ndarray:
    """Reference and proxy."""
    print(f"\nmix doremi: {asdict(DEFAULT)}, normaliser token")
    result, took = command(workspace.root, "doremi", kill)
    weights, last = (np.array([result[name][str(n)] for n in domains.numbers]) for name in ("weights", "last"))
    print(
        f"  {took}; as even as {result['effective_domains']:.1f} of {len(weights)} clusters, largest "
        f"{weights.max():.1%}, collapsed: {result['collapsed']}; half the sum of changes from the mean over the "
        f"steps to the last {np.abs(weights - last).sum() / 2:.3f}"
    )
    return weights


def study(workspace: Workspace, kind: str, measure: str, kill: float) -> np.ndarray:
    """Probes (what is learned fast) or PerfRe (what helps the corpus)."""
    print(f"\nmix {kind}: {asdict(ProxyConfig())}")
    result, took = command(workspace.root, kind, kill)
    values = np.array([cluster[measure] for cluster in result["clusters"]])
    errors = [cluster["error"] for cluster in result["clusters"] if cluster["error"] is not None]
    print(
        f"  {took}; {measure} of a cluster {values.min():.4f} to {values.max():.4f}"
        + (f", standard error {min(errors):.4f} to {max(errors):.4f}" if errors else " nats per token")
    )
    return np.array([cluster["weight"] for cluster in result["clusters"]])


def main() -> None:
    """Print the results."""
    options = dict(word.lstrip("-").split("=", 1) for word in sys.argv[2:])
    kinds, kill = options.get("kinds", "ngram,proxies,doremi,probe,perfre").split(","), float(options.get("kill", 40))
    workspace = Workspace(Path(sys.argv[1]))
    domains = domains_of(workspace, workspace.taxonomy())
    print(
        f"{time.strftime('%Y-%m-%d')}, {os.cpu_count()} cores, {platform.machine()}, torch {torch.__version__} with "
        f"{torch.get_num_threads()} threads, nice {os.nice(0)}\n{workspace.manifest.name}: "
        f"{len(workspace):,} documents, {workspace.manifest.tokens:,} tokens, {len(domains.numbers)} clusters; "
        "seed 0 everywhere"
    )
    columns = {}
    if "ngram" in kinds:
        columns["n-gram"] = ngram(workspace, domains)
    if "proxies" in kinds:
        columns["RegMix"] = proxies(workspace, domains, kill)
    if "doremi" in kinds:
        columns["DoReMi"] = doremi(workspace, domains, kill)
    if "probe" in kinds:
        columns["GRIP"] = study(workspace, "probe", "gain", kill)
    if "perfre" in kinds:
        columns["PerfRe"] = study(workspace, "perfre", "benefit", kill)
    table(domains, columns)


if __name__ == "__main__":
    main()
