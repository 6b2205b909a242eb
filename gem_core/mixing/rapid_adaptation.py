r"""Rapid adaptation probe: relative loss reduction when the last layer of a proxy is retrained on a domain."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from gem_core._types import Float64, Progress, frozen, silent
from gem_core.errors import InputError
from gem_core.mixing.gpt import Parameters, start, token_losses
from gem_core.mixing.proxies import GROUP, ProxyConfig, Windows, read_checkpoint, run_key, write_checkpoint
from gem_core.mixing.token_streams import Streams

STEP = "probe domains"
STEPS = 10
RATE = 1e-2  # of Adam: ten steps must be felt
JUDGED = 16  # held-out windows that a probe is judged by
Int64 = NDArray[np.int64]


@dataclass(frozen=True)
class Adaptation:
    """Gains of the probes of K domains.

    Attributes
    ----------
    gains : (K,) float64
        dL_k = (L_0 - L_10) / L_0, the mean over the probes of a domain; a fraction, at most 1.
    errors : (K,) float64
        Standard error of it.
    probes : (K,) int64
        Probes of each domain.
    excess : (K,) float64
        Loss after the probe minus the loss of the body with its own last layer, nats per token. It tells text that is
        learned fast because it is predictable (small excess) from text of which there is much to learn.
    """

    gains: Float64
    errors: Float64
    probes: Int64
    excess: Float64


def rapid_adaptation(
    streams: Streams,
    body: Parameters,
    config: ProxyConfig,
    probes: ArrayLike,
    *,
    steps: int = STEPS,
    rate: float = RATE,
    device: str = "cpu",
    folder: Path | None = None,
    progress: Progress = silent,
) -> Adaptation:
    """Freeze the body of a trained proxy, reset its last layer and head, and train these a few steps on each domain.

    Each probe reads windows of its own from the domain, and is judged by held-out windows of its own while there are
    enough; their spread gives the standard error. All probes start from the same reset layer.

    Parameters
    ----------
    streams : Streams
        Of K domains.
    body : dict of (1, ...) Tensor
        Parameters of one proxy (`gem_core.mixing.proxies.train_group`), trained on natural shares.
    config : ProxyConfig
        Of that proxy.
    probes : (K,) int
        At least 2 each.
    steps : int
    rate : float
    device : "cpu" or "cuda"
    folder : Path, optional
        For the gains of groups of probes that are done: a killed run goes on behind them.
    progress : Progress
        Called as progress("probe domains", probes done, probes).

    Returns
    -------
    Adaptation

    Raises
    ------
    InputError
        If a domain has fewer than 2 probes, or too few tokens for a window.

    Examples
    --------
    >>> from gem_core.mixing.proxies import train_group
    >>> easy, hard = np.tile([0, 1, 2], 60), np.random.default_rng(0).integers(0, 8, 180)
    >>> s = Streams((easy.astype(np.uint16), hard.astype(np.uint16)), (easy, hard), 8)
    >>> tiny = ProxyConfig(layers=2, width=16, heads=1, context=8, batch=4, steps=20)
    >>> body = train_group(s, Windows(s, 8, 0), np.array([[0.5, 0.5]]), tiny)
    >>> found = rapid_adaptation(s, body, tiny, [2, 2])
    >>> bool(found.gains[0] > found.gains[1])
    True
    """
    counts = np.asarray(probes, dtype=np.int64)
    if counts.shape != (len(streams),) or (counts < 2).any():
        raise InputError(
            "Each domain needs 2 probes or more, for a standard error",
            f"{counts.tolist()} for {len(streams)} domains",
            "Ask for more",
        )
    windows = Windows(streams, config.context, config.seed)
    domain = np.repeat(np.arange(len(streams)), counts)
    number = np.concatenate([np.arange(count) for count in counts])
    gains, excess = np.empty(len(domain)), np.empty(len(domain))
    size = 4 * GROUP[device]  # a frozen body needs no optimizer: several times as many fit
    head = np.array([[float(body["head"].detach().abs().sum()), steps, rate]])  # says which body it is
    key = run_key(streams, config, counts.astype(np.float64), head)
    for first in range(0, len(domain), size):
        progress(STEP, first, len(domain))
        rows = slice(first, first + size)
        path = None if folder is None else folder / f"probes-{first:05d}.pt"
        checkpoint = read_checkpoint(path, key)
        if "excess" in checkpoint:
            gains[rows], excess[rows] = checkpoint["gains"].numpy(), checkpoint["excess"].numpy()
            continue
        read = np.stack(
            [
                _windows(windows, int(k), int(i), steps * config.batch)
                for k, i in zip(domain[rows], number[rows], strict=True)
            ]
        )
        held_out = np.stack(
            [
                _held_out_windows(streams, int(k), int(i), config.context)
                for k, i in zip(domain[rows], number[rows], strict=True)
            ]
        )
        gains[rows], excess[rows] = _run_probes(body, config, streams.vocabulary, read, held_out, steps, rate, device)
        write_checkpoint(
            path, key, {name: torch.from_numpy(v[rows].copy()) for name, v in (("gains", gains), ("excess", excess))}
        )
    progress(STEP, len(domain), len(domain))
    groups = np.split(gains, np.cumsum(counts)[:-1])
    return Adaptation(
        frozen(np.array([g.mean() for g in groups])),
        frozen(np.array([g.std(ddof=1) / np.sqrt(g.size) for g in groups])),
        frozen(counts),
        frozen(np.array([part.mean() for part in np.split(excess, np.cumsum(counts)[:-1])])),
    )


def _windows(windows: Windows, domain: int, number: int, count: int) -> Int64:
    """Windows of one probe, those that follow the ones of the probe before: (count, context + 1)."""
    window_indices = (number * count + np.arange(count)) % windows.sizes[domain]
    return windows.tokens(np.full(count, domain), window_indices)


def _held_out_windows(streams: Streams, domain: int, number: int, context: int) -> Int64:
    """Held-out windows of one probe, (16, context + 1)."""
    held_out = streams.held_out[domain]
    available = (len(held_out) - 1) // context
    window_indices = (number * JUDGED + np.arange(JUDGED)) % available
    return np.stack([held_out[i * context : (i + 1) * context + 1] for i in window_indices]).astype(np.int64)


def _run_probes(
    body: Parameters,
    config: ProxyConfig,
    vocabulary: int,
    read: Int64,
    held_out: Int64,
    steps: int,
    rate: float,
    device: str,
) -> tuple[Float64, Float64]:
    """Return the relative fall of the held-out loss of P probes, (P,), and their final excess over the body, (P,)."""
    shape, P = config.shape(vocabulary), len(read)
    fresh = start(shape, P, config.seed, device)
    last = f"{shape.layers - 1}."
    trained = {name for name in fresh if name == "head" or name.startswith(last)}
    parameters = {
        name: value if name in trained else body[name].detach().to(device).expand(P, *value.shape[1:])
        for name, value in fresh.items()
    }
    optimizer = torch.optim.Adam([parameters[name] for name in sorted(trained)], lr=rate)
    judged = torch.from_numpy(held_out).to(device)

    @torch.no_grad()
    def loss(model: Parameters) -> Float64:
        return np.asarray(token_losses(model, shape, judged).mean(dim=(1, 2), dtype=torch.float64).cpu().numpy())

    own = loss(
        {name: value.detach().to(device).expand(P, *value.shape[1:]).contiguous() for name, value in body.items()}
    )
    before = loss(parameters)
    for step in range(steps):
        rows = torch.from_numpy(read[:, step * config.batch : (step + 1) * config.batch]).to(device)
        optimizer.zero_grad()
        token_losses(parameters, shape, rows).mean(dim=(1, 2)).sum().backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    after = loss(parameters)
    return (before - after) / before, after - own
