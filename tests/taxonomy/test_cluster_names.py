"""Names by the vocabulary: planted subjects, twins, mixtures, kinds; balanced groups and their names."""

import numpy as np
import pytest

from gem_core.embedding.batches import encode
from gem_core.embedding.encoders import load_encoder
from gem_core.taxonomy import Keyword
from gem_core.taxonomy.cluster_groups import LARGEST, group_clusters, name_groups
from gem_core.taxonomy.cluster_names import name_clusters_by_concepts
from gem_core.taxonomy.concept_scores import ConceptScores, score_concepts
from gem_core.taxonomy.concepts import ConceptTable, packaged_concepts, packaged_vectors
from gem_core.taxonomy.name_parts import ClusterName, join_subjects

TEXTS = (
    ("Bake the bread until brown.", "Simmer the soup with onions.", "Season the chicken and roast it.", "Whisk eggs."),
    ("The pitcher threw nine innings.", "She won the tennis final.", "The striker scored twice.", "Marathon runners."),
    ("The telescope saw a distant galaxy.", "Stars collapse to black holes.", "The comet passed.", "Nebula and dust."),
    ("The court sentenced the thief.", "The judge heard the appeal.", "A lawyer filed the suit.", "Jury and verdict."),
)
NO_KIND = ("", 0.0, 0.0)


@pytest.fixture(scope="module")
def scores() -> ConceptScores:
    """Four clusters of four sentences each, scored against the shipped vocabulary."""
    X = encode([text for cluster in TEXTS for text in cluster], load_encoder())
    return score_concepts(X, np.repeat(np.arange(4), 4), packaged_vectors()[1], packaged_concepts(), 4)


def names_of(scores: ConceptScores, used: tuple[str, ...] = ()) -> tuple[ClusterName, ...]:
    words = [(Keyword(word, 1.0),) for word in ("oven", "match", "sky", "court")]
    return name_clusters_by_concepts(scores, [NO_KIND] * 4, words, used=used)


def test_planted_subjects_are_named(scores: ConceptScores) -> None:
    table = scores.table
    fields = {table.names[i] for i in np.flatnonzero(table.levels == 0)}
    names = names_of(scores)
    above = [table.names[table.ancestor(0)[table.names.index(name.label)]] for name in names]
    assert above == ["Food and drink", "Sports", "Space and astronomy", "Law and justice"]
    assert set(above) <= fields
    assert all(name.source == "vocabulary" and name.coverage >= 0.5 and not name.is_mixed for name in names)


def test_the_same_vectors_give_the_same_names(scores: ConceptScores) -> None:
    assert names_of(scores) == names_of(scores)


def test_no_two_clusters_share_a_name(scores: ConceptScores) -> None:
    rows = [0, 0, 0, 1]
    twins = ConceptScores(scores.table, scores.coverage[rows], scores.votes[rows], scores.cosine[rows])
    words = [(Keyword("oven", 1.0),), (Keyword("soup", 1.0),), (Keyword("pan", 1.0),), (Keyword("ball", 1.0),)]
    names = name_clusters_by_concepts(twins, [NO_KIND] * 4, words)
    assert len({name.label.casefold() for name in names}) == 4
    assert max(len(name.label) for name in names) <= 40
    assert not any("(2)" in name.label for name in names)


def test_a_name_in_use_is_not_given_again(scores: ConceptScores) -> None:
    label = names_of(scores)[1].label
    again = names_of(scores, used=(label.upper(),))
    assert again[1].label.casefold() != label.casefold()


def test_a_kind_of_text_names_what_no_subject_covers(scores: ConceptScores) -> None:
    nothing = ConceptScores(scores.table, 0 * scores.coverage, 0 * scores.votes, scores.cosine)
    kinds = [("Poems", 0.9, 0.1), ("Poems", 0.1, 0.1), NO_KIND, NO_KIND]
    names = name_clusters_by_concepts(nothing, kinds, [(Keyword("rose, bud", 1.0),), (Keyword("sea", 1.0),), (), ()])
    assert [name.label for name in names] == ["Poems", "Sea", "Cluster 2", "Cluster 3"]
    assert [name.source for name in names] == ["vocabulary", "keywords", "keywords", "keywords"]


def test_a_mixed_cluster_says_so(scores: ConceptScores) -> None:
    half = 0.5 * (scores.coverage[:1] + scores.coverage[3:])
    votes = 0.5 * (scores.votes[:1] + scores.votes[3:])
    mixed = ConceptScores(scores.table, 0.8 * half, 0.5 * votes, scores.cosine[:1])
    (name,) = name_clusters_by_concepts(mixed, [NO_KIND], [(Keyword("oven", 1.0),)])
    assert name.is_mixed
    assert name.label.startswith("Mixed: ")
    assert 0 < name.coverage <= 1


def test_two_subjects_are_joined_while_they_fit() -> None:
    assert join_subjects(["Crime", "Travel"]) == "Crime and travel"
    assert join_subjects(["Computer hardware", "NATO and alliances"]) == "Computer hardware, NATO and alliances"
    assert join_subjects(["A subject with a long name", "Another subject with a long name"]) == ""


@pytest.mark.parametrize("k", [4, 12, 24, 60])
def test_groups_are_balanced(k: int) -> None:
    rng = np.random.default_rng(k)
    shares = rng.dirichlet(np.full(k, 8.0))
    tree = group_clusters(rng.standard_normal((k, 16)) + 2, shares, [f"Cluster {i}" for i in range(k)])
    assert np.sqrt(k) <= len(tree.groups) <= 2 * np.sqrt(k)
    for group in tree.groups:
        group_share = shares[list(group.children)].sum()
        assert group_share <= LARGEST + 1e-9 or len(group.children) == 1
    assert sorted(tree.order.tolist()) == list(range(k))


def test_what_all_clusters_share_does_not_group_them() -> None:
    families = np.repeat(np.eye(3, 8), 4, axis=0)
    rng = np.random.default_rng(1)
    centers = 0.2 * families + 0.02 * rng.standard_normal((12, 8)) + np.full(8, 5.0)
    tree = group_clusters(centers, np.full(12, 1 / 12), [f"C{i}" for i in range(12)])
    assert all(len({child // 4 for child in group.children}) == 1 for group in tree.groups)


def test_group_names_cover_every_cluster(scores: ConceptScores) -> None:
    labels = [name.label for name in names_of(scores)]
    titles = name_groups(scores, [[0], [1, 2], [3]], labels, np.full(4, 0.25))
    assert titles[0] == labels[0]
    assert titles[2] == labels[3]
    words = titles[1].casefold()
    assert all(label.split(" ")[0].casefold() in words for label in labels[1:3]), titles
    assert len({title.casefold() for title in titles}) == 3


def test_a_group_of_several_fields_has_the_name_of_their_domain(scores: ConceptScores) -> None:
    table = scores.table
    fields = {table.names[i]: int(i) for i in np.flatnonzero(table.levels == 0)}
    votes = np.zeros((3, len(table.names)))
    for k, field in enumerate(("Physics", "Chemistry and materials", "Biology")):
        votes[k, fields[field]] = 0.8
    science = ConceptScores(table, votes, votes, votes)
    assert name_groups(science, [[0, 1, 2]], ["A", "B", "C"], np.ones(3)) == ["Natural sciences"]
    assert name_groups(science, [[0, 1]], ["A", "B", "C"], np.ones(3)) == ["Physics and chemistry"]


def test_clusters_of_one_domain_are_grouped_before_others(scores: ConceptScores) -> None:
    table = scores.table
    fields = {table.names[i]: int(i) for i in np.flatnonzero(table.levels == 0)}
    subjects = ["Physics", "Music", "Physics", "Music", "Food and drink", "Law and justice"] * 2
    votes = np.zeros((12, len(table.names)))
    votes[np.arange(12), [fields[subject] for subject in subjects]] = 0.9
    planted = ConceptScores(table, votes, votes, votes)
    # The centers say nothing: only the subjects can tell which clusters belong together.
    centers = np.random.default_rng(0).standard_normal((12, 64))
    tree = group_clusters(centers, np.full(12, 1 / 12), [f"C{i}" for i in range(12)], scores=planted)
    assert all(len({subjects[child] for child in group.children}) == 1 for group in tree.groups)


def test_a_cluster_of_several_fields_has_the_name_of_their_domain(scores: ConceptScores) -> None:
    table = scores.table
    fields = {table.names[i]: int(i) for i in np.flatnonzero(table.levels == 0)}
    votes, coverage = np.zeros((1, len(table.names))), np.zeros((1, len(table.names)))
    for field, part in (("War and security", 0.32), ("Law and justice", 0.2), ("Politics and government", 0.15)):
        votes[0, fields[field]], coverage[0, fields[field]] = part, 0.7 if part > 0.3 else 0.4
    (name,) = name_clusters_by_concepts(ConceptScores(table, coverage, votes, votes), [NO_KIND], [()])
    assert name.label == "Law, politics and security"
    assert name.coverage == pytest.approx(0.7)


def scores_of(table: ConceptTable, *clusters: dict[str, tuple[float, float]]) -> ConceptScores:
    """Coverage and votes of some entries for each cluster; none for the others."""
    entry = {name: i for i, name in enumerate(table.names)}
    coverage, votes = np.zeros((2, len(clusters), len(table.names)))
    for k, cluster in enumerate(clusters):
        for name, (part, best) in cluster.items():
            coverage[k, entry[name]], votes[k, entry[name]] = part, best
    return ConceptScores(table, coverage, votes, votes)


def test_leftovers_of_a_field_are_named_by_a_topic_and_another_area(scores: ConceptScores) -> None:
    sports = {
        "Sports": (0.95, 0.9),
        "Other sports": (0.9, 0.5),
        "Cricket": (0.5, 0.2),
        "Racket sports and golf": (0.6, 0.3),
    }
    (name,) = name_clusters_by_concepts(scores_of(scores.table, sports), [NO_KIND], [()])
    assert name.label == "Racket sports and golf, cricket"


def test_a_twin_that_no_area_covers_has_the_name_of_its_domain(scores: ConceptScores) -> None:
    code = {"Programming and software": (0.9, 0.8), "Programming": (0.7, 0.4), "Software engineering": (0.4, 0.1)}
    theory = {
        "Programming and software": (0.7, 0.4),
        "Artificial intelligence": (0.45, 0.2),
        "Mathematics": (0.5, 0.25),
    }
    names = name_clusters_by_concepts(scores_of(scores.table, code, theory), [NO_KIND] * 2, [(), ()])
    assert [name.label for name in names] == ["Programming", "Mathematics and computing"]


def test_a_kind_of_text_is_said_of_most_documents_only(scores: ConceptScores) -> None:
    kinds = [("Recipes", 0.6, 0.1), ("Mailing list posts", 0.4, 0.05), NO_KIND, NO_KIND]
    labels = [name.label for name in name_clusters_by_concepts(scores, kinds, [()] * 4)]
    assert [label.endswith(")") for label in labels] == [True, False, False, False]


def test_a_label_with_its_kind_is_not_given_twice(scores: ConceptScores) -> None:
    kinds = [("Recipes", 0.9, 0.1), NO_KIND, NO_KIND, NO_KIND]
    keywords = [(Keyword("oven", 1.0),)] * 4
    label = name_clusters_by_concepts(scores, kinds, keywords)[0].label
    assert label.endswith(" (recipes)")
    assert name_clusters_by_concepts(scores, kinds, keywords, used=(label,))[0].label == label.removesuffix(
        " (recipes)"
    )


def test_twins_without_an_entry_below_are_told_apart_by_another_area(scores: ConceptScores) -> None:
    table = scores.table
    entry = {name: i for i, name in enumerate(table.names)}
    coverage, votes = np.zeros((2, len(table.names))), np.zeros((2, len(table.names)))
    coverage[:, [entry["Food and drink"], entry["Cooking"]]] = 0.95
    votes[:, [entry["Food and drink"], entry["Cooking"]]] = 0.9
    coverage[1, entry["Gardening"]] = 0.5
    words = [(Keyword("oven", 1.0),), (Keyword("bread", 1.0),)]
    names = name_clusters_by_concepts(ConceptScores(table, coverage, votes, votes), [NO_KIND] * 2, words)
    assert [name.label for name in names] == ["Cooking", "Cooking and gardening"]
