"""Colors: conversions with published values, contrast in both themes, families, color-blind eyes, carrying over."""

from itertools import combinations, pairwise

import numpy as np
import pytest

from gem_core.errors import InputError
from gem_core.taxonomy import (
    build_tree,
    cluster_colors,
    color_distance,
    contrast,
    group_colors,
    hex_to_oklch,
    oklch_to_hex,
)
from gem_core.taxonomy.colors import _unused_color
from gem_core.taxonomy.oklch import DEUTERANOPE, PROTANOPE, hex_codes, linear_rgb
from gem_core.taxonomy.tree import Tree


def tree_of(k: int, seed: int = 0) -> Tree:
    rng = np.random.default_rng(seed)
    return build_tree(rng.standard_normal((k, 12)) + 0.5, [f"Word{i}" for i in range(k)])


def family_tree(sizes: list[int]) -> Tree:
    """A tree with the given families."""
    rng = np.random.default_rng(1)
    family = np.repeat(np.arange(len(sizes)), sizes)
    S = np.eye(len(sizes), 30)[family] + 0.05 * rng.standard_normal((len(family), 30))
    return build_tree(S, [f"Word{i}" for i in range(len(family))])


def hue_gap(a: float, b: float) -> float:
    return abs((a - b + 180) % 360 - 180)


@pytest.mark.parametrize(
    ("color", "expected"),  # OKLCH of the sRGB corners, CSS Color 4 (W3C), rounded
    [("#ff0000", (0.628, 0.2577, 29.23)), ("#00ff00", (0.8664, 0.2948, 142.5)), ("#0000ff", (0.452, 0.3132, 264.05))],
)
def test_oklch_of_the_corners(color: str, expected: tuple[float, float, float]) -> None:
    assert hex_to_oklch(color) == pytest.approx(expected, abs=6e-3)
    assert color_distance(oklch_to_hex(*expected), color) < 5e-3


def test_round_trip_inside_the_gamut() -> None:
    rng = np.random.default_rng(0)
    for rgb in rng.integers(0, 256, (300, 3)):
        color = "#" + "".join(f"{v:02x}" for v in rgb)
        assert color_distance(oklch_to_hex(*hex_to_oklch(color)), color) < 2e-3


def test_clipping_keeps_lightness_and_hue() -> None:
    for hue in range(0, 360, 20):
        lightness, chroma, angle = hex_to_oklch(oklch_to_hex(0.6, 0.4, hue))
        assert lightness == pytest.approx(0.6, abs=0.01)
        assert chroma < 0.35
        assert hue_gap(angle, hue) < 2


def test_contrast_by_hand() -> None:
    assert contrast("#ffffff", "#000000") == pytest.approx(21.0)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.005)  # the well-known gray that just fails 4.5


@pytest.mark.parametrize("k", [1, 2, 3, 4, 8, 24, 60, 200])
def test_every_color_stands_out_in_both_themes(k: int) -> None:
    colors = cluster_colors(tree_of(k))
    assert len(colors) == k
    assert len(set(colors)) == k
    for color in colors:
        assert contrast(color, "#ffffff") >= 3
        assert contrast(color, "#0b1220") >= 3
    assert colors == cluster_colors(tree_of(k))


def test_relatives_look_related() -> None:
    tree = family_tree([4, 5, 3, 4, 4])
    colors = cluster_colors(tree)
    hues = [hex_to_oklch(c)[2] for c in colors]
    assert [len(p.children) for p in tree.groups].count(4) == 3
    for group in tree.groups:
        inside = max(hue_gap(hues[a], hues[b]) for a, b in combinations(group.children, 2))
        outside = min(hue_gap(hues[a], hues[b]) for a in group.children for b in range(20) if b not in group.children)
        assert inside < 75
        assert outside > 10
        lightness = [hex_to_oklch(colors[c])[0] for c in group.children]
        assert max(lightness) - min(lightness) > 0.1


@pytest.mark.parametrize("sizes", [[1, 1], [1, 1, 1], [2, 2], [2, 2, 2], [3, 2, 2, 1]])
def test_few_clusters_are_told_apart_by_color_blind_eyes(sizes: list[int]) -> None:
    colors = cluster_colors(family_tree(sizes))
    for sight in (DEUTERANOPE, PROTANOPE):
        simulated = [hex_codes(np.clip(sight @ linear_rgb(c), 0, 1)[None])[0] for c in colors]
        # Two to three times what is just noticeable side by side.
        assert min(color_distance(a, b) for a, b in combinations(simulated, 2)) > 0.055


def test_two_families_do_not_take_the_whole_wheel() -> None:
    tree = family_tree([2, 2])
    hues = [hex_to_oklch(c)[2] for c in cluster_colors(tree)]
    assert all(hue_gap(hues[p.children[0]], hues[p.children[1]]) < 40 for p in tree.groups)


def test_a_huge_family_has_no_two_equal_colors() -> None:
    colors = cluster_colors(family_tree([380, 20, 20]))
    assert len(set(colors)) == 420
    choice = np.array([0.5, 0.1, 200.0])
    used: list[str] = []
    for _ in range(20):  # one choice again and again
        used.append(_unused_color(choice, used))
    assert len(set(used)) == 20


def test_neighbours_in_a_large_family_differ() -> None:
    tree = family_tree([12, 4, 4, 4])
    colors = cluster_colors(tree)
    for a, b in pairwise(tree.order.tolist()):
        assert color_distance(colors[a], colors[b]) > 0.045


def test_kept_colors_stay_and_the_rest_keep_clear_of_them() -> None:
    tree = tree_of(12)
    first = cluster_colors(tree)
    keep = [*first[:6], None, *first[7:]]
    second = cluster_colors(tree, keep=keep)
    assert [c for i, c in enumerate(second) if i != 6] == [c for i, c in enumerate(first) if i != 6]
    assert min(color_distance(second[6], c) for i, c in enumerate(second) if i != 6) > 0.04
    assert cluster_colors(tree, keep=first) == first
    grown = cluster_colors(tree_of(24), keep=first)
    assert grown[:12] == first
    assert len(set(grown)) == 24
    assert all(min(contrast(c, "#ffffff"), contrast(c, "#0b1220")) >= 3 for c in grown)


def test_kept_color_of_a_sibling_draws_the_newcomer() -> None:
    tree = family_tree([4, 4, 4])
    family = tree.groups[0].children
    keep: list[str | None] = [None] * 12
    for child, color in zip(family[:3], ("#b3446c", "#d6568a", "#a33b7a"), strict=True):
        keep[child] = color
    colors = cluster_colors(tree, keep=keep)
    assert hue_gap(hex_to_oklch(colors[family[3]])[2], hex_to_oklch("#b3446c")[2]) < 60


def test_no_turn_of_the_wheel_without_colors_to_compare() -> None:
    assert cluster_colors(tree_of(1), keep=("#AA3377",)) == ("#aa3377",)


def test_bad_keep_is_refused() -> None:
    with pytest.raises(
        InputError, match=r'keep must hold colors as "#rrggbb" or None; got \'red\' at cluster 0. Convert it.'
    ):
        cluster_colors(tree_of(2), keep=("red",))
    with pytest.raises(InputError, match=r"keep must hold at most one color a cluster \(2\); got 3."):
        cluster_colors(tree_of(2), keep=(None, None, None))


def test_group_color_lies_between_its_children() -> None:
    tree = family_tree([3, 3, 2])
    colors = cluster_colors(tree)
    for group, color in zip(tree.groups, group_colors(tree, colors), strict=True):
        spread = max(color_distance(colors[a], colors[b]) for a in group.children for b in group.children)
        assert all(color_distance(color, colors[c]) <= spread for c in group.children)
