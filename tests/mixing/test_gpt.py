"""The small GPT and its training: proxies in a group are proxies alone, and a killed run ends as an unbroken one."""

import signal
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from gem_core.errors import Cancelled, InputError
from gem_core.mixing.gpt import Parameters, Shape, start, token_losses
from gem_core.mixing.proxies import ProxyConfig, Windows, judge, train_group, train_proxies
from gem_core.mixing.token_streams import Streams
from tests.helpers.cli_process import QUIET, start_code
from tests.helpers.warm_process import ForkedCommand

TINY = ProxyConfig(layers=2, width=16, heads=2, context=8, batch=4, steps=30, judged=200)
MIXTURES = np.array([[0.8, 0.1, 0.1], [0.1, 0.8, 0.1], [0.0, 0.5, 0.5], [1 / 3, 1 / 3, 1 / 3], [0.0, 0.0, 1.0]])


def streams(length: int = 3000) -> Streams:
    """Three languages of 12 tokens: each steps on by its own stride, with noise."""
    rng = np.random.default_rng(0)
    parts = []
    for stride in (1, 5, 7):
        noise = rng.random(length) < 0.1
        steps = np.where(noise, rng.integers(0, 12, length), stride)
        parts.append((np.cumsum(steps) % 12).astype(np.uint16))
    return Streams(tuple(part[:-600] for part in parts), tuple(part[-600:] for part in parts), 12)


def random_parameters(shape: Shape, proxies: int) -> Parameters:
    """Parameters that differ from proxy to proxy, and none of them 0."""
    generator = torch.Generator().manual_seed(7)
    return {
        name: torch.randn(value.shape, generator=generator) * 0.2
        for name, value in start(shape, proxies, seed=0).items()
    }


def slow_losses(parameters: Parameters, shape: Shape, window: list[int]) -> list[float]:
    """One proxy, one window, token by token and head by head."""
    D, H = shape.width, shape.heads
    d = D // H

    def norm(x: np.ndarray) -> np.ndarray:
        return np.asarray(x / np.sqrt((x**2).mean() + np.finfo(np.float32).eps))

    weights = {name: value.double().numpy() for name, value in parameters.items()}
    xs = [weights["embedding"][token] for token in window[:-1]]
    for layer in range(shape.layers):
        rows = [norm(x) @ weights[f"{layer}.qkv"] for x in xs]
        new = []
        for i, x in enumerate(xs):
            parts = []
            for h in range(H):
                q = rows[i][h * d : (h + 1) * d]
                keys = [rows[j][D + h * d : D + (h + 1) * d] for j in range(i + 1)]
                scores = np.array(
                    [q @ key / np.sqrt(d) - 2.0 ** (-8 * (h + 1) / H) * (i - j) for j, key in enumerate(keys)]
                )
                share = np.exp(scores) / np.exp(scores).sum()
                parts.append(sum(share[j] * rows[j][2 * D + h * d : 2 * D + (h + 1) * d] for j in range(i + 1)))
            x = x + np.concatenate(parts) @ weights[f"{layer}.out"]
            new.append(x + np.maximum(norm(x) @ weights[f"{layer}.up"], 0) ** 2 @ weights[f"{layer}.down"])
        xs = new
    logits = [norm(x) @ weights["head"] for x in xs]
    return [float(np.log(np.exp(row).sum()) - row[token]) for row, token in zip(logits, window[1:], strict=True)]


def test_losses_are_those_of_the_slow_reference() -> None:
    shape = Shape(vocabulary=12, layers=2, width=8, heads=2)
    parameters = random_parameters(shape, 3)
    windows = torch.from_numpy(np.random.default_rng(1).integers(0, 12, (3, 2, 7)))
    fast = token_losses(parameters, shape, windows)
    for p in range(3):
        own = {name: value[p] for name, value in parameters.items()}
        for b in range(2):
            assert fast[p, b].tolist() == pytest.approx(slow_losses(own, shape, windows[p, b].tolist()), rel=1e-4)


def test_no_token_sees_the_future() -> None:
    shape = Shape(12, 2, 8, 2)
    parameters = random_parameters(shape, 1)
    windows = torch.from_numpy(np.random.default_rng(1).integers(0, 12, (1, 1, 9)))
    changed = windows.clone()
    changed[0, 0, 5] = (changed[0, 0, 5] + 1) % 12
    a, b = token_losses(parameters, shape, windows)[0, 0], token_losses(parameters, shape, changed)[0, 0]
    assert torch.equal(a[:4], b[:4])
    assert not torch.isclose(a[4:], b[4:]).any(), "the token itself, and all after it"


def test_the_size_is_what_is_said() -> None:
    shape = Shape(100, 3, 16, 4)
    assert shape.parameters == sum(value[0].numel() for value in start(shape, 2, 0).values())


def test_proxies_in_a_group_are_proxies_alone() -> None:
    data = streams()
    windows = Windows(data, TINY.context, TINY.seed)
    together = train_group(data, windows, MIXTURES, TINY)
    for p, mixture in enumerate(MIXTURES):
        alone = train_group(data, windows, mixture[None], TINY)
        for name, value in alone.items():
            assert torch.allclose(together[name][p], value[0], atol=2e-4), name
        assert judge(together, data, TINY)[p] == pytest.approx(judge(alone, data, TINY)[0], abs=1e-4)
    singles, three = (train_proxies(data, MIXTURES, TINY, group=group) for group in (1, 3))
    assert singles == pytest.approx(three, abs=1e-4)


def test_a_proxy_knows_what_it_read() -> None:
    losses = train_proxies(streams(), MIXTURES, TINY)
    assert losses.shape == (5, 3)
    assert losses[0].argmin() == 0
    assert losses[4].argmin() == 2
    assert losses[2, 0] > losses[0, 0] + 0.3
    assert (losses[3] < np.log(12)).all()
    assert np.array_equal(losses, train_proxies(streams(), MIXTURES, TINY)), "same seed, same result"
    assert not np.allclose(losses, train_proxies(streams(), MIXTURES, ProxyConfig(**{**vars(TINY), "seed": 1})))


def test_windows_come_in_one_order_and_shares_are_exact() -> None:
    data = streams()
    windows = Windows(data, 8, seed=3)
    plans = [windows.plan(mixture, 1000) for mixture in MIXTURES]
    for (domain, offset), mixture in zip(plans, MIXTURES, strict=True):
        assert np.abs(np.bincount(domain, minlength=3) - 1000 * mixture).max() <= 4
        for k in range(3):
            own = offset[domain == k]
            assert own.tolist() == [i % windows.sizes[k] for i in range(own.size)]
    tokens = windows.tokens(np.zeros(299, dtype=int), np.arange(299))  # all windows of a domain, each once
    assert windows.sizes.tolist() == [299] * 3
    assert sorted(map(tuple, tokens)) == sorted(tuple(data.train[0][i * 8 : i * 8 + 9]) for i in range(299))
    assert tuple(tokens[0]) != tuple(data.train[0][:9]), "shuffled"


def test_judging_takes_held_out_tokens_once() -> None:
    data = streams()
    shape = TINY.shape(12)
    parameters = random_parameters(shape, 2)
    windows = torch.from_numpy(np.stack([data.held_out[1][i * 8 : i * 8 + 9] for i in range(25)]).astype(np.int64))
    expected = token_losses(parameters, shape, windows.expand(2, -1, -1)).mean(dim=(1, 2)).tolist()
    assert judge(parameters, data, TINY)[:, 1] == pytest.approx(expected, rel=1e-5)


def test_the_learning_rate_rises_and_falls() -> None:
    config = ProxyConfig(steps=100, rate=1.0)
    rates = [config.learning_rate(step) for step in range(100)]
    assert rates[:5] == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0])
    assert rates[49] == 1.0
    assert rates[74] == pytest.approx(0.51)
    assert rates[-1] == pytest.approx(0.01)


def test_what_cannot_be_trained_is_refused() -> None:
    data = streams()
    with pytest.raises(InputError, match=r"each mixture must be shares .* sum 0.9"):
        train_proxies(data, [[0.5, 0.2, 0.2]], TINY)
    with pytest.raises(InputError, match="at least 65 tokens held out; got 30 for domain 1"):
        Windows(Streams(data.train, (data.held_out[0], data.held_out[1][:30], data.held_out[2]), 12), 64, 0)


def test_checkpoints_of_another_run_are_not_gone_on_from(tmp_path: Path) -> None:
    data = streams()
    first = train_proxies(data, MIXTURES[:2], TINY, tmp_path)
    assert np.array_equal(train_proxies(data, MIXTURES[:2], TINY, tmp_path), first)
    other = train_proxies(data, MIXTURES[2:4], TINY, tmp_path)
    assert np.array_equal(other, train_proxies(data, MIXTURES[2:4], TINY))
    (tmp_path / "group-00000.pt").write_bytes(b"damaged")
    assert np.array_equal(train_proxies(data, MIXTURES[:2], TINY, tmp_path), first)


def test_a_state_is_everything(tmp_path: Path) -> None:
    data = streams()
    stopped = {"at": 0}

    def stop(step: str, completed: int, total: int) -> None:
        stopped["at"] += 1
        if stopped["at"] == 246:  # behind the checkpoint of the second group
            raise Cancelled

    config = ProxyConfig(**{**vars(TINY), "steps": 130})
    with pytest.raises(Cancelled):
        train_proxies(data, MIXTURES[:4], config, tmp_path, group=2, progress=stop)
    steps: list[int] = []
    again = train_proxies(
        data, MIXTURES[:4], config, tmp_path, group=2, progress=lambda step, completed, total: steps.append(completed)
    )
    assert steps[:2] == [260, 460], "the first group is not trained again, the second goes on at its checkpoint"
    assert np.array_equal(again, train_proxies(data, MIXTURES[:4], config, group=2))


CHILD = """
import sys
from pathlib import Path
from tests.mixing.test_gpt import MIXTURES, TINY, ProxyConfig, streams, train_proxies
config = ProxyConfig(**{**vars(TINY), "steps": 400})
losses = train_proxies(streams(), MIXTURES[:2], config, Path(sys.argv[1]), group=1)
print(losses.tobytes().hex())
"""


def test_a_killed_process_goes_on_and_ends_the_same(tmp_path: Path) -> None:
    def child(folder: Path) -> ForkedCommand:
        return start_code(CHILD, folder, environment={**QUIET, "OMP_NUM_THREADS": "1"})

    process, until = child(tmp_path / "killed"), time.monotonic() + 60
    while not (tmp_path / "killed" / "group-00001.pt").exists() and process.poll() is None and time.monotonic() < until:
        time.sleep(0.005)  # the first group is done, the second has its first checkpoint
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL, "it was still training"
    process, whole = child(tmp_path / "killed"), child(tmp_path / "whole")
    assert process.communicate()[0] == whole.communicate()[0] != ""
