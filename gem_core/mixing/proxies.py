"""Proxy training: one small GPT per mixture, in batches, with equal settings and data order."""

import hashlib
import json
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from gem_core import _check
from gem_core._checkpoints import read_state, replace_file
from gem_core._types import Float64, Progress, frozen, silent
from gem_core.errors import InputError
from gem_core.mixing.gpt import Parameters, Shape, start, token_losses
from gem_core.mixing.token_streams import Streams

STEP = "train proxies"
GROUP = {"cpu": 2, "cuda": 64}  # proxies side by side: on a CPU only as many as its cache holds
KEEP = 100  # steps between two checkpoints
GOLDEN = 0.6180339887498949
Int64 = NDArray[np.int64]


@dataclass(frozen=True)
class ProxyConfig:
    """Size and training of a proxy.

    Attributes
    ----------
    layers, width, heads : int
    context : int
        Tokens that are predicted in a window.
    batch : int
        Windows in a step.
    steps : int
    rate : float
        Highest learning rate of Adam: reached in the first twentieth of the steps, falling to 0 in the last half.
    judged : int
        Held-out tokens of each domain that the loss is taken over, where there are so many.
    seed : int
        Of the first parameters and the order of the windows; the same for all proxies.
    """

    layers: int = 2
    width: int = 64
    heads: int = 4
    context: int = 64
    batch: int = 8
    steps: int = 600
    rate: float = 5e-3
    judged: int = 4096
    seed: int = 0

    def shape(self, vocabulary: int) -> Shape:
        """Size of the model."""
        return Shape(vocabulary, self.layers, self.width, self.heads)

    def learning_rate(self, step: int) -> float:
        """Learning rate of a step, counted from 0."""
        step_fraction = (step + 1) / self.steps
        return self.rate * min(step_fraction * 20, 1.0, 2 * (1 - step_fraction) + 1 / self.steps)


class Windows:
    """The training windows of each domain, in one shuffled order for all proxies.

    Window i of domain k is the same tokens for every proxy; a proxy that takes more from a domain goes on in its order,
    and starts again when the domain is used up.

    Parameters
    ----------
    streams : Streams
    context, seed : int

    Raises
    ------
    InputError
        If a domain has no whole window to train on or to be judged by.
    """

    def __init__(self, streams: Streams, context: int, seed: int) -> None:
        for name, parts in (("to train on", streams.train), ("held out", streams.held_out)):
            short = [k for k, part in enumerate(parts) if len(part) < context + 1]
            if short:
                raise InputError(
                    f"Each domain must have at least {context + 1} tokens {name}",
                    f"{len(parts[short[0]])} for domain {short[0]}",
                    "Merge it with another, or exclude it",
                )
        sizes = [(len(part) - 1) // context for part in streams.train]
        self.sizes = np.array(sizes, dtype=np.int64)
        self.context = context
        self._orders = [np.random.default_rng([seed, k]).permutation(n) for k, n in enumerate(sizes)]
        self._streams = streams

    def plan(self, mixture: Float64, count: int) -> tuple[Int64, Int64]:
        """Domain and index of `count` windows in reading order, (count,) each, shares as near `mixture` as can be.

        The i-th domain is that in which the i-th point of the golden-ratio sequence falls; the points are the same for
        all proxies, so mixtures that are alike read alike.
        """
        reach = np.cumsum(mixture)
        points = (np.arange(1, count + 1) * GOLDEN) % 1.0
        domain = np.searchsorted(reach / reach[-1], points, side="right")
        window_index = np.empty(count, dtype=np.int64)
        for k in np.unique(domain):
            members = np.flatnonzero(domain == k)
            window_index[members] = np.arange(members.size) % self.sizes[k]
        return domain, window_index

    def tokens(self, domain: Int64, window_index: Int64) -> Int64:
        """Token ids of some windows, (len(domain), context + 1)."""
        out = np.empty((len(domain), self.context + 1), dtype=np.int64)
        for i, (k, j) in enumerate(zip(domain, window_index, strict=True)):
            begin = self._orders[k][j] * self.context
            out[i] = self._streams.train[k][begin : begin + self.context + 1]
        return out


@dataclass
class Training:
    """Parameters and optimizer of a group of proxies during training; `state` is what a checkpoint saves."""

    parameters: Parameters
    optimizer: torch.optim.Optimizer
    config: ProxyConfig
    completed_steps: int = 0

    @classmethod
    def begin(cls, streams: Streams, config: ProxyConfig, proxies: int, device: str) -> "Training":
        """Return the state before the first step."""
        parameters = start(config.shape(streams.vocabulary), proxies, config.seed, device)
        optimiser = torch.optim.AdamW(parameters.values(), betas=(0.9, 0.98), weight_decay=0.0, fused=True)
        return cls(parameters, optimiser, config)

    def step(self, loss: torch.Tensor) -> None:
        """Take one optimizer step; the loss is a sum over the proxies, so none changes another."""
        self.optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        for group in self.optimizer.param_groups:
            group["lr"] = self.config.learning_rate(self.completed_steps)
        self.optimizer.step()
        self.completed_steps += 1

    def state(self) -> dict[str, Any]:
        """Return everything that the next step depends on."""
        return {
            "done": self.completed_steps,
            "parameters": {name: p.detach() for name, p in self.parameters.items()},
            "optimiser": self.optimizer.state_dict(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Restore a saved state."""
        with torch.no_grad():
            for name, value in state["parameters"].items():
                self.parameters[name].copy_(value)
        self.optimizer.load_state_dict(state["optimiser"])
        self.completed_steps = int(state["done"])


def train_proxies(
    streams: Streams,
    mixtures: ArrayLike,
    config: ProxyConfig,
    folder: Path | None = None,
    *,
    device: str = "cpu",
    group: int | None = None,
    progress: Progress = silent,
) -> Float64:
    """Train a proxy on each mixture, and judge it by the held-out tokens of each domain.

    All proxies start from the same parameters and read each domain in the same order. Proxies of a group are trained
    side by side; where they stand is kept in `folder`, so a killed run goes on and ends as an unbroken one.

    Parameters
    ----------
    streams : Streams
        Of K domains.
    mixtures : (n, K) float
        Rows sum to 1.
    config : ProxyConfig
    folder : Path, optional
        For checkpoints and the losses of groups that are done.
    device : "cpu" or "cuda"
    group : int, optional
        Proxies side by side; 2 on a CPU, 64 on a GPU when left out. It changes losses by rounding only.
    progress : Progress
        Called as progress("train proxies", steps done, steps), a step of one proxy counting one.

    Returns
    -------
    (n, T) float64
        Held-out loss of each proxy on each domain, then on each validation file, nats per token.

    Raises
    ------
    InputError
        If a mixture is none, or a domain has too few tokens for one window.

    Examples
    --------
    >>> a, b = np.tile([0, 1, 2], 60).astype(np.uint16), np.tile([0, 2, 1], 60).astype(np.uint16)
    >>> tiny = ProxyConfig(layers=1, width=16, heads=1, context=8, batch=4, steps=40)
    >>> losses = train_proxies(Streams((a, b), (a, b), 3), [[0.9, 0.1], [0.1, 0.9]], tiny)
    >>> (losses.argmin(axis=1) == [0, 1]).tolist()
    [True, True]
    """
    rows = np.stack([_check.shares(row, len(streams), "each mixture") for row in np.atleast_2d(np.asarray(mixtures))])
    size = group or GROUP[device]
    windows = Windows(streams, config.context, config.seed)
    total, out = len(rows) * config.steps, np.empty((len(rows), len(streams.targets)))
    for first in range(0, len(rows), size):
        group_mixtures = rows[first : first + size]
        group_progress = _group_progress(progress, first * config.steps, len(group_mixtures), total)
        path = None if folder is None else folder / f"group-{first:05d}.pt"
        key = run_key(streams, config, group_mixtures)
        checkpoint = read_checkpoint(path, key)
        if "losses" not in checkpoint:
            trained = train_group(
                streams, windows, group_mixtures, config, device=device, path=path, key=key, progress=group_progress
            )
            checkpoint = {"losses": torch.from_numpy(judge(trained, streams, config).copy())}
            write_checkpoint(path, key, checkpoint)
        out[first : first + size] = checkpoint["losses"].numpy()
        group_progress(STEP, config.steps, config.steps)
    return frozen(out)


def train_group(
    streams: Streams,
    windows: Windows,
    mixtures: Float64,
    config: ProxyConfig,
    *,
    device: str = "cpu",
    path: Path | None = None,
    key: str = "",
    progress: Progress = silent,
) -> Parameters:
    """Train proxies side by side on (P, K) mixtures and return their parameters; `path` holds their checkpoint."""
    shape = config.shape(streams.vocabulary)
    plans = [windows.plan(mixture, config.steps * config.batch) for mixture in mixtures]
    training = Training.begin(streams, config, len(mixtures), device)
    checkpoint = read_checkpoint(path, key)
    if checkpoint:
        training.restore(checkpoint)
    while training.completed_steps < config.steps:
        progress(STEP, training.completed_steps, config.steps)
        part = slice(training.completed_steps * config.batch, (training.completed_steps + 1) * config.batch)
        tokens = np.stack([windows.tokens(domain[part], window_index[part]) for domain, window_index in plans])
        losses = token_losses(training.parameters, shape, torch.from_numpy(tokens).to(device))
        training.step(losses.mean(dim=(1, 2)).sum())
        if training.completed_steps % KEEP == 0 or training.completed_steps == config.steps:
            write_checkpoint(path, key, training.state())
    return training.parameters


@torch.no_grad()
def judge(parameters: Parameters, streams: Streams, config: ProxyConfig) -> Float64:
    """Held-out loss of each proxy on each domain, (P, K), nats per token."""
    shape, first = config.shape(streams.vocabulary), parameters["head"]
    P, T = len(first), config.context
    out = np.empty((P, len(streams.targets)))
    for k, held_out in enumerate(streams.targets):
        count = max(min(config.judged, len(held_out) - 1) // T, 1)
        rows = np.stack([held_out[i * T : (i + 1) * T + 1] for i in range(count)]).astype(np.int64)
        total = torch.zeros(P, dtype=torch.float64, device=first.device)
        for begin in range(0, count, config.batch):
            group_mixtures = torch.from_numpy(rows[begin : begin + config.batch]).to(first.device).expand(P, -1, -1)
            total += token_losses(parameters, shape, group_mixtures).sum(dim=(1, 2), dtype=torch.float64)
        out[:, k] = (total / (count * T)).cpu().numpy()
    return frozen(out)


def run_key(streams: Streams, config: ProxyConfig, *arrays: Float64) -> str:
    """Hash of everything that determines a run; a checkpoint with another hash is not resumed."""
    digest = hashlib.sha256(json.dumps([asdict(config), streams.vocabulary], sort_keys=True).encode())
    everything: tuple[NDArray[Any], ...] = (*streams.train, *streams.targets, *arrays)
    for array in everything:
        digest.update(str(array.shape).encode() + np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def write_checkpoint(path: Path | None, key: str, value: dict[str, Any]) -> None:
    """Save a state under `path` atomically."""
    if path is not None:
        replace_file(path, partial(torch.save, {**value, "key": key}))


def read_checkpoint(path: Path | None, key: str) -> dict[str, Any]:
    """Return the state under `path`; empty if there is no readable one of this run."""
    return read_state(path, key, partial(torch.load, weights_only=True))


def _group_progress(progress: Progress, before: int, proxies: int, steps: int) -> Progress:
    """Report a group's progress as progress of the whole run."""

    def report(step: str, completed: int, total: int) -> None:
        progress(step, before + completed * proxies, steps)

    return report
