"""Stability study: refits with other seeds and on resampled documents, compared with each other."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from gem_core._content_key import content_key
from gem_core._types import Float64, Int32, Progress, frozen, silent
from gem_core.clustering.overlap import jaccard, overlap_table, table_agreement
from gem_core.clustering.pair_means import PairMean, pair_mean
from gem_core.errors import InputError
from gem_core.pipeline.compare.refits import METHODS, Method, base_settings, refit, refit_key
from gem_core.workspace import Settings, Taxonomy, Workspace
from gem_core.workspace.studies import Studies

SEEDS, RESAMPLES = 8, 8


@dataclass(frozen=True)
class Repeats:
    """Refits that differ in one thing, compared pair by pair.

    Attributes
    ----------
    ids : tuple of int
        The seeds, or the seeds of the draws.
    pairs : (S, S) float64
        ARI of each pair over the documents that both were fitted to; 1 on the diagonal.
    """

    ids: tuple[int, ...]
    pairs: Float64

    def summary(self) -> PairMean | None:
        """Mean over the pairs with its interval (`pair_mean` resamples the refits); None below two refits."""
        return pair_mean(self.pairs) if len(self.ids) > 1 else None


@dataclass(frozen=True)
class Stability:
    """Stability of a method on a corpus.

    Attributes
    ----------
    method : str
    clusters : int
    seeds : Repeats
        All documents each time; only the seed differs.
    resamples : Repeats
        As many documents drawn with replacement each time, same seed; a pair is compared over the documents that both
        drew, about 40% of the corpus.
    plan : (int, int)
        How many seeds and resamples the study is to have.
    """

    method: Method
    clusters: int
    seeds: Repeats
    resamples: Repeats
    plan: tuple[int, int]

    @property
    def complete(self) -> bool:
        """Whether every refit is stored."""
        return (len(self.seeds.ids), len(self.resamples.ids)) == self.plan


def stability(
    workspace: Workspace,
    method: Method = "gem",
    *,
    seeds: int = SEEDS,
    resamples: int = RESAMPLES,
    progress: Progress = silent,
) -> Stability:
    """Fit again with the settings of the present taxonomy, and compare the refits with each other.

    Every refit is kept in the workspace when it ends, so a study that was stopped or killed resumes.

    Parameters
    ----------
    workspace : Workspace
        With a taxonomy.
    method : "gem", "kmeans", "spherical" or "vmf"
    seeds : int
        Fits of all documents, seeds 0, 1, ...; 0 or at least 2.
    resamples : int
        Fits of resampled documents; 0 or at least 2.
    progress : Progress
        Called as progress("fit again", done, total) with the number of refits.

    Raises
    ------
    InputError
        If one refit is asked for, which cannot be compared, or none at all.
    """
    if seeds < 0 or resamples < 0 or 1 in (seeds, resamples) or seeds + resamples == 0:
        raise InputError(
            "A study of stability compares two refits or more",
            f"{seeds} seeds, {resamples} resamples",
            "Ask for 2 or more seeds, resamples or both",
        )
    taxonomy = workspace.taxonomy()
    study = _Study(workspace, method, *_study_settings(taxonomy))
    plan = [(seed, None) for seed in range(seeds)] + [(study.settings.seed, draw) for draw in range(resamples)]
    fit_count = sum(study.has(*refit_spec) for refit_spec in plan)
    progress("fit again", fit_count, len(plan))
    for seed, draw in plan:
        new = not study.has(seed, draw)
        study.labels(seed, draw)
        if new:
            fit_count += 1
            progress("fit again", fit_count, len(plan))
            study.write(seeds, resamples)
    return study.write(seeds, resamples)


def read_stability(workspace: Workspace, method: Method = "gem") -> Stability | None:
    """Return the stored part of the study of the present settings; None before its first two refits."""
    settings, k = _study_settings(workspace.taxonomy())
    value = Studies(workspace.root).load(_name(workspace, method, settings, k))
    if value is None:
        return None
    seeds, resamples = (
        Repeats(tuple(value[part]["ids"]), frozen(np.array(value[part]["pairs"], dtype=np.float64)))
        for part in ("seeds", "resamples")
    )
    return Stability(method, k, seeds, resamples, (int(value["asked"][0]), int(value["asked"][1])))


def returning(workspace: Workspace, taxonomy: Taxonomy, study: Stability) -> Float64:
    """Return rate of each cluster of `taxonomy`, (K,): its best Jaccard in a refit, averaged over the refits.

    Over the documents that the refit was fitted to (Hennig, Comput. Stat. Data Anal. 52, 2007). Above 0.75 a cluster
    is steady, below 0.5 it dissolves; NaN when no refit is there.
    """
    settings, k = _study_settings(taxonomy)
    plan = [(seed, None) for seed in study.seeds.ids] + [(settings.seed, draw) for draw in study.resamples.ids]
    labels = taxonomy.positions
    best_jaccards = []
    for seed, draw in plan:
        other = _Study(workspace, study.method, settings, k).labels(seed, draw)
        both = other >= 0
        best_jaccards.append(jaccard(overlap_table(labels[both], other[both], len(taxonomy.clusters), k)).max(axis=1))
    return frozen(np.mean(best_jaccards, axis=0)) if best_jaccards else frozen(np.full(len(taxonomy.clusters), np.nan))


def finding(study: Stability) -> str:
    """Summarize a study in one line."""
    name = METHODS[study.method]
    words = [
        f"{part} {mean.mean:.2f}" + (f" ({mean.low:.2f} to {mean.high:.2f})" if mean.items > 2 else "")
        for part, mean in (("other seeds", study.seeds.summary()), ("other documents", study.resamples.summary()))
        if mean is not None
    ]
    return f"{name}, {study.clusters} clusters, agreement with itself: {', '.join(words) or 'too few refits yet'}"


def pair_table(labelings: Sequence[Int32], k: int) -> Float64:
    """ARI of each pair of labelings over the documents that both hold (labels of 0 and up), (S, S)."""
    table = np.eye(len(labelings))
    for i, j in combinations(range(len(labelings)), 2):
        both = (labelings[i] >= 0) & (labelings[j] >= 0)
        agree = table_agreement(overlap_table(labelings[i][both], labelings[j][both], k, k)).ari
        table[i, j] = table[j, i] = agree
    return frozen(table)


def _study_settings(taxonomy: Taxonomy) -> tuple[Settings, int]:
    k = len(taxonomy.clusters)
    return base_settings(taxonomy.settings, k, taxonomy.settings.seed), k


def _name(workspace: Workspace, method: Method, settings: Settings, k: int) -> str:
    return f"stability-{content_key([refit_key(workspace, settings, method), k])}"


class _Study:
    """Refits of one study and their stored table."""

    def __init__(self, workspace: Workspace, method: Method, settings: Settings, k: int) -> None:
        self.workspace, self.method, self.settings, self.k = workspace, method, settings, k
        self.store, self._labels = Studies(workspace.root), dict[tuple[int, int | None], Int32]()

    def has(self, seed: int, draw: int | None) -> bool:
        """Whether a refit is stored."""
        return self.store.has_grouping(
            refit_key(self.workspace, base_settings(self.settings, self.k, seed), self.method, draw)
        )

    def labels(self, seed: int, draw: int | None) -> Int32:
        """Return the labels of a refit; fit it now unless it is stored."""
        if (seed, draw) not in self._labels:
            settings = base_settings(self.settings, self.k, seed)
            self._labels[seed, draw] = refit(self.workspace, settings, self.method, resample=draw).labels
        return self._labels[seed, draw]

    def write(self, seeds: int, resamples: int) -> Stability:
        """Store and return the results of the refits so far."""
        first = [seed for seed in range(seeds) if (seed, None) in self._labels]
        second = [draw for draw in range(resamples) if (self.settings.seed, draw) in self._labels]
        parts = {
            "seeds": Repeats(tuple(first), pair_table([self._labels[s, None] for s in first], self.k)),
            "resamples": Repeats(
                tuple(second), pair_table([self._labels[self.settings.seed, d] for d in second], self.k)
            ),
        }
        value: dict[str, Any] = {
            name: {"ids": list(part.ids), "pairs": part.pairs.tolist()} for name, part in parts.items()
        }
        self.store.save(
            _name(self.workspace, self.method, self.settings, self.k),
            {
                **value,
                "method": self.method,
                "settings": self.settings.to_json(),
                "clusters": self.k,
                "asked": [seeds, resamples],
                "data_hash": self.workspace.manifest.data_hash,
            },
        )
        return Stability(self.method, self.k, parts["seeds"], parts["resamples"], (seeds, resamples))
