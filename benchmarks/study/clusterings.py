"""Clusterings: balance, coherence, stability, agreement, likelihood, names and students of eleven methods."""

import math
import time
from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from benchmarks.quality.name_rules import guess, name_rules
from benchmarks.quality.student_fit import Corpus as StudentCorpus
from benchmarks.quality.student_fit import figures, ours, split
from benchmarks.study.corpora import ALL, PACKAGED, SMALL, SMALL_OTHERS, STATIC, Corpora, Corpus
from benchmarks.study.intervals import t_interval
from benchmarks.study.pairs import paired_differences
from benchmarks.study.partitions import HDBSCAN, REFERENCE, Clusters, held_out_likelihood, mean_directions, methods
from benchmarks.study.report import Entry, Figure, Page, Table
from benchmarks.study.runner import Cell, MissingPeerError, Record, Scale, Study, Values
from gem_core.clustering import agreement, balance_measures, silhouette
from gem_core.taxonomy import count_terms

MEASURES = {
    "entropy": "balance",
    "within_cosine": "coherence",
    "silhouette": "silhouette",
    "seeds": "seeds",
    "rows": "row order",
    "samples": "samples",
    "ari": "ARI",
    "nmi": "NMI",
    "likelihood": "likelihood",
    "names": "names",
    "student": "student",
}
SMALL_SECOND = ("agnews",)  # corpora of small settings that are read by the second encoder too
INTRODUCTION = """
Clusterings of the same vectors by eleven methods.

balance: entropy of the cluster sizes over its maximum. coherence: mean cosine of a document to its cluster's mean
direction. silhouette: by cosine. seeds, row order: ARI of two fits that differ in the seed or in the order of the rows
alone. samples: ARI of the fit and of a fit to 80% of the documents that assigns them all. ARI, NMI: against labels.
likelihood: of the 20% that had no part, nats a document, under a von Mises-Fisher mixture read off the labels (the same
density for all methods). names: percent of documents whose cluster is guessed from "name: keywords" by an encoder that
took no part in naming (WordLlama; it took part in the clustering where it is the encoder). student: agreement of a
student on unseen documents. Every method is given K, but HDBSCAN, which chooses it and leaves noise out; noise is a
group of its own in ARI and NMI, and absent from the other measures.

Each seed is fitted four times (seed, another seed, other order of rows, 80%), so seeds are independent, and intervals
over them are Student's t (95%). Intervals over corpora are a percentile bootstrap that draws corpora: rough
with six of them, and left out below three. Differences are paired by corpus, encoder, K and seed.
"""


def cells(scale: Scale) -> list[Cell]:
    corpora = ALL if scale.small else ("webmix", *ALL)
    clusters, seeds = ((12,), 2) if scale.small else ((12, 24, 48), 10)
    second = SMALL_SECOND if scale.small else corpora
    return [
        {
            "corpus": corpus,
            "documents": SMALL.get(corpus, SMALL_OTHERS) if scale.small else 24_000,
            "encoder": encoder,
            "clusters": k,
            "method": method,
            "seed": seed,
        }
        for corpus in corpora
        for encoder in (PACKAGED, STATIC)[: 2 if corpus in second else 1]
        for k in clusters
        for method in methods(k)
        for seed in range(seeds)
        if method != HDBSCAN or (k == clusters[0] and not (scale.small and seed))
    ]


def measure(cell: Cell, corpora: Corpora) -> Values:
    corpus = corpora.read(str(cell["corpus"]), int(cell["documents"]), str(cell["encoder"]))
    k, seed, X = int(cell["clusters"]), int(cell["seed"]), corpus.X
    method = methods(k)[str(cell["method"])]
    rng = np.random.default_rng(seed)
    order, part = rng.permutation(len(X)), rng.random(len(X)) < 0.8
    began = time.process_time()
    fit = method(X, seed)
    seconds = time.process_time() - began
    sample = method(X[part], seed)
    reordered = np.empty(len(X), dtype=np.int32)
    reordered[order] = method(X[order], seed).labels
    labels = fit.labels
    in_cluster = labels >= 0
    used = np.unique(labels[in_cluster], return_inverse=True)[1]
    agree = agreement(corpus.truth, labels)
    return {
        "found": float(used.max() + 1),
        "noise": float(np.mean(~in_cluster)),
        "entropy": balance_measures(np.bincount(used, minlength=_expected(cell, used))).normalized_entropy,
        "within_cosine": _coherence(X[in_cluster], used),
        "silhouette": silhouette(X[in_cluster], used),
        "seeds": agreement(labels, method(X, seed + 1000).labels).ari,
        "rows": agreement(labels, reordered).ari,
        "samples": agreement(labels, _assign_all(sample, X, part)).ari,
        "ari": agree.ari,
        "nmi": agree.nmi,
        "likelihood": held_out_likelihood(X[part], sample.labels, X[~part]),
        "seconds": seconds,
        **_uses(corpus, corpora, labels, seed),
    }


def _expected(cell: Cell, used: np.ndarray) -> int:
    """Number of clusters that balance is measured over: those asked for, or those that HDBSCAN chose."""
    return int(used.max()) + 1 if cell["method"] == HDBSCAN else int(cell["clusters"])


def _coherence(X: np.ndarray, labels: np.ndarray) -> float:
    return float(np.einsum("ij,ij->i", X, mean_directions(X, labels)[0][labels]).mean())


def _assign_all(sample: Clusters, X: np.ndarray, part: np.ndarray) -> np.ndarray:
    labels = np.empty(len(X), dtype=np.int32)
    labels[part], labels[~part] = sample.labels, sample.predict(X[~part])
    return labels


def _uses(corpus: Corpus, corpora: Corpora, labels: np.ndarray, seed: int) -> Values:
    """What clusters are used for: names that a reader can guess by, and a student that agrees."""
    rows = np.flatnonzero(labels >= 0)
    used = np.unique(labels[rows], return_inverse=True)[1].astype(np.int32)
    texts, k = [corpus.texts[row] for row in rows], int(used.max()) + 1
    if k < 2:
        return {"names": math.nan, "student": math.nan}
    parts = split(len(texts), seed)
    student = ours(StudentCorpus(corpus.name, pa.array(texts), used, None, None, k), parts, seed)
    score = student.score(pa.array(texts).take(pa.array(parts.test))).cluster
    try:
        encoder = corpora.static_encoder()
    except MissingPeerError:
        return {"names": math.nan, "student": figures(score, used[parts.test], k)[0]}
    X = corpora.read(corpus.name, len(corpus.texts), PACKAGED).X[rows]  # the vocabulary is embedded by this encoder
    centers = mean_directions(X, used)[0]
    typical = np.einsum("ij,ij->i", X, centers[used])
    names = name_rules(texts, X, count_terms(texts), used, typical, centers)["name and keywords"]
    documents = encoder.encode(texts)
    return {
        "names": guess(encoder.encode(names), documents, used, np.random.default_rng(seed), 1),
        "student": figures(score, used[parts.test], k)[0],
    }


def page(records: list[Record]) -> Page:
    complete = [record for record in records if not record.missing]
    tables = []
    for corpus, encoder, k in dict.fromkeys(
        (r.cell["corpus"], r.cell["encoder"], r.cell["clusters"]) for r in complete
    ):
        own = [r for r in complete if (r.cell["corpus"], r.cell["encoder"], r.cell["clusters"]) == (corpus, encoder, k)]
        tables.append(Table(f"{corpus}, {encoder}, K = {k}: means over seeds", *_method_rows(own)))
    differences = paired_differences(complete, "method", REFERENCE, tuple(MEASURES))
    tables.append(
        Table(
            f"Differences to {REFERENCE} (uniform target), mean over corpora, encoders, K and seeds",
            ["method", *MEASURES.values()],
            [[method, *values.values()] for method, values in differences.items()],
            "Below zero: the method is lower than GEM 1. The interval draws corpora.",
        )
    )
    figure = Figure(
        f"NMI with labels: each method minus {REFERENCE}",
        "paired by corpus, encoder, K and seed; 95%, bootstrap over corpora",
        [(method, values["nmi"]) for method, values in differences.items()],
    )
    return Page(INTRODUCTION, tables, figure)


def _method_rows(records: Sequence[Record]) -> tuple[list[str], list[list[Entry]]]:
    rows: list[list[Entry]] = []
    for method in dict.fromkeys(str(r.cell["method"]) for r in records):
        own = [r.values for r in records if r.cell["method"] == method]
        plain = [float(np.mean([values[name] for values in own])) for name in ("found", "noise")]
        rows.append([method, *plain, *(t_interval([values[name] for values in own]) for name in MEASURES)])
    return ["method", "clusters", "noise", *MEASURES.values()], rows


STUDY = Study("clusterings", cells, measure, page)
