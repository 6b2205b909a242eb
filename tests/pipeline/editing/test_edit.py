"""Edits: each does what it says, all can be undone, and a refit keeps what a person shaped."""

import json
import random
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from gem_core.errors import InputError
from gem_core.pipeline import (
    Exclude,
    Merge,
    Move,
    Pin,
    Regroup,
    Rename,
    Split,
    edit,
    fit_taxonomy,
    open_sample,
    preview,
    propose_split,
    replay_steps,
)
from gem_core.pipeline.editing.operations import Op
from gem_core.workspace import Settings, Taxonomy, Workspace, edits_text


def rows_of(taxonomy: Taxonomy, number: int) -> set[int]:
    return set(np.flatnonzero(taxonomy.documents["cluster_id"].to_numpy() == number).tolist())


def whole(taxonomy: Taxonomy, n: int) -> None:
    """What holds of every taxonomy, whatever was done to it."""
    numbers = [c.number for c in taxonomy.clusters]
    assert numbers == sorted(set(numbers))
    assert sorted(n for p in taxonomy.groups for n in p.children) == numbers
    assert all(taxonomy.cluster(c).group == p.number for p in taxonomy.groups for c in p.children)
    for items in (taxonomy.clusters, taxonomy.groups):
        labels = [item.label.casefold() for item in items]
        assert len(set(labels)) == len(labels), labels
    assert len({c.color for c in taxonomy.clusters}) == len(numbers)
    table = taxonomy.documents
    assert len(table) == n
    assert np.isin(table["cluster_id"], numbers).all()
    assert np.isin(table["second"], numbers).all()
    counts = np.bincount(taxonomy.positions, minlength=len(numbers))
    assert [c.documents for c in taxonomy.clusters] == counts.tolist()
    assert abs(sum(c.share_documents for c in taxonomy.clusters) - 1) < 1e-9
    assert abs(sum(c.share_tokens for c in taxonomy.clusters) - 1) < 1e-9
    assert taxonomy.fit.masses.shape == (len(numbers),)
    assert abs(taxonomy.fit.masses.sum() - 1) < 1e-6
    assert np.allclose(np.linalg.norm(taxonomy.fit.centers, axis=1), 1)
    assert np.isfinite(table[["gis", "cosine", "confidence", "centrality", "density"]].to_numpy()).all()
    for c in taxonomy.clusters:
        assert set(c.exemplars) <= rows_of(taxonomy, c.number)


def test_merge_keeps_the_largest_number_and_colour(sample: Workspace) -> None:
    before = sample.taxonomy()
    a, b = before.clusters[0], before.clusters[5]
    after = edit(sample, Merge((b.number, a.number)))
    assert rows_of(after, a.number) == rows_of(before, a.number) | rows_of(before, b.number)
    assert not after.has(b.number)
    assert after.cluster(a.number).color == a.color
    assert after.cluster(a.number).pinned
    # The groups that lost or gained documents have other names, and the step says which.
    names = {group.number: group.label for group in after.groups}
    renamed = [
        f"{group.label} is now {names[group.number]}"
        for group in before.groups
        if names.get(group.number, group.label) != group.label
    ]
    expected = f"Merged {a.label} and {b.label}" + (f"; group {' and '.join(renamed)}" if renamed else "")
    assert sample.history().steps[-1].sentence == expected
    others = [c for c in after.clusters if c.number != a.number]
    assert [(c.label, c.keywords, c.exemplars, c.color) for c in others] == [
        (c.label, c.keywords, c.exemplars, c.color) for c in before.clusters if c.number not in (a.number, b.number)
    ]
    whole(after, len(sample))


def test_a_merged_cluster_points_where_its_documents_do(sample: Workspace) -> None:
    before = sample.taxonomy()
    after = edit(sample, Merge((0, 1)))
    rows = sorted(rows_of(after, 0))
    mean = sample.embeddings[rows].astype(np.float64).mean(0)
    index = after.index_of(0)
    assert np.allclose(after.fit.centers[index], mean / np.linalg.norm(mean), atol=1e-6)
    assert after.cluster(0).within_cosine == pytest.approx(
        float((sample.embeddings[rows] @ after.fit.centers[index]).mean()), abs=1e-5
    )
    assert after.fit.target[index] == pytest.approx(2 / len(before.clusters))


def test_a_persons_name_survives_a_merge(sample: Workspace) -> None:
    edit(sample, Rename("cluster", 3, "Mine"))
    assert edit(sample, Merge((0, 3))).cluster(0).label == "Mine"


def test_split_divides_and_pins(sample: Workspace) -> None:
    before = sample.taxonomy()
    proposed = propose_split(sample, before, 0, 3)
    assert sample.taxonomy().key == before.key, "a proposal writes nothing"
    after = edit(sample, proposed)
    born = [c for c in after.clusters if c.pinned]
    assert len(born) == 3
    assert {c.group for c in born} == {before.cluster(0).group}
    assert sorted(row for c in born for row in rows_of(after, c.number)) == sorted(rows_of(before, 0))
    assert len({c.label for c in born}) == 3
    whole(after, len(sample))


def test_split_separates_what_a_merge_joined(sample: Workspace) -> None:
    before = sample.taxonomy()
    after = edit(sample, propose_split(sample, edit(sample, Merge((3, 7))), 3))
    parts = [rows_of(after, c.number) for c in after.clusters if c.pinned]
    for number in (3, 7):
        old = rows_of(before, number)
        assert max(len(old & part) / len(old | part) for part in parts) > 0.9


def test_a_moved_document_has_a_negative_margin_and_nothing_else_changes_place(sample: Workspace) -> None:
    before = sample.taxonomy()
    row = before.cluster(2).exemplars[0]
    after = edit(sample, Move((row,), 8))
    changed = before.documents["cluster_id"].to_numpy() != after.documents["cluster_id"].to_numpy()
    assert np.flatnonzero(changed).tolist() == [row]
    assert after.documents["margin"].iloc[row] < 0
    assert after.documents["second"].iloc[row] == 2
    assert after.cluster(2).label == before.cluster(2).label
    whole(after, len(sample))


def test_documents_move_to_a_cluster_of_their_own_and_an_emptied_one_goes(sample: Workspace) -> None:
    before = sample.taxonomy()
    after = edit(sample, Move(tuple(rows_of(before, 4)), None))
    assert not after.has(4)
    assert len(after.clusters) == len(before.clusters)
    whole(after, len(sample))


def test_groups_are_renamed_from_their_children_unless_a_person_named_them(sample: Workspace) -> None:
    before = sample.taxonomy()
    first, second = before.groups[0], before.groups[1]
    edit(sample, Rename("parent", second.number, "My group"))
    after = edit(sample, Regroup(first.children[0], second.number))
    assert after.group(second.number).label == "My group"
    assert set(after.group(second.number).children) == {*second.children, first.children[0]}
    if len(first.children) > 1:
        assert after.group(first.number).label != first.label
    own = edit(sample, Regroup(first.children[0], None))
    assert own.group(own.cluster(first.children[0]).group).label == own.cluster(first.children[0]).label
    whole(own, len(sample))


def test_excluded_clusters_count_in_no_share(sample: Workspace) -> None:
    before = sample.taxonomy()
    after = edit(sample, Exclude((0,)))
    assert after.cluster(0).share_documents == after.cluster(0).share_tokens == 0
    assert after.cluster(0).documents == before.cluster(0).documents
    whole(after, len(sample))
    assert edit(sample, Exclude((0,), on=False)).cluster(0).share_documents == before.cluster(0).share_documents
    with pytest.raises(InputError, match="At least one cluster must stay in"):
        edit(sample, Exclude(tuple(c.number for c in before.clusters)))


@pytest.mark.parametrize(
    ("op", "message"),
    [
        (Merge((1,)), "A merge takes two clusters or more; got 1"),
        (Merge((1, 99)), "An edit must name clusters that are there; got cluster 99"),
        (Split(0, ((1, 2), (3,))), "A split divides the "),
        (Move((), 1), "A move takes documents with rows from 0 to 650"),
        (Move((651,), 1), "A move takes documents with rows from 0 to 650"),
        (Move((-1,), 1), "A move takes documents with rows from 0 to 650"),
        (Pin(99), "An edit must name clusters that are there; got cluster 99"),
        (Regroup(0, 99), "An edit must name groups that are there; got group 99"),
        (Exclude(()), "An exclusion names a cluster or more"),
        (Rename("parent", 99, "x"), "An edit must name groups that are there; got group 99"),
    ],
)
def test_refused_edits_change_nothing(sample: Workspace, op: Op, message: str) -> None:
    before = sample.history()
    with pytest.raises(InputError) as caught:
        edit(sample, Pin(0), op)
    assert str(caught.value).startswith(message), caught.value
    assert sample.history() == before


def test_a_model_never_overwrites_a_person(sample: Workspace) -> None:
    edit(sample, Rename("cluster", 0, "Mine"))
    with pytest.raises(InputError, match="A label that a person gave is kept"):
        edit(sample, Rename("cluster", 0, "Model", "llm"))
    assert edit(sample, Rename("cluster", 1, "Model", "llm")).cluster(1).label_source == "llm"


def random_op(taxonomy: Taxonomy, workspace: Workspace, rng: random.Random) -> Op:
    numbers = [c.number for c in taxonomy.clusters]
    number = rng.choice(numbers)
    kind = rng.choice(["rename", "group", "merge", "split", "move", "own", "regroup", "pin", "exclude"])
    if kind == "merge" and len(numbers) > 5:
        return Merge(tuple(rng.sample(numbers, 2)))
    if kind == "split" and taxonomy.cluster(number).documents > 12 and len(numbers) < 20:
        return propose_split(workspace, taxonomy, number, rng.choice([2, 3]))
    if kind in ("move", "own"):
        rows = tuple(rng.sample(range(len(workspace)), 4))
        return Move(rows, None if kind == "own" and len(numbers) < 20 else number)
    if kind == "group":
        return Rename("parent", rng.choice(taxonomy.groups).number, f"Group {rng.random()}")
    if kind == "regroup":
        return Regroup(number, None if rng.random() < 0.3 else rng.choice(taxonomy.groups).number)
    if kind == "pin":
        return Pin(number, rng.random() < 0.5)
    if kind == "exclude":
        return Exclude((number,), rng.random() < 0.5)
    return Rename("cluster", number, f"Name {rng.random()}")


def random_edits(workspace: Workspace, count: int, seed: int) -> int:
    rng, edit_count = random.Random(seed), 0
    while edit_count < count:
        try:
            taxonomy = edit(workspace, random_op(workspace.taxonomy(), workspace, rng))
        except InputError:
            continue
        edit_count += 1
        if edit_count % 20 == 0:
            whole(taxonomy, len(workspace))
    return edit_count


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_200_edits_and_200_undos_come_back_to_the_same_bytes(sample: Workspace) -> None:
    before, bytes_before = sample.taxonomy(), files(sample.taxonomy().folder)
    assert random_edits(sample, 200, seed=1) == 200
    last = sample.taxonomy()
    assert last.taxonomy_hash != before.taxonomy_hash
    for _ in range(200):
        assert sample.undo()
    assert not sample.undo()
    assert sample.taxonomy() == before
    assert files(sample.taxonomy().folder) == bytes_before
    for _ in range(200):
        assert sample.redo()
    assert sample.taxonomy() == last


def test_recorded_steps_can_be_replayed_on_a_fresh_corpus(
    sample: Workspace,
    built_sample: Path,
    tmp_path: Path,
) -> None:
    random_edits(sample, 12, seed=2)
    fit_taxonomy(sample, Settings(n_clusters=9, strength=0.5))
    random_edits(sample, 6, seed=3)
    text = edits_text(sample.history().steps)
    shutil.copytree(built_sample, tmp_path / "fresh")
    fresh = Workspace(tmp_path / "fresh")
    again = replay_steps(fresh, text.splitlines())
    assert again.taxonomy_hash == sample.taxonomy().taxonomy_hash
    assert again.key == sample.taxonomy().key
    with pytest.raises(InputError, match="line 1"):
        replay_steps(fresh, ["{}"])


@pytest.mark.parametrize("seed", range(4))
def test_a_refit_keeps_what_a_person_pinned_or_named(sample: Workspace, seed: int) -> None:
    rng = random.Random(seed)
    random_edits(sample, 10, seed=seed + 10)
    before = sample.taxonomy()
    settings = Settings(
        n_clusters=rng.choice([5, 9, 12, 18]), strength=rng.choice([0.0, 0.3, float("inf")]), seed=rng.randrange(3)
    )
    draft_preview = preview(sample, before, settings)
    after = fit_taxonomy(sample, settings)
    whole(after, len(sample))
    for old in before.clusters:
        if not (old.pinned or old.label_source == "person"):
            continue
        new = after.cluster(old.number)
        first, other = rows_of(before, old.number), rows_of(after, old.number)
        if old.pinned:
            assert first == other
            assert (new.label, new.pinned, new.excluded) == (old.label, True, old.excluded)
        else:
            assert new.label == old.label
            assert len(first & other) > 0.5 * len(first | other)
        assert new.color == old.color
    assert np.array_equal(draft_preview.numbers, [c.number for c in after.clusters])
    assert (draft_preview.labels != after.documents["cluster_id"].to_numpy()).mean() < 0.02


def test_fewer_clusters_keep_the_numbers_of_those_that_stay(sample: Workspace) -> None:
    before = sample.taxonomy()
    after = fit_taxonomy(sample, replace(before.settings, n_clusters=7))
    assert len(after.clusters) == 7
    for c in after.clusters:
        assert before.has(c.number)
        new = rows_of(after, c.number)
        best = max(before.clusters, key=lambda old: len(new & rows_of(before, old.number)))
        assert len(new & rows_of(before, c.number)) > 0, (c.number, best.number)


def test_history_is_readable_and_json(sample: Workspace) -> None:
    edit(sample, Rename("cluster", 0, "Bread"), Pin(1))
    step = sample.history().steps[-1]
    assert step.sentence.startswith("Renamed ")
    assert " to Bread and Pinned " in step.sentence
    assert json.loads(edits_text([step]))["edits"] == [
        {"do": "rename", "kind": "cluster", "number": 0, "label": "Bread", "source": "person", "by": ""},
        {"do": "pin", "cluster": 1, "on": True},
    ]


def test_an_older_sample_is_set_aside(built_sample: Path, tmp_path: Path) -> None:
    root = tmp_path / "home" / "sample"
    shutil.copytree(built_sample, root)
    page = root / "manifest.json"
    page.write_text(json.dumps({**json.loads(page.read_text()), "format": 1}))
    assert open_sample(root).taxonomy().clusters
    assert [path.name.startswith("sample-1-") for path in root.parent.iterdir() if path != root] == [True]


def test_an_edit_made_before_numbers_changed_is_refused(sample: Workspace) -> None:
    old_taxonomy = sample.taxonomy()
    a, b, c = (cluster.number for cluster in old_taxonomy.clusters[:3])
    edit(sample, Rename("cluster", a, "Renamed meanwhile"))
    edit(sample, Pin(b), made_on=old_taxonomy.key)  # a rename by somebody else changes no number
    edit(sample, Merge((b, c)))
    before = sample.taxonomy().key
    with pytest.raises(InputError, match=r"made on the present clusters; got .*last step is: Merged"):
        edit(sample, Rename("cluster", c, "Meant for a cluster that is gone"), made_on=old_taxonomy.key)
    assert sample.taxonomy().key == before
    edit(sample, Rename("cluster", a, "Again"), made_on=before)
