"""The globe's pure geometry, run in a real browser and held against numpy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gem_core.export.globe_modules import SHARED_MODULES

GEOMETRY = SHARED_MODULES[0].read_text(encoding="utf-8")

pytestmark = pytest.mark.browser


@pytest.fixture
def calculate(browser_page: Any) -> Any:
    """Runs a JavaScript body in Chromium with the geometry module as g and the argument as x."""
    page = browser_page("about:blank", streamlit=False)

    def run(body: str, x: Any = None) -> Any:
        code = (
            "async ([source, x]) => { const g = await import(URL.createObjectURL("
            "new Blob([source], {type: 'text/javascript'})));" + body + "}"
        )
        return page.evaluate(code, [GEOMETRY, x])

    return run


def directions(n: int, seed: int = 0) -> np.ndarray:
    x = np.random.default_rng(seed).normal(size=(n, 3))
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def test_unprojection_undoes_projection(calculate: Any) -> None:
    points = directions(500)
    got = calculate(
        """const n = x.length / 3, m = g.matrixOf(g.quatNormalize([0.3, -0.5, 0.7, 0.2]));
        const sx = new Float32Array(n), sy = new Float32Array(n), sz = new Float32Array(n);
        g.project(x, n, m, 320, 240, 200, sx, sy, sz);
        return Array.from(sz, (z, i) => z > 0.05 ? g.unproject(sx[i], sy[i], m, 320, 240, 200) : null);""",
        points.ravel().tolist(),
    )
    front = [i for i, v in enumerate(got) if v is not None]
    assert len(front) > 200
    assert np.abs(np.array([got[i] for i in front]) - points[front]).max() < 1e-5
    assert calculate("return g.unproject(600, 240, g.matrixOf([1, 0, 0, 0]), 320, 240, 200)") is None


def test_rotation_stays_orthonormal_after_ten_thousand_turns(calculate: Any) -> None:
    m = calculate(
        """let q = [1, 0, 0, 0], s = 1;
        for (let i = 0; i < 10000; i++) {
          s = (s * 16807) % 2147483647;
          q = g.turned(q, (s % 41) - 20, ((s >> 8) % 41) - 20, 280);
          if (i % 7 === 0) q = g.spun(q, 0.01);
        }
        return g.matrixOf(q);"""
    )
    m = np.array(m).reshape(3, 3)
    assert np.abs(m @ m.T - np.eye(3)).max() < 1e-12
    assert np.linalg.det(m) == pytest.approx(1, abs=1e-12)


def test_the_surface_follows_the_pointer(calculate: Any) -> None:
    x, y, z = calculate("return g.rotate(g.matrixOf(g.turned([1, 0, 0, 0], 20, 10, 200)), [0, 0, 1])")
    assert x == pytest.approx(0.1, abs=2e-3)
    assert y == pytest.approx(-0.05, abs=2e-3)  # y points up, the drag went down
    assert z > 0.99


def test_quaternion_and_matrix_agree(calculate: Any) -> None:
    q = np.random.default_rng(1).normal(size=(200, 4))
    q[:3] = [[0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]  # half turns: the branches of quatOf
    q /= np.linalg.norm(q, axis=1, keepdims=True)
    back = np.array(calculate("return x.map((q) => g.quatOf(g.matrixOf(q)))", q.tolist()))
    assert np.abs(np.abs((back * q).sum(1)) - 1).max() < 1e-12  # q and -q are one rotation


def test_facing_brings_a_direction_to_the_front_with_north_up(calculate: Any) -> None:
    points = np.vstack([directions(50), [[0, 0, 1], [0, 0, -1]]])
    for m, v in zip(calculate("return x.map((v) => g.matrixOf(g.facing(v)))", points.tolist()), points, strict=True):
        m = np.array(m).reshape(3, 3)
        assert m @ v == pytest.approx([0, 0, 1], abs=1e-9)
        north = m @ [0, 0, 1]
        assert north[0] == pytest.approx(0, abs=1e-9)
        assert north[1] > -1e-9


def test_picking_equals_brute_force(calculate: Any) -> None:
    rng = np.random.default_rng(2)
    position, depth = rng.uniform(0, 400, size=(3000, 2)), rng.uniform(-1, 1, 3000)
    queries = rng.uniform(-20, 420, size=(300, 2))
    got = calculate(
        "return x.asked.map(([u, v]) => g.nearest(x.sx, x.sy, x.sz, x.sx.length, u, v, 9))",
        {"sx": position[:, 0].tolist(), "sy": position[:, 1].tolist(), "sz": depth.tolist(), "asked": queries.tolist()},
    )
    distance = np.linalg.norm(queries[:, None] - position[None], axis=2)
    distance[:, depth <= 0] = np.inf
    best = np.where(distance.min(1) < 9, distance.argmin(1), -1)
    assert got == best.tolist()
    assert -1 in got
    assert len(set(got)) > 100


def test_lasso_takes_what_lies_inside(calculate: Any) -> None:
    rng = np.random.default_rng(3)
    position, depth = rng.uniform(0, 100, size=(2000, 2)), rng.uniform(-1, 1, 2000)
    corners = np.array([[20, 10], [80, 25], [70, 85], [25, 60]])  # convex, so half planes decide
    got = calculate(
        "return g.enclosed(x.sx, x.sy, x.sz, x.sx.length, x.path)",
        {
            "sx": position[:, 0].tolist(),
            "sy": position[:, 1].tolist(),
            "sz": depth.tolist(),
            "path": corners.ravel().tolist(),
        },
    )
    edge, rest = np.roll(corners, -1, axis=0) - corners, position[:, None] - corners[None]
    within = (edge[:, 0] * rest[..., 1] - edge[:, 1] * rest[..., 0] > 0).all(1) & (depth > 0)
    assert got == np.flatnonzero(within).tolist()
    notch = [0, 0, 100, 0, 100, 100, 50, 20, 0, 100]  # a bite taken out of a square
    inside = calculate("return [[50, 10], [50, 60], [10, 60], [90, 60]].map(([u, v]) => g.inside(u, v, x))", notch)
    assert inside == [True, False, True, True]
    assert calculate("return g.enclosed([1], [1], [1], 1, [0, 0, 9, 9])") == []


def test_labels_do_not_overlap_and_the_larger_stays(calculate: Any) -> None:
    rng = np.random.default_rng(4)
    boxes = [
        {"x": float(x), "y": float(y), "w": 90, "h": 18, "rank": float(r)}
        for x, y, r in zip(rng.uniform(0, 500, 60), rng.uniform(0, 300, 60), rng.permutation(60), strict=True)
    ]
    placed = calculate("return [...g.placeLabels(x, 99)]", boxes)
    assert max(range(60), key=lambda i: boxes[i]["rank"]) in placed
    for i in placed:
        for j in placed:
            a, b = boxes[i], boxes[j]
            assert i == j or abs(a["x"] - b["x"]) >= 90 or abs(a["y"] - b["y"]) >= 18
    assert len(calculate("return [...g.placeLabels(x, 4)]", boxes)) == 4


def test_a_lasso_travels_as_corners_in_radii(calculate: Any) -> None:
    path = [50, 50, 90, 50, 90, 10, 50, 10]  # pixels; the globe's middle at (50, 50), radius 40
    assert calculate("return g.corners(x, 50, 50, 40, 99)", path) == [[0, 0], [1, 0], [1, 1], [0, 1]]
    assert calculate("return g.corners(x, 50, 50, 40, 2)", path) == [[0, 0], [1, 1]]
    assert len(calculate("return g.corners(Array.from({ length: 2001 * 2 }, (_, i) => i), 0, 0, 1, 300)")) == 300
