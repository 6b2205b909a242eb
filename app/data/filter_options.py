"""Filter options: columns with few values, columns of numbers, columns of text. Arrays only."""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from app.data.map_data import MOST_GROUPS
from gem_core.workspace import Taxonomy, Workspace

STEPS = 60  # places of a slider
EMPTY = ""  # stands for no value, as in the filter


@dataclass(frozen=True)
class Offer:
    """One filter option.

    Attributes
    ----------
    name : str
        A column of the corpus, or "tokens", "margin", "gis".
    kind : "values", "span" or "text"
    values : tuple of str
        Of a column with few values, the most frequent first.
    counts : tuple of int
        Documents of each.
    steps : tuple of float
        Places of a slider: rising, from at most the lowest to at least the highest number.
    """

    name: str
    kind: Literal["values", "span", "text"]
    values: tuple[str, ...] = ()
    counts: tuple[int, ...] = ()
    steps: tuple[float, ...] = ()


def offers(workspace: Workspace, taxonomy: Taxonomy) -> tuple[Offer, ...]:
    """Return what a corpus can be filtered by: lengths and scores first, then its columns."""
    table, scores = workspace.documents, taxonomy.documents
    all_offers = [
        Offer("tokens", "span", steps=steps(table["tokens"])),
        *(Offer(name, "span", steps=steps(scores[name])) for name in ("margin", "gis")),
    ]
    for name in table.columns:
        if name == "tokens":
            continue
        cells = table[name]
        text = cells.astype(object).where(cells.notna(), EMPTY).map(str)
        counts = text.value_counts()
        if name != "id" and 2 <= len(counts) <= MOST_GROUPS:
            all_offers.append(Offer(str(name), "values", tuple(counts.index), tuple(int(c) for c in counts)))
        elif name != "id" and pd.api.types.is_numeric_dtype(cells) and cells.notna().any():
            all_offers.append(Offer(str(name), "span", steps=steps(cells)))
        elif len(counts) > 1:
            all_offers.append(Offer(str(name), "text"))
    order = ("values", "span", "text")
    return (*all_offers[:3], *sorted(all_offers[3:], key=lambda offer: order.index(offer.kind)))


def steps(values: ArrayLike) -> tuple[float, ...]:
    """Return the places of a slider: evenly through the documents, rounded to three digits, the ends outwards.

    Lengths and scores have long tails: even steps would put nearly all documents between two of them.

    Examples
    --------
    >>> steps([1, 2, 3, 1000])
    (1.0, 2.0, 3.0, 1000.0)
    """
    numbers = np.asarray(values, dtype=np.float64)
    numbers = numbers[np.isfinite(numbers)]
    places = np.quantile(numbers, np.linspace(0, 1, STEPS + 1), method="nearest")
    wide = float(np.ptp(places))
    if wide == 0:
        return (float(places[0]),)
    inner = {_rounded(float(v), 0, wide) for v in places[1:-1]}
    low, high = _rounded(float(places[0]), -1, wide), _rounded(float(places[-1]), 1, wide)
    return tuple(sorted({low, high} | {v for v in inner if low < v < high}))


def _rounded(value: float, direction: int, wide: float) -> float:
    """Round to three significant digits, finer where all numbers lie close together: 0 nearest, -1 down, 1 up."""
    unit = 10.0 ** np.floor(np.log10(max(min(abs(value) / 100, wide / 1000), wide / 10_000)))
    ratio = round(value / unit, 6)  # 0.3 / 0.1 is not quite 3 in binary numbers.
    whole = round(ratio) if direction == 0 else math.floor(ratio) if direction < 0 else math.ceil(ratio)
    return float(f"{whole * unit:.9g}")
