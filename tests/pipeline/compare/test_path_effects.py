"""What a strength of the path does: clusters it splits, agreement with the label column."""

import numpy as np
import pytest

from gem_core.clustering import agreement, assign
from gem_core.pipeline.compare.path_effects import label_agreement, split_clusters
from gem_core.workspace import Workspace


def test_a_strength_names_the_clusters_it_splits(sample: Workspace) -> None:
    path = sample.taxonomy().path
    assert split_clusters(sample, path, 0.0) == []
    splits = split_clusters(sample, path, float("inf"))
    assert splits
    weak, strong = (assign(sample.embeddings, fit).labels for fit in (path.fits[0], path.fits[-1]))
    for split in splits:
        rows = weak == split.cluster
        assert split.part == pytest.approx(np.mean(strong[rows] == split.receiver))
        assert split.part >= 0.1
        assert split.cluster != split.receiver


def test_agreement_with_the_label_column_stands_along_the_path(sample: Workspace) -> None:
    path = sample.taxonomy().path
    values = label_agreement(sample, path)
    assert values is not None
    assert len(values[0]) == len(values[1]) == len(path.strengths)
    labels = assign(sample.embeddings, path.fits[8]).labels
    expected = agreement(sample.documents["subject"].to_numpy(), labels)
    assert (values[0][8], values[1][8]) == pytest.approx((expected.ari, expected.nmi))
