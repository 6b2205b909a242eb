"""Clusters as domains: tokens counted one document at a time, excluded clusters gone from every array."""

import numpy as np
import pytest

from gem_core.errors import InputError
from gem_core.pipeline import Exclude, edit
from gem_core.pipeline.mixing.domains import domains_of
from gem_core.workspace import Workspace


def test_excluded_clusters_are_left_out(sample: Workspace) -> None:
    numbers = [c.number for c in sample.taxonomy().clusters]
    excluded = {numbers[0], numbers[5]}
    taxonomy = edit(sample, Exclude(tuple(excluded)))
    domains = domains_of(sample, taxonomy)
    assert domains.numbers == tuple(n for n in numbers if n not in excluded)
    counted = dict.fromkeys(domains.numbers, (0, 0))
    for row, number in enumerate(taxonomy.documents["cluster_id"]):
        size = int(sample.documents["tokens"][row])
        assert domains.positions[row] == (-1 if number in excluded else domains.numbers.index(number))
        if number not in excluded:
            counted[number] = (counted[number][0] + size, counted[number][1] + 1)
    assert domains.tokens.tolist() == [counted[n][0] for n in domains.numbers]
    assert domains.documents.tolist() == [counted[n][1] for n in domains.numbers]
    np.testing.assert_allclose(
        domains.natural, [counted[n][0] / domains.tokens.sum() for n in domains.numbers], rtol=1e-14
    )
    assert abs(domains.mass.sum() - 1) < 1e-14
    assert domains.names == tuple(taxonomy.cluster(n).label for n in domains.numbers)
    assert (domains.taxonomy_hash, domains.taxonomy_key) == (taxonomy.taxonomy_hash, taxonomy.key)


def test_nothing_left_is_refused(sample: Workspace) -> None:
    taxonomy = edit(sample, Exclude(tuple(c.number for c in sample.taxonomy().clusters[:-1])))
    last = taxonomy.clusters[-1].number
    assert domains_of(sample, taxonomy).numbers == (last,)
    sample.documents["tokens"] = 0
    with pytest.raises(InputError, match=r"^Domains must hold tokens; got 0 in 1 clusters that"):
        domains_of(sample, taxonomy)
