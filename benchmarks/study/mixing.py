"""Mixing: do a partition's domains predict losses, and do they give better mixes towards a goal? By n-gram proxies."""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import pandas as pd

from benchmarks.study.corpora import Corpora
from benchmarks.study.intervals import t_interval
from benchmarks.study.pairs import paired_differences
from benchmarks.study.report import Entry, Figure, Page, Table
from benchmarks.study.runner import Cell, Record, Scale, Study, Values
from gem_core._types import Float64
from gem_core.mixing.ngram import NgramProxy, ngram_optimum, ngram_proxy
from gem_core.mixing.predictability import predictability
from gem_core.mixing.regressors import out_of_fold
from gem_core.mixing.token_streams import Streams
from gem_core.pipeline import Source
from gem_core.pipeline.building.fit import fit_taxonomy
from gem_core.pipeline.building.ingest import finish_workspace, prepare
from gem_core.pipeline.mixing.predictability_study import DomainGrouping, domain_grouping
from gem_core.pipeline.mixing.proxy_data import SplitSettings, proxy_corpus
from gem_core.pipeline.mixing.regmix_study import proxy_mixtures
from gem_core.pipeline.mixing.token_ids import token_ids
from gem_core.workspace import Settings, Workspace

PARTITIONS = {"GEM 1": "gem", "k-means": "kmeans", "sources": "column:label", "random": "random"}
REFERENCE = "GEM 1"
GOALS = 3
LEAST = 512  # tokens of a domain that are held out at least
EPOCHS = 4.0  # a domain's weight is at most this many times its natural share
MEASURES = {
    "spearman": "Spearman",
    "error": "error",
    **{f"gain{i}": f"goal {i + 1}" for i in range(GOALS)},
    "gain": "mean gain",
}
INTRODUCTION = """
Partitions as domains of a training mix, judged by n-gram proxies (a mixture of bigram models a domain).

Spearman: rank correlation of predicted and computed loss of the held-out text, on a quarter of 64 random mixtures,
median of ten splits, LightGBM as in RegMix. error: root mean square of its out-of-fold predictions,
over the standard deviation of the losses; 1 is no better than the mean. These losses are of n-gram mixtures, without
noise of training: the figures of trained proxies are others.

goal 1 to 3: the three labels with most documents; a third of each label's documents is held out of all domains. On half
of them the best mix is searched (exact minimum, weights at most 4 times the natural shares), on the other half its gain
over natural shares is measured: nats per token, above 0 is better. The same documents for all partitions, as many
domains as there are labels (small ones are put together, column "domains"). sources: the labels themselves, so the
goals are domains of theirs: an upper bound that a person's labels buy. random: domains drawn by chance.

No GPT proxies were trained for this table: that takes days of processor time. Intervals: Student's t over seeds, which
draw the mixtures, the fit and the split of the goal's text.
"""


def cells(scale: Scale) -> list[Cell]:
    corpora, seeds, documents = (
        (("sample", "webmix_small"), 2, 3000)
        if scale.small
        else (("sample", "webmix_small", "webmix", "agnews", "docstrings", "code"), 10, 24_000)
    )
    return [
        {"corpus": corpus, "documents": documents, "seed": seed, "partition": partition}
        for corpus in corpora
        for seed in range(seeds)
        for partition in PARTITIONS
    ]


@lru_cache(maxsize=2)
def _workspace(corpora: Corpora, name: str, documents: int) -> Workspace:
    """Return a workspace of the corpus, made the first time."""
    corpus = corpora.read(name, documents)
    folder = corpora.work / "workspaces" / f"{name}-{len(corpus.texts)}"
    folder.mkdir(parents=True, exist_ok=True)
    table, vectors = folder / "corpus.parquet", folder / "vectors.npy"
    labels = [f"label {value}" for value in corpus.truth]
    pd.DataFrame({"text": corpus.texts, "label": labels}).to_parquet(table)
    np.save(vectors, corpus.X)
    workspace = prepare(Source(table, vectors=vectors, min_words=1), folder / "workspace")
    finish_workspace(workspace)
    return workspace


@lru_cache(maxsize=1)
def _held_out(corpora: Corpora, name: str, documents: int, seed: int) -> tuple[np.ndarray, ...]:
    """Return rows of the goals' held-out documents: for each of the commonest labels a third of its documents."""
    labels = _workspace(corpora, name, documents).documents["label"].to_numpy()
    values, counts = np.unique(labels, return_counts=True)
    rng = np.random.default_rng([seed, 5])
    return tuple(
        rng.permutation(rows)[: len(rows) // 3]
        for rows in (np.flatnonzero(labels == value) for value in values[np.argsort(-counts, kind="stable")[:GOALS]])
    )


def measure(cell: Cell, corpora: Corpora) -> Values:
    name, documents, seed = str(cell["corpus"]), int(cell["documents"]), int(cell["seed"])
    workspace = _workspace(corpora, name, documents)
    k = len(np.unique(workspace.documents["label"]))
    taxonomy = fit_taxonomy(workspace, Settings(n_clusters=k, seed=seed))
    groups = domain_grouping(workspace, taxonomy, PARTITIONS[str(cell["partition"])], least=LEAST, seed=seed)
    goals = _held_out(corpora, name, documents, seed)
    proxy = _proxy(workspace, groups, goals, seed)
    mixtures = proxy_mixtures(groups.natural, 64, seed)
    domains = len(groups.names)
    losses = np.array([proxy.losses(w)[:domains] for w in mixtures]) @ groups.natural
    result = predictability(mixtures, losses, regressor="lightgbm", seed=seed)
    residual = out_of_fold("lightgbm", mixtures, losses, seed=seed) - losses
    gains = _gains(proxy, groups.natural)
    return {
        "domains": domains,
        "spearman": result.median,
        "error": float(np.sqrt(np.mean(residual**2)) / losses.std()),
        **{f"gain{i}": gain for i, gain in enumerate(gains)},
        "gain": float(np.mean(gains)),
    }


def _proxy(workspace: Workspace, groups: DomainGrouping, goals: Sequence[np.ndarray], seed: int) -> NgramProxy:
    """Return the proxy over the domains without the goals' documents; its last targets are two halves of each goal."""
    positions = np.array(groups.positions)
    positions[np.concatenate(goals)] = -1
    split = SplitSettings(least=LEAST, seed=seed)
    streams = proxy_corpus(workspace, positions, groups.names, split).streams
    ids = token_ids(workspace, split.vocabulary)
    files = tuple(
        np.concatenate([ids.document(int(row)) for row in half]) for goal in goals for half in (goal[::2], goal[1::2])
    )
    return ngram_proxy(Streams(streams.train, streams.held_out, streams.vocabulary, files), seed=seed)


def _gains(proxy: NgramProxy, natural: Float64) -> list[float]:
    """Gain over natural shares on the second half of each goal, of the mix that is best on its first half."""
    domains, before = len(natural), proxy.losses(natural)
    gains = []
    for i in range(GOALS):
        goal = np.zeros(len(before))
        goal[domains + 2 * i] = 1.0
        caps = np.minimum(1.0, EPOCHS * natural)
        weights = ngram_optimum(proxy, goal, caps, tolerance=1e-4).weights
        gains.append(float((before - proxy.losses(weights))[domains + 2 * i + 1]))
    return gains


def page(records: list[Record]) -> Page:
    complete = [record for record in records if not record.missing]
    tables = []
    for corpus in dict.fromkeys(r.cell["corpus"] for r in complete):
        rows: list[list[Entry]] = []
        for partition in PARTITIONS:
            own = [r.values for r in complete if (r.cell["corpus"], r.cell["partition"]) == (corpus, partition)]
            domains = "-".join(f"{value:.0f}" for value in sorted({values["domains"] for values in own}))
            rows.append([partition, domains, *(t_interval([values[name] for values in own]) for name in MEASURES)])
        tables.append(Table(str(corpus), ["partition", "domains", *MEASURES.values()], rows))
    differences = paired_differences(complete, "partition", REFERENCE, tuple(MEASURES))
    tables.append(
        Table(
            f"Differences to {REFERENCE}, paired by corpus and seed",
            ["partition", *MEASURES.values()],
            [[partition, *values.values()] for partition, values in differences.items()],
            "Above zero in a gain: the partition gives better mixes. Intervals draw corpora; none below three of them.",
        )
    )
    figure = Figure(
        f"Mean gain towards three goals: each partition minus {REFERENCE}",
        "nats per token; n-gram proxies; paired by corpus and seed",
        [(partition, values["gain"]) for partition, values in differences.items()],
    )
    return Page(INTRODUCTION, tables, figure)


STUDY = Study("mixing", cells, measure, page)
