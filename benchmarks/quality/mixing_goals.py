"""Search of a mixture for a goal in a simulation with a known optimum: gain that is reached, and safety of null goals.

    python benchmarks/quality/mixing_goals.py [--seeds=10] [--domains=12]

The truth is an n-gram mixture over synthetic domains, so the optimum of every goal is known; runs and checks see its
losses with noise. Five goals: the corpus; random documents of the corpus; half natural and half two or three clusters;
one cluster. A null goal must end at natural shares or better, the others should reach 80% of the possible gain.
"""

import sys
import time

import numpy as np

from gem_core.mixing.goal_search import fit_stream_laws, propose, tilted_mixtures, verify
from gem_core.mixing.ngram import NgramProxy, ngram_optimum

NOISE = 0.004  # nats, of a seed; half of it is not shared by the mixtures of a seed
RUNS = 58


def make_truth(domains: int, seed: int, words: int = 400, tokens: int = 1500) -> tuple[NgramProxy, np.ndarray]:
    """Return an n-gram mixture over domains that share topics, and natural shares."""
    rng = np.random.default_rng(seed)
    base, topics = rng.dirichlet(np.full(words, 0.5)), rng.dirichlet(np.full(words, 0.08), 4)
    own = rng.dirichlet(np.full(words, 0.05), domains)
    q = np.array([0.5 * base + 0.3 * topics[k % 4] + 0.2 * own[k] for k in range(domains)])
    drawn_words = [rng.choice(words, tokens, p=row) for row in q]
    proxy = NgramProxy(np.concatenate([q[:, part].T for part in drawn_words]), np.arange(domains + 1) * tokens)
    return proxy, rng.dirichlet(np.full(domains, 2.0))


def make_goals(natural: np.ndarray, seed: int) -> dict[str, np.ndarray]:
    """Return five goals; the first two leave nothing to win."""
    unit, rng = np.eye(len(natural)), np.random.default_rng([seed, 1])
    return {
        "null: corpus": natural,
        "null: random documents": rng.multinomial(20_000, natural) / 20_000,
        "half, two clusters": 0.5 * natural + 0.25 * (unit[0] + unit[4]),
        "half, three clusters": 0.5 * natural + (unit[1] + unit[2] + unit[3]) / 6,
        "one cluster": unit[2],
    }


def study(domains: int, seed: int) -> dict[str, tuple[float, float, bool]]:
    """Return possible gain, reached gain and acceptance of each goal."""
    truth, natural = make_truth(domains, seed)

    def train(mixtures: np.ndarray, training_seed: int) -> np.ndarray:
        rng = np.random.default_rng([seed, training_seed])
        shared = NOISE * rng.standard_normal(domains)
        rows = np.array([truth.losses(w) for w in mixtures]) + shared
        return rows + NOISE / 2 * rng.standard_normal(rows.shape)

    mixtures = np.vstack([natural, tilted_mixtures(natural, RUNS - 1, seed=seed)])
    laws = fit_stream_laws(mixtures, train(mixtures, 0), seed=seed)
    results = {}
    for i, (name, goal) in enumerate(make_goals(natural, seed).items()):
        proposal = propose(laws, goal, natural).weights
        checked = verify(train, natural, proposal, goal, first_seed=10 + 10 * i)
        before = float(truth.losses(natural) @ goal)
        reached = before - float(truth.losses(checked.weights) @ goal)
        results[name] = (before - ngram_optimum(truth, goal).loss, reached, checked.accepted)
    return results


def main() -> None:
    """Print the share of the possible gain by goal."""
    options = dict(word.lstrip("-").split("=", 1) for word in sys.argv[1:])
    began = time.process_time()
    tables = [study(int(options.get("domains", 12)), seed) for seed in range(int(options.get("seeds", 10)))]
    for name in tables[0]:
        possible, reached, accepted = np.array([table[name] for table in tables], dtype=np.float64).T
        print(
            f"{name:<24} possible {possible.mean():.4f} nats, reached {reached.mean():.4f} "
            f"({reached.sum() / possible.sum():.0%}, worst study {(reached / possible).min():.0%}); accepted "
            f"{int(accepted.sum())} of {len(tables)}, worse than natural in {int((reached < -1e-9).sum())}"
        )
    print(f"{time.process_time() - began:.0f} s of one core")


if __name__ == "__main__":
    main()
