"""Peers: from vectors to clusters with names and a map, by this program and by others, in one run."""

import time
from collections.abc import Callable

import numpy as np

from benchmarks.quality.name_rules import name_rules
from benchmarks.study.corpora import Corpora, Corpus
from benchmarks.study.cost import _status
from benchmarks.study.intervals import Interval, t_interval
from benchmarks.study.report import Entry, Figure, Page, Table
from benchmarks.study.runner import Cell, MissingPeerError, Record, Scale, Study, Values
from gem_core._types import Int32
from gem_core.clustering import MixtureConfig, agreement, assign, fit_mixture
from gem_core.influence import influence_scores
from gem_core.projection import layout, trustworthiness
from gem_core.taxonomy import count_terms

CLUSTERS = 24
MEASURES = {
    "clusters": "clusters",
    "noise": "noise %",
    "cpu": "CPU s",
    "wall": "clock s",
    "memory": "peak MB",
    "same": "same seed",
    "seeds": "other seed",
    "ari": "ARI",
    "trust": "trust",
}
INTRODUCTION = """
The whole way from vectors: clusters, names from the texts, and a map in the plane. Each run in a process of its own.

ours: GEM at strength 1 with 24 clusters, influence, names and keywords, layout on the sphere with its flat map.
BERTopic: its defaults with the vectors supplied (UMAP to 5 dimensions, HDBSCAN, class TF-IDF), and UMAP in the plane as
its documents map. embedding-atlas: its projection of the vectors alone (no clusters, no names). toponymy names clusters
by asking a language model, and no language model runs in this study: it cannot be compared.

CPU s, clock s: the first run with its compilation, as a person meets it; peak MB: of the process with its libraries.
same seed, other seed: ARI of the clusters of two runs. BERTopic has no seed by default; with one (as for "same seed")
UMAP runs on one thread. ARI: with labels, noise as a group. trust: trustworthiness of the map with 15 neighbors. One
run each: seconds of a shared machine vary.
"""
Result = tuple[Int32 | None, np.ndarray]


def cells(scale: Scale) -> list[Cell]:
    sizes = (("webmix_small", 600),) if scale.small else (("webmix", 24_000),)
    return [{"corpus": name, "documents": n, "peer": peer} for name, n in sizes for peer in PEERS]


def _ours(corpus: Corpus, seed: int) -> Result:
    fit = fit_mixture(corpus.X, MixtureConfig(n_clusters=CLUSTERS, seed=seed))
    assignment = assign(corpus.X, fit)
    gis = influence_scores(corpus.X, assignment, n_clusters=CLUSTERS).gis
    name_rules(corpus.texts, corpus.X, count_terms(corpus.texts), assignment.labels, gis, fit.centers)
    return assignment.labels, layout(corpus.X, seed=seed).flat


def _bertopic(corpus: Corpus, seed: int) -> Result:
    try:
        from bertopic import BERTopic
        from umap import UMAP
    except ImportError as error:
        raise MissingPeerError(f"not installed: {error}") from error
    reduce = UMAP(n_neighbors=15, n_components=5, min_dist=0.0, metric="cosine", random_state=seed)
    topics, _ = BERTopic(umap_model=reduce, verbose=False).fit_transform(corpus.texts, corpus.X)
    plane = UMAP(n_neighbors=10, n_components=2, min_dist=0.0, metric="cosine", random_state=seed)
    return np.asarray(topics, dtype=np.int32), plane.fit_transform(corpus.X)


def _embedding_atlas(corpus: Corpus, seed: int) -> Result:
    try:
        import pandas as pd
        from embedding_atlas.projection import compute_projection
    except ImportError as error:
        raise MissingPeerError(f"not installed: {error}") from error
    frame = pd.DataFrame({"vector": list(corpus.X)})
    frame = compute_projection(frame, inputs="vector", modality="vector", umap_args={"random_state": seed})
    return None, frame[["projection_x", "projection_y"]].to_numpy()


def _toponymy(corpus: Corpus, seed: int) -> Result:
    raise MissingPeerError("names clusters by a language model, and none runs here; not run")


PEERS: dict[str, Callable[[Corpus, int], Result]] = {
    "ours": _ours,
    "BERTopic": _bertopic,
    "embedding-atlas": _embedding_atlas,
    "toponymy": _toponymy,
}


def measure(cell: Cell, corpora: Corpora) -> Values:
    corpus = corpora.read(str(cell["corpus"]), int(cell["documents"]))
    peer = PEERS[str(cell["peer"])]
    cpu, clock = time.process_time(), time.perf_counter()
    labels, plane = peer(corpus, 0)
    values: Values = {
        "cpu": time.process_time() - cpu,
        "wall": time.perf_counter() - clock,
        "memory": _status("VmHWM"),
        "trust": trustworthiness(corpus.X, plane),
    }
    if labels is None:
        return values
    again, other = peer(corpus, 0)[0], peer(corpus, 1)[0]
    assert again is not None
    assert other is not None
    return {
        **values,
        "clusters": float(labels.max() + 1),
        "noise": 100 * float(np.mean(labels < 0)),
        "same": agreement(labels, again).ari,
        "seeds": agreement(labels, other).ari,
        "ari": agreement(corpus.truth, labels).ari,
    }


def page(records: list[Record]) -> Page:
    tables, bars = [], []
    for corpus, documents in dict.fromkeys((r.cell["corpus"], r.cell["documents"]) for r in records):
        rows: list[list[Entry]] = []
        for record in (r for r in records if (r.cell["corpus"], r.cell["documents"]) == (corpus, documents)):
            figures = [record.values.get(name, float("nan")) for name in MEASURES]
            rows.append([str(record.cell["peer"]), *([""] * len(MEASURES) if record.missing else figures)])
            if record.missing:
                rows[-1][1] = "missing"
            else:
                interval: Interval = t_interval([record.values["cpu"]])
                bars.append((f"{record.cell['peer']}, {documents:,}", interval))
        tables.append(Table(f"{corpus}, {documents:,} documents", ["", *MEASURES.values()], rows, digits=2))
    return Page(INTRODUCTION, tables, Figure("CPU seconds from vectors to clusters, names and map", "one run", bars))


STUDY = Study("peers", cells, measure, page, own_process=True)
