"""Outlines run around the dense parts of a group, and nothing else."""

import numpy as np
import pytest

from app.components.share_bar import toggle_clusters
from app.data.outlines import outline_groups
from gem_core.pipeline.search.filters import Outline


def blobs(centers: list[tuple[float, ...]], spread: float, n: int = 120) -> np.ndarray:
    rng = np.random.default_rng(0)
    points = np.vstack([rng.normal(center, spread, (n, len(center))) for center in centers])
    return points / np.linalg.norm(points, axis=1, keepdims=True) if len(centers[0]) == 3 else points


def test_a_group_of_two_parts_has_two_lines_around_most_of_its_documents() -> None:
    points = blobs([(0, 0), (4, 0), (2, 6)], 0.3)
    groups = np.repeat(np.array([0, 0, 1], dtype=np.int32), 120)
    first, second = outline_groups(points, groups, 2)
    assert [len(first), len(second)] == [2, 1]
    for lines, group in ((first, 0), (second, 1)):
        inside = np.any([Outline(tuple(map(tuple, line))).holds(points) for line in lines], axis=0)
        assert inside[groups == group].mean() > 0.7
        assert not inside[groups != group].any()
        assert all(line[0] == pytest.approx(line[-1]) for line in lines)


def test_lines_on_the_sphere_have_unit_length_and_stay_near_their_group() -> None:
    points = blobs([(1, 0, 0), (0, 0, 1)], 0.1)
    for center, (line,) in zip(
        np.eye(3)[[0, 2]], outline_groups(points, np.repeat(np.arange(2, dtype=np.int32), 120), 2), strict=True
    ):
        assert np.linalg.norm(line, axis=1) == pytest.approx(1.0)
        assert (line @ center).min() > 0.85


def test_few_scattered_or_collinear_documents_have_no_line() -> None:
    assert outline_groups(np.zeros((5, 2)), np.zeros(5, dtype=np.int32), 2) == [[], []]
    row = np.column_stack([np.arange(30.0), np.zeros(30)])
    assert outline_groups(row, np.zeros(30, dtype=np.int32), 1) == [[]]


def test_clusters_are_added_to_those_shown_alone_and_taken_out_again() -> None:
    assert toggle_clusters((), (4, 2)) == (2, 4)
    assert toggle_clusters((2, 4), (4, 7)) == (2, 4, 7)
    assert toggle_clusters((2, 4, 7), (4, 7)) == (2,)
