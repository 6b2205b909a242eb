"""Levels of a taxonomy with very many clusters: areas, groups and clusters in charts."""

from pathlib import Path

import pytest

from app.charts.balance import ShareRow, rows_at_level
from app.charts.treemap import area_frames, group_frames, treemap
from gem_core.pipeline.labels.areas import group_areas
from gem_core.workspace import Workspace


def test_areas_hold_every_group_once_and_the_tiles_every_document(built_sample: Path) -> None:
    workspace = Workspace(built_sample)
    taxonomy = workspace.taxonomy()
    assert group_areas(workspace, taxonomy) == ()  # six groups need no third level
    areas = group_areas(workspace, taxonomy, fewest=4)
    assert 1 < len(areas) < len(taxonomy.groups)
    assert sorted(number for area in areas for number in area.groups) == sorted(g.number for g in taxonomy.groups)
    assert len({area.label for area in areas}) == len(areas)
    assert areas == group_areas(workspace, taxonomy, fewest=4)
    for frames in (area_frames(taxonomy, areas, "Documents"), area_frames(taxonomy, (), "Documents")):
        assert sum(frame.size for frame in frames) == len(taxonomy.documents)
        assert {leaf.target for frame in frames for leaf in frame.leaves} == {
            ("parent", group.number) for group in taxonomy.groups
        }
    inside = group_frames(taxonomy, "Documents", taxonomy.groups[1].number)
    assert [leaf.target[1] for leaf in inside[0].leaves] == list(taxonomy.groups[1].children)
    figure = treemap(inside, total=651, tile_size="Documents", selected=[], dark=False, height=400)
    assert len(figure.data[2].x) == len(taxonomy.groups[1].children)


def test_shares_of_groups_are_sums_of_their_clusters(built_sample: Path) -> None:
    taxonomy = Workspace(built_sample).taxonomy()
    rows = [ShareRow(c.label, c.color, c.share_documents, None, 1 / 12, c.number) for c in taxonomy.clusters]
    rows.append(ShareRow("New", "#888888", None, 0.1, None, 10_000))
    groups = rows_at_level(rows, taxonomy, None)
    sizes = {g.label: sum(taxonomy.cluster(n).share_documents for n in g.children) for g in taxonomy.groups}
    assert [row.name for row in groups[:-1]] == sorted(sizes, key=lambda name: -sizes[name])
    assert sum(row.before or 0 for row in groups) == pytest.approx(1.0)
    assert groups[0].after is None
    assert (groups[-1].name, groups[-1].before, groups[-1].after) == ("New clusters (1)", None, 0.1)
    first = taxonomy.groups[0]
    assert [row.number for row in rows_at_level(rows, taxonomy, first.number)] == [
        c.number for c in taxonomy.clusters if c.group == first.number
    ]
