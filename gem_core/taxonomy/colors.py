"""Colours of clusters: a parent owns an arc of the OKLCH hue wheel, its children vary in lightness."""

import math
import re
from collections.abc import Sequence

import numpy as np

from gem_core._types import Float64
from gem_core.errors import InputError
from gem_core.taxonomy.oklch import (
    DEUTERANOPE,
    PROTANOPE,
    clipped,
    hex_of,
    hex_to_oklch,
    linear_rgb,
    luminance,
    oklab,
    oklch_to_hex,
)
from gem_core.taxonomy.tree import Tree

#: Backgrounds of the light and the dark theme.
LIGHT, DARK = "#ffffff", "#0b1220"
#: Least contrast to both backgrounds (WCAG 2.2, 1.4.11: graphical objects).
CONTRAST = 3.0

_START = 262.0  # hue in degrees of the first start tried: blue
_STARTS = 36
_GAP = 0.3  # part of an arc left empty before the next
_SPREAD = 34.0  # widest arc, degrees for two children, growing with the number of children
_CHROMA = (0.16, 0.11)  # full and muted; clipped to what the screen can show
_HEX = re.compile(r"#[0-9a-fA-F]{6}")


def cluster_colours(tree: Tree, *, keep: Sequence[str | None] = ()) -> tuple[str, ...]:
    """Colour the clusters of a tree so that related clusters look related.

    A parent owns an arc of the hue wheel, wider for more children (by the square root of their number), with a gap to
    the next parent. Its children move through the arc in leaf order and step through levels of luminance, so that
    neighbours differ in lightness too. Of 36 turns of the wheel (12 above 24 clusters) the one is taken at which the
    two most similar colours, as seen by normal, red-blind and green-blind eyes, are least similar. Every colour has a
    contrast of at least 3:1 to white and to the dark background #0b1220, and no two are equal. Above about ten clusters
    colour alone does not tell which cluster a point belongs to: show a label too.

    Parameters
    ----------
    tree : Tree
        From `build_tree`.
    keep : sequence of at most K "#rrggbb" or None
        Colours that stay, carried over by `match_clusters`. A cluster with None gets the colour in the arc of its
        parent (moved to the kept hues of its siblings where there are any) that is farthest from all colours in use.

    Returns
    -------
    tuple of K "#rrggbb"

    Raises
    ------
    InputError
        When a kept colour is not written "#rrggbb" or there are more of them than clusters.

    Examples
    --------
    >>> import numpy as np
    >>> from gem_core.taxonomy.tree import build_tree
    >>> tree = build_tree(np.eye(3), ["A", "B", "C"])
    >>> colours = cluster_colours(tree)
    >>> cluster_colours(tree, keep=(None, "#aa3377", None))[1]
    '#aa3377'
    >>> from gem_core.taxonomy.oklch import contrast
    >>> min(contrast(c, ground) for c in colours for ground in ("#ffffff", "#0b1220")) >= 3
    True
    """
    n_clusters = len(tree.parent_of)
    if len(keep) > n_clusters:
        came = f"{len(keep)}"
        raise InputError(
            f"keep must hold at most one colour a cluster ({n_clusters})", came, "Match the clusters first"
        )
    for index, colour in enumerate(keep):
        if colour is not None and not _HEX.fullmatch(colour):
            came = f"{colour!r} at cluster {index}"
            raise InputError('keep must hold colours as "#rrggbb" or None', came, "Convert it")
    colours = [(colour or "").lower() for colour in keep] + [""] * (n_clusters - len(keep))
    arcs = _arcs([len(parent.children) for parent in tree.parents])
    if any(colours):
        for parent, (center, width) in zip(tree.parents, arcs, strict=True):
            _fill_gaps(parent.children, colours, center, width)
        return tuple(colours)
    choices = np.empty((n_clusters, 3))
    for number, (parent, (center, width)) in enumerate(zip(tree.parents, arcs, strict=True)):
        choices[list(parent.children)] = _steps(len(parent.children), number, center, width)
    choices = _turned(choices)
    for cluster, colour in enumerate(hex_of(_shades(choices))):
        colours[cluster] = colour if colour not in colours else _free(choices[cluster], colours)
    return tuple(colours)


def parent_colours(tree: Tree, colours: Sequence[str]) -> tuple[str, ...]:
    """Colour each parent by the mean of its children in OKLab.

    Examples
    --------
    >>> import numpy as np
    >>> from gem_core.taxonomy.tree import build_tree
    >>> parent_colours(build_tree(np.eye(2), ["A", "B"]), ["#336699", "#993333"])
    ('#336699', '#993333')
    """
    means = []
    for parent in tree.parents:
        lightness, a, b = np.mean([oklab(linear_rgb(colours[k])) for k in parent.children], axis=0)
        means.append(oklch_to_hex(float(lightness), math.hypot(a, b), math.degrees(math.atan2(b, a))))
    return tuple(means)


def _arcs(children: list[int]) -> list[tuple[float, float]]:
    """Centre and width in degrees of each parent's arc."""
    shares = np.sqrt(np.array(children, dtype=np.float64))
    whole = 360.0 * shares / shares.sum()
    starts = _START + np.concatenate(([0.0], np.cumsum(whole)[:-1])) - whole[0] / 2
    # Few parents leave wide arcs, but siblings should look like siblings.
    widest = _SPREAD * np.maximum(np.array(children) - 1, 1) ** 0.7
    return [
        (float(start + part / 2), float(min(part * (1 - _GAP), most)))
        for start, part, most in zip(starts, whole, widest, strict=True)
    ]


def _steps(count: int, number: int, center: float, width: float) -> Float64:
    """Return rows (level of luminance 0..1, chroma, hue) for the children of parent `number`."""
    if count == 1:  # lone children of neighbouring parents are told apart by lightness
        return np.array([((0.9, 0.1, 0.5)[number % 3], _CHROMA[0], center)])
    levels = min(count, 5 if count <= 10 else 7)
    stride = 1 if count <= 4 else (2 if levels == 5 else 3)  # neighbours never stand on neighbouring levels
    j = np.arange(count)
    level = ((j * stride) % levels) / (levels - 1)
    # A muted second round keeps large families apart.
    chroma = np.array(_CHROMA)[(j // levels) % 2]
    return np.stack((1 - level if number % 2 else level, chroma, center + width * (j / (count - 1) - 0.5)), axis=1)


def _turned(choices: Float64) -> Float64:
    """Turn all hues together to where the closest pair of colours is farthest apart for every kind of eye."""
    if len(choices) < 2:
        return choices
    best, best_gap = choices, -1.0
    turns = _STARTS if len(choices) <= 24 else _STARTS // 3  # with many colours one turn is much like another
    for turn in range(turns):
        turned = choices.copy()
        turned[:, 2] += 360.0 / turns * turn
        rgb = _shades(turned)
        gap = 1.0
        for sight in (np.eye(3), DEUTERANOPE, PROTANOPE):
            labs = oklab(np.clip(rgb @ sight.T, 0.0, 1.0))
            squares = (labs**2).sum(axis=1)
            table = squares[:, None] + squares[None, :] - 2 * labs @ labs.T
            np.fill_diagonal(table, np.inf)
            gap = min(gap, math.sqrt(max(float(table.min()), 0.0)))
        if gap > best_gap + 1e-9:
            best, best_gap = turned, gap
    return best


def _fill_gaps(children: Sequence[int], colours: list[str], center: float, width: float) -> None:
    """Give the children without a colour those farthest from all in use."""
    siblings = [hex_to_oklch(colours[k])[2] for k in children if colours[k]]
    if siblings:
        turn = sum(complex(math.cos(math.radians(h)), math.sin(math.radians(h))) for h in siblings)
        center = math.degrees(math.atan2(turn.imag, turn.real)) if abs(turn) > 1e-9 else center
    hues = np.linspace(center - width / 2, center + width / 2, 7)
    choices = np.array([(v, c, h) for c in _CHROMA for v in np.linspace(0, 1, 5) for h in hues])
    labs = oklab(_shades(choices))
    for cluster in children:
        if not colours[cluster]:
            used = np.array([oklab(linear_rgb(c)) for c in colours if c])
            gaps = np.linalg.norm(labs[:, None, :] - used[None, :, :], axis=2).min(axis=1)
            colours[cluster] = _free(choices[int(gaps.argmax())], colours)


def _free(choice: Float64, colours: Sequence[str]) -> str:
    """Colour of a choice, its hue moved by half degrees, left and right, until nobody has it."""
    colour = hex_of(_shades(choice[None]))[0]
    step = 0
    while colour in colours:
        step += 1
        moved = choice.copy()
        moved[2] += 0.5 * ((step + 1) // 2) * (-1) ** step
        colour = hex_of(_shades(moved[None]))[0]
    return colour


def _shades(choices: Float64) -> Float64:
    """Linear sRGB (m, 3) whose lightness lies at the level (0..1) between the luminances that both themes allow."""
    # A little room for rounding to 8 bits.
    low = CONTRAST * (float(luminance(linear_rgb(DARK))) + 0.05) - 0.05 + 0.004
    high = (float(luminance(linear_rgb(LIGHT))) + 0.05) / CONTRAST - 0.05 - 0.004
    # Equal steps of the cube root look equal, as in OKLab's own lightness.
    target = (low ** (1 / 3) + choices[:, 0] * (high ** (1 / 3) - low ** (1 / 3))) ** 3
    bottom, top = np.zeros(len(choices)), np.ones(len(choices))
    for _ in range(16):
        middle = (bottom + top) / 2
        dark = luminance(clipped(middle, choices[:, 1], choices[:, 2])) < target
        bottom, top = np.where(dark, middle, bottom), np.where(dark, top, middle)
    return clipped(top, choices[:, 1], choices[:, 2])
