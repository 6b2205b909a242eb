"""Random histories of edits, undo, redo and refits: what a preview shows is what an apply makes.

    python -m benchmarks.recovery.edit_histories CORPUS.parquet VECTORS.npy [--rows 300] [--first 0] [--histories 100]

Each history makes eight random steps on a workspace of the first rows of the corpus. Every refit is compared with its
preview document by document; after it names are unique and shares sum to 1. The first difference ends the program.
"""

import argparse
import shutil
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks._harness import machine
from gem_core.errors import InputError
from gem_core.pipeline import (
    Exclude,
    Merge,
    Move,
    Pin,
    Rename,
    Source,
    Split,
    align_target_shares,
    build,
    edit,
    fit_taxonomy,
    preview,
)
from gem_core.pipeline.editing.operations import Op
from gem_core.workspace import Settings, Taxonomy, Workspace

STEPS = 8  # of a history
STRENGTHS = (0.0, 0.3, 1.0, 3.0, float("inf"))


def random_edit(taxonomy: Taxonomy, rng: np.random.Generator) -> Op:
    """An edit that the taxonomy may refuse."""
    numbers = [cluster.number for cluster in taxonomy.clusters]
    number = int(rng.choice(numbers))
    rows = np.flatnonzero(taxonomy.documents["cluster_id"].to_numpy() == number)
    kind = rng.integers(6)
    if kind == 0:
        return Merge(tuple(int(n) for n in rng.choice(numbers, min(2, len(numbers)), replace=False)))
    if kind == 1:
        cut = len(rows) // 2
        return Split(number, (tuple(rows[:cut].tolist()), tuple(rows[cut:].tolist())))
    if kind == 2:
        return Move(
            tuple(rng.choice(len(taxonomy.documents), 5, replace=False).tolist()),
            None if rng.random() < 0.3 else number,
        )
    if kind == 3:
        return Pin(number, on=bool(rng.random() < 0.7))
    if kind == 4:
        return Exclude((number,), on=bool(rng.random() < 0.5))
    return Rename("cluster", number, f"Name {rng.integers(1000)}")


def random_settings(taxonomy: Taxonomy, rng: np.random.Generator) -> Settings:
    """Another strength, and sometimes another number of clusters or shares of a person's own."""
    settings = replace(taxonomy.settings, strength=float(rng.choice(STRENGTHS)))
    if rng.random() < 0.4:
        settings = replace(settings, n_clusters=int(rng.integers(3, 9)), target="uniform")
    if rng.random() < 0.2:
        shares = rng.dirichlet(np.full(len(taxonomy.clusters), 5.0))
        settings = replace(settings, n_clusters=len(taxonomy.clusters), target=tuple(map(float, shares)))
    elif not isinstance(settings.target, str):
        settings = replace(settings, target="uniform")
    return settings


def check_apply_equals_preview(workspace: Workspace, settings: Settings) -> None:
    """Preview, apply, and compare both."""
    old = workspace.taxonomy()
    expected = preview(workspace, old, settings)
    got = fit_taxonomy(workspace, align_target_shares(workspace, old, settings))
    np.testing.assert_array_equal(got.documents["cluster_id"].to_numpy(), expected.labels)
    assert [cluster.number for cluster in got.clusters] == expected.numbers.tolist()
    tokens = settings.weighting == "tokens"
    shares = [cluster.share_tokens if tokens else cluster.share_documents for cluster in got.clusters]
    np.testing.assert_allclose(shares, expected.shares, atol=1e-9)
    assert abs(sum(shares) - 1.0) < 1e-9
    names = [cluster.label.casefold() for cluster in got.clusters]
    assert len(set(names)) == len(names)


def random_history(workspace: Workspace, seed: int) -> int:
    """Edit, undo and refit at random; check each refit against its preview and return their number."""
    rng, refits = np.random.default_rng(seed), 0
    for _ in range(STEPS):
        draw = rng.random()
        if draw < 0.6:
            try:
                edit(workspace, random_edit(workspace.taxonomy(), rng))
            except InputError:
                continue
        elif draw < 0.7:
            workspace.undo()
        elif draw < 0.75:
            workspace.redo()
        else:
            taxonomy = workspace.taxonomy()
            settings = random_settings(taxonomy, rng)
            if settings != taxonomy.settings:
                check_apply_equals_preview(workspace, settings)
                refits += 1
    return refits


def main() -> None:
    """Read the command line, build the workspace and run the histories."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("vectors", type=Path)
    for name, value in (("rows", 300), ("clusters", 8), ("first", 0), ("histories", 100)):
        parser.add_argument(f"--{name}", type=int, default=value)
    options = parser.parse_args()
    began, refits, seed = time.perf_counter(), 0, options.first
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        pd.read_parquet(options.corpus).head(options.rows).to_parquet(home / "corpus.parquet")
        np.save(home / "vectors.npy", np.load(options.vectors, mmap_mode="r")[: options.rows])
        build(
            Source(home / "corpus.parquet", vectors=home / "vectors.npy"),
            home / "built",
            Settings(n_clusters=options.clusters),
        )
        for seed in range(options.first, options.first + options.histories):
            shutil.copytree(home / "built", home / "history")
            refits += random_history(Workspace(home / "history"), seed)
            shutil.rmtree(home / "history")
    print(machine())
    print(
        f"{options.corpus.stem}, {options.rows} documents, {options.clusters} clusters, seeds {options.first} to "
        f"{seed}: {options.histories} histories of {STEPS} steps, {refits} refits, each equal to its preview; "
        f"{time.perf_counter() - began:.0f} s"
    )


if __name__ == "__main__":
    main()
