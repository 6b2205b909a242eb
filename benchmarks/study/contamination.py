"""Contamination: do clusters swallow machine-written text, how balanced do the others stay, can it be found?"""

import random
from functools import lru_cache

import numpy as np

from benchmarks.study.corpora import Corpora
from benchmarks.study.intervals import t_interval
from benchmarks.study.pairs import paired_differences
from benchmarks.study.partitions import methods
from benchmarks.study.report import Entry, Figure, Page, Table
from benchmarks.study.runner import Cell, Record, Scale, Study, Values
from gem_core._types import Float32, Int32
from gem_core.clustering import agreement, balance_measures
from gem_core.geometry import normalize
from gem_core.influence.scores import local_density

METHODS = ("k-means", "GEM 0", "GEM 1", "GEM inf")
REFERENCE = "GEM 0"
KINDS = ("Markov chain", "templates")
SHARES = (0.05, 0.1, 0.2, 0.4)
WORDS = 40
MEASURES = {
    "alone": "alone %",
    "swept": "swept %",
    "balance": "balance",
    "unchanged": "unchanged",
    "auc_labeled": "AUC, labeled",
    "auc_density": "AUC, density",
}
TEMPLATES = (
    "Buy the {} {} today! Our {} {} is the best {} of the year. Order your {} now, save {} percent, get free {}.",
    "Welcome to the {} guide. Here we discuss the {} and the {}. First, choose a {}. Then, {} it for {} days in {}.",
    "{} rated the {} {} five stars. The {} was {} and the {} took {} minutes, writes a customer from {}.",
)
INTRODUCTION = """
Machine-written text mixed into human text, as a share of all documents.

Two kinds: a Markov chain (each word drawn by the two words before it, from counts of the corpus itself; 40 words), and
three templates whose gaps are filled with words of the corpus. Neither is a language model's text: no language model
runs in this study, so nothing here says how well THAT is separated.

alone: percent of the machine documents in clusters where they are the majority. swept: percent of the human documents
in these clusters. balance: entropy of the human documents over the clusters, over its maximum. unchanged: ARI of the
human documents' clusters and of a fit without machine text, same method and seed. AUC, labeled: a logistic regression
on the vectors, five-fold, which is told who wrote what. AUC, density: mean cosine to 16 neighbors of the cluster,
without labels; below .5 means that machine text is the LESS dense. 12 clusters. Intervals: Student's t over seeds.
"""


def cells(scale: Scale) -> list[Cell]:
    corpora, seeds, documents = (
        (("sample", "webmix_small"), 2, 200)
        if scale.small
        else (("sample", "webmix_small", "webmix", "agnews", "docstrings", "code"), 10, 12_000)
    )
    return [
        {"corpus": corpus, "documents": documents, "kind": kind, "share": share, "method": method, "seed": seed}
        for corpus in corpora
        for kind in KINDS
        for share in (SHARES[::3] if scale.small else SHARES)
        for method in (METHODS[:3] if scale.small else METHODS)
        for seed in range(seeds)
    ]


def write_texts(texts: list[str], kind: str, count: int) -> list[str]:
    """Return machine-written texts, made from the words of a corpus; the same ones every time."""
    rng = random.Random(0)
    words = [text.split() for text in texts]
    if kind == "templates":
        pool = sorted({word.strip(".,:;()\"'") for text in words for word in text if word.isalpha() and len(word) > 3})
        return [
            template.format(*(rng.choice(pool) for _ in range(template.count("{}"))))
            for template in (rng.choice(TEMPLATES) for _ in range(count))
        ]
    after: dict[tuple[str, str], list[str]] = {}
    for text in words:
        for first, second, third in zip(text, text[1:], text[2:], strict=False):
            after.setdefault((first, second), []).append(third)
    starts = list(after)
    results = []
    for _ in range(count):
        chain = list(rng.choice(starts))
        while len(chain) < WORDS:
            pair = (chain[-2], chain[-1])
            chain += [rng.choice(after[pair])] if pair in after else list(rng.choice(starts))
        results.append(" ".join(chain))
    return results


@lru_cache(maxsize=4)
def _machine(corpora: Corpora, name: str, documents: int, kind: str) -> Float32:
    """Vectors of as many machine documents as the largest share needs."""
    from gem_core.embedding import embed

    corpus = corpora.read(name, documents)
    count = _machine_count(len(corpus.texts), max(SHARES))
    vectors = embed(write_texts(corpus.texts, kind, count), cache=corpora.work / "vectors")
    return np.asarray(normalize(np.asarray(vectors, dtype=np.float32)), dtype=np.float32)


def _machine_count(humans: int, share: float) -> int:
    return round(humans * share / (1 - share))


@lru_cache(maxsize=64)
def _clean(corpora: Corpora, name: str, documents: int, method: str, seed: int) -> Int32:
    return methods(12)[method](corpora.read(name, documents).X, seed).labels


def measure(cell: Cell, corpora: Corpora) -> Values:
    name, documents, seed = str(cell["corpus"]), int(cell["documents"]), int(cell["seed"])
    human = corpora.read(name, documents).X
    machine = _machine(corpora, name, documents, str(cell["kind"]))[: _machine_count(len(human), float(cell["share"]))]
    X = np.concatenate([human, machine])
    written = np.arange(len(X)) >= len(human)
    labels = methods(12)[str(cell["method"])](X, seed).labels
    part = np.bincount(labels, written, minlength=12) / np.maximum(np.bincount(labels, minlength=12), 1)
    in_machine_cluster = (part > 0.5)[labels]
    clean = _clean(corpora, name, documents, str(cell["method"]), seed)
    return {
        "alone": 100 * float(in_machine_cluster[written].mean()),
        "swept": 100 * float(in_machine_cluster[~written].mean()),
        "balance": balance_measures(np.bincount(labels[~written], minlength=12)).normalized_entropy,
        "unchanged": agreement(clean, labels[~written]).ari,
        **_detection(X, labels, written),
    }


def _detection(X: Float32, labels: Int32, written: np.ndarray) -> Values:
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import StratifiedKFold, cross_val_predict

    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    scores = cross_val_predict(LogisticRegression(max_iter=200), X, written, cv=folds, method="decision_function")
    return {
        "auc_labeled": float(roc_auc_score(written, scores)),
        "auc_density": float(roc_auc_score(written, local_density(X, labels))),
    }


def page(records: list[Record]) -> Page:
    complete = [record for record in records if not record.missing]
    tables = []
    for corpus, kind in dict.fromkeys((r.cell["corpus"], r.cell["kind"]) for r in complete):
        own = [r for r in complete if (r.cell["corpus"], r.cell["kind"]) == (corpus, kind)]
        rows: list[list[Entry]] = []
        for share, method in dict.fromkeys((r.cell["share"], str(r.cell["method"])) for r in own):
            values = [r.values for r in own if (r.cell["share"], r.cell["method"]) == (share, method)]
            figures = (t_interval([value[name] for value in values]) for name in MEASURES)
            rows.append([f"{share:.0%} {method}", *figures])
        tables.append(Table(f"{corpus}, {kind}", ["share, method", *MEASURES.values()], rows, digits=2))
    differences = paired_differences(complete, "method", REFERENCE, tuple(MEASURES))
    tables.append(
        Table(
            f"Differences to {REFERENCE}, paired by corpus, kind, share and seed",
            ["method", *MEASURES.values()],
            [[method, *values.values()] for method, values in differences.items()],
            "Intervals draw corpora, and are left out below three of them.",
            digits=2,
        )
    )
    figure = Figure(
        f"Human documents whose clusters stay: each method minus {REFERENCE}",
        "ARI with the fit without machine text; paired by corpus, kind, share and seed",
        [(method, values["unchanged"]) for method, values in differences.items()],
    )
    return Page(INTRODUCTION, tables, figure)


STUDY = Study("contamination", cells, measure, page)
