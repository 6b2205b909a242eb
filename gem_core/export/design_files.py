"""Files of a design of mixtures: for runs elsewhere, weight files for their trainer, and proposed weights."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from gem_core._types import Float64, frozen
from gem_core.errors import InputError
from gem_core.export.mixtures import write_weights
from gem_core.export.safe_csv import write_csv
from gem_core.export.trainer_files import ENDINGS, TRAINERS
from gem_core.mixing import Limits, Weights
from gem_core.workspace import Taxonomy


def write_design(
    folder: Path, taxonomy: Taxonomy, mixtures: Float64, limits: Limits, *, trainer: str = "", path: str = ""
) -> list[Path]:
    """Write mixtures.csv, and for a trainer a weight file per run; return the files.

    Raises
    ------
    InputError
        If the trainer is unknown.
    """
    if trainer and trainer not in TRAINERS:
        raise InputError(f"--format must be one of {', '.join(TRAINERS)}", repr(trainer), "Choose one of them")
    included = [c for c in taxonomy.clusters if not c.excluded]
    width = max(3, len(str(len(mixtures) - 1)))
    runs = [f"run_{at:0{width}}" for at in range(len(mixtures))]
    table = pd.DataFrame(np.asarray(mixtures), columns=[f"{c.number} {c.label}" for c in included])
    table.insert(0, "run", runs)
    write_csv(folder / "mixtures.csv", table)
    files = [folder / "mixtures.csv"]
    for run, row in zip(runs, mixtures, strict=True):
        if trainer:
            file = folder / f"{run}{ENDINGS[trainer][0]}"
            write_weights(file, taxonomy, mixture_weights(taxonomy, "swarm", row, limits), trainer, path)
            files.append(file)
    return files


def write_proposal(path: Path, taxonomy: Taxonomy, mixtures: Float64, limits: Limits) -> list[Path]:
    """Write the last mixture to `path`, and those on the way to it beside it; return the files."""
    files = []
    for row, part in zip(mixtures, _parts(len(mixtures)), strict=True):
        file = path if part == 1 else path.with_name(f"{path.stem}-{part:g}{path.suffix}")
        write_weights(file, taxonomy, mixture_weights(taxonomy, "regmix", row, limits))
        files.append(file)
    return files


def mixture_weights(taxonomy: Taxonomy, strategy: str, row: Sequence[float] | Float64, limits: Limits) -> Weights:
    """Return a mixture of the clusters that are not excluded as weights."""
    included = [c for c in taxonomy.clusters if not c.excluded]
    tokens = np.array([c.tokens for c in included] if limits.pool is None else limits.pool, dtype=np.int64)
    nothing = frozen(np.zeros(len(included), dtype=bool))
    return Weights(
        strategy,
        taxonomy.taxonomy_hash,
        tuple(c.number for c in included),
        frozen(tokens),
        frozen(np.asarray(row, dtype=np.float64)),
        nothing,
        limits,
        "",
        nothing,
    )


def _parts(count: int) -> list[float]:
    return [(at + 1) / count for at in range(count)]
