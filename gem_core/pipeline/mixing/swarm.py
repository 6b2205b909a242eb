"""Designs of mixtures for proxies that are trained elsewhere, and proposals from their losses."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gem_core._types import Float64
from gem_core.errors import InputError
from gem_core.mixing import Limits
from gem_core.mixing.goal_search import PARTS, fit_stream_laws, interpolate, propose, tilted_mixtures
from gem_core.mixing.goals import Goal
from gem_core.mixing.proxy_runs import read_runs
from gem_core.mixing.regressors import spearman
from gem_core.pipeline.mixing.domains import Domains
from gem_core.pipeline.mixing.regmix_study import match_columns


@dataclass(frozen=True)
class SwarmProposal:
    """Proposal for a goal from runs of others.

    Attributes
    ----------
    domains : Domains
    goal : str
    mixtures : (4, K) float64
        On the way from natural shares to the proposal, at `PARTS`; the last is the proposal.
    natural_loss, proposal_loss : float
        Predicted goal losses; nothing is trained here.
    rank : float
        Rank correlation of the laws with the goal losses of the runs they were fitted to.
    n_runs : int
    outside : tuple of str
        Clusters whose proposed weight is outside the range of the runs.
    """

    domains: Domains
    goal: str
    mixtures: Float64
    natural_loss: float
    proposal_loss: float
    rank: float
    n_runs: int
    outside: tuple[str, ...]

    def facts(self) -> dict[str, Any]:
        """Return the proposal as JSON values."""
        return {
            "goal": self.goal,
            "n_runs": self.n_runs,
            "predicted": {"natural_loss": self.natural_loss, "proposal_loss": self.proposal_loss},
            "rank_correlation_in_sample": self.rank,
            "outside_the_range_of_the_runs": list(self.outside),
            "weights": {
                str(number): float(weight)
                for number, weight in zip(self.domains.numbers, self.mixtures[-1], strict=True)
            },
        }

    def sentence(self) -> str:
        """Return the proposal in words, natural shares beside it."""
        outside = f" Outside the range of the runs: {', '.join(self.outside[:5])}." if self.outside else ""
        return (
            f"Goal {self.goal}, {self.n_runs} runs: predicted {self.proposal_loss:.4f}, natural shares "
            f"{self.natural_loss:.4f}.{outside}"
        )


def swarm_mixtures(domains: Domains, count: int, *, seed: int = 0, limits: Limits | None = None) -> Float64:
    """Return natural shares and tilts of them within the epoch caps, (count, K)."""
    caps = None if limits is None else limits.caps(domains.tokens)
    return np.vstack([domains.natural, tilted_mixtures(domains.natural, count - 1, seed=seed, caps=caps)])


def propose_from_runs(
    domains: Domains, goal: Goal, mixtures: Path, losses: Path, *, limits: Limits | None = None, seed: int = 0
) -> SwarmProposal:
    """Fit a law to the loss of every cluster and return the mixture of least predicted goal loss.

    Parameters
    ----------
    domains : Domains
    goal : Goal
        Its validation files are loss columns called by the names of the files.
    mixtures, losses : Path
        `read_runs`; a column for each cluster, by label, or by number and label.
    limits : Limits, optional
    seed : int

    Raises
    ------
    InputError
        If columns are missing, or there are fewer than 10 runs with all losses.
    """
    runs = read_runs(mixtures, losses)
    shares = goal.shares(domains.numbers, domains.natural)
    rows = runs.mixtures[:, match_columns(runs.domains, domains)]
    files = [Path(file).name for file in goal.files]
    missing = [name for name in files if name not in runs.targets]
    if missing:
        raise InputError(
            "Losses must have a column for each validation file of the goal", f"no column {missing[0]!r}", "Add it"
        )
    cluster_columns = tuple(name for name in runs.targets if name not in files and name != "all")
    order = match_columns(cluster_columns, domains)
    table = np.column_stack([runs.loss(cluster_columns[at]) for at in order] + [runs.loss(name) for name in files])
    if not np.isfinite(table).all():
        row = int(np.argwhere(~np.isfinite(table))[0][0])
        raise InputError(
            "Every run must have a loss for every cluster", f"a gap in run {runs.index[row]!r}", "Leave that run out"
        )
    laws = fit_stream_laws(rows, table, seed=seed)
    caps = None if limits is None else limits.caps(domains.tokens)
    proposal = propose(laws, shares, domains.natural, caps=caps).weights
    predicted = laws.predict(np.vstack([domains.natural, proposal])) @ shares
    outside = np.flatnonzero((proposal > rows.max(axis=0) + 1e-9) | (proposal < rows.min(axis=0) - 1e-9))
    return SwarmProposal(
        domains,
        goal.name,
        np.array([interpolate(domains.natural, proposal, part, caps) for part in PARTS]),
        float(predicted[0]),
        float(predicted[1]),
        spearman(laws.predict(rows) @ shares, table @ shares),
        len(rows),
        tuple(domains.names[at] for at in outside),
    )
