"""Second axis on Mixing: setting and removing it, the table of its domains, and the map colored by their weights."""

from functools import partial

import numpy as np
import pytest

from app.data.map_data import color_by
from gem_core.export.saved_mix import saved_mix
from gem_core.workspace import Workspace
from gem_core.workspace.second_axis import make_axis, mixing_taxonomy
from tests.app.test_mixing import all_text, opened, table


def test_a_second_axis_is_set_weighed_and_removed(sample: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    app = opened(sample, monkeypatch)
    monkeypatch.setattr("app.views.mixing.second_axis.make_axis", partial(make_axis, least=0))
    app.selectbox(key="mixing-axis-column").set_value("tokens").run()
    app.number_input(key="mixing-axis-buckets").set_value(2)
    app.button(key="mixing-axis-set").click().run()
    app.radio[0].set_value("uniform").run()
    crossed = mixing_taxonomy(sample)
    assert len(crossed.clusters) > len(sample.taxonomy().clusters)
    assert set(table(app)["Cluster"]) == {cluster.label for cluster in crossed.clusters}
    assert f"{len(crossed.clusters)} domains" in all_text(app)
    weights = saved_mix(sample, crossed)
    assert weights is not None
    coloring = color_by("Mix ratio", sample, sample.taxonomy())
    assert coloring.values is not None
    highest = weights.numbers[int(np.argmax(weights.ratio))]
    assert set(np.asarray(crossed.documents["cluster_id"])[coloring.values == 1]) == {highest}
    app.selectbox(key="mixing-axis-column").set_value("").run()
    app.button(key="mixing-axis-set").click().run()
    assert set(table(app)["Cluster"]) == {cluster.label for cluster in sample.taxonomy().clusters}
