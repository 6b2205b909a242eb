"""Weights of a taxonomy by strategy, from tokens, the fit, the user or stored proxy runs."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

import numpy as np

from gem_core._types import Float64, frozen
from gem_core.errors import InputError, WorkspaceError
from gem_core.mixing.carry_over import CarriedWeights, carry, collinear, token_overlap
from gem_core.mixing.goal_search import interpolate
from gem_core.mixing.weights import Limits, Weights, weigh
from gem_core.pipeline.mixing.domains import Domains, domains_of
from gem_core.pipeline.mixing.goal_optimum import GoalOptimum, goal_proxy, optimize_goal, stored_mixmin
from gem_core.pipeline.mixing.goal_store import read_goal
from gem_core.pipeline.mixing.weights_file import WeightsFile, for_domains
from gem_core.workspace import Taxonomy, Workspace
from gem_core.workspace.mixing_runs import FOLDER, Mixes
from gem_core.workspace.second_axis import mixing_taxonomy

Strategy = Literal[
    "natural", "uniform", "temperature", "balanced", "custom", "goal", "mixmin", "doremi", "regmix", "perfre", "grip"
]
STRATEGIES: tuple[Strategy, ...] = get_args(Strategy)
TAU = 0.5
RUNS = {
    "mixmin": "mixmin",
    "doremi": "doremi",
    "regmix": "proxies",
    "perfre": "perfre",
    "grip": "probe",
}  # the command that finds them
_EXPONENT = {"natural": 1.0, "uniform": 0.0, "custom": 1.0}


@dataclass(frozen=True)
class IndistinguishablePair:
    """Two clusters whose weights are collinear in the proxy runs.

    Attributes
    ----------
    first, second : str
        Their names.
    correlation : float
        Of their weights over the runs.
    """

    first: str
    second: str
    correlation: float


def weights_by(
    workspace: Workspace,
    taxonomy: Taxonomy,
    strategy: Strategy,
    *,
    tau: float = TAU,
    fixed: Mapping[int, float] | None = None,
    limits: Limits | None = None,
    goal: str = "corpus",
    pull: float = 0.0,
    part: float = 1.0,
) -> Weights:
    r"""Return the weights that a strategy gives the clusters of a taxonomy, within limits.

    Parameters
    ----------
    workspace : Workspace
    taxonomy : Taxonomy
        Of this workspace. Its excluded clusters get no weight.
    strategy : str
        natural: shares p of the tokens. uniform. temperature: w ~ p^tau. balanced: the soft masses of the fit.
        custom: some weights fixed, the others natural in what is left. doremi, regmix, perfre, grip: what the last run
        of that kind found for this taxonomy, or, when there is none, for the last earlier one, carried over.
        goal: least loss of a saved goal by n-gram models, caps included. mixmin: the same by one proxy per cluster.
    tau : float
        Of temperature.
    fixed : {cluster number: weight}, optional
        For custom.
    limits : Limits, optional
    goal : str
        Name of a saved goal, or "corpus"; of goal and mixmin.
    pull : float
        Pull of goal and mixmin to natural shares, nats.
    part : float
        Part of the way from natural shares to the optimum of goal and mixmin, from 0 to 1 (`interpolate`).

    Returns
    -------
    Weights

    Raises
    ------
    InputError
        If the strategy is unknown, has no runs yet, or the limits leave no room; the message says by how much.
    """
    if strategy not in STRATEGIES:
        raise InputError(f"The strategy must be one of {', '.join(STRATEGIES)}", f"{strategy!r}", "Choose one of them")
    if bool(fixed) != (strategy == "custom"):
        raise InputError(
            "Fixed weights belong to the strategy custom, which needs them",
            f"{len(fixed or {})} with {strategy}",
            'Use --strategy custom --custom "3=0.2,5=0.1"',
        )
    domains = _with_pool(domains_of(workspace, taxonomy), limits)
    if strategy in ("goal", "mixmin"):
        optimum = goal_weights(workspace, domains, strategy, goal, limits=limits, pull=pull)
        blended_weights = interpolate(domains.natural, optimum.weights, part, _caps(domains, limits))
        return _weigh(domains, strategy, start_weights=blended_weights, limits=limits)
    if strategy in RUNS:
        return _by_runs(workspace, domains, strategy, limits)
    return _weigh(
        domains,
        strategy,
        start_weights=domains.mass if strategy == "balanced" else None,
        tau=_EXPONENT.get(strategy, tau),
        fixed=fixed,
        limits=limits,
    )


def goal_weights(
    workspace: Workspace,
    domains: Domains,
    strategy: Literal["goal", "mixmin"],
    goal: str,
    *,
    limits: Limits | None = None,
    pull: float = 0.0,
) -> GoalOptimum:
    """Return the optimal mixture for a saved goal, within the epoch caps, with its predicted gain and price.

    Raises
    ------
    InputError
        If the goal is unknown, mixmin has no run, or the caps leave no room.
    """
    target = read_goal(workspace, domains, goal)
    proxy = goal_proxy(workspace, domains, target) if strategy == "goal" else stored_mixmin(workspace, domains)
    shares = target.shares(domains.numbers, domains.natural)
    if len(proxy.bounds) - 1 < len(shares):
        raise InputError(
            "The proxies of mixmin must have been judged by the files of the goal",
            f"{len(proxy.bounds) - 1} streams for {len(shares)}",
            f"Run it for this goal: gem-explorer mix mixmin DIR --goal {goal}",
        )
    full = np.concatenate([shares, np.zeros(len(proxy.bounds) - 1 - len(shares))])
    return optimize_goal(proxy, full, domains.natural, caps=_caps(domains, limits), pull=pull)


def _caps(domains: Domains, limits: Limits | None) -> Float64 | None:
    return None if limits is None else limits.caps(domains.tokens)


def _with_pool(domains: Domains, limits: Limits | None) -> Domains:
    """Return the domains with the tokens of the pool, if the limits name one."""
    if limits is None or limits.pool is None:
        return domains
    tokens = np.array(limits.pool, dtype=np.int64)
    if tokens.shape != domains.tokens.shape or (tokens < 0).any() or not tokens.sum():
        raise InputError(
            "A pool has tokens for every cluster that is not excluded",
            f"{tokens.size} numbers for {len(domains.numbers)} clusters",
            "Give its size again: --pool 5e12",
        )
    return replace(domains, tokens=frozen(tokens), natural=frozen(tokens / tokens.sum()))


def carried_over(
    workspace: Workspace,
    taxonomy: Taxonomy,
    file: WeightsFile,
    *,
    limits: Limits | None = None,
) -> Weights:
    """Return weights of an earlier taxonomy for this one: each document takes its tokens' part along (`carry`).

    Parameters
    ----------
    workspace : Workspace
    taxonomy : Taxonomy
    file : WeightsFile
        Of this taxonomy or an earlier one of the history.
    limits : Limits, optional

    Raises
    ------
    InputError
        If no step of the history has the taxonomy they name, or nothing of it is left.
    """
    domains = _with_pool(domains_of(workspace, taxonomy), limits)
    strategy = file.strategy or "given"
    if file.taxonomy_hash == domains.taxonomy_hash:
        return _weigh(domains, strategy, start_weights=for_domains(file, domains), limits=limits)
    old = _domains_of_hash(workspace, file.taxonomy_hash)
    carried = _carry_weights(old, domains, for_domains(file, old))
    return _weigh(
        domains,
        strategy,
        start_weights=carried.weights,
        limits=limits,
        carried_from=old.taxonomy_hash,
        unsupported=~carried.supported,
    )


def indistinguishable_pairs(workspace: Workspace, weights: Weights) -> tuple[IndistinguishablePair, ...]:
    """Pairs of clusters whose weights go together in the proxy runs behind weights, here or after a carry-over.

    Such runs say what the two are worth together, not which of them. Empty where weights rest on no proxy runs.
    """
    taxonomy = weights.carried_from or weights.taxonomy_hash
    value = Mixes(workspace.root, taxonomy).read_evidence(weights.strategy) if weights.strategy in RUNS else None
    if value is None or "mixtures" not in value:
        return ()
    mixtures, old = np.asarray(value["mixtures"], dtype=np.float64), _domains_of_hash(workspace, taxonomy)
    names = dict(zip(old.numbers, old.names, strict=True))
    if weights.carried_from:
        domains = _domains_of_hash(workspace, weights.taxonomy_hash)
        mixtures = _carry_weights(old, domains, mixtures).weights
        names = dict(zip(domains.numbers, domains.names, strict=True))
    cluster_names = tuple(names.values())
    return tuple(IndistinguishablePair(cluster_names[i], cluster_names[j], r) for i, j, r in collinear(mixtures))


def _weigh(domains: Domains, strategy: str, **options: Any) -> Weights:
    return weigh(strategy, domains.numbers, domains.tokens, taxonomy_hash=domains.taxonomy_hash, **options)


def _by_runs(workspace: Workspace, domains: Domains, strategy: str, limits: Limits | None) -> Weights:
    value = Mixes(workspace.root, domains.taxonomy_hash).read_evidence(strategy)
    if value is not None:
        return _weigh(domains, strategy, start_weights=_evidence_weights(value, domains, strategy), limits=limits)
    any_evidence = any((workspace.root / FOLDER).glob(f"*/{strategy}-*.json"))
    for step in reversed(workspace.history().steps if any_evidence else ()):
        old = workspace.taxonomy(step.key)
        value = Mixes(workspace.root, old.taxonomy_hash).read_evidence(strategy)
        if value is not None:
            before = domains_of(workspace, old)
            carried = _carry_weights(before, domains, _evidence_weights(value, before, strategy))
            return _weigh(
                domains,
                strategy,
                start_weights=carried.weights,
                limits=limits,
                carried_from=old.taxonomy_hash,
                unsupported=~carried.supported,
            )
    raise InputError(
        f"Strategy {strategy} needs a finished run",
        "none for this taxonomy or an earlier one",
        f"Run it: gem-explorer mix {RUNS[strategy]} {workspace.root}",
    )


def _evidence_weights(value: Mapping[str, Any], domains: Domains, strategy: str) -> Float64:
    """Return the weights that a run found, in the order of the domains."""
    evidence_weights = {int(number): float(weight) for number, weight in value.get("weights", {}).items()}
    unknown = sorted(set(evidence_weights) - set(domains.numbers))
    total = math.fsum(evidence_weights.values())
    if unknown or not (math.isfinite(total) and min(evidence_weights.values(), default=-1) >= 0 and total > 0):
        raise WorkspaceError(
            f"A run of {strategy} must leave weights for the clusters of its taxonomy",
            f"cluster {unknown[0]}, which is not in it"
            if unknown
            else f"{len(evidence_weights)} that sum to {total:g}",
            f"Run it again: gem-explorer mix {RUNS[strategy]} DIR",
        )
    return np.array([evidence_weights.get(number, 0.0) for number in domains.numbers])


def _carry_weights(old: Domains, new: Domains, weights: Float64) -> CarriedWeights:
    return carry(
        weights, token_overlap(old.positions, new.positions, new.document_tokens, len(old.numbers), len(new.numbers))
    )


def _domains_of_hash(workspace: Workspace, taxonomy_hash: str) -> Domains:
    current = mixing_taxonomy(workspace)  # Its domains may be buckets of clusters, which are no step of the history.
    for taxonomy in (current, *(workspace.taxonomy(step.key) for step in reversed(workspace.history().steps))):
        if taxonomy.taxonomy_hash == taxonomy_hash:
            return domains_of(workspace, taxonomy)
    raise InputError(
        "Weights must belong to a taxonomy in the history of this workspace",
        f"taxonomy {taxonomy_hash[:12]}, which is not in it",
        "Use weights that were made here, with the same second axis (gem-explorer mix axis DIR)",
    )
