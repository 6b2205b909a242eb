"""MixMin study: one proxy per cluster, and its probabilities of held-out tokens (arXiv 2502.10510)."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch

from gem_core._types import Progress, frozen, silent
from gem_core.mixing.goals import Goal
from gem_core.mixing.gpt import token_losses
from gem_core.mixing.ngram import NgramProxy
from gem_core.mixing.proxies import GROUP, ProxyConfig, Windows, run_key, train_group
from gem_core.mixing.token_streams import Streams
from gem_core.pipeline.mixing.domains import Domains
from gem_core.pipeline.mixing.goal_store import goal_corpus
from gem_core.pipeline.mixing.ngram_preview import read_probabilities, write_probabilities
from gem_core.pipeline.mixing.proxy_data import SplitSettings
from gem_core.workspace import Workspace
from gem_core.workspace.atomic_files import remove_folder
from gem_core.workspace.mixing_runs import Mixes


def mixmin_study(
    workspace: Workspace,
    domains: Domains,
    goal: Goal,
    config: ProxyConfig,
    split: SplitSettings | None = None,
    *,
    device: str = "cpu",
    progress: Progress = silent,
) -> NgramProxy:
    """Train one proxy per cluster and return their token probabilities (MixMin, arXiv 2502.10510).

    They give the optimal weights of any goal by the convex problem of `optimize_goal`; the goal only adds the streams
    of its validation files. A killed study continues; a finished one is read.

    Raises
    ------
    InputError
        If a cluster has too few tokens.
    """
    corpus = goal_corpus(workspace, domains, goal, split, progress=progress)
    evidence = Mixes(workspace.root, domains.taxonomy_hash)
    settings = _mixmin_settings(goal, config, corpus.settings)
    path = evidence.run_folder("mixmin", settings).with_suffix(".npz")
    proxy = read_probabilities(path)
    if proxy is None:
        folder = evidence.run_folder("mixmin", settings)
        proxy = _token_probabilities(corpus.streams, config, folder, device, progress)
        write_probabilities(path, proxy)
        remove_folder(folder)
    evidence.write_evidence("mixmin", settings, {"probabilities": path.name, "numbers": list(domains.numbers)})
    return proxy


def _mixmin_settings(goal: Goal, config: ProxyConfig, split: SplitSettings) -> dict[str, Any]:
    return {"proxy": asdict(config), "split": asdict(split), "files": sorted(goal.files)}


def _token_probabilities(
    streams: Streams, config: ProxyConfig, folder: Path, device: str, progress: Progress
) -> NgramProxy:
    """Train a proxy on each cluster alone and return its probability of the judged tokens of every stream."""
    K, T = len(streams), config.context
    windows, identity = Windows(streams, config.context, config.seed), np.eye(K)
    judged = []
    for held_out in streams.targets:
        count = max(min(config.judged, len(held_out) - 1) // T, 1)
        judged.append(np.stack([held_out[i * T : (i + 1) * T + 1] for i in range(count)]).astype(np.int64))
    bounds = np.concatenate([[0], np.cumsum([len(rows) * T for rows in judged])])
    shape, out = config.shape(streams.vocabulary), np.empty((int(bounds[-1]), K))
    size = GROUP[device]
    for first in range(0, K, size):
        mixtures = identity[first : first + size]

        def report(step: str, completed: int, total: int, first: int = first, width: int = len(mixtures)) -> None:
            progress(step, first * config.steps + completed * width, K * config.steps)

        trained = train_group(
            streams,
            windows,
            mixtures,
            config,
            device=device,
            path=folder / f"group-{first:05d}.pt",
            key=run_key(streams, config, mixtures),
            progress=report,
        )
        with torch.no_grad():
            for t, rows in enumerate(judged):
                for begin in range(0, len(rows), config.batch):
                    some = torch.from_numpy(rows[begin : begin + config.batch]).to(device)
                    losses = token_losses(trained, shape, some.expand(len(mixtures), -1, -1))
                    part = losses.flatten(1).double().cpu().numpy()
                    start = bounds[t] + begin * T
                    out[start : start + part.shape[1], first : first + size] = np.exp(-part.T)
    return NgramProxy(frozen(out), frozen(bounds.astype(np.int64)))
