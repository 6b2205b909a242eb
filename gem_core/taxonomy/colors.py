"""Colors of clusters: a group owns an arc of the OKLCH hue wheel, its children vary in lightness."""

import math
import re
from collections.abc import Sequence

import numpy as np

from gem_core._types import Float64
from gem_core.errors import InputError
from gem_core.taxonomy.oklch import (
    DEUTERANOPE,
    PROTANOPE,
    clip_to_gamut,
    hex_codes,
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
_CHROMA = (0.16, 0.11)  # full and muted; clip_to_gamut to what the screen can show
_HEX = re.compile(r"#[0-9a-fA-F]{6}")


def cluster_colors(tree: Tree, *, keep: Sequence[str | None] = ()) -> tuple[str, ...]:
    """Color the clusters of a tree so that related clusters look related.

    A group owns an arc of the hue wheel, wider for more children (by the square root of their number), with a gap to
    the next group. Its children move through the arc in leaf order and step through levels of luminance, so that
    neighbors differ in lightness too. Of 36 turns of the wheel (12 above 24 clusters) the one is taken at which the
    two most similar colors, as seen by normal, red-blind and green-blind eyes, are least similar. Every color has a
    contrast of at least 3:1 to white and to the dark background #0b1220, and no two are equal. Above about ten clusters
    color alone does not tell which cluster a point belongs to: show a label too.

    Parameters
    ----------
    tree : Tree
        From `build_tree`.
    keep : sequence of at most K "#rrggbb" or None
        Colors that stay, carried over by `match_clusters`. A cluster with None gets the color in the arc of its
        group (moved to the kept hues of its siblings where there are any) that is farthest from all colors in use.

    Returns
    -------
    tuple of K "#rrggbb"

    Raises
    ------
    InputError
        When a kept color is not written "#rrggbb" or there are more of them than clusters.

    Examples
    --------
    >>> import numpy as np
    >>> from gem_core.taxonomy.tree import build_tree
    >>> tree = build_tree(np.eye(3), ["A", "B", "C"])
    >>> colors = cluster_colors(tree)
    >>> cluster_colors(tree, keep=(None, "#aa3377", None))[1]
    '#aa3377'
    >>> from gem_core.taxonomy.oklch import contrast
    >>> min(contrast(c, ground) for c in colors for ground in ("#ffffff", "#0b1220")) >= 3
    True
    """
    n_clusters = len(tree.group_of)
    if len(keep) > n_clusters:
        got = f"{len(keep)}"
        raise InputError(f"keep must hold at most one color a cluster ({n_clusters})", got, "Match the clusters first")
    for index, color in enumerate(keep):
        if color is not None and not _HEX.fullmatch(color):
            got = f"{color!r} at cluster {index}"
            raise InputError('keep must hold colors as "#rrggbb" or None', got, "Convert it")
    colors = [(color or "").lower() for color in keep] + [""] * (n_clusters - len(keep))
    arcs = _arcs([len(group.children) for group in tree.groups])
    if any(colors):
        for group, (center, width) in zip(tree.groups, arcs, strict=True):
            _fill_gaps(group.children, colors, center, width)
        return tuple(colors)
    choices = np.empty((n_clusters, 3))
    for number, (group, (center, width)) in enumerate(zip(tree.groups, arcs, strict=True)):
        choices[list(group.children)] = _family_choices(len(group.children), number, center, width)
    choices = _best_rotation(choices)
    for cluster, color in enumerate(hex_codes(_contrasting_rgb(choices))):
        colors[cluster] = color if color not in colors else _unused_color(choices[cluster], colors)
    return tuple(colors)


def group_colors(tree: Tree, colors: Sequence[str]) -> tuple[str, ...]:
    """Color each group by the mean of its children in OKLab.

    Examples
    --------
    >>> import numpy as np
    >>> from gem_core.taxonomy.tree import build_tree
    >>> group_colors(build_tree(np.eye(2), ["A", "B"]), ["#336699", "#993333"])
    ('#336699', '#993333')
    """
    means = []
    for group in tree.groups:
        lightness, a, b = np.mean([oklab(linear_rgb(colors[k])) for k in group.children], axis=0)
        means.append(oklch_to_hex(float(lightness), math.hypot(a, b), math.degrees(math.atan2(b, a))))
    return tuple(means)


def _arcs(children: list[int]) -> list[tuple[float, float]]:
    """Center and width in degrees of each group's arc."""
    shares = np.sqrt(np.array(children, dtype=np.float64))
    whole = 360.0 * shares / shares.sum()
    starts = _START + np.concatenate(([0.0], np.cumsum(whole)[:-1])) - whole[0] / 2
    # Few groups leave wide arcs, but siblings should look like siblings.
    widest = _SPREAD * np.maximum(np.array(children) - 1, 1) ** 0.7
    return [
        (float(start + part / 2), float(min(part * (1 - _GAP), most)))
        for start, part, most in zip(starts, whole, widest, strict=True)
    ]


def _family_choices(count: int, number: int, center: float, width: float) -> Float64:
    """Return rows (level of luminance 0..1, chroma, hue) for the children of group `number`."""
    if count == 1:  # lone children of neighboring groups are told apart by lightness
        return np.array([((0.9, 0.1, 0.5)[number % 3], _CHROMA[0], center)])
    levels = min(count, 5 if count <= 10 else 7)
    stride = 1 if count <= 4 else (2 if levels == 5 else 3)  # neighbors never stand on neighboring levels
    j = np.arange(count)
    level = ((j * stride) % levels) / (levels - 1)
    # A muted second round keeps large families apart.
    chroma = np.array(_CHROMA)[(j // levels) % 2]
    return np.stack((1 - level if number % 2 else level, chroma, center + width * (j / (count - 1) - 0.5)), axis=1)


def _best_rotation(choices: Float64) -> Float64:
    """Turn all hues together to where the closest pair of colors is farthest apart for every kind of eye."""
    if len(choices) < 2:
        return choices
    best, best_gap = choices, -1.0
    turns = _STARTS if len(choices) <= 24 else _STARTS // 3  # with many colors one turn is much like another
    all_turns = np.repeat(choices[None], turns, axis=0)
    all_turns[:, :, 2] += 360.0 / turns * np.arange(turns)[:, None]
    all_rgb = _contrasting_rgb(all_turns.reshape(-1, 3)).reshape(all_turns.shape)
    for turned, rgb in zip(all_turns, all_rgb, strict=True):
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


def _fill_gaps(children: Sequence[int], colors: list[str], center: float, width: float) -> None:
    """Give the children without a color those farthest from all in use."""
    if all(colors[k] for k in children):
        return
    siblings = [hex_to_oklch(colors[k])[2] for k in children if colors[k]]
    if siblings:
        turn = sum(complex(math.cos(math.radians(h)), math.sin(math.radians(h))) for h in siblings)
        center = math.degrees(math.atan2(turn.imag, turn.real)) if abs(turn) > 1e-9 else center
    hues = np.linspace(center - width / 2, center + width / 2, 7)
    choices = np.array([(v, c, h) for c in _CHROMA for v in np.linspace(0, 1, 5) for h in hues])
    labs = oklab(_contrasting_rgb(choices))
    for cluster in children:
        if not colors[cluster]:
            used = np.array([oklab(linear_rgb(c)) for c in colors if c])
            gaps = np.linalg.norm(labs[:, None, :] - used[None, :, :], axis=2).min(axis=1)
            colors[cluster] = _unused_color(choices[int(gaps.argmax())], colors)


def _unused_color(choice: Float64, colors: Sequence[str]) -> str:
    """Color of a choice, its hue moved by half degrees, left and right, until no cluster has it."""
    color = hex_codes(_contrasting_rgb(choice[None]))[0]
    step = 0
    while color in colors:
        step += 1
        candidate = choice.copy()
        candidate[2] += 0.5 * ((step + 1) // 2) * (-1) ** step
        color = hex_codes(_contrasting_rgb(candidate[None]))[0]
    return color


def _contrasting_rgb(choices: Float64) -> Float64:
    """Linear sRGB (m, 3) whose lightness lies at the level (0..1) between the luminances that both themes allow."""
    # A little room for rounding to 8 bits.
    low = CONTRAST * (float(luminance(linear_rgb(DARK))) + 0.05) - 0.05 + 0.004
    high = (float(luminance(linear_rgb(LIGHT))) + 0.05) / CONTRAST - 0.05 - 0.004
    # Equal steps of the cube root look equal, as in OKLab's own lightness.
    target = (low ** (1 / 3) + choices[:, 0] * (high ** (1 / 3) - low ** (1 / 3))) ** 3
    bottom, top = np.zeros(len(choices)), np.ones(len(choices))
    for _ in range(16):
        middle = (bottom + top) / 2
        dark = luminance(clip_to_gamut(middle, choices[:, 1], choices[:, 2])) < target
        bottom, top = np.where(dark, middle, bottom), np.where(dark, top, middle)
    return clip_to_gamut(top, choices[:, 1], choices[:, 2])
