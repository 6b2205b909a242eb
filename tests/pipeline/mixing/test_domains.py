"""Clusters as domains: tokens counted one document at a time, excluded clusters gone from every array."""

import numpy as np
import pytest

from gem_core.errors import InputError
from gem_core.pipeline import Exclude, edit
from gem_core.pipeline.mixing.domains import domains_of
from gem_core.workspace import Workspace


def test_excluded_clusters_are_left_out(sample: Workspace) -> None:
    numbers = [c.number for c in sample.taxonomy().clusters]
    gone = {numbers[0], numbers[5]}
    taxonomy = edit(sample, Exclude(tuple(gone)))
    found = domains_of(sample, taxonomy)
    assert found.numbers == tuple(n for n in numbers if n not in gone)
    counted = dict.fromkeys(found.numbers, (0, 0))
    for row, number in enumerate(taxonomy.documents["cluster_id"]):
        size = int(sample.documents["tokens"][row])
        assert found.positions[row] == (-1 if number in gone else found.numbers.index(number))
        if number not in gone:
            counted[number] = (counted[number][0] + size, counted[number][1] + 1)
    assert found.tokens.tolist() == [counted[n][0] for n in found.numbers]
    assert found.documents.tolist() == [counted[n][1] for n in found.numbers]
    np.testing.assert_allclose(found.natural, [counted[n][0] / found.tokens.sum() for n in found.numbers], rtol=1e-14)
    assert abs(found.mass.sum() - 1) < 1e-14
    assert found.names == tuple(taxonomy.cluster(n).label for n in found.numbers)
    assert (found.taxonomy_hash, found.taxonomy_key) == (taxonomy.taxonomy_hash, taxonomy.key)


def test_nothing_left_is_refused(sample: Workspace) -> None:
    taxonomy = edit(sample, Exclude(tuple(c.number for c in sample.taxonomy().clusters[:-1])))
    last = taxonomy.clusters[-1].number
    assert domains_of(sample, taxonomy).numbers == (last,)
    sample.documents["tokens"] = 0
    with pytest.raises(InputError, match=r"^Domains must hold tokens; got 0 in 1 clusters that"):
        domains_of(sample, taxonomy)
