"""Encode a document filter as one short value of an address, and decode it with every part checked."""

import math
from dataclasses import asdict
from typing import Any

from app.shell.packed_json import pack_json, unpack_json
from gem_core.pipeline.search.filters import ANY, Column, Filter, Outline, Span

MAX_ITEMS = 400  # columns, values, clusters or corners
MAX_TEXT = 400  # characters of one text


def encode_filter(document_filter: Filter) -> str:
    """Return a filter as text of letters, digits, "-" and "_"; coordinates are rounded to four digits.

    Examples
    --------
    >>> decode_filter(encode_filter(Filter(clusters=(3,)))).clusters
    (3,)
    """
    parts = {name: part for name, part in asdict(document_filter).items() if part != getattr(Filter(), name)}
    if document_filter.outline is not None:
        parts["outline"] = {
            "points": [[round(x, 4), round(y, 4)] for x, y in document_filter.outline.points],
            "turn": [round(value, 4) for value in document_filter.outline.turn],
        }
    return pack_json(_shorten(parts))


def decode_filter(text: str) -> Filter:
    """Return the filter that a text stands for.

    Raises
    ------
    ValueError
        If the text is no filter, or one that is larger than an address may ask for.
    """
    parts = unpack_json(text)
    if not isinstance(parts, dict) or set(parts) - set(asdict(Filter())):
        raise ValueError("parts that a filter does not have")
    return Filter(
        text=_text(parts.get("text", "")),
        columns=tuple(_column(column) for column in _items(parts.get("columns", []))),
        tokens=_span(parts.get("tokens", ANY)),
        margin=_span(parts.get("margin", ANY)),
        gis=_span(parts.get("gis", ANY)),
        clusters=tuple(_whole(number) for number in _items(parts.get("clusters", []))),
        outline=_outline(parts["outline"]) if "outline" in parts else None,
        saved=_text(parts.get("saved", "")),
    )


def _shorten(value: Any) -> Any:
    """Write whole numbers without a fraction, so that a filter has one text."""
    if isinstance(value, dict):
        return {key: _shorten(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_shorten(part) for part in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _items(value: Any) -> list[Any]:
    if not isinstance(value, list | tuple) or len(value) > MAX_ITEMS:
        raise ValueError("a list")
    return list(value)


def _text(value: Any) -> str:
    if not isinstance(value, str) or len(value) > MAX_TEXT or not (value == "" or value.isprintable()):
        raise ValueError("a text")
    return value


def _whole(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 10**9:
        raise ValueError("a cluster number")
    return value


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError("a number")
    return float(value)


def _span(value: Any) -> Span:
    bounds = _items(value)
    if len(bounds) != 2:
        raise ValueError("two bounds")
    low, high = (None if bound is None else _number(bound) for bound in bounds)
    return low, high


def _column(value: Any) -> Column:
    if not isinstance(value, dict) or set(value) - {"name", "values", "span", "contains"} or "name" not in value:
        raise ValueError("a column")
    return Column(
        _text(value["name"]),
        tuple(_text(item) for item in _items(value.get("values", []))),
        _span(value.get("span", ANY)),
        _text(value.get("contains", "")),
    )


def _outline(value: Any) -> Outline:
    if not isinstance(value, dict) or set(value) != {"points", "turn"}:
        raise ValueError("an outline")
    corners = [_items(corner) for corner in _items(value["points"])]
    turn = tuple(_number(part) for part in _items(value["turn"]))
    if len(corners) < 3 or any(len(corner) != 2 for corner in corners) or len(turn) not in (0, 9):
        raise ValueError("an outline")
    return Outline(tuple((_number(x), _number(y)) for x, y in corners), turn)
