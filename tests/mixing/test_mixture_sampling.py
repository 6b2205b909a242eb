"""The sampler of mixtures: within its caps over 100,000 draws, and distributed as an obvious one."""

import numpy as np

from gem_core.mixing.mixture_sampling import LEAST, MOST, SCALES, sample_mixtures

SHARES = np.array([0.5, 0.3, 0.15, 0.04, 0.01])
COUNT = 100_000


def obvious(seed: int) -> np.ndarray:
    """All mixtures at once, and those above a cap drawn again at the same scale until none is."""
    rng = np.random.default_rng(seed)
    prior = np.sqrt(SHARES) / np.sqrt(SHARES).sum()
    scales = np.exp(np.linspace(np.log(SCALES[0]), np.log(SCALES[1]), COUNT))
    out = np.full((COUNT, SHARES.size), np.nan)
    while (left := np.flatnonzero(np.isnan(out[:, 0]))).size:
        samples = rng.standard_gamma(scales[left, None] * prior) + 1e-300
        samples /= samples.sum(axis=1, keepdims=True)
        samples[samples < LEAST] = 0
        samples /= samples.sum(axis=1, keepdims=True)
        fits = (samples <= MOST * SHARES).all(axis=1)
        out[left[fits]] = samples[fits]
    return out


def test_caps_hold_and_the_distribution_is_the_published_one() -> None:
    ours, theirs = sample_mixtures(SHARES, COUNT, seed=1), obvious(2)
    assert (ours <= MOST * SHARES).all()
    assert np.abs(ours.sum(axis=1) - 1).max() < 1e-12
    assert ((ours == 0) | (ours >= LEAST)).all()
    for name, of in (("mean", lambda w: w), ("spread", lambda w: w**2), ("zeros", lambda w: w == 0)):
        a, b = of(ours).astype(float), of(theirs).astype(float)
        error = np.sqrt((a.var(axis=0) + b.var(axis=0)) / COUNT)
        assert (np.abs(a.mean(axis=0) - b.mean(axis=0)) < 4.5 * error + 1e-9).all(), name
