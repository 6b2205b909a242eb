r"""DoReMi: weights from the excess loss of a proxy over a reference model (arXiv 2305.10429)."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from gem_core import _check
from gem_core._types import Float64, Progress, frozen, silent
from gem_core.errors import InputError
from gem_core.mixing.gpt import Parameters, Shape, token_losses
from gem_core.mixing.proxies import (
    KEEP,
    ProxyConfig,
    Training,
    Windows,
    read_checkpoint,
    run_key,
    train_group,
    write_checkpoint,
)
from gem_core.mixing.token_streams import Streams

Normalizer = Literal["token", "domain"]
REFERENCE, PROXY = "train the reference", "train the proxy"
COLLAPSE = 0.9  # a single domain with more than this: what the method is known to fail by
POINTS = 200  # of the curve
DEFAULT = ProxyConfig(batch=32, steps=1000)


def doremi_update(alpha: Float64, scores: Float64, eta: float = 1.0, smoothing: float = 1e-3) -> Float64:
    r"""Group-DRO step of the weights: a <- a exp(eta s), normalized, then a <- (1 - c) a + c / K.

    Parameters
    ----------
    alpha : (K,) float64
        Weights, sum 1.
    scores : (K,) float64
        Mean excess loss of each domain, nats per token, from 0.
    eta, smoothing : float
        Step size, and c: the share of the weights that is spread evenly (Algorithm 1).

    Returns
    -------
    (K,) float64

    Examples
    --------
    >>> doremi_update(np.array([0.5, 0.5]), np.array([np.log(3), 0.0]), smoothing=0.0).round(6).tolist()
    [0.75, 0.25]
    """
    grown = alpha * np.exp(eta * (scores - scores.max()))  # a common factor falls out; it keeps exp finite
    return np.asarray((1 - smoothing) * grown / grown.sum() + smoothing / alpha.size)


@dataclass(frozen=True)
class DoReMi:
    """Weights found by DoReMi.

    Attributes
    ----------
    weights : (K,) float64
        Mean over the steps.
    last : (K,) float64
        After the last step.
    curve : (c, K) float64
        Weights on the way, evenly spaced.
    curve_steps : (c,) int64
        After which step each was taken.
    scores : (K,) float64
        Excess loss of each domain when it was last seen, nats per token.
    normalizer : "token" or "domain"
    seed : int
    """

    weights: Float64
    last: Float64
    curve: Float64
    curve_steps: NDArray[np.int64]
    scores: Float64
    normalizer: Normalizer
    seed: int

    @property
    def effective(self) -> float:
        """Effective number of domains: exp of the entropy of the weights."""
        w = self.weights[self.weights > 0]
        return float(np.exp(-(w * np.log(w)).sum()))

    @property
    def collapsed(self) -> bool:
        """Whether one domain has more than 0.9 of the weight."""
        return bool(self.weights.max() > COLLAPSE)


def doremi(
    streams: Streams,
    shares: ArrayLike,
    config: ProxyConfig = DEFAULT,
    folder: Path | None = None,
    *,
    normalizer: Normalizer = "token",
    eta: float = 1.0,
    smoothing: float = 1e-3,
    device: str = "cpu",
    progress: Progress = silent,
    watch: Callable[[Float64, NDArray[np.int64]], None] | None = None,
) -> DoReMi:
    r"""Train a reference on the natural shares, then a proxy whose weights follow its excess loss over the reference.

    Excess of a token: max(proxy - reference, 0); the score of a domain is its mean over the domain's tokens of the
    batch. It starts at 0 and stays what it was when the batch has no token of the domain. Domains are sampled
    uniformly; how the loss of the proxy is weighted is in `window_weights`: over the tokens as in the authors' code, or
    domain by domain as in Eq. 1.

    Parameters
    ----------
    streams : Streams
        Of K domains.
    shares : (K,) float
        Natural shares, sum 1: what the reference is trained on.
    config : ProxyConfig
        Of reference and proxy.
    folder : Path, optional
        For checkpoints: a killed run goes on and ends as an unbroken one.
    normalizer : "token" or "domain"
    eta, smoothing : float
        As in `doremi_update`.
    device : "cpu" or "cuda"
    progress : Progress
        Called as progress("train the reference" or "train the proxy", step, steps).
    watch : callable, optional
        Called with the curve so far and its steps, at each of its points.

    Returns
    -------
    DoReMi

    Raises
    ------
    InputError
        If the shares are none, or a domain has too few tokens for one window.

    Warns
    -----
    UserWarning
        If one domain has more than 0.9 of the weight.

    Examples
    --------
    >>> a, b = np.tile([0, 1, 2], 60).astype(np.uint16), np.tile([0, 2, 1], 60).astype(np.uint16)
    >>> tiny = ProxyConfig(layers=1, width=16, heads=1, context=8, batch=4, steps=20)
    >>> found = doremi(Streams((a, b), (a, b), 3), [0.5, 0.5], tiny)
    >>> round(float(found.weights.sum()), 6), found.curve.shape
    (1.0, (20, 2))
    """
    natural = _check.shares(shares, len(streams), "shares")
    if normalizer not in get_args(Normalizer):
        raise InputError("normaliser must be token or domain", repr(normalizer), "Choose one of them")
    windows = Windows(streams, config.context, config.seed)
    paths = {name: None if folder is None else folder / f"{name}.pt" for name in ("reference", "proxy")}
    key = run_key(streams, config, natural)
    reference = train_group(
        streams,
        windows,
        natural[None],
        config,
        device=device,
        path=paths["reference"],
        key=key,
        progress=lambda step, completed, total: progress(REFERENCE, completed, total),
    )
    progress(REFERENCE, config.steps, config.steps)
    run = _Run(streams, windows, reference, config, normalizer, eta, smoothing, device)
    key = run_key(streams, config, natural, np.array([eta, smoothing, get_args(Normalizer).index(normalizer)]))
    run.restore(read_checkpoint(paths["proxy"], key))
    while run.training.completed_steps < config.steps:
        progress(PROXY, run.training.completed_steps, config.steps)
        run.step()
        if watch is not None and run.steps[-1:] == [run.training.completed_steps]:
            watch(np.array(run.curve), np.array(run.steps, dtype=np.int64))
        if run.training.completed_steps % KEEP == 0 or run.training.completed_steps == config.steps:
            write_checkpoint(paths["proxy"], key, run.state())
    progress(PROXY, config.steps, config.steps)
    result = DoReMi(
        frozen(run.total / config.steps),
        frozen(run.alpha),
        frozen(np.array(run.curve)),
        frozen(np.array(run.steps, dtype=np.int64)),
        frozen(run.scores),
        normalizer,
        config.seed,
    )
    if result.collapsed:
        warnings.warn(
            f"DoReMi collapsed: domain {int(result.weights.argmax())} has {result.weights.max():.0%} of the weight",
            stacklevel=2,
        )
    return result


class _Run:
    """State of the proxy run: training, current weights, their sum, curve and scores."""

    def __init__(
        self,
        streams: Streams,
        windows: Windows,
        reference: Parameters,
        config: ProxyConfig,
        normalizer: Normalizer,
        eta: float,
        smoothing: float,
        device: str,
    ) -> None:
        K = len(streams)
        self.windows, self.reference, self.config, self.device = windows, reference, config, device
        self.normalizer, self.eta, self.smoothing = normalizer, eta, smoothing
        self.shape: Shape = config.shape(streams.vocabulary)
        self.plan = windows.plan(np.full(K, 1 / K), config.steps * config.batch)
        self.training = Training.begin(streams, config, 1, device)
        self.alpha, self.total, self.scores = np.full(K, 1 / K), np.zeros(K), np.zeros(K)
        self.curve: list[Float64] = []
        self.steps: list[int] = []

    def step(self) -> None:
        """One batch: excess, weights, then the proxy by its weighted loss."""
        at, batch, K = self.training.completed_steps, self.config.batch, self.alpha.size
        domain, window_index = (part[at * batch : (at + 1) * batch] for part in self.plan)
        tokens = torch.from_numpy(self.windows.tokens(domain, window_index)[None]).to(self.device)
        losses = token_losses(self.training.parameters, self.shape, tokens)[0]
        with torch.no_grad():
            excess = (losses - token_losses(self.reference, self.shape, tokens)[0]).clamp(min=0).mean(dim=1)
        counts = np.bincount(domain, minlength=K)
        mean = np.bincount(domain, excess.double().cpu().numpy(), minlength=K) / np.maximum(counts, 1)
        self.scores = np.where(counts > 0, mean, self.scores)
        self.alpha = doremi_update(self.alpha, self.scores, self.eta, self.smoothing)
        weight = torch.from_numpy(window_weights(self.alpha, domain, self.normalizer)).to(losses)
        self.training.step((weight * losses.mean(dim=1)).sum())
        self.total = self.total + self.alpha
        if self.training.completed_steps % max(self.config.steps // POINTS, 1) == 0:
            self.curve.append(self.alpha)
            self.steps.append(self.training.completed_steps)

    def state(self) -> dict[str, Any]:
        """Return everything that the next step depends on, and the curve."""
        arrays = {
            "alpha": self.alpha,
            "total": self.total,
            "scores": self.scores,
            "curve": np.array(self.curve),
            "steps": np.array(self.steps),
        }
        return {**self.training.state(), "arrays": {name: torch.from_numpy(a.copy()) for name, a in arrays.items()}}

    def restore(self, state: dict[str, Any]) -> None:
        """Restore a saved state; an empty one is the start."""
        if state:
            self.training.restore(state)
            arrays = {name: a.numpy() for name, a in state["arrays"].items()}
            self.alpha, self.total, self.scores = arrays["alpha"], arrays["total"], arrays["scores"]
            self.curve, self.steps = list(arrays["curve"]), arrays["steps"].tolist()


def window_weights(alpha: Float64, domain: NDArray[np.int64], normalizer: Normalizer) -> Float64:
    r"""Weight of each window's mean loss in the proxy's loss, (B,), for domains that are sampled uniformly.

    "token": r_k / sum of r over the windows, r = a / p_sampling. "domain": a_k / (windows of k), over the sum of a over
    the domains that are there. All windows have as many tokens.

    Examples
    --------
    >>> window_weights(np.array([0.6, 0.2, 0.2]), np.array([0, 0, 1]), "token").round(3).tolist()
    [0.429, 0.429, 0.143]
    >>> window_weights(np.array([0.6, 0.2, 0.2]), np.array([0, 0, 1]), "domain").round(3).tolist()
    [0.375, 0.375, 0.25]
    """
    if normalizer == "token":
        r = alpha[domain] * alpha.size  # a / p_sampling
    else:
        r = alpha[domain] / np.bincount(domain, minlength=alpha.size)[domain]
    return np.asarray(r / r.sum())
