"""Influence: do exemplars by GIS carry their cluster's label, and do names made from them fit?"""

from functools import lru_cache

import numpy as np

from benchmarks.quality.influence_rules import Fit, label_gains, prepare, score
from benchmarks.quality.name_rules import guess, name_rules
from benchmarks.study.corpora import ALL, SMALL_OTHERS, Corpora
from benchmarks.study.intervals import t_interval
from benchmarks.study.pairs import paired_differences
from benchmarks.study.report import Entry, Figure, Page, Table
from benchmarks.study.runner import Cell, MissingPeerError, Record, Scale, Study, Values
from gem_core.geometry import normalize
from gem_core.taxonomy import Terms, count_terms

REFERENCE = "GIS"
RULES = (REFERENCE, "center", "confidence", "density", "random")
SMALLEST = 15  # clusters with fewer documents are left out
SMALL_DOCUMENTS = {"webmix_small": 650, "sample": 651}  # vectors on disk; the others as in the other tables
MEASURES = {"top10": "top 10", "top50": "top 50", "names": "names"}
INTRODUCTION = """
Exemplars of the clusters of GEM at strength 1, ranked by five rules.

top 10, top 50: share of the exemplars with the label that most documents of the cluster carry, minus that label's share
in the cluster, in points of percent; clusters of 15 documents or more. Random exemplars gain 0 but for chance. names:
percent of documents whose cluster is guessed (by WordLlama, which took no part) from "name: keywords", both made with
the rule's scores as weights; "-" where that encoder is missing. GIS: standardized, beta 1, 16 neighbors, as the program
has it; center: log density; confidence: log responsibility; density: mean cosine to 16 neighbors.

Intervals over seeds are Student's t (95%); seeds share the documents, so they are narrow. Intervals over corpora are a
percentile bootstrap that draws corpora, paired by corpus, K and seed.
"""


def cells(scale: Scale) -> list[Cell]:
    clusters, seeds = ((12,), 2) if scale.small else ((12, 24, 48), 10)
    return [
        {
            "corpus": corpus,
            "documents": SMALL_DOCUMENTS.get(corpus, SMALL_OTHERS) if scale.small else 24_000,
            "clusters": k,
            "seed": seed,
            "rule": rule,
        }
        for corpus in (ALL if scale.small else ("webmix", *ALL))
        for k in clusters
        for seed in range(seeds)
        for rule in RULES
    ]


@lru_cache(maxsize=1)
def _fit(corpora: Corpora, name: str, documents: int, k: int, seed: int) -> Fit:
    corpus = corpora.read(name, documents)
    return prepare(corpus.X, corpus.truth, k, seed, 1.0)


@lru_cache(maxsize=1)
def _terms(corpora: Corpora, name: str, documents: int) -> Terms:
    return count_terms(corpora.read(name, documents).texts)


def measure(cell: Cell, corpora: Corpora) -> Values:
    name, documents, seed = str(cell["corpus"]), int(cell["documents"]), int(cell["seed"])
    fit = _fit(corpora, name, documents, int(cell["clusters"]), seed)
    rng = np.random.default_rng(seed)
    rule = str(cell["rule"])
    values = rng.random(len(fit.X)) if rule == "random" else score(fit, rule.lower(), 1.0, 16, standardize=True)
    gains = {f"top{m}": 100 * float(np.mean(label_gains(fit, values, m, SMALLEST))) for m in (10, 50)}
    return {**gains, "names": _name_score(corpora, cell, fit, values, rng)}


def _name_score(corpora: Corpora, cell: Cell, fit: Fit, values: np.ndarray, rng: np.random.Generator) -> float:
    try:
        encoder = corpora.static_encoder()
    except MissingPeerError:
        return float("nan")
    name, documents = str(cell["corpus"]), int(cell["documents"])
    corpus, labels = corpora.read(name, documents), fit.assignment.labels
    sums = np.zeros((fit.n_clusters, fit.X.shape[1]))
    np.add.at(sums, labels, fit.X.astype(np.float64))
    rules = name_rules(
        corpus.texts, fit.X, _terms(corpora, name, documents), labels, values.astype(np.float32), normalize(sums)
    )
    return guess(encoder.encode(rules["name and keywords"]), encoder.encode(corpus.texts), labels, rng, 1)


def page(records: list[Record]) -> Page:
    complete = [record for record in records if not record.missing]
    tables = []
    for corpus, k in dict.fromkeys((r.cell["corpus"], r.cell["clusters"]) for r in complete):
        rows: list[list[Entry]] = []
        for rule in RULES:
            own = [
                r.values
                for r in complete
                if (r.cell["corpus"], r.cell["clusters"], r.cell["rule"]) == (corpus, k, rule)
            ]
            rows.append([rule, *(t_interval([values[name] for values in own]) for name in MEASURES)])
        documents = next(r.cell["documents"] for r in complete if r.cell["corpus"] == corpus)
        title = f"{corpus}, at most {documents:,} documents, K = {k}"
        tables.append(Table(title, ["rule", *MEASURES.values()], rows, digits=1))
    differences = paired_differences(complete, "rule", REFERENCE, tuple(MEASURES))
    tables.append(
        Table(
            "Each rule minus GIS, mean over corpora, K and seeds",
            ["rule", *MEASURES.values()],
            [[rule, *values.values()] for rule, values in differences.items()],
            "Below zero: GIS is better. The interval draws corpora.",
            digits=1,
        )
    )
    figure = Figure(
        "Exemplars: each rule minus GIS, top 10",
        "points of percent of label agreement; paired by corpus, K and seed; 95%, bootstrap over corpora",
        [(rule, values["top10"]) for rule, values in differences.items()],
    )
    return Page(INTRODUCTION, tables, figure)


STUDY = Study("influence", cells, measure, page)
