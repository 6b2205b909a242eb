"""Groups anew by number, and words that no name may use: one step each, undone as one."""

import pytest

from gem_core.errors import InputError
from gem_core.pipeline import Rename, edit
from gem_core.pipeline.labels.group_again import propose_groups
from gem_core.pipeline.labels.rename_auto import change_stop_words
from gem_core.pipeline.labels.stop_words import read_stop_words
from gem_core.workspace import Workspace


def test_groups_as_many_as_wanted_keep_names_where_clusters_stay(sample: Workspace) -> None:
    before = sample.taxonomy()
    first_group = before.groups[0]
    edit(sample, Rename("parent", first_group.number, "Mine"))
    after = edit(sample, propose_groups(sample, 5))
    assert len(after.groups) == 5
    assert sorted(n for group in after.groups for n in group.children) == [c.number for c in before.clusters]
    old = {frozenset(group.children): group.label for group in sample.taxonomy(before.key).groups}
    old[frozenset(first_group.children)] = "Mine"
    for group in after.groups:
        assert group.label == old.get(frozenset(group.children), group.label)
        assert all(after.cluster(number).group == group.number for number in group.children)
    assert "5 groups" in sample.history().steps[-1].sentence
    assert [c.label for c in after.clusters] == [c.label for c in before.clusters]
    # The same groups again change nothing, not even the name of a person.
    again = edit(sample, propose_groups(sample, 5))
    assert again.groups == after.groups
    with pytest.raises(InputError, match="number of groups"):
        propose_groups(sample, 99)


def test_a_forbidden_word_leaves_keywords_and_names(sample: Workspace) -> None:
    before = sample.taxonomy()
    word = before.clusters[4].keywords[0][0]
    assert change_stop_words(sample, add=[f" {word.upper()} "]) == (word.upper(),)
    after = sample.taxonomy()
    assert all(term.casefold() != word.casefold() for c in after.clusters for term, _ in c.keywords)
    assert read_stop_words(sample) == (word.upper(),)
    assert sample.undo()
    assert sample.taxonomy().clusters == before.clusters
    assert change_stop_words(sample, remove=[word]) == ()
    with pytest.raises(InputError, match="60 characters"):
        change_stop_words(sample, add=["x" * 61])
