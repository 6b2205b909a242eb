"""Groupings of the sample held against each other."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score, silhouette_score

from gem_core.clustering import assign, kmeans
from gem_core.errors import InputError
from gem_core.pipeline.compare.comparison import (
    Partition,
    at_hand,
    columns_to_compare,
    compare,
    compare_partitions,
    giant,
    headline,
    partition,
)
from gem_core.pipeline.compare.quality import cosines, quality
from gem_core.workspace import Workspace


def planted(labels: list[int], title: str = "one", margin: list[float] | None = None) -> Partition:
    k = max(labels) + 1
    return Partition(
        spec=title,
        kind="method",
        title=title,
        labels=np.array(labels, dtype=np.int32),
        names=tuple(f"{title} {i}" for i in range(k)),
        colors=("#123456",) * k,
        numbers=tuple(range(k)),
        order=np.arange(k, dtype=np.int32),
        margin=None if margin is None else np.array(margin, dtype=np.float32),
    )


def test_what_stays_and_what_moves_by_hand() -> None:
    comparison = compare_partitions(planted([0, 0, 0, 1, 1], margin=[5, 1, 3, 2, 4]), planted([1, 1, 0, 0, 0], "two"))
    assert comparison.table.tolist() == [[1, 2], [2, 0]]
    assert comparison.partner.tolist() == [1, 0]
    assert comparison.moved_rows.tolist() == [2]
    assert comparison.stay == pytest.approx(0.8)
    best, how = comparison.best("a")
    assert (best.tolist(), how) == ([1, 0], pytest.approx([2 / 3, 2 / 3]))
    assert comparison.rows(0, 0, only_moved=False).tolist() == [2]
    assert comparison.rows(0, 1).tolist() == []
    assert comparison.rows(0, 1, only_moved=False).tolist() == [0, 1]


def test_a_pinned_cluster_is_kept_between_two_taxonomies() -> None:
    before = replace(planted([0, 0, 0, 1, 1]), kind="taxonomy", numbers=(4, 7))
    after = replace(planted([1, 1, 0, 0, 0], "two"), kind="taxonomy", numbers=(4, 7), pinned=(4,))
    assert compare_partitions(before, replace(after, pinned=())).partner.tolist() == [1, 0]
    pinned = compare_partitions(before, after)
    assert pinned.partner.tolist() == [0, -1]
    assert pinned.moved_rows.tolist() == [0, 1, 3, 4]
    assert compare_partitions(before, replace(after, kind="method")).partner.tolist() == [1, 0]


def test_moved_documents_come_least_sure_first() -> None:
    comparison = compare_partitions(planted([0, 0, 0, 0, 1], margin=[5, 1, 3, 2, 4]), planted([0, 1, 2, 3, 4], "two"))
    assert comparison.moved_rows.tolist() == [
        1,
        3,
        2,
    ]  # document 0 stays: its cluster is matched with the first of its pieces


def test_sides_change_places() -> None:
    rng = np.random.default_rng(0)
    a, b = planted(rng.integers(0, 5, 300).tolist()), planted(rng.integers(0, 4, 300).tolist(), "two")
    there, back = compare_partitions(a, b), compare_partitions(b, a)
    assert np.array_equal(there.table, back.table.T)
    assert (there.ari, there.nmi, there.stay) == pytest.approx((back.ari, back.nmi, back.stay))
    assert sorted(there.moved_rows) == sorted(back.moved_rows)
    assert there.table.sum() == 300
    assert [sorted(order) for order in (there.order_a, there.order_b)] == [list(range(5)), list(range(4))]


def test_a_giant_and_its_pieces() -> None:
    a = planted([0] * 10 + [1] * 10 + [2] * 10 + [3] * 10 + [4] * 1)
    b = planted([0] * 31 + [1] * 2 + [2] * 2 + [3] * 2 + [4] * 2 + [5] * 2, "k-means")
    spread = giant(compare_partitions(a, b))
    assert spread is not None
    assert (spread.side, spread.group, spread.pieces) == ("b", 0, (0, 1, 2))
    assert spread.share == pytest.approx(31 / 41)
    assert spread.covered_share == pytest.approx(30 / 31)  # the one document of cluster 3 is less than 5%
    assert headline(compare_partitions(a, b)) == (
        "The largest cluster of k-means (76%) is spread over 3 clusters of one; 32% of documents in matched groups"
    )
    assert giant(compare_partitions(a, a)) is None
    assert headline(compare_partitions(a, a)) == "one and one group all 41 documents alike"
    even = compare_partitions(planted([0, 0, 1, 1, 2, 2]), planted([0, 0, 1, 1, 2, 1], "two"))
    assert headline(even) == "3 of 3 clusters of one match in two; 83% of documents in matched groups"


def test_every_kind_of_grouping(sample: Workspace) -> None:
    taxonomy = sample.taxonomy()
    present = partition(sample, "present")
    assert np.array_equal(np.array(present.numbers)[present.labels], taxonomy.documents["cluster_id"])
    assert present.names == tuple(cluster.label for cluster in taxonomy.clusters)
    step = partition(sample, "step:1")
    assert np.array_equal(step.labels, present.labels)
    assert np.array_equal(partition(sample, f"step:{taxonomy.key}").labels, present.labels)
    column = partition(sample, "column:subject")
    assert (np.array(column.names)[column.labels] == sample.documents["subject"]).all()
    assert list(column.sizes) == sorted(column.sizes, reverse=True)
    assert columns_to_compare(sample)[0] == "subject"
    assert "id" not in columns_to_compare(sample)


def test_a_baseline_is_fitted_once_and_takes_the_colours_it_overlaps(sample: Workspace) -> None:
    assert not at_hand(sample, "kmeans")
    baseline = partition(sample, "kmeans")
    labels = assign(sample.embeddings, kmeans(sample.embeddings, 12, seed=0)).labels
    assert np.array_equal(baseline.labels, labels)
    taxonomy = sample.taxonomy()
    for k, colour in enumerate(baseline.colors):
        counts = np.bincount(taxonomy.positions[labels == k], minlength=12)
        assert colour == taxonomy.clusters[int(counts.argmax())].color
    assert at_hand(sample, "kmeans")
    assert not at_hand(sample, "kmeans:5")
    steps: list[str] = []
    again = partition(Workspace(sample.root), "kmeans", progress=lambda step, completed, total: steps.append(step))
    assert again.names == baseline.names
    assert len(set(baseline.names)) == 12
    assert np.array_equal(again.labels, baseline.labels)
    assert len(partition(sample, "spherical:5").names) == 5


def test_a_kept_fit_that_cannot_be_read_is_made_again(sample: Workspace) -> None:
    baseline = partition(sample, "spherical")
    for file in (sample.root / "studies" / "groupings").iterdir():
        file.write_bytes(file.read_bytes()[:100])
    assert np.array_equal(partition(sample, "spherical").labels, baseline.labels)


def test_missing_labels_are_a_group_and_no_evidence(sample: Workspace) -> None:
    q = quality(sample, partition(sample, "present"))
    labels = sample.documents["subject"].to_numpy()
    assert q.ari == pytest.approx(adjusted_rand_score(labels, sample.taxonomy().positions))
    sample.documents.loc[:99, "subject"] = None
    scores = quality(sample, partition(sample, "present"))
    assert scores.ari == pytest.approx(adjusted_rand_score(labels[100:], sample.taxonomy().positions[100:]))
    assert "(no value)" in partition(sample, "column:subject").names


def test_quality_against_the_plain_formulas(sample: Workspace) -> None:
    x, labels = np.asarray(sample.embeddings, dtype=np.float64), sample.taxonomy().positions
    centers = np.stack([x[labels == k].sum(axis=0) for k in range(12)])
    centers /= np.linalg.norm(centers, axis=1, keepdims=True)
    cosine = x @ centers.T
    own = cosine[np.arange(len(x)), labels]
    cosine[np.arange(len(x)), labels] = -1
    scores = quality(sample, partition(sample, "present"))
    assert scores.within_cosine == pytest.approx(own.mean(), abs=1e-6)
    assert scores.cosine_margin == pytest.approx((own - cosine.max(axis=1)).mean(), abs=1e-6)
    assert scores.silhouette == pytest.approx(silhouette_score(x, labels, metric="cosine"), abs=1e-5)
    shares = np.bincount(labels) / len(x)
    assert (scores.largest, scores.smallest) == pytest.approx((shares.max(), shares.min()))
    assert scores.entropy == pytest.approx(-(shares * np.log(shares)).sum() / np.log(12))
    assert quality(sample, partition(sample, "column:subject")).ari is None  # a column says nothing of itself


def test_cosines_of_one_group_and_of_empty_ones(sample: Workspace) -> None:
    single_group = np.zeros(len(sample), dtype=np.int32)
    within, margin = cosines(sample.embeddings, single_group, 1)
    assert np.isnan(margin)
    assert cosines(sample.embeddings, single_group + 2, 5) == (
        pytest.approx(within),
        pytest.approx(np.nan, nan_ok=True),
    )


def test_agreement_of_a_comparison(sample: Workspace) -> None:
    comparison = compare(sample, "present", "column:subject")
    assert comparison.ari == pytest.approx(adjusted_rand_score(sample.documents["subject"], comparison.a.labels))
    assert comparison.stay == pytest.approx(1 - len(comparison.moved_rows) / len(sample))


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("best", "A grouping is present, step:N, kmeans, spherical, vmf or column:NAME; got 'best'"),
        ("kmeans:0", "A grouping is present"),
        ("column:", "A grouping is present"),
        ("step:9", "The history holds steps 1 to 1; got step '9'"),
        ("column:nothing", "The column must be one of the corpus; got 'nothing'"),
        ("column:id", "at most 200 different values; got 651 in 'id'"),
    ],
)
def test_refusals(built_sample: object, spec: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        partition(Workspace(str(built_sample)), spec)


def test_headline_names_a_column_and_the_mixture() -> None:
    column = replace(planted([0, 0, 1, 1, 2, 1], 'column "a_b"'), kind="column")
    assert headline(compare_partitions(column, planted([0, 0, 1, 1, 2, 2], "vMF mixture"))) == (
        '3 of 3 values of the column "a_b" match in the vMF mixture; 83% of documents in matched groups'
    )
