"""GRIP: closed forms by hand, chances that hold in simulation, and the nest of long copies."""

import numpy as np
import pytest

from gem_core.errors import InputError
from gem_core.mixing.document_sampling import _systematic
from gem_core.mixing.grip import dispersion, mean_lengths, neyman, replay_budget
from gem_core.mixing.inclusion_probabilities import density_of, inclusion


def sphere(n: int, d: int, seed: int, around: np.ndarray | None = None, spread: float = 1.0) -> np.ndarray:
    x = spread * np.random.default_rng(seed).normal(size=(n, d))
    x = x if around is None else x + around
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def draw(pi: np.ndarray, rng: int | np.random.Generator) -> np.ndarray:
    """Draw documents of one length with chances pi."""
    return np.sort(_systematic(np.ones(pi.size, dtype=np.int64), pi, np.random.default_rng(rng)))


def rao(x: np.ndarray) -> float:
    """Mean of 1 - cos over all pairs, one by one."""
    return float(np.mean([1 - a @ b for a in x for b in x]))


def test_dispersion_is_raos_quadratic_entropy() -> None:
    x = np.concatenate([sphere(40, 5, 0), sphere(25, 5, 1, np.eye(5)[0], 0.3), sphere(1, 5, 2)])
    positions = np.repeat([0, 2, 3], [40, 25, 1])
    positions[:3] = -1  # no part of any domain
    lengths = mean_lengths(x.astype(np.float32), positions, 4)
    assert np.isnan(lengths[1])
    for k in (0, 2, 3):
        assert dispersion(lengths[k]) == pytest.approx(rao(x[positions == k]), abs=1e-6)
    with pytest.raises(InputError, match=r"length from 0 to 1; got 0.5 to 1.2"):
        dispersion([0.5, 1.2])


def test_neyman_by_hand_and_least_variance() -> None:
    N, o2 = np.array([100, 100, 400, 10]), np.array([0.25, 1.0, 0.25, 0.0])
    n = neyman(N, o2, 35)  # N o = 50, 100, 200, 0
    assert n.tolist() == [5, 10, 20, 0]

    def variance(counts: np.ndarray) -> float:
        return float(sum(N[k] ** 2 * o2[k] / counts[k] for k in range(3)))

    for a, b in ((0, 1), (1, 2), (2, 0), (1, 0), (2, 1), (0, 2)):
        changed = n.copy()
        changed[a] -= 1
        changed[b] += 1
        assert variance(changed) > variance(n)


def test_neyman_never_asks_for_more_than_there_is() -> None:
    n = neyman([3, 1000], [1.0, 1e-6], 50)  # 3 and 1 by proportion: the small domain is full at 3
    assert n.tolist() == [3, 47]
    assert neyman([3, 4], [1.0, 0.5], 7).tolist() == [3, 4]
    assert neyman([100, 200, 400], [1, 1, 1], 10).tolist() == [1, 3, 6], "1.43, 2.86, 5.71: largest remainder"
    with pytest.raises(InputError, match="got 8 of 7"):
        neyman([3, 4], [1.0, 0.5], 8)
    with pytest.raises(InputError, match="o_k = 0 in every domain"):
        neyman([3, 4], [0.0, 0.0], 2)


def test_budget_by_hand() -> None:
    # Roots 10, 20, 30; gains 1, 2, 3 have z -1.2247, 0, 1.2247; alpha .5: factors 0.542063, 1, 1.844803
    raw = np.array([10 * 0.542063, 20, 30 * 1.844803])
    assert replay_budget([100, 400, 900], [1, 2, 3]) == pytest.approx(raw / raw.sum(), abs=1e-6)
    assert replay_budget([100, 400, 900], [1, 2, 3], alpha=0) == pytest.approx([1 / 6, 2 / 6, 3 / 6])
    # Q / T = ln 2 for the first: 20 : 20 : 30
    assert replay_budget([100, 400, 900], [5, 5, 5], quality=[2 * np.log(2), 0, 0], temperature=2) == pytest.approx(
        [2 / 7, 2 / 7, 3 / 7]
    )
    capped = replay_budget([100, 400, 900], [5, 5, 5], caps=[1, 1, 0.25])  # the rest in proportion 1 : 2
    assert capped == pytest.approx([0.25, 0.5, 0.25])
    assert replay_budget([100, 0], [0.1, np.nan]).tolist() == [1.0, 0.0]
    with pytest.raises(InputError, match=r"caps that sum to 0.75 \(0.25 too little\)"):
        replay_budget([100, 400, 900], [5, 5, 5], caps=[0.25, 0.25, 0.25])
    with pytest.raises(InputError, match="must be finite numbers"):
        replay_budget([100, 400], [0.1, np.nan])


def test_chances_by_hand() -> None:
    # Lengths z = -1, 1 (twice); beta .3: exp(-.3) : exp(.3) at density 1
    low, high = np.exp(-0.3), np.exp(0.3)
    pi = inclusion([1.0, 3.0, 1.0, 3.0], np.ones(4), 2)
    assert pi == pytest.approx(np.array([low, high, low, high]) / (low + high))
    assert inclusion([1.0, 3.0, 1.0, 3.0], np.ones(4), 2, beta=0) == pytest.approx([0.5] * 4)
    # The lonely document would get more than 1; the others share what is left: (3 - 1) / 3 each
    assert inclusion([1.0] * 4, [0.01, 1, 1, 1], 3) == pytest.approx([1, 2 / 3, 2 / 3, 2 / 3])
    assert inclusion([1.0] * 3, [1, 2, 3], 3).tolist() == [1.0, 1.0, 1.0]
    assert inclusion([1.0] * 3, [1, 2, 3], 0).tolist() == [0.0, 0.0, 0.0]
    for bad, message in (
        (([1.0], [0.0], 1), "density must be above 0; got 0 at document 0"),
        (([1.0, 2.0], [1.0, 1.0], 3), "got 3 of 2"),
        (([np.inf], [1.0], 1), "one finite number"),
    ):
        with pytest.raises(InputError, match=message):
            inclusion(*bad)


def test_a_draw_has_the_chances_it_says_and_totals_are_unbiased() -> None:
    rng = np.random.default_rng(0)
    length, density = rng.normal(6, 1, 40), rng.gamma(0.5, 1, 40) + 0.01
    values, pi = np.exp(length), inclusion(rng.permutation(length), density, 12)
    assert pi.sum() == pytest.approx(12)
    assert ((pi > 0) & (pi <= 1)).all()
    assert (pi == 1).any(), "some are certain here"
    rounds, drawn_totals, totals = 20_000, np.zeros(40), np.empty(20_000)
    for i in range(rounds):
        rows = draw(pi, rng)
        assert rows.size == 12
        drawn_totals[rows] += 1
        totals[i] = (values[rows] / pi[rows]).sum()
    assert (np.unique(rows) == rows).all()
    error = np.sqrt(pi * (1 - pi) / rounds)
    assert (np.abs(drawn_totals / rounds - pi) <= 4.5 * error + 1e-12).all()
    assert abs(totals.mean() - values.sum()) < 4 * totals.std() / np.sqrt(rounds)
    assert np.array_equal(draw(pi, 7), draw(pi, 7))


def test_density_against_all_pairs() -> None:
    x = sphere(60, 4, 3)
    d = 1 - x @ x.T
    np.fill_diagonal(d, np.inf)
    h = np.median(np.sort(d, axis=1)[:, 7])
    by_hand = (1 + np.exp(-((d / h) ** 2)).sum(axis=1)) / 61
    assert density_of(x) == pytest.approx(by_hand)
    assert density_of(x[:1]).tolist() == [1.0]
    assert density_of(np.repeat(x[:1], 5, axis=0)) == pytest.approx(5 / 6 * np.ones(5))


def test_a_sampled_density_ranks_as_the_whole_one() -> None:
    x = np.concatenate([sphere(900, 8, 0), sphere(300, 8, 1, np.eye(8)[0], 0.15)])
    whole, part = density_of(x, sample=1200), density_of(x, sample=300, seed=1)
    assert np.corrcoef(np.log(whole), np.log(part))[0, 1] > 0.95


def test_the_nest_of_long_copies() -> None:
    """A fifth of the domain is one long text with small changes: length falls into that trap, density climbs out."""
    common, nest = sphere(800, 16, 0), sphere(200, 16, 1, np.eye(16)[0], 0.01)
    x = np.concatenate([common, nest])
    log_length = np.concatenate([np.random.default_rng(2).normal(5, 0.4, 800), np.full(200, 8.0)])
    chances = [inclusion(log_length, density, 100) for density in (np.ones(1000), density_of(x, sample=256))]
    copies = [float(pi[800:].sum() / 100) for pi in chances]
    assert copies[0] > 0.3, "more than their share of a fifth"
    assert copies[1] < 0.12
    by_length, rectified = (draw(pi, 0) for pi in chances)
    assert rao(x[rectified]) > rao(x[by_length]) + 0.05
    assert log_length[rectified][rectified < 800].mean() > log_length[:800].mean(), "long ones are still preferred"


def test_gains_within_the_noise_leave_natural_weights() -> None:
    rng = np.random.default_rng(0)
    tokens = rng.integers(1000, 100_000, 12)
    gains = 0.3 + 1e-6 * rng.standard_normal(12)
    natural = tokens / tokens.sum()
    assert replay_budget(tokens, gains, errors=np.full(12, 1e-6)) == pytest.approx(natural, rel=0.01)
    clear = rng.uniform(0.1, 0.5, 12)  # gains far above their errors: the published rule
    published = replay_budget(tokens, clear)
    assert replay_budget(tokens, clear, errors=np.full(12, 1e-6)) == pytest.approx(published, rel=0.02)
