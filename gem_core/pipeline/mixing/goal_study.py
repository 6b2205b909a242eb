"""Study of a goal with trained proxies: runs near natural shares, a proposal, and its check with fresh seeds."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike

from gem_core._content_key import content_key
from gem_core._types import Float64, Progress, frozen, silent
from gem_core.errors import InputError
from gem_core.mixing.constraints import project
from gem_core.mixing.goal_search import (
    SEEDS,
    Verification,
    fit_stream_laws,
    propose,
    tilted_mixtures,
    verify,
)
from gem_core.mixing.goals import Goal
from gem_core.mixing.mixture_sampling import sample_mixtures
from gem_core.mixing.proxies import ProxyConfig, train_proxies
from gem_core.pipeline.mixing.domains import Domains, domains_of
from gem_core.pipeline.mixing.goal_store import goal_corpus
from gem_core.pipeline.mixing.proxy_data import SplitSettings
from gem_core.workspace import Taxonomy, Workspace
from gem_core.workspace.atomic_files import remove_folder
from gem_core.workspace.mixing_runs import Mixes

Design = Literal["tilts", "regmix"]
RUNS = 56  # natural shares and 55 tilts
NOISE_SEEDS = 2  # further seeds of natural shares


@dataclass(frozen=True)
class GoalStudy:
    """Result of a study.

    Attributes
    ----------
    domains : Domains
    goal : Goal
    verification : Verification
    evidence : dict
        As it is stored in the workspace.
    """

    domains: Domains
    goal: Goal
    verification: Verification
    evidence: Mapping[str, Any]


def goal_study(
    workspace: Workspace,
    taxonomy: Taxonomy,
    goal: Goal,
    config: ProxyConfig,
    split: SplitSettings | None = None,
    *,
    count: int = RUNS,
    design: Design = "tilts",
    caps: ArrayLike | None = None,
    seeds: int = SEEDS,
    device: str = "cpu",
    progress: Progress = silent,
) -> GoalStudy:
    """Search a mixture for a goal by proxies near natural shares, and keep natural shares unless it beats them.

    Runs: natural shares, the same with two more seeds, and `count` - 1 tilts of natural shares. Laws for every stream
    give a proposal, which is trained beside natural shares (`verify`). Runs of another goal on the same streams are
    read again, and a killed study continues where it stopped. Evidence of kind "regmix" holds the weights.

    Parameters
    ----------
    workspace : Workspace
    taxonomy : Taxonomy
    goal : Goal
    config : ProxyConfig
    split : SplitSettings, optional
    count : int
    design : "tilts" or "regmix"
        Mixtures of the runs: tilts of natural shares, or those of the published RegMix (`sample_mixtures`), which lie
        far from natural shares; natural shares are the first run of both.
    caps : (K,) float, optional
        Largest weights.
    seeds : int
        Fresh seeds of the check.
    device : "cpu" or "cuda"
    progress : Progress

    Raises
    ------
    InputError
        If a cluster has too few tokens, the goal names an unknown cluster, or the caps leave no room.
    """
    domains = domains_of(workspace, taxonomy)
    shares = goal.shares(domains.numbers, domains.natural)
    split_settings = split or SplitSettings()
    trainer = _Trainer(workspace, domains, goal, config, split_settings, device, progress)
    mixtures = np.vstack([domains.natural, design_mixtures(design, domains, count - 1, seed=config.seed, caps=caps)])
    losses = trainer.train(mixtures, config.seed)
    noise = [losses[0], *(trainer.train(mixtures[:1], config.seed + 1 + i)[0] for i in range(NOISE_SEEDS))]
    laws = fit_stream_laws(mixtures, losses, seed=config.seed)
    proposal = propose(laws, shares, domains.natural, caps=caps)
    checked = verify(
        trainer.train, domains.natural, proposal.weights, shares, caps=caps, seeds=seeds, first_seed=config.seed + 10
    )
    predicted = laws.predict(np.vstack([domains.natural, proposal.weights])) @ shares
    value = {
        **verification_facts(domains, goal, checked),
        "proposal": by_number(domains, proposal.weights),
        "n_runs": count,
        "design": design,
        "noise": float(np.std([row @ shares for row in noise], ddof=1)),
        "law_error_at_natural": float(predicted[0] - losses[0] @ shares),
        "mixtures": mixtures.tolist(),
        "losses": (losses @ shares).tolist(),
    }
    settings = {**trainer.settings, "count": count, "goal": _goal_facts(goal), "seeds": seeds, "design": design}
    trainer.evidence.write_evidence("regmix", settings, value)
    return GoalStudy(domains, goal, checked, value)


def design_mixtures(
    design: Design, domains: Domains, count: int, *, seed: int, caps: ArrayLike | None = None
) -> Float64:
    """Return the mixtures of the runs besides natural shares, (count, K), within the caps.

    Raises
    ------
    InputError
        If the design is unknown.
    """
    if design not in get_args(Design):
        raise InputError("--design must be tilts or regmix", repr(design), "Choose one of them")
    if design == "tilts":
        return tilted_mixtures(domains.natural, count, seed=seed, caps=caps)
    return np.array([project(row, caps) for row in sample_mixtures(domains.natural, count, seed=seed)])


def verify_weights(
    workspace: Workspace,
    taxonomy: Taxonomy,
    goal: Goal,
    weights: ArrayLike,
    config: ProxyConfig,
    split: SplitSettings | None = None,
    *,
    seeds: int = SEEDS,
    device: str = "cpu",
    progress: Progress = silent,
) -> GoalStudy:
    """Train given weights, and mixtures on the way to them, beside natural shares (`verify`).

    Parameters
    ----------
    workspace : Workspace
    taxonomy : Taxonomy
    goal : Goal
    weights : (K,) float
        In the order of the clusters that are not excluded.
    config, split, seeds, device, progress
        As in `goal_study`.
    """
    domains = domains_of(workspace, taxonomy)
    shares = goal.shares(domains.numbers, domains.natural)
    trainer = _Trainer(workspace, domains, goal, config, split or SplitSettings(), device, progress)
    checked = verify(trainer.train, domains.natural, weights, shares, seeds=seeds, first_seed=config.seed + 10)
    value = verification_facts(domains, goal, checked)
    settings = {**trainer.settings, "goal": _goal_facts(goal), "seeds": seeds}
    weights_by_number = by_number(domains, np.asarray(weights, dtype=np.float64))
    trainer.evidence.write_evidence("verify", {**settings, "weights": weights_by_number}, value)
    return GoalStudy(domains, goal, checked, value)


class _Trainer:
    """Trains proxies on mixtures, and stores the losses by mixture and seed."""

    def __init__(
        self,
        workspace: Workspace,
        domains: Domains,
        goal: Goal,
        config: ProxyConfig,
        split: SplitSettings,
        device: str,
        progress: Progress,
    ) -> None:
        self.evidence = Mixes(workspace.root, domains.taxonomy_hash)
        self.settings = {"proxy": asdict(config), "split": asdict(split), "files": sorted(goal.files)}
        self.config, self.device, self.progress = config, device, progress
        self._streams = goal_corpus(workspace, domains, goal, split, progress=progress).streams

    def train(self, mixtures: Float64, seed: int) -> Float64:
        """Return the losses of mixtures with a seed, (n, T); those that were trained before are read."""
        settings = {**self.settings, "seed": seed, "mixtures": content_key([np.asarray(mixtures).tolist()])}
        stored = self.evidence.read_evidence("goal-runs", settings)
        if stored is not None:
            return np.asarray(stored["losses"], dtype=np.float64)
        folder: Path = self.evidence.run_folder("goal-runs", settings)
        config = replace(self.config, seed=seed)
        losses = train_proxies(self._streams, mixtures, config, folder, device=self.device, progress=self.progress)
        value = {"mixtures": np.asarray(mixtures).tolist(), "losses": losses.tolist()}
        self.evidence.write_evidence("goal-runs", settings, value)
        remove_folder(folder)
        return frozen(losses)


def verification_facts(domains: Domains, goal: Goal, checked: Verification) -> dict[str, Any]:
    """Return a verification as JSON values; all figures are trained."""
    return {
        "goal": _goal_facts(goal),
        "target": goal.name,
        "weights": by_number(domains, checked.weights),
        "numbers": list(domains.numbers),
        "accepted": checked.accepted,
        "verdict": checked.verdict,
        "gain": checked.gain,
        "error": checked.error,
        "price": checked.price,
        "price_error": checked.price_error,
        "natural_loss": checked.natural_loss,
        "mixture_loss": checked.mixture_loss,
        "part": checked.part,
        "parts": checked.parts.tolist(),
        "first_gains": checked.gains.tolist(),
        "seeds": checked.seeds,
    }


def by_number(domains: Domains, weights: Float64) -> dict[str, float]:
    """Return an array over domains as {cluster number: value}."""
    return {str(number): float(weight) for number, weight in zip(domains.numbers, weights, strict=True)}


def _goal_facts(goal: Goal) -> dict[str, Any]:
    return {
        "name": goal.name,
        "clusters": {str(number): float(weight) for number, weight in goal.clusters.items()},
        "natural": float(goal.natural),
        "files": dict(goal.files),
    }
