"""Pack one message for the browser: header length, header as JSON, typed arrays. See `unpack` in theme_and_data.js."""

from __future__ import annotations

import hashlib
import json
import math
import re
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from gem_core.export.globe_modules import SHARED_MODULES, join_modules

MOST_CORNERS = 300  # of a lasso
_MODULES = (
    "theme_and_data.js",
    "subtopic_names.js",
    "labels.js",
    "tip.js",
    "input_events.js",
    "globe_data.js",
    "globe_motion.js",
    "globe.js",
)
_HEX = re.compile(r"#[0-9a-fA-F]{6}")


def joined_script(folder: Path) -> str:
    """Return the shared modules and those in `folder` as one module with the default export of the last."""
    return join_modules([*SHARED_MODULES, *(folder / name for name in _MODULES)])


def clean(text: str, most: int = 80) -> str:
    """Return a cluster name on one line, without control or direction characters, cut to `most` characters."""
    clean_name = "".join(" " if unicodedata.category(c) in {"Cc", "Zl", "Zp"} else c for c in str(text))
    clean_name = "".join(c for c in clean_name if unicodedata.category(c) not in {"Cf", "Cs", "Co", "Cn"})
    clean_name = " ".join(clean_name.split())
    return clean_name if len(clean_name) <= most else clean_name[: most - 1].rstrip() + "…"


def _direction(value: Sequence[float]) -> list[float]:
    at = np.asarray(value, dtype=np.float64).reshape(-1)
    length = float(np.linalg.norm(at))
    if at.shape != (3,) or not math.isfinite(length) or length == 0:
        raise ValueError(f"A direction must be three finite numbers, not all zero; got {value!r}.")
    return [round(float(v), 6) for v in at / length]


def _column(name: str, values: Any, n: int) -> np.ndarray:
    column = np.asarray(values)
    if column.shape != (n,):
        raise ValueError(f"{name} must have shape ({n},) like xyz; got {column.shape}.")
    return column


def _arrays(
    xyz: Any, rows: Any, cluster: Any, colors: Sequence[str], values: Any, sizes: Any
) -> dict[str, tuple[str, np.ndarray]]:
    points = np.asarray(xyz, dtype=np.float32)
    if points.ndim != 2 or points.shape[1] != 3:
        raise ValueError(f"xyz must have shape (n, 3); got {points.shape}.")
    if not np.isfinite(points).all() or (points.size and np.abs(points).max() > 1.001):
        raise ValueError("xyz must hold finite unit directions.")
    n = len(points)
    ids, group = _column("rows", rows, n), _column("cluster", cluster, n)
    if n and (ids.min() < 0 or ids.max() >= 2**31):
        raise ValueError("rows must lie in [0, 2**31).")
    if len(colors) > 65_000 or not all(isinstance(c, str) and _HEX.fullmatch(c) for c in colors):
        raise ValueError('colors must be "#rrggbb" each.')
    if n and (group.min() < -1 or group.max() >= len(colors)):
        raise ValueError(f"cluster must lie in [-1, {len(colors)}), an index into colors.")
    out = {
        "xyz": ("i16", np.rint(np.clip(points, -1, 1) * 32767).astype("<i2").reshape(-1)),
        "rows": ("i32", ids.astype("<i4")),
        "cluster": ("u16", np.where(group < 0, len(colors), group).astype("<u2")),
    }
    if values is not None:
        level = _column("values", values, n).astype(np.float64)
        steps = np.clip(np.nan_to_num(level), 0, 1) * 254
        out["values"] = ("u8", np.where(np.isfinite(level), np.rint(steps), 255).astype(np.uint8))
    if sizes is not None:
        relative = np.nan_to_num(_column("sizes", sizes, n).astype(np.float64), nan=1.0, posinf=4.0, neginf=0.35)
        out["sizes"] = ("u8", np.clip(np.rint(2 * np.log2(np.maximum(relative, 0.1)) + 3), 0, 7).astype(np.uint8))
    return out


def pack(
    *,
    xyz: Any,
    rows: Any,
    cluster: Any,
    colors: Sequence[str],
    labels: Sequence[tuple[str, Sequence[float], int]],
    values: Any,
    legend: tuple[str, str, str] | None,
    sizes: Any,
    caps: Sequence[tuple[Any, ...]],
    row: int | None,
    selected: int | None,
    note: str = "",
    look: Sequence[float] | None = None,
    dark: bool | None,
    height: int,
    key: str,
    excerpts: str = "",
    subtopics: str = "",
    numbers: Sequence[int] = (),
    outlines: Sequence[tuple[str, Sequence[np.ndarray]]] = (),
) -> bytes:
    """Pack the message. Each array has a digest, so that the browser parses only what changed."""
    arrays = _arrays(xyz, rows, cluster, colors, values, sizes)
    header: dict[str, Any] = {
        "key": str(key),
        "height": int(height),
        "dark": None if dark is None else bool(dark),
        "row": None if row is None else int(row),
        "cluster": None if selected is None or not 0 <= selected < len(colors) else int(selected),
        "note": clean(note),
        "excerpts": str(excerpts),
        "subtopics": str(subtopics),
        "numbers": [int(number) for number in numbers],
        "outlines": [
            [color, [np.round(line, 3).reshape(-1).tolist() for line in lines]] for color, lines in outlines if lines
        ],
        "look": None if look is None else _direction(look),
        "colors": list(colors),
        "labels": [[clean(text), _direction(at), int(group)] for text, at, group in labels],
        "caps": [
            [_direction(cap[0]), float(np.clip(cap[1], 0.0, math.pi)), int(cap[2]) if len(cap) > 2 else k]
            for k, cap in enumerate(caps)
        ],
        "legend": None if legend is None else [clean(text, 40) for text in legend],
        "most": MOST_CORNERS,
    }
    body: list[bytes] = []
    offset = 0
    index: dict[str, list[Any]] = {}
    for name, (kind, array) in arrays.items():
        raw = array.tobytes()
        index[name] = [kind, offset, array.size, hashlib.blake2b(raw, digest_size=8).hexdigest()]
        raw += b"\0" * (-len(raw) % 4)
        body.append(raw)
        offset += len(raw)
    # offsets count from the start of the message, so the header's own length has to be known: it is padded to fit
    room = len(json.dumps({**header, "arrays": index})) + 16 * len(index) + 8
    start = 4 + room + (-room % 4)
    for entry in index.values():
        entry[1] += start
    text = json.dumps({**header, "arrays": index}).encode("ascii").ljust(start - 4)
    return len(text).to_bytes(4, "little") + text + b"".join(body)
