"""Optimal mixture for a goal by token probabilities of one model per cluster: n-gram models or MixMin proxies."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from gem_core._content_key import content_key
from gem_core._types import Float64, Progress, silent
from gem_core.errors import InputError
from gem_core.mixing.goal_search import LEAST_GAIN
from gem_core.mixing.goals import Goal
from gem_core.mixing.ngram import PAIRS, SAMPLE, SINGLES, NgramProxy, ngram_optimum, ngram_proxy
from gem_core.mixing.simplex_minimum import minimize_on_simplex
from gem_core.pipeline.mixing.domains import Domains
from gem_core.pipeline.mixing.goal_store import goal_corpus
from gem_core.pipeline.mixing.ngram_preview import ngram_preview, read_probabilities, write_probabilities
from gem_core.pipeline.mixing.proxy_data import SplitSettings
from gem_core.workspace import Workspace
from gem_core.workspace.mixing_runs import Mixes


@dataclass(frozen=True)
class GoalOptimum:
    """Mixture of least goal loss by token probabilities, within caps.

    Attributes
    ----------
    weights : (K,) float64
        Sum to 1.
    natural_loss, loss : float
        Goal loss of natural shares and of the mixture, nats per token.
    price : float
        Rise of the corpus loss, nats per token.
    gap : float
        The objective is at most this far above its minimum, nats.
    """

    weights: Float64
    natural_loss: float
    loss: float
    price: float
    gap: float

    @property
    def gain(self) -> float:
        """Fall of the goal loss from natural shares, nats per token."""
        return self.natural_loss - self.loss

    @property
    def certificate(self) -> str:
        """Sentence on the possible gain, with the proven bound."""
        bound = max(self.gain, 0.0) + self.gap
        if bound < LEAST_GAIN:
            return (
                f"Natural shares are within {max(bound, 0.0005):.3f} nats of the best possible by these token "
                "probabilities: nothing to optimize. State a goal."
            )
        return (
            f"Goal loss {self.natural_loss:.3f} -> {self.loss:.3f}, corpus {self.price:+.3f} nats per token (predicted)"
        )


def optimize_goal(
    proxy: NgramProxy, goal: ArrayLike, natural: ArrayLike, *, caps: ArrayLike | None = None, pull: float = 0.0
) -> GoalOptimum:
    """Return the mixture of least goal loss, with an optional pull to natural shares, within caps.

    Parameters
    ----------
    proxy : NgramProxy
        Token probabilities of T targets by K models.
    goal : (T,) float
        Weight of each target, sum 1.
    natural : (K,) float
    caps : (K,) float, optional
    pull : float
        Nats: weight of the Kullback-Leibler divergence from natural shares.
    """
    p, v = np.asarray(natural, dtype=np.float64), np.asarray(goal, dtype=np.float64)
    rows = proxy.row_weights(v)

    def loss(w: Float64) -> tuple[float, Float64]:
        mixed = proxy.probabilities @ w
        return float(-rows @ np.log(mixed)), -(rows / mixed) @ proxy.probabilities

    if pull > 0:
        minimum = minimize_on_simplex(loss, p, caps, pull=pull)
        weights, gap = minimum.weights, minimum.gap
    else:
        optimum = ngram_optimum(proxy, v, caps, tolerance=1e-5)
        weights, gap = optimum.weights, optimum.gap
    before, after = proxy.losses(p), proxy.losses(weights)
    own = slice(0, p.size)
    return GoalOptimum(weights, float(before @ v), float(after @ v), float((after[own] - before[own]) @ p), gap)


def goal_proxy(
    workspace: Workspace,
    domains: Domains,
    goal: Goal,
    split: SplitSettings | None = None,
    *,
    progress: Progress = silent,
) -> NgramProxy:
    """Return the n-gram token probabilities of the clusters and of the validation files of a goal."""
    if not goal.files:
        return ngram_preview(workspace, domains, split, progress=progress)
    corpus = goal_corpus(workspace, domains, goal, split, progress=progress)
    key = content_key(
        [[stream.tolist() for stream in corpus.streams.files], vars(corpus.settings), SAMPLE, PAIRS, SINGLES]
    )
    path = Mixes(workspace.root, domains.taxonomy_hash).folder / f"ngram-files-{key}.npz"
    proxy = read_probabilities(path)
    if proxy is None:
        proxy = ngram_proxy(corpus.streams, seed=corpus.settings.seed)
        write_probabilities(path, proxy)
    return proxy


def stored_mixmin(workspace: Workspace, domains: Domains) -> NgramProxy:
    """Return the token probabilities of the last MixMin study.

    Raises
    ------
    InputError
        If there is none.
    """
    evidence = Mixes(workspace.root, domains.taxonomy_hash)
    value = evidence.read_evidence("mixmin")
    proxy = None if value is None else read_probabilities(evidence.folder / str(value["probabilities"]))
    if proxy is None:
        raise InputError(
            "Strategy mixmin needs a finished run", "none for this taxonomy", "Run it: gem-explorer mix mixmin DIR"
        )
    return proxy
