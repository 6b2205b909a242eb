"""Number-of-clusters study: fits over a grid of K with several seeds each, and what the curves show."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

import numpy as np

from gem_core._content_key import content_key
from gem_core._types import Float64, Progress, frozen, silent
from gem_core.errors import InputError
from gem_core.pipeline.building.fit import check_count
from gem_core.pipeline.compare.quality import measure
from gem_core.pipeline.compare.refits import Method, base_settings, refit, refit_key
from gem_core.pipeline.compare.stability import pair_table
from gem_core.workspace import Settings, Workspace
from gem_core.workspace.studies import Studies

Measure = Literal[
    "silhouette", "cosine_margin", "stability", "ari", "nmi", "within_cosine", "entropy", "largest", "smallest", "empty"
]
MEASURES: dict[Measure, str] = {
    "silhouette": "Silhouette",
    "cosine_margin": "Cosine margin",
    "stability": "Stability over seeds",
    "ari": "ARI to the label column",
    "nmi": "NMI to the label column",
    "within_cosine": "Within cosine",
    "entropy": "Evenness",
    "largest": "Largest share",
    "smallest": "Smallest share",
    "empty": "Empty clusters",
}
# These can have a best number of clusters; the others rise or fall with it whatever the corpus is like.
CHOOSING: tuple[Measure, ...] = ("silhouette", "cosine_margin", "stability", "ari", "nmi")
Kind = Literal["peak", "flat", "edge", "unclear"]


@dataclass(frozen=True)
class CountStudy:
    """Measures over numbers of clusters.

    Attributes
    ----------
    counts : tuple of int
        K, rising.
    seeds : tuple of int
    values : dict of measure to (C, S) float64
        One row per number of clusters, one column per seed; NaN where a fit is missing. "stability" is the mean ARI
        of a seed's fit to those of the other seeds. "ari" and "nmi" are absent without a label column.
    method : str
    """

    counts: tuple[int, ...]
    seeds: tuple[int, ...]
    values: dict[Measure, Float64]
    method: Method

    @property
    def fit_count(self) -> int:
        """Number of stored fits."""
        return int(np.isfinite(self.values["largest"]).sum())

    @property
    def complete(self) -> bool:
        """Whether every fit is stored."""
        return self.fit_count == len(self.counts) * len(self.seeds)


@dataclass(frozen=True)
class Reading:
    """Conclusion from the curve of one measure over K.

    Attributes
    ----------
    kind : "peak", "flat", "edge" or "unclear"
        "peak": one number beats all others by more than the spread between seeds. "flat": several are as good.
        "edge": the best is the first or last of the grid, so the peak may lie outside. "unclear": too little to say.
    counts : tuple of int
        The numbers of clusters that are as good as the best one.
    sentence : str
    """

    measure: Measure
    kind: Kind
    counts: tuple[int, ...]
    sentence: str


def count_grid(first: int, last: int, points: int) -> tuple[int, ...]:
    """Numbers of clusters evenly spaced in their logarithm, ends included.

    Raises
    ------
    InputError
        If they are not 1 <= first < last, or fewer than two points are asked for.

    Examples
    --------
    >>> count_grid(8, 48, 7)
    (8, 11, 15, 20, 26, 36, 48)
    """
    if not 1 <= first < last or points < 2:
        raise InputError(
            "A study goes from a number of clusters to a larger one in two points or more",
            f"from {first} to {last} in {points}",
            "Use for example --from 8 --to 48 --points 7",
        )
    return tuple(int(k) for k in np.unique(np.geomspace(first, last, points).round().astype(int)))


def study_counts(
    workspace: Workspace, counts: Sequence[int], *, seeds: int = 3, method: Method = "gem", progress: Progress = silent
) -> CountStudy:
    """Fit every number of clusters with every seed at strength 0; otherwise the settings of the current taxonomy.

    Balance would hide how many clusters there are: equal shares split large clusters and join small ones.

    Every fit is kept in the workspace when it ends: a study that was stopped or killed resumes, and a
    wider one takes over the fits of a narrower one.

    Parameters
    ----------
    workspace : Workspace
        With a taxonomy.
    counts : sequence of int
        Numbers of clusters.
    seeds : int
        At least 1; three or more show a spread.
    method : "gem", "kmeans", "spherical" or "vmf"
    progress : Progress
        Called as progress("fit numbers of clusters", done, total) with the number of fits.

    Raises
    ------
    InputError
        If no number or no seed is asked for, or a number exceeds that of the documents.
    """
    grid = tuple(sorted(set(counts)))
    if not grid or grid[0] < 1 or seeds < 1:
        raise InputError(
            "A study takes one number of clusters or more, and one seed or more",
            f"{list(counts)} with {seeds} seeds",
            "Use for example 8, 16, 24, 32 with 3 seeds",
        )
    check_count(len(workspace), grid[-1])
    settings = _plain(workspace.taxonomy().settings)
    store, name = Studies(workspace.root), _name(workspace, settings, method)
    fit_plan = [(k, seed) for seed in range(seeds) for k in grid]  # every number once before the second seed
    points = _points(store, name)
    completed = sum(_id(k, seed) in points for k, seed in fit_plan)
    progress(STEP, completed, len(fit_plan))
    for k, seed in fit_plan:
        if _id(k, seed) in points:
            continue
        labels = refit(workspace, base_settings(settings, k, seed), method).labels
        points[_id(k, seed)] = _values(asdict(measure(workspace, labels, k, settings.weighting)))
        points |= _agreement(workspace, settings, method, k, points)
        store.save(
            name,
            {
                "points": points,
                "grid": list(grid),
                "seeds": seeds,
                "method": method,
                "settings": settings.to_json(),
                "data_hash": workspace.manifest.data_hash,
            },
        )
        completed += 1
        progress(STEP, completed, len(fit_plan))
    return _study(points, grid, tuple(range(seeds)), method)


STEP = "fit numbers of clusters"


def read_counts(workspace: Workspace, method: Method = "gem") -> CountStudy | None:
    """Return the stored part of the study of the present settings; None before its first fit."""
    value = Studies(workspace.root).load(_name(workspace, _plain(workspace.taxonomy().settings), method))
    if value is None:
        return None
    return _study(value["points"], tuple(value["grid"]), tuple(range(value["seeds"])), method)


def reading(study: CountStudy, name: Measure = "silhouette") -> Reading:
    """Read a curve: name a number only if it beats every other by more than the spread between seeds.

    The spread is the standard deviation over seeds: the larger of that at the two numbers compared and the one pooled
    over the whole grid (with three seeds a single one is small by luck now and then). For stability it is doubled:
    the agreement of a pair counts for both its seeds, which halves what their means differ by. A best number at the
    end of the grid is not called a peak.
    """
    counts, table = np.array(study.counts), study.values.get(name)
    called = MEASURES[name]
    if name not in CHOOSING:
        return Reading(name, "unclear", (), f"{called} follows the number of clusters; it cannot choose one.")
    if table is None or not np.isfinite(table).any():
        return Reading(name, "unclear", (), f"{called}: nothing measured yet.")
    whole = np.isfinite(table).sum(axis=1) >= 2
    if whole.sum() < 3:
        return Reading(
            name,
            "unclear",
            (),
            f"{called}: too little to read. It takes three numbers of clusters with two seeds each, better three.",
        )
    counts, table = counts[whole], table[whole]
    mean, spread = np.nanmean(table, axis=1), np.nanstd(table, axis=1, ddof=1)
    spread = (2.0 if name == "stability" else 1.0) * spread
    pooled = float(np.sqrt(np.mean(spread**2)))
    best = int(mean.argmax())
    near = mean[best] - mean <= np.maximum(np.maximum(spread, spread[best]), pooled)
    good = tuple(int(k) for k in counts[near])
    noise = f"spread between seeds {pooled:.3f}"
    if len(good) == 1:
        return _single(name, counts, mean, best, noise)
    together = bool(near[near.argmax() : len(near) - near[::-1].argmax()].all())
    if together:
        where = f"flat between {good[0]} and {good[-1]}" + ("" if near.all() else ", lower elsewhere")
    else:
        where = f"as high at {', '.join(map(str, good[:-1]))} as at {good[-1]}"
    return Reading(name, "flat", good, f"{called} is {where} ({noise}). Choose by how fine you need it.")


def summary(study: CountStudy) -> str:
    """Summarize in one or two sentences the measures that can select a K."""
    every = [reading(study, name) for name in CHOOSING if name in study.values]
    readings = [measure_reading for measure_reading in every if measure_reading.kind != "unclear"]
    if not readings:
        return "Too little to read yet: it takes three numbers of clusters with two seeds each."
    peaks = [measure_reading for measure_reading in readings if measure_reading.kind == "peak"]
    peak_counts = sorted({measure_reading.counts[0] for measure_reading in peaks})
    if not peaks:
        return "No number of clusters stands out: choose by how fine you need it."
    if len(peak_counts) > 1:
        words = "; ".join(
            f"{MEASURES[measure_reading.measure]} at {measure_reading.counts[0]}" for measure_reading in peaks
        )
        return f"The measures peak at different numbers, so none stands out: {words}."
    against = [each for each in readings if each.kind != "peak" and peak_counts[0] not in each.counts]
    if against:
        agreeing = ", ".join(MEASURES[each.measure] for each in peaks)
        contrary = "; ".join(f"{MEASURES[each.measure]} is highest at {_numbers(each.counts)}" for each in against)
        return f"No number of clusters stands out: {agreeing} peaks at {peak_counts[0]}, but {contrary}."
    words = (
        f"{len(peaks)} of the {len(readings)} measures that can tell {'peaks' if len(peaks) == 1 else 'peak'} at "
        f"{peak_counts[0]} clusters"
    )
    return f"{words}." if len(peaks) == len(readings) else f"{words}; the others name no number."


def _plain(settings: Settings) -> Settings:
    """Return the settings of a study: no balance, so that the target does not act."""
    return replace(settings, strength=0.0, target="uniform")


def _numbers(counts: tuple[int, ...]) -> str:
    return " and ".join(filter(None, (", ".join(map(str, counts[:-1])), str(counts[-1]))))


def _single(name: Measure, counts: "np.ndarray[Any, Any]", mean: Float64, best: int, noise: str) -> Reading:
    called, k = MEASURES[name], int(counts[best])
    if best in (0, len(counts) - 1):
        direction = "rises to the fewest" if best == 0 else "still rises at the most"
        wider = "fewer" if best == 0 else "more"
        return Reading(
            name, "edge", (k,), f"{called} {direction} clusters tried, {k}: a peak may lie outside. Try {wider}."
        )
    next_best = float(np.delete(mean, best).max())
    return Reading(
        name,
        "peak",
        (k,),
        f"{called} peaks at {k} clusters: {mean[best]:.3f} against at most {next_best:.3f} elsewhere ({noise}).",
    )


def _study(points: dict[str, Any], grid: tuple[int, ...], seeds: tuple[int, ...], method: Method) -> CountStudy:
    def table(name: str) -> Float64:
        rows_of_values = [[points.get(_id(k, seed), {}).get(name) for seed in seeds] for k in grid]
        return frozen(np.array([[np.nan if v is None else v for v in row] for row in rows_of_values], dtype=np.float64))

    tables = {name: table(name) for name in MEASURES}
    present_tables = {
        name: values for name, values in tables.items() if name not in ("ari", "nmi") or np.isfinite(values).any()
    }
    return CountStudy(grid, seeds, present_tables, method)


def _agreement(
    workspace: Workspace, settings: Settings, method: Method, k: int, points: dict[str, Any]
) -> dict[str, Any]:
    """Return the points of k with each seed's mean agreement to the other seeds, all seeds that are kept."""
    seeds = sorted(int(name.partition("/")[2]) for name in points if name.startswith(f"{k}/"))
    if len(seeds) < 2:
        return {}
    pairs = pair_table([refit(workspace, base_settings(settings, k, seed), method).labels for seed in seeds], k)
    mean = (pairs.sum(axis=1) - 1.0) / (len(seeds) - 1)
    return {_id(k, seed): {**points[_id(k, seed)], "stability": float(mean[at])} for at, seed in enumerate(seeds)}


def _values(quality_facts: dict[str, Any]) -> dict[str, float]:
    """Return the numbers of a quality as JSON has them: no NaN."""
    return {
        name: float(value)
        for name, value in quality_facts.items()
        if name in MEASURES and value is not None and np.isfinite(value)
    }


def _points(store: Studies, name: str) -> dict[str, Any]:
    value = store.load(name)
    return dict(value["points"]) if value and isinstance(value.get("points"), dict) else {}


def _id(k: int, seed: int) -> str:
    return f"{k}/{seed}"


def _name(workspace: Workspace, settings: Settings, method: Method) -> str:
    return f"clusters-{content_key([refit_key(workspace, replace(settings, n_clusters=1, seed=0), method)])}"
