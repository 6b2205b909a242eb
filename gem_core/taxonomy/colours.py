"""Colours of clusters: a parent owns an arc of the OKLCH hue wheel, its children vary in lightness."""

import math
import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from gem_core._types import Float64
from gem_core.errors import InputError
from gem_core.taxonomy.tree import Tree

#: Backgrounds of the light and the dark theme.
LIGHT, DARK = "#ffffff", "#0b1220"
#: Least contrast to both backgrounds (WCAG 2.2, 1.4.11: graphical objects).
CONTRAST = 3.0

_START = 262.0  # hue in degrees of the first arc: blue
_GAP = 0.3  # part of an arc left empty before the next
_CHROMA = (0.16, 0.11)  # full and muted; clipped to what the screen can show
_HEX = re.compile(r"#[0-9a-fA-F]{6}")

# Linear sRGB from OKLab and back: B. Ottosson, "A perceptual color space for image processing" (2020).
_LMS_FROM_LAB = np.array(
    [[1.0, 0.3963377774, 0.2158037573], [1.0, -0.1055613458, -0.0638541728], [1.0, -0.0894841775, -1.2914855480]]
)
_RGB_FROM_LMS = np.array(
    [
        [4.0767416621, -3.3077115913, 0.2309699292],
        [-1.2684380046, 2.6097574011, -0.3413193965],
        [-0.0041960863, -0.7034186147, 1.7076147010],
    ]
)
_LUMINANCE = np.array([0.2126, 0.7152, 0.0722])


def oklch_to_hex(lightness: float, chroma: float, hue: float) -> str:
    """Convert OKLCH to sRGB; chroma that the screen cannot show is lowered at the same lightness and hue.

    Parameters
    ----------
    lightness : float
        0 (black) .. 1 (white).
    chroma : float
        0 (grey) .. about 0.3.
    hue : float
        Degrees; 29 red, 110 yellow, 142 green, 264 blue.

    Examples
    --------
    >>> oklch_to_hex(0.628, 0.2577, 29.23), oklch_to_hex(1.0, 0.0, 0.0), oklch_to_hex(0.5, 0.4, 142.5)
    ('#ff0000', '#ffffff', '#007900')
    """
    return _hex(_clipped(lightness, chroma, hue))


def hex_to_oklch(colour: str) -> tuple[float, float, float]:
    """Convert "#rrggbb" to (lightness, chroma, hue in degrees).

    Examples
    --------
    >>> [round(v, 2) for v in hex_to_oklch("#ff0000")]
    [0.63, 0.26, 29.23]
    """
    lightness, a, b = _lab(colour)
    return float(lightness), math.hypot(a, b), math.degrees(math.atan2(b, a)) % 360.0


def contrast(colour: str, background: str) -> float:
    """WCAG contrast ratio of two colours, 1 .. 21.

    Examples
    --------
    >>> round(contrast("#000000", "#ffffff"), 2)
    21.0
    """
    bright, dark = sorted((float(_LUMINANCE @ _linear(colour)), float(_LUMINANCE @ _linear(background))), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def colour_distance(a: str, b: str) -> float:
    """Euclidean distance in OKLab; about 0.02 is just noticeable side by side.

    Examples
    --------
    >>> round(colour_distance("#000000", "#ffffff"), 3)
    1.0
    """
    return float(np.linalg.norm(_lab(a) - _lab(b)))


def cluster_colours(tree: Tree, *, keep: Sequence[str | None] = ()) -> tuple[str, ...]:
    """Colour the clusters of a tree so that related clusters look related.

    A parent owns an arc of the hue wheel, wider for more children (by the square root of their number) with a gap to
    the next parent. Its children move through the arc in leaf order and step through levels of luminance, so that
    neighbours differ in lightness too: that is what remains for colour-blind eyes. Every colour has a contrast of at
    least 3:1 to white and to the dark background #0b1220, and no two are equal. Above about ten clusters colour alone
    does not tell which cluster a point belongs to: show a label too.

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
    >>> min(contrast(c, ground) for c in colours for ground in ("#ffffff", "#0b1220")) >= 3
    True
    """
    n_clusters = len(tree.parent_of)
    kept = [*keep, *([None] * (n_clusters - len(keep)))]
    if len(kept) > n_clusters:
        raise InputError(
            f"keep must hold at most one colour a cluster ({n_clusters})", f"{len(kept)}", "Match the clusters first"
        )
    for index, colour in enumerate(kept):
        if colour is not None and not _HEX.fullmatch(colour):
            raise InputError(
                'keep must hold colours as "#rrggbb" or None', f"{colour!r} at cluster {index}", "Convert it"
            )
    colours = [colour.lower() if colour is not None else "" for colour in kept]
    arcs = _arcs([len(parent.children) for parent in tree.parents])
    carried = any(colours)
    for number, (parent, (center, width)) in enumerate(zip(tree.parents, arcs, strict=True)):
        if carried:
            _fill_gaps(parent.children, colours, center, width)
            continue
        for cluster, choice in zip(parent.children, _steps(len(parent.children), number, center, width), strict=True):
            colours[cluster] = _free(choice, colours)
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
        lightness, a, b = np.mean([_lab(colours[k]) for k in parent.children], axis=0)
        means.append(oklch_to_hex(float(lightness), math.hypot(a, b), math.degrees(math.atan2(b, a))))
    return tuple(means)


def _arcs(children: list[int]) -> list[tuple[float, float]]:
    """Centre and width in degrees of each parent's arc."""
    shares = np.sqrt(np.array(children, dtype=np.float64))
    whole = 360.0 * shares / shares.sum()
    starts = _START + np.concatenate(([0.0], np.cumsum(whole)[:-1])) - whole[0] / 2
    return [(float(s + w / 2), float(w * (1 - _GAP))) for s, w in zip(starts, whole, strict=True)]


def _steps(count: int, number: int, center: float, width: float) -> list[tuple[float, float, float]]:
    """Return (level of luminance 0..1, chroma, hue) of each child of parent `number`."""
    if count == 1:  # lone children of neighbouring parents are told apart by lightness
        return [((0.85, 0.15, 0.5)[number % 3], _CHROMA[0], center)]
    levels = min(count, 5 if count <= 10 else 7)
    stride = 1 if count <= 4 else (2 if levels == 5 else 3)  # neighbours never stand on neighbouring levels
    chosen = []
    for j in range(count):
        level = ((j * stride) % levels) / (levels - 1)
        # A muted second round keeps large families apart.
        chroma = _CHROMA[(j // levels) % 2]
        chosen.append((1 - level if number % 2 else level, chroma, center + width * (j / (count - 1) - 0.5)))
    return chosen


def _fill_gaps(children: Sequence[int], colours: list[str], center: float, width: float) -> None:
    """Give the children without a colour those farthest from all in use."""
    siblings = [hex_to_oklch(colours[k])[2] for k in children if colours[k]]
    if siblings:
        turn = sum(complex(math.cos(math.radians(h)), math.sin(math.radians(h))) for h in siblings)
        center = math.degrees(math.atan2(turn.imag, turn.real)) if abs(turn) > 1e-9 else center
    hues = np.linspace(center - width / 2, center + width / 2, 7)
    choices = [(level, chroma, float(hue)) for chroma in _CHROMA for level in np.linspace(0, 1, 5) for hue in hues]
    for cluster in children:
        if colours[cluster]:
            continue
        used = np.array([_lab(c) for c in colours if c]).reshape(-1, 3)
        labs = np.array([_lab(_shade(*choice)) for choice in choices])
        gaps = np.linalg.norm(labs[:, None, :] - used[None, :, :], axis=2).min(axis=1)
        colours[cluster] = _free(choices[int(gaps.argmax())], colours)


def _free(choice: tuple[float, float, float], colours: list[str]) -> str:
    """Colour of a choice, its hue moved by half degrees until nobody has it."""
    level, chroma, hue = choice
    for step in range(720):
        colour = _shade(level, chroma, hue + 0.5 * ((step + 1) // 2) * (-1) ** step)
        if colour not in colours:
            break
    return colour


def _bounds() -> tuple[float, float]:
    """Luminances between which a colour stands out from both backgrounds, with room for rounding to 8 bits."""
    low = CONTRAST * (float(_LUMINANCE @ _linear(DARK)) + 0.05) - 0.05
    high = (float(_LUMINANCE @ _linear(LIGHT)) + 0.05) / CONTRAST - 0.05
    return low + 0.004, high - 0.004


def _shade(level: float, chroma: float, hue: float) -> str:
    """Colour whose lightness lies at `level` (0..1) between the bounds of luminance."""
    low, high = _bounds()
    # Equal steps of the cube root look equal, as in OKLab's own lightness.
    target = (low ** (1 / 3) + level * (high ** (1 / 3) - low ** (1 / 3))) ** 3
    bottom, top = 0.0, 1.0
    for _ in range(24):
        middle = (bottom + top) / 2
        if float(_LUMINANCE @ _clipped(middle, chroma, hue)) < target:
            bottom = middle
        else:
            top = middle
    return _hex(_clipped(top, chroma, hue))


def _rgb(lightness: float, chroma: float, hue: float) -> Float64:
    angle = math.radians(hue)
    lms = _LMS_FROM_LAB @ np.array([lightness, chroma * math.cos(angle), chroma * math.sin(angle)])
    return np.asarray(_RGB_FROM_LMS @ lms**3)


def _clipped(lightness: float, chroma: float, hue: float) -> Float64:
    """Linear sRGB in [0, 1] with as much of the chroma as fits."""
    lightness = min(max(lightness, 0.0), 1.0)
    rgb = _rgb(lightness, chroma, hue)
    if rgb.min() < -1e-4 or rgb.max() > 1 + 1e-4:
        low, high = 0.0, chroma
        for _ in range(20):
            middle = (low + high) / 2
            trial = _rgb(lightness, middle, hue)
            low, high = (middle, high) if trial.min() >= -1e-4 and trial.max() <= 1 + 1e-4 else (low, middle)
        rgb = _rgb(lightness, low, hue)
    return np.asarray(np.clip(rgb, 0.0, 1.0))


def _hex(rgb: Float64) -> str:
    screen = np.where(rgb <= 0.0031308, 12.92 * rgb, 1.055 * np.maximum(rgb, 0.0031308) ** (1 / 2.4) - 0.055)
    values: NDArray[np.int64] = np.rint(255 * screen).astype(np.int64)
    return "#" + "".join(f"{int(v):02x}" for v in values)


def _linear(colour: str) -> Float64:
    screen = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255.0
    return np.asarray(np.where(screen <= 0.04045, screen / 12.92, ((screen + 0.055) / 1.055) ** 2.4))


def _lab(colour: str) -> Float64:
    lms = np.cbrt(np.linalg.solve(_RGB_FROM_LMS, _linear(colour)))
    return np.asarray(np.linalg.solve(_LMS_FROM_LAB, lms))
