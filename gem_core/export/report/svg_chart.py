"""The balance path as a drawing: places of lines, points, ticks and words. The template writes the SVG."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from gem_core._formatting import decimal, percent, strength_text
from gem_core._types import Float64
from gem_core.clustering import BalancePath
from gem_core.geometry import effective_number
from gem_core.workspace import Taxonomy, Workspace

WIDTH, HEIGHT = 620.0, 372.0
LEFT, RIGHT = 46.0, 12.0
PANELS = ((26.0, 162.0), (198.0, 334.0))  # top and bottom of the two panels


@dataclass(frozen=True)
class Line:
    """One measure along the path."""

    name: str
    kind: str
    points: tuple[tuple[float, float], ...]
    label: tuple[float, float]


@dataclass(frozen=True)
class Chart:
    """Everything that is drawn, in units of the SVG's view box, and the table behind it."""

    title: str
    lines: tuple[Line, ...]
    bands: tuple[dict[str, Any], ...]
    x_ticks: tuple[tuple[float, str], ...]
    y_ticks: tuple[tuple[float, str], ...]
    current_x: float
    rows: tuple[tuple[str, ...], ...]
    width: float = WIDTH
    height: float = HEIGHT


def path_chart(workspace: Workspace, taxonomy: Taxonomy) -> Chart | None:
    """Draw the balance path of a taxonomy's fit; None when it has not been computed."""
    if not taxonomy.has_path:
        return None
    path = taxonomy.path
    strengths = np.asarray(path.strengths, dtype=np.float64)
    x = _x(strengths, strengths)
    k = path.masses.shape[1]
    most = _ceiling(float(np.max(path.largest)))
    series = (
        ("effective clusters", "one", _points(x, path.effective_clusters, 1.05 * k, PANELS[0])),
        ("largest mass", "one", _points(x, path.largest, most, PANELS[1])),
        ("smallest mass", "two", _points(x, path.smallest, most, PANELS[1])),
    )
    lines = tuple(Line(name, kind, points, _beside(name, points[0])) for name, kind, points in series)
    ticks = [(_y(v, 1.05 * k, PANELS[0]), f"{v:g}") for v in _steps(float(k))]
    ticks += [(_y(v, most, PANELS[1]), f"{100 * v:g}%") for v in _steps(most)]
    return Chart(
        title=_title(workspace, taxonomy),
        lines=lines,
        bands=_bands(path, x),
        x_ticks=tuple((float(_x(np.array([s]), strengths)[0]), strength_text(s)) for s in _marks(strengths)),
        y_ticks=tuple(ticks),
        current_x=float(_x(np.array([taxonomy.settings.strength]), strengths)[0]),
        rows=_rows(path),
    )


def _beside(name: str, start: tuple[float, float]) -> tuple[float, float]:
    """Where a line's name stands: above its first point, or below it where another line may lie above."""
    below = name == "effective clusters" or (name == "smallest mass" and start[1] < PANELS[1][1] - 24)
    return start[0] + 4, start[1] + (18 if below else -8)


def _title(workspace: Workspace, taxonomy: Taxonomy) -> str:
    """Return the result for the fit itself: later edits are not points of the path."""
    fit = taxonomy.fit if not taxonomy.edited else workspace.taxonomy(taxonomy.base).fit
    masses, path = fit.masses, taxonomy.path
    at = strength_text(taxonomy.settings.strength)
    now = f"largest cluster {percent(float(masses.max()))}, as even as {effective_number(masses):.1f} of equal size"
    if taxonomy.settings.strength == 0 or path.strengths[0] != 0:
        return f"At strength {at}: {now}"
    return (
        f"Strength 0 to {at}: largest cluster {percent(float(path.largest[0]))} to {percent(float(masses.max()))} "
        "of the mass"
    )


def _x(strengths: Float64, grid: Float64) -> Float64:
    """Places on the strength axis: logarithmic between the ends, 0 and infinity set apart."""
    inner = grid[(grid > 0) & np.isfinite(grid)]
    low, high = (float(np.log10(inner.min())), float(np.log10(inner.max()))) if inner.size else (-1.0, 1.0)
    gap = max(0.4, 0.12 * (high - low))
    with np.errstate(divide="ignore"):
        places = np.log10(strengths)
    places = np.where(strengths == 0, low - gap, np.where(np.isinf(strengths), high + gap, np.clip(places, low, high)))
    share = (places - (low - gap)) / (high - low + 2 * gap)
    return np.round(LEFT + 10 + share * (WIDTH - LEFT - RIGHT - 20), 1)


def _y(value: float, most: float, panel: tuple[float, float]) -> float:
    return round(panel[1] - (panel[1] - panel[0]) * value / most, 1)


def _points(x: Float64, values: Float64, most: float, panel: tuple[float, float]) -> tuple[tuple[float, float], ...]:
    return tuple((float(a), _y(float(v), most, panel)) for a, v in zip(x, values, strict=True))


def _bands(path: BalancePath, x: Float64) -> tuple[dict[str, Any], ...]:
    """One strip a strength that answers the pointer with its figures."""
    edges = np.concatenate(([LEFT], (x[1:] + x[:-1]) / 2, [WIDTH - RIGHT]))
    return tuple(
        {
            "x": round(float(edges[i]), 1),
            "width": round(float(edges[i + 1] - edges[i]), 1),
            "words": f"strength {strength_text(float(s))}: {path.effective_clusters[i]:.1f} effective clusters, "
            f"largest {percent(float(path.largest[i]))}, smallest {percent(float(path.smallest[i]))}, "
            f"{percent(float(path.moved_share[i]))} of the documents in another cluster",
        }
        for i, s in enumerate(path.strengths)
    )


def _rows(path: BalancePath) -> tuple[tuple[str, ...], ...]:
    return tuple(
        (
            strength_text(float(s)),
            decimal(path.effective_clusters[i], 1),
            percent(float(path.largest[i])),
            percent(float(path.smallest[i])),
            decimal(path.normalized_entropy[i], 3),
            percent(float(path.moved_share[i])),
            decimal(path.ari[i], 3),
        )
        for i, s in enumerate(path.strengths)
    )


def _marks(strengths: Float64) -> list[float]:
    inner = strengths[(strengths > 0) & np.isfinite(strengths)]
    decades = (
        (10.0 ** np.arange(np.ceil(np.log10(inner.min())), np.floor(np.log10(inner.max())) + 1)).tolist()
        if inner.size
        else []
    )
    return sorted({*decades, *(s for s in (0.0, float("inf")) if s in strengths)})


def _ceiling(value: float) -> float:
    """Return the next round fraction above a value."""
    return next((v for v in (0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75) if v >= 1.02 * value), 1.0)


def _steps(most: float) -> list[float]:
    """Three or four round values from 0 to `most`."""
    rough = most / 3
    scale = 10.0 ** np.floor(np.log10(rough))
    step = next(scale * m for m in (1, 2, 2.5, 5, 10) if scale * m >= rough * 0.999)
    return [round(step * i, 6) for i in range(int(most / step + 1e-9) + 1)]
