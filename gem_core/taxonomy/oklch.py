"""OKLCH, contrast and color-blind sight: `coloraide` for single colors, arrays for the search of a palette.

The palette search of `colors` converts some ten thousand colors for 24 clusters. Gamut mapping by `coloraide` takes
2.6 ms a color (half a minute together), so that the search works on arrays with the matrices of the same color space.
"""

import numpy as np
from coloraide import Color
from numpy.typing import ArrayLike

from gem_core._types import Float64

# Linear sRGB from OKLab: B. Ottosson, "A perceptual color space for image processing" (2020).
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
_LAB_FROM_LMS = np.linalg.inv(_LMS_FROM_LAB)
_LMS_FROM_RGB = np.linalg.inv(_RGB_FROM_LMS)
_LUMINANCE = np.array([0.2126, 0.7152, 0.0722])

#: Linear sRGB as dichromats see it: Machado, Oliveira, Fernandes, IEEE TVCG 15 (2009), severity 1.
DEUTERANOPE = np.array(
    [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
)
PROTANOPE = np.array(
    [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
)


def oklch_to_hex(lightness: float, chroma: float, hue: float) -> str:
    """Convert OKLCH to sRGB; chroma outside the gamut of sRGB is lowered at the same lightness and hue.

    Parameters
    ----------
    lightness : float
        0 (black) .. 1 (white).
    chroma : float
        0 (gray) .. about 0.3.
    hue : float
        Degrees; 29 red, 110 yellow, 142 green, 264 blue.

    Examples
    --------
    >>> oklch_to_hex(0.628, 0.2577, 29.23), oklch_to_hex(1.0, 0.0, 0.0), oklch_to_hex(0.5, 0.4, 142.5)
    ('#ff0000', '#ffffff', '#007a00')
    """
    color = Color("oklch", [lightness, chroma, hue]).convert("srgb")
    return str(color.fit(method="oklch-chroma", jnd=0.004).to_string(hex=True))


def hex_to_oklch(color: str) -> tuple[float, float, float]:
    """Convert "#rrggbb" to (lightness, chroma, hue in degrees); the hue of a gray is 0.

    Examples
    --------
    >>> [round(v, 2) for v in hex_to_oklch("#ff0000")]
    [0.63, 0.26, 29.23]
    """
    lightness, chroma, hue = Color(color).convert("oklch").coords(nans=False)
    return lightness, chroma, hue


def contrast(color: str, background: str) -> float:
    """WCAG contrast ratio of two colors, 1 .. 21.

    Examples
    --------
    >>> round(contrast("#000000", "#ffffff"), 2)
    21.0
    """
    return float(Color(color).contrast(background, method="wcag21"))


def color_distance(a: str, b: str) -> float:
    """Euclidean distance in OKLab; about 0.02 is just noticeable side by side.

    Examples
    --------
    >>> round(color_distance("#000000", "#ffffff"), 3)
    1.0
    """
    return float(Color(a).distance(b, space="oklab"))


def linear_rgb(color: str) -> Float64:
    """Linear sRGB (3,) of "#rrggbb"."""
    return np.asarray(Color(color).convert("srgb-linear").coords(), dtype=np.float64)


def luminance(rgb: Float64) -> Float64:
    """Relative luminance of linear sRGB (..., 3)."""
    return np.asarray(rgb @ _LUMINANCE)


def oklab(rgb: Float64) -> Float64:
    """OKLab of linear sRGB (..., 3)."""
    return np.asarray(np.cbrt(rgb @ _LMS_FROM_RGB.T) @ _LAB_FROM_LMS.T)


def hex_codes(rgb: Float64) -> list[str]:
    """Write linear sRGB (m, 3) in [0, 1] as "#rrggbb"."""
    return [str(Color("srgb-linear", [float(v) for v in row]).convert("srgb").to_string(hex=True)) for row in rgb]


def clip_to_gamut(lightness: ArrayLike, chroma: ArrayLike, hue: ArrayLike) -> Float64:
    """Linear sRGB (m, 3) in [0, 1] of OKLCH, with as much of the chroma as sRGB can hold."""
    bright, full, angle = np.broadcast_arrays(
        np.clip(np.asarray(lightness, dtype=np.float64), 0.0, 1.0),
        np.asarray(chroma, dtype=np.float64),
        np.radians(np.asarray(hue, dtype=np.float64)),
    )
    rgb = _rgb(bright, full, angle)
    low, high = np.zeros(full.shape), full.copy()
    low[_in_gamut(rgb)] = full[_in_gamut(rgb)]
    for _ in range(14):  # chroma to 2e-5: below one step of 8 bits
        middle = (low + high) / 2
        good = _in_gamut(_rgb(bright, middle, angle))
        low, high = np.where(good, middle, low), np.where(good, high, middle)
    return np.asarray(np.clip(_rgb(bright, low, angle), 0.0, 1.0))


def _rgb(lightness: Float64, chroma: Float64, angle: Float64) -> Float64:
    lab = np.stack((lightness, chroma * np.cos(angle), chroma * np.sin(angle)), axis=-1)
    return np.asarray((lab @ _LMS_FROM_LAB.T) ** 3 @ _RGB_FROM_LMS.T)


def _in_gamut(rgb: Float64) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    return np.asarray((rgb.min(axis=-1) >= -1e-4) & (rgb.max(axis=-1) <= 1 + 1e-4))
