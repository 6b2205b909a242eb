"""PerfRe and GRIP studies on the clusters of a taxonomy."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gem_core._types import Float64, Progress, frozen, silent
from gem_core.errors import InputError
from gem_core.mixing.goals import Goal, corpus_goal
from gem_core.mixing.grip import REPLAY, dispersion, mean_lengths, neyman, replay_budget
from gem_core.mixing.perfre import FACTOR, LIFT, perfre, upsampled
from gem_core.mixing.proxies import ProxyConfig, Windows, run_key, train_group, train_proxies
from gem_core.mixing.rapid_adaptation import rapid_adaptation
from gem_core.pipeline.mixing.domains import Domains, domains_of
from gem_core.pipeline.mixing.goal_store import goal_corpus
from gem_core.pipeline.mixing.proxy_data import ProxyCorpus, SplitSettings, proxy_corpus
from gem_core.workspace import Taxonomy, Workspace
from gem_core.workspace.atomic_files import remove_folder
from gem_core.workspace.mixing_runs import Mixes

Int64 = NDArray[np.int64]
REPEATED = 4  # clusters whose proxies are trained with a second seed, to measure the noise of a benefit
PROBES = 8  # of a domain, on average


@dataclass(frozen=True)
class ClusterFinding:
    """Result of a study for each of K clusters.

    Attributes
    ----------
    numbers : tuple of K int
    names : tuple of K str
    natural : (K,) float64
        Shares of the tokens, sum 1.
    values : (K,) float64
        PerfRe: benefit, nats per token of the target. GRIP: relative fall of the loss in the probe, a fraction.
    errors : (K,) float64
        Standard errors of the values; NaN for a PerfRe study of an earlier version, which measured none.
    weights : (K,) float64
        Proposed, sum 1; without caps, which weights are given when they are asked for.
    evidence : dict
        As it is kept in the workspace.
    """

    numbers: tuple[int, ...]
    names: tuple[str, ...]
    natural: Float64
    values: Float64
    errors: Float64
    weights: Float64
    evidence: Mapping[str, Any]


def perfre_study(
    workspace: Workspace,
    taxonomy: Taxonomy,
    config: ProxyConfig,
    split: SplitSettings | None = None,
    *,
    factor: float = FACTOR,
    lift: float = LIFT,
    target: int | None = None,
    goal: Goal | None = None,
    device: str = "cpu",
    progress: Progress = silent,
) -> ClusterFinding:
    """Train a proxy on natural shares and one with each cluster up-sampled; weigh the clusters by what that changes.

    A killed study resumes; one that ended is read, and only its weights are found again.

    Parameters
    ----------
    workspace : Workspace
    taxonomy : Taxonomy
    config : ProxyConfig
    split : SplitSettings, optional
    factor : float
        Of up-sampling (`upsampled`).
    lift : float
        `perfre`.
    target : int, optional
        Number of the cluster whose held-out loss is to fall; the whole corpus when left out.
    goal : Goal, optional
        Instead of one cluster: the goal whose loss is to fall, with its validation files.
    device : "cpu" or "cuda"
    progress : Progress

    Raises
    ------
    InputError
        If a cluster has too few tokens, the target is none, or both a target and a goal are given.
    """
    domains = domains_of(workspace, taxonomy)
    if target is not None and target not in domains.numbers:
        raise InputError(
            "The target must be the number of a cluster that is not excluded",
            f"{target}",
            "See the numbers with: gem-explorer info DIR",
        )
    if target is not None and goal is not None:
        raise InputError(
            "The loss to lower is a cluster's or a goal's", f"cluster {target} and goal {goal.name}", "Leave one out"
        )
    aim = goal or (corpus_goal() if target is None else Goal(f"cluster-{target}", {target: 1.0}))
    target_shares = aim.shares(domains.numbers, domains.natural)
    split_settings, evidence = split or SplitSettings(), Mixes(workspace.root, domains.taxonomy_hash)
    settings: dict[str, Any] = {"proxy": asdict(config), "split": asdict(split_settings), "factor": factor}
    if aim.files:
        settings["files"] = sorted(aim.files)
    stored = evidence.read_evidence("perfre", settings)
    if stored is None:
        corpus = goal_corpus(workspace, domains, aim, split_settings, progress=progress)
        folder = evidence.run_folder("perfre", settings)
        mixtures = upsampled(domains.natural, factor)
        losses = train_proxies(corpus.streams, mixtures, config, folder, device=device, progress=progress)
        rows = _repeated_rows(len(domains.numbers))
        repeated = train_proxies(
            corpus.streams,
            mixtures[rows],
            replace(config, seed=config.seed + 1),
            folder / "repeated",
            device=device,
            progress=lambda step, completed, total: progress("measure the noise", completed, total),
        )
        stored = {"losses": losses.tolist(), "repeated": repeated.tolist()}
    losses = np.asarray(stored["losses"], dtype=np.float64)
    noise = _benefit_noise(losses, stored.get("repeated"), target_shares)
    result = perfre(losses, domains.natural, target=target_shares, lift=lift, noise=noise)
    value = {
        "losses": losses.tolist(),
        **({"repeated": stored["repeated"]} if "repeated" in stored else {}),
        "noise": noise,
        "target": target,
        "goal": aim.name,
        "lift": lift,
        "base": result.base,
        "benefits": _by_number(domains, result.benefits),
        "weights": _by_number(domains, result.weights),
    }
    evidence.write_evidence("perfre", settings, value)
    remove_folder(evidence.run_folder("perfre", settings))
    return ClusterFinding(
        domains.numbers,
        domains.names,
        domains.natural,
        result.benefits,
        frozen(np.full(len(domains.numbers), noise or np.nan)),
        result.weights,
        value,
    )


def grip_study(
    workspace: Workspace,
    taxonomy: Taxonomy,
    config: ProxyConfig,
    split: SplitSettings | None = None,
    *,
    probes: int = PROBES,
    alpha: float = REPLAY,
    device: str = "cpu",
    progress: Progress = silent,
) -> ClusterFinding:
    """Train a proxy on natural shares, and probe how fast its last layer learns each cluster.

    Every cluster has two probes; the others go where they lower the variance most: n_k ~ N_k o_k (`neyman`), with o_k
    from the spread of the vectors. A killed study resumes; one that ended is read.

    Parameters
    ----------
    workspace : Workspace
    taxonomy : Taxonomy
    config : ProxyConfig
    split : SplitSettings, optional
    probes : int
        Of a cluster on average, at least 2.
    alpha : float
        `replay_budget`.
    device : "cpu" or "cuda"
    progress : Progress

    Raises
    ------
    InputError
        If a cluster has too few tokens, or fewer than 2 probes are asked for.
    """
    if probes < 2:
        raise InputError("Each cluster needs 2 probes or more, for a standard error", f"{probes}", "Ask for more")
    domains = domains_of(workspace, taxonomy)
    split_settings, evidence = split or SplitSettings(), Mixes(workspace.root, domains.taxonomy_hash)
    settings = {"proxy": asdict(config), "split": asdict(split_settings), "probes": probes}
    stored = evidence.read_evidence("grip", settings)
    if stored is None:
        spread = dispersion(mean_lengths(workspace.embeddings, domains.positions, len(domains.numbers)))
        counts = 2 + _extra_probes(domains, spread, (probes - 2) * len(domains.numbers))
        corpus = proxy_corpus(workspace, domains.positions, domains.names, split_settings, progress=progress)
        stored = {
            "dispersion": _by_number(domains, spread),
            **_run_probes(corpus, domains, config, counts, evidence.run_folder("grip", settings), device, progress),
        }
    gains, errors = (np.array([stored[name][str(n)] for n in domains.numbers]) for name in ("gains", "errors"))
    weights = replay_budget(domains.tokens, gains, alpha=alpha, errors=errors)
    value: dict[str, Any] = {
        **{name: stored[name] for name in ("dispersion", "probes", "gains", "errors", "excess") if name in stored},
        "alpha": alpha,
        "weights": _by_number(domains, weights),
    }
    evidence.write_evidence("grip", settings, value)
    remove_folder(evidence.run_folder("grip", settings))
    return ClusterFinding(
        domains.numbers, domains.names, domains.natural, frozen(gains), frozen(errors), weights, value
    )


def _repeated_rows(count: int) -> list[int]:
    """Rows of the study that are trained with a second seed: the natural shares and up to four clusters."""
    return [0, *sorted({1 + round(position) for position in np.linspace(0, count - 1, min(REPEATED, count))})]


def _benefit_noise(losses: Float64, repeated: Any, target: Float64) -> float:
    """Return the standard error of a benefit from the clusters with two seeds, nats per token; 0 if unknown."""
    if repeated is None:
        return 0.0
    table = np.asarray(repeated, dtype=np.float64)
    rows = _repeated_rows(len(losses) - 1)
    first, second = ((part[0] - part[1:]) @ target for part in (losses[rows], table))
    return float(np.sqrt(np.mean((first - second) ** 2) / 2))


def _extra_probes(domains: Domains, spread: Float64, total: int) -> Int64:
    """Probes beyond the first two of each cluster, (K,)."""
    if total == 0 or not (domains.documents * spread).any():
        return np.full(len(domains.numbers), total // len(domains.numbers), dtype=np.int64)
    share = neyman(domains.documents, spread, min(total, int(domains.documents.sum())))
    return np.asarray(share, dtype=np.int64)


def _run_probes(
    corpus: ProxyCorpus,
    domains: Domains,
    config: ProxyConfig,
    counts: Int64,
    folder: Path,
    device: str,
    progress: Progress,
) -> dict[str, Any]:
    """Train the body, then probe; both are kept in `folder` on the way."""
    streams, natural = corpus.streams, domains.natural[None]
    windows = Windows(streams, config.context, config.seed)
    body = train_group(
        streams,
        windows,
        natural,
        config,
        device=device,
        path=folder / "body.pt",
        key=run_key(streams, config, natural),
        progress=progress,
    )
    result = rapid_adaptation(streams, body, config, counts, device=device, folder=folder, progress=progress)
    return {
        "gains": _by_number(domains, result.gains),
        "errors": _by_number(domains, result.errors),
        "excess": _by_number(domains, result.excess),
        "probes": {str(n): int(c) for n, c in zip(domains.numbers, counts, strict=True)},
    }


def _by_number(domains: Domains, values: Float64) -> dict[str, float]:
    return {str(number): float(value) for number, value in zip(domains.numbers, values, strict=True)}
