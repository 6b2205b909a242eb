"""The UMAP map of a workspace is read as it was written, and only for the documents that it was computed for."""

import numpy as np
import pytest

from gem_core.errors import InputError
from gem_core.pipeline.building import umap_map
from gem_core.pipeline.building.umap_map import UmapMap, ensure_umap, saved_umap, umap_file
from gem_core.workspace import Workspace
from tests.helpers.screen import opened, words


def write_map(workspace: Workspace) -> UmapMap:
    positions = np.random.default_rng(0).standard_normal((len(workspace), 2)).astype(np.float32)
    result = UmapMap(positions, 0.91, 0.9)
    umap_map._write(workspace, result)
    return result


def test_a_saved_map_is_read_and_a_damaged_one_is_computed_again(sample: Workspace) -> None:
    assert saved_umap(sample) is None
    written = write_map(sample)
    read = saved_umap(sample)
    assert read is not None
    np.testing.assert_array_equal(read.positions, written.positions)
    assert (read.trustworthiness, read.flat_trustworthiness) == (0.91, 0.9)
    assert ensure_umap(sample).trustworthiness == 0.91, "a saved map is not computed again"
    umap_file(sample).write_bytes(umap_file(sample).read_bytes()[:100])
    assert saved_umap(sample) is None


def test_few_documents_are_refused(sample: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(umap_map, "MIN_DOCUMENTS", len(sample) + 1)
    with pytest.raises(InputError, match="A UMAP map needs at least"):
        ensure_umap(sample)


def test_explore_offers_the_map_and_then_shows_it(sample: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    app = opened(sample.root, monkeypatch)
    app.button_group(key="explore_view").set_value("UMAP").run()
    assert "No UMAP map yet" in words(app)
    assert app.button(key="umap_start").label == "Compute UMAP map"
    write_map(sample)
    app.run()
    assert not app.exception
    assert "Trustworthiness 0.910; flat map 0.900" in words(app)
