r"""A small GPT, many of them at once: every parameter has a leading dimension, one entry per proxy.

Matrix products over that dimension train the proxies side by side without their knowing of each other, and no training
loop is written twice. Pre-norm blocks, RMS norm without gain, squared ReLU; distance between tokens is a penalty on
attention (ALiBi, arXiv 2108.12409), so there are no positions to learn in a short training.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

Parameters = dict[str, Tensor]


@dataclass(frozen=True)
class Shape:
    """Size of a model.

    Attributes
    ----------
    vocabulary, layers, width, heads : int
        `width` is a multiple of `heads`.
    """

    vocabulary: int
    layers: int
    width: int
    heads: int

    @property
    def parameters(self) -> int:
        """Numbers that are trained, of one proxy."""
        return self.vocabulary * self.width * 2 + self.layers * 12 * self.width**2


def start(shape: Shape, proxies: int, seed: int, device: str = "cpu") -> Parameters:
    """Return initial parameters, (proxies, ...) each: equal for all proxies, with predictions at chance.

    Drawn on the CPU, so that every device starts from the same numbers.
    """
    generator = torch.Generator().manual_seed(seed)
    D, V = shape.width, shape.vocabulary
    single_proxy = {"embedding": torch.randn(V, D, generator=generator), "head": torch.zeros(D, V)}
    for layer in range(shape.layers):
        for name, rows, columns in (("qkv", D, 3 * D), ("up", D, 4 * D)):
            single_proxy[f"{layer}.{name}"] = torch.randn(rows, columns, generator=generator) * rows**-0.5
        single_proxy[f"{layer}.out"], single_proxy[f"{layer}.down"] = torch.zeros(D, D), torch.zeros(4 * D, D)
    return {
        name: value.expand(proxies, *value.shape).contiguous().to(device).requires_grad_()
        for name, value in single_proxy.items()
    }


def token_losses(parameters: Parameters, shape: Shape, windows: Tensor) -> Tensor:
    """Loss of every token after the first of each window.

    Parameters
    ----------
    parameters : dict of (P, ...) Tensor
    shape : Shape
    windows : (P, B, T + 1) int64 Tensor
        Token ids: B windows for each proxy.

    Returns
    -------
    (P, B, T) Tensor
        Nats per token.

    Examples
    --------
    >>> shape = Shape(vocabulary=10, layers=1, width=8, heads=2)
    >>> losses = token_losses(start(shape, 3, seed=0), shape, torch.zeros(3, 2, 5, dtype=torch.int64))
    >>> losses.shape, round(losses.mean().item(), 4)
    (torch.Size([3, 2, 4]), 2.3026)
    """
    P, B, T = windows.shape[0], windows.shape[1], windows.shape[2] - 1
    D, H = shape.width, shape.heads
    offsets = torch.arange(P, device=windows.device)[:, None, None] * shape.vocabulary
    x = F.embedding(windows[:, :, :-1] + offsets, parameters["embedding"].flatten(0, 1)).view(P, B * T, D)
    penalty = _penalty(T, H, windows.device)
    for layer in range(shape.layers):
        qkv = torch.bmm(_norm(x), parameters[f"{layer}.qkv"]).view(P * B, T, 3, H, D // H)
        q, k, v = qkv.permute(2, 0, 3, 1, 4)
        attention = (q @ k.transpose(2, 3) * (D // H) ** -0.5 + penalty).softmax(dim=3)
        x = x + torch.bmm((attention @ v).transpose(1, 2).reshape(P, B * T, D), parameters[f"{layer}.out"])
        up = torch.bmm(_norm(x), parameters[f"{layer}.up"])
        x = x + torch.bmm(F.relu(up).square(), parameters[f"{layer}.down"])
    logits = torch.bmm(_norm(x), parameters["head"])
    return F.cross_entropy(logits.flatten(0, 1), windows[:, :, 1:].flatten(), reduction="none").view(P, B, T)


def _norm(x: Tensor) -> Tensor:
    return F.rms_norm(x, (x.shape[-1],))


def _penalty(T: int, heads: int, device: torch.device) -> Tensor:
    """Return the attention bias, (heads, T, T): falls with distance, minus infinity for later tokens."""
    back = torch.arange(T, device=device)[:, None] - torch.arange(T, device=device)
    slopes = 2.0 ** (-8.0 / heads * torch.arange(1, heads + 1, device=device))
    return torch.where(back >= 0, -slopes[:, None, None] * back, -torch.inf)
