"""Document filter: words, columns, scores, clusters and a lasso on a map as one boolean mask."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from gem_core._types import Bool, Float32, Int32, frozen
from gem_core.errors import InputError
from gem_core.pipeline.search.semantic import nearest
from gem_core.workspace import Taxonomy, Workspace
from gem_core.workspace.selections import Selections

Span = tuple[float | None, float | None]
ANY: Span = (None, None)
NEAREST = 200  # documents that a search by meaning keeps


@dataclass(frozen=True)
class Column:
    """A test on one column of the corpus; of the three kinds those that are given must all hold.

    Parameters
    ----------
    name : str
    values : tuple of str
        One of these, compared as text; "" stands for no value.
    span : (low, high)
        A number between the two, both included; None = no bound. A cell that is no number fails.
    contains : str
        This text, whatever the case.
    """

    name: str
    values: tuple[str, ...] = ()
    span: Span = ANY
    contains: str = ""


@dataclass(frozen=True)
class Outline:
    """Lasso: a closed line on a map.

    Parameters
    ----------
    points : tuple of (x, y)
        Corners; the last joins the first. On the flat map in its own coordinates, on the globe in radii from its
        center with y upwards.
    turn : tuple of 9 float
        Rows of the rotation under which the globe was seen; empty for the flat map. The near side alone counts.
    """

    points: tuple[tuple[float, float], ...]
    turn: tuple[float, ...] = ()

    def holds(self, places: ArrayLike) -> Bool:
        """Tell for each place, (n, 2) on the flat map or (n, 3) on the sphere, whether it lies inside.

        Examples
        --------
        >>> Outline(((0, 0), (2, 0), (0, 2))).holds([[0.5, 0.5], [1.5, 1.5]]).tolist()
        [True, False]
        """
        at = np.asarray(places, dtype=np.float64)
        near = np.ones(len(at), dtype=np.bool_)
        if self.turn:
            at = at @ np.reshape(self.turn, (3, 3)).T
            near = at[:, 2] > 0
        inside = np.zeros(len(at), dtype=np.bool_)
        corners = np.asarray(self.points, dtype=np.float64)
        box = np.all((at[:, :2] >= corners.min(axis=0)) & (at[:, :2] <= corners.max(axis=0)), axis=1) & near
        x, y = at[box, 0], at[box, 1]
        odd = np.zeros(len(x), dtype=np.bool_)
        for (ax, ay), (bx, by) in zip(self.points, (*self.points[1:], self.points[0]), strict=True):
            if ay != by:  # does a ray to the right cross this edge?
                odd ^= ((ay > y) != (by > y)) & (x < ax + (bx - ax) * (y - ay) / (by - ay))
        inside[box] = odd
        return inside


@dataclass(frozen=True)
class Filter:
    """Conditions on documents; all that are set must hold.

    Parameters
    ----------
    text : str
        Words that the text holds, all of them, the last one as a beginning.
    columns : tuple of Column
    tokens, margin, gis : (low, high)
        Both included; None = no bound.
    clusters : tuple of int
        One of these clusters.
    outline : Outline, optional
        Inside a line drawn on a map.
    saved : str
        In the saved selection of this name.

    Examples
    --------
    >>> Filter(text="water", tokens=(100, None), clusters=(3,))
    Filter(text='water', columns=(), tokens=(100, None), margin=(None, None), gis=(None, None), clusters=(3,), \
outline=None, saved='')
    """

    text: str = ""
    columns: tuple[Column, ...] = ()
    tokens: Span = ANY
    margin: Span = ANY
    gis: Span = ANY
    clusters: tuple[int, ...] = ()
    outline: Outline | None = None
    saved: str = ""

    def __bool__(self) -> bool:
        return self != Filter()

    def without(self, part: str) -> "Filter":
        """Return a copy in which one of `parts` asks for nothing; "column:NAME" is the test on a column."""
        if part.startswith("column:"):
            return replace(self, columns=tuple(c for c in self.columns if c.name != part.removeprefix("column:")))
        return replace(self, **{part: getattr(Filter(), part)})


@dataclass(frozen=True)
class Selected:
    """Documents that a query selects.

    Attributes
    ----------
    mask : (n,) bool
    rows : (m,) int32
        The same documents, best first: by cosine, by rank of the text search, or by GIS.
    cosine : (m,) float32 or None
        To the meaning searched for.
    """

    mask: Bool
    rows: Int32
    cosine: Float32 | None = None

    def __len__(self) -> int:
        return len(self.rows)


def mask(workspace: Workspace, taxonomy: Taxonomy, document_filter: Filter) -> Bool:
    """Return which documents pass a filter, (n,) bool: 100,000 documents in some tens of milliseconds.

    Raises
    ------
    InputError
        If a column is unknown, or a bound is asked of a column without numbers.
    WorkspaceError
        If the saved selection is unknown.
    """
    return _passing(workspace, taxonomy, document_filter)[0]


def _passing(workspace: Workspace, taxonomy: Taxonomy, criteria: Filter) -> tuple[Bool, list[int]]:
    """Return the mask, and the rows of the text search in their rank."""
    n = len(workspace)
    keep = np.ones(n, dtype=np.bool_)
    hit_rows: list[int] = []
    if criteria.text.strip():
        hit_rows = workspace.search(criteria.text, n)
        keep &= _these(n, hit_rows)
    if criteria.saved:
        keep &= _these(n, Selections(workspace).get(criteria.saved).rows)
    if criteria.outline is not None:
        keep &= criteria.outline.holds(workspace.sphere if criteria.outline.turn else workspace.flat)
    if criteria.clusters:
        keep &= np.isin(taxonomy.documents["cluster_id"].to_numpy(), criteria.clusters)
    if criteria.tokens != ANY:
        keep &= _between(workspace.documents["tokens"].to_numpy(np.float64), criteria.tokens)
    for name in ("margin", "gis"):
        if getattr(criteria, name) != ANY:
            keep &= _between(taxonomy.documents[name].to_numpy(np.float64), getattr(criteria, name))
    for column in criteria.columns:
        keep &= _column(workspace, column)
    return keep, hit_rows


def _these(n: int, rows: ArrayLike) -> Bool:
    out = np.zeros(n, dtype=np.bool_)
    out[np.asarray(rows, dtype=np.int64)] = True
    return out


def _between(values: NDArray[np.float64], span: Span) -> Bool:
    low, high = span
    keep = ~np.isnan(values)
    if low is not None:
        keep &= values >= low
    if high is not None:
        keep &= values <= high
    return keep


def _column(workspace: Workspace, column: Column) -> Bool:
    column_names = [name for name in workspace.columns if name != "text"]
    if column.name not in column_names:
        raise InputError(
            "A filter must name a column of the corpus", repr(column.name), f"Choose one of {', '.join(column_names)}"
        )
    cells = workspace.documents[column.name]
    keep = np.ones(len(cells), dtype=np.bool_)
    if column.values or column.contains:
        text = cells.astype(object).where(cells.notna(), "").map(str)
        if column.values:
            keep &= text.isin(column.values).to_numpy(np.bool_)
        if column.contains:
            keep &= text.str.contains(column.contains, case=False, regex=False).to_numpy(np.bool_)
    if column.span != ANY:
        numbers = pd.to_numeric(cells, errors="coerce").to_numpy(np.float64)
        if np.isnan(numbers).all():
            raise InputError(
                "Bounds must be asked of a column of numbers",
                f"column {column.name!r}, which has none",
                "Ask for values of it instead",
            )
        keep &= _between(numbers, column.span)
    return keep


def select(
    workspace: Workspace,
    taxonomy: Taxonomy,
    document_filter: Filter,
    *,
    near: Float32 | None = None,
    limit: int = NEAREST,
) -> Selected:
    """Return the documents that pass a filter, best first; with a vector only the `limit` nearest of them.

    Parameters
    ----------
    workspace : Workspace
    taxonomy : Taxonomy
    document_filter : Filter
    near : (d,) unit vector, optional
        What `gem_core.pipeline.meaning.vector_of` makes of words, or the vector of a document.
    limit : int

    Raises
    ------
    InputError, WorkspaceError
        As `mask` does.
    """
    keep, hit_rows = _passing(workspace, taxonomy, document_filter)
    if near is not None:
        found_near = nearest(workspace, near, limit, within=keep)
        return Selected(frozen(_these(len(keep), found_near.rows)), found_near.rows, found_near.cosine)
    if hit_rows:
        ranked = np.asarray(hit_rows, dtype=np.int32)
        ranked = ranked[keep[ranked]]
    else:
        inside = np.flatnonzero(keep)
        gis = taxonomy.documents["gis"].to_numpy()[inside]
        ranked = inside[np.argsort(-gis, kind="stable")].astype(np.int32)
    return Selected(frozen(keep), frozen(ranked))


def parts(document_filter: Filter, labels: Mapping[int, str] | None = None) -> dict[str, str]:
    """Describe each part of a filter in words; the keys are what `Filter.without` takes.

    Examples
    --------
    >>> parts(Filter(text="water", tokens=(100, None), columns=(Column("lang", ("en", "")),)))
    {'text': 'holds "water"', 'tokens': 'tokens at least 100', 'column:lang': 'lang is en or empty'}
    """
    out: dict[str, str] = {}
    if document_filter.text.strip():
        out["text"] = f'holds "{" ".join(document_filter.text.split())}"'
    if document_filter.clusters:
        names = [(labels or {}).get(number, f"cluster {number}") for number in document_filter.clusters]
        out["clusters"] = f"in {_either(names)}"
    for name, word in (("tokens", "tokens"), ("margin", "margin"), ("gis", "GIS")):
        if getattr(document_filter, name) != ANY:
            out[name] = f"{word} {_span(getattr(document_filter, name))}"
    for column in document_filter.columns:
        tests = [f"is {_either([value or 'empty' for value in column.values])}"] if column.values else []
        tests += [f'contains "{column.contains}"'] if column.contains else []
        tests += [_span(column.span)] if column.span != ANY else []
        out[f"column:{column.name}"] = f"{column.name} {' and '.join(tests)}"
    if document_filter.outline is not None:
        out["outline"] = f"area selected on the {'globe' if document_filter.outline.turn else 'flat map'}"
    if document_filter.saved:
        out["saved"] = f"in selection {document_filter.saved}"
    return out


def describe(document_filter: Filter, labels: Mapping[int, str] | None = None) -> str:
    """Describe a filter in one line.

    Examples
    --------
    >>> describe(Filter(gis=(None, 2.5), clusters=(3, 1)), {1: "Bread", 3: "Rivers"})
    'in Rivers or Bread; GIS at most 2.5'
    """
    return "; ".join(parts(document_filter, labels).values()) or "all documents"


def _either(names: list[str]) -> str:
    terms = names if len(names) <= 3 else [*names[:2], f"{len(names) - 2} more"]
    return " or ".join(terms)


def _span(span: Span) -> str:
    low, high = (None if value is None else f"{value:,.6g}" for value in span)
    if low is not None and high is not None:
        return f"from {low} to {high}"
    return f"at least {low}" if low is not None else f"at most {high}"
