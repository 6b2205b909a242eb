"""Keywords: the weights, the class TF-IDF and the choice, by hand and against a slow version."""

import numpy as np
import pytest
from scipy import sparse

from gem_core.errors import InputError
from gem_core.taxonomy import Terms, cluster_keywords, count_terms, typicality_weights
from gem_core.taxonomy.keywords import _class_tfidf, _phrase_vectors, repeats


def corpus(n: int = 120, seed: int = 0) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Three subjects with their own words and a direction each."""
    rng = np.random.default_rng(seed)
    subjects = [
        "bread oven flour dough yeast crust",
        "court judge verdict trial jury appeal",
        "guitar chord string melody rhythm concert",
    ]
    labels = rng.integers(0, 3, n).astype(np.int32)
    texts = [" and ".join(rng.choice([*subjects[k].split(), "people", "number"], 12)) for k in labels]
    X = np.eye(3, 8)[labels] + 0.15 * rng.standard_normal((n, 8))
    return texts, X / np.linalg.norm(X, axis=1, keepdims=True), labels


def test_weights_by_hand() -> None:
    # Cluster 0 in rising order: -3, 2, 2, 5: ranks 1, 2.5, 2.5, 4 of 4.
    weights = typicality_weights([0, 0, 1, 0, 0], [5.0, -3.0, 7.0, 2.0, 2.0])
    np.testing.assert_allclose(weights, [1.0, 0.625, 1.0, 0.8125, 0.8125])


def test_weights_hang_on_the_order_only() -> None:
    rng = np.random.default_rng(1)
    labels, gis = rng.integers(0, 4, 200), rng.standard_normal(200)
    weights = typicality_weights(labels, gis)
    np.testing.assert_array_equal(weights, typicality_weights(labels, np.exp(3 * gis) - 100))
    assert weights.min() > 0.5
    assert weights.max() == 1
    shuffle = rng.permutation(200)
    np.testing.assert_array_equal(weights[shuffle], typicality_weights(labels[shuffle], gis[shuffle]))
    assert typicality_weights([], []).shape == (0,)


def test_class_tfidf_by_hand() -> None:
    # Two documents in cluster 0, one in cluster 1; one phrase with counts 1, 2, 1.
    terms = Terms(("bread",), sparse.csr_matrix(np.array([[1], [2], [1]], dtype=np.int32)))
    tfidf, use = _class_tfidf(terms, np.array([0, 0, 1]), np.array([1.0, 0.5, 1.0]), 2)
    s1, s2 = 2.2 * 1 / 2.2, 2.2 * 2 / 3.2
    p = (1.0 * s1 + 0.5 * s2) / 1.5
    assert use[0, 0] == pytest.approx(p)
    assert tfidf[0, 0] == pytest.approx(p * np.log((p + 0.25) / (s1 + 0.25)))
    rest = (s1 + s2) / 2
    assert tfidf[1, 0] == pytest.approx(s1 * np.log((s1 + 0.5) / (rest + 0.5)))


def test_phrase_vector_is_the_direction_of_its_documents() -> None:
    counts = sparse.csr_matrix(np.array([[3, 0], [1, 1], [0, 0]], dtype=np.int32))
    X = np.array([[1.0, 0.0], [0.0, 1.0], [0.6, 0.8]], dtype=np.float32)
    vectors = _phrase_vectors(counts, np.array([0, 1]), X)
    np.testing.assert_allclose(vectors, [[np.sqrt(0.5), np.sqrt(0.5)], [0.0, 1.0]], atol=1e-7)
    opposite = _phrase_vectors(
        sparse.csr_matrix(np.ones((2, 1), np.int32)), np.array([0]), np.array([[1.0], [-1.0]], "f4")
    )
    np.testing.assert_array_equal(opposite, [[0.0]])


def test_clusters_are_named_by_their_own_words() -> None:
    texts, X, labels = corpus()
    centers = np.eye(3, 8)
    keywords = cluster_keywords(count_terms(texts), X, labels, (X @ centers.T).max(1), centers, count=4)
    for k, own in enumerate(
        (
            "bread oven flour dough yeast crust",
            "court judge verdict trial jury appeal",
            "guitar chord string melody rhythm concert",
        )
    ):
        assert len(keywords[k]) == 4
        for keyword in keywords[k]:
            assert set(keyword.term.split()) - {"and"} <= set(own.split()), keyword
            assert 0 <= keyword.score <= 1


def test_keywords_do_not_hang_on_row_order_or_rotation() -> None:
    texts, X, labels = corpus(seed=3)
    gis, centers = np.arange(len(texts), dtype=float), np.eye(3, 8)
    first = cluster_keywords(count_terms(texts), X, labels, gis, centers)
    shuffle = np.random.default_rng(0).permutation(len(texts))
    second = cluster_keywords(
        count_terms([texts[i] for i in shuffle]), X[shuffle], labels[shuffle], gis[shuffle], centers
    )
    rotation = np.linalg.qr(np.random.default_rng(1).standard_normal((8, 8)))[0]
    third = cluster_keywords(count_terms(texts), X @ rotation, labels, gis, centers @ rotation)
    for k in range(3):
        scores = {w.term: w.score for w in first[k]}
        assert scores == pytest.approx({w.term: w.score for w in third[k]}, abs=2e-4)
        assert [w.term for w in first[k]][:3] == [w.term for w in second[k]][:3]


def test_typical_documents_weigh_more() -> None:
    texts = ["bread"] * 10 + ["cake"] * 10 + ["judge"] * 10
    X = np.repeat(np.eye(2), [20, 10], axis=0)
    labels = np.repeat([0, 1], [20, 10])
    gis = np.concatenate((np.full(10, 5.0), np.full(10, 1.0), np.zeros(10)))
    assert cluster_keywords(count_terms(texts), X, labels, gis, np.eye(2))[0][0].term == "bread"
    assert cluster_keywords(count_terms(texts), X, labels, -gis, np.eye(2))[0][0].term == "cake"


def test_a_word_gives_way_to_the_phrase_it_lives_in() -> None:
    texts = ["machine learning wins"] * 20 + ["machine learning, deep learning"] * 5 + ["bread oven"] * 20
    X = np.repeat(np.eye(2), [25, 20], axis=0)
    labels = np.repeat([0, 1], [25, 20])
    terms = [w.term for w in cluster_keywords(count_terms(texts), X, labels, np.ones(45), np.eye(2))[0]]
    assert any("machine learning" in term for term in terms)
    assert "learning" not in terms
    assert "machine" not in terms


def test_plurals_are_no_second_keyword() -> None:
    texts = ["recipe, recipes, oven"] * 20 + ["judge"] * 20
    labels = np.repeat([0, 1], 20)
    terms = [w.term for w in cluster_keywords(count_terms(texts), np.eye(2)[labels], labels, np.ones(40), np.eye(2))[0]]
    assert len({"recipe", "recipes"} & set(terms)) == 1


@pytest.mark.parametrize("n_clusters", [1, 2, 5])
def test_degenerate_corpora(n_clusters: int) -> None:
    X = np.tile(np.array([[1.0, 0.0]]), (6, 1))
    labels = np.zeros(6, dtype=np.int32)
    centers = np.tile(np.array([[1.0, 0.0]]), (n_clusters, 1))
    for texts in (["the of"] * 6, ["bread oven"] * 6, [""] * 6):
        keywords = cluster_keywords(count_terms(texts), X, labels, np.zeros(6), centers)
        assert len(keywords) == n_clusters
        assert all(words == () for words in keywords[1:])
    keywords_of_one = cluster_keywords(count_terms(["bread oven"]), X[:1], labels[:1], np.zeros(1), centers[:1])
    assert [w.term for w in keywords_of_one[0]] != []


def test_wrong_lengths_are_refused() -> None:
    terms = count_terms(["bread", "oven"])
    with pytest.raises(InputError, match=r"terms must cover the 3 documents of X; got 2\. Pass those of one corpus\."):
        cluster_keywords(terms, np.eye(3), [0, 0, 0], [1, 1, 1], np.eye(3)[:1])


def test_a_piece_of_a_chosen_phrase_without_blanks_is_no_second_keyword() -> None:
    texts = ["人工智能改变世界", "人工智能的研究", "智能研究人工智能", "绿茶在山上生长", "山上的绿茶", "喝绿茶"] * 4
    X = np.array([[1.0, 0.0]] * 3 + [[0.0, 1.0]] * 3, dtype=np.float32).repeat(1, axis=0)
    X = np.tile(X, (4, 1))
    labels = [0, 0, 0, 1, 1, 1] * 4
    words = cluster_keywords(count_terms(texts), X, labels, np.zeros(24), np.eye(2), count=5)
    terms = [[keyword.term for keyword in cluster] for cluster in words]
    assert "人工智能" in terms[0]
    assert not {"人工", "智能"} & set(terms[0])


def test_forms_of_one_word_are_one_keyword() -> None:
    texts = [
        "India and Indian rice",
        "Indian rupee, India",
        "India, Indian tea",
        "guitar chord",
        "chord, guitar",
        "song",
    ]
    X = np.repeat(np.eye(2), 3, axis=0)
    words, _ = cluster_keywords(count_terms(texts, min_documents=1), X, [0, 0, 0, 1, 1, 1], np.arange(6), np.eye(2))
    stems = [word.term for word in words]
    assert ("India" in stems) + ("Indian" in stems) == 1


@pytest.mark.parametrize(
    ("form", "other", "same"),
    [
        ("kill", "killing", True),
        ("killed", "killing", True),
        ("president", "presidential", True),
        ("art", "artery", False),
    ],
)
def test_forms_of_a_word(form: str, other: str, same: bool) -> None:
    assert repeats({form}, {other}) is same
    assert repeats({other}, {form}) is same


def test_units_code_and_names_of_persons_come_last() -> None:
    oil = "mln, oil, John Kerry, dlrs, barrel"
    texts = [oil, oil, oil, "bread oven flour", "bread oven flour", "bread oven flour"]
    X = np.repeat(np.eye(2), 3, axis=0)
    words, _ = cluster_keywords(count_terms(texts, min_documents=1), X, [0, 0, 0, 1, 1, 1], np.zeros(6), np.eye(2))
    terms = [word.term for word in words]
    assert set(terms[:2]) == {"oil", "barrel"}
    assert {"mln", "dlrs", "John Kerry"} <= set(terms[2:])


def test_a_word_that_a_person_forbids_is_in_no_keyword() -> None:
    texts = ["bread oven", "breads, oven flour", "bread flour", "guitar chord", "chord, guitar", "song guitar"]
    X = np.repeat(np.eye(2), 3, axis=0)
    terms = count_terms(texts, min_documents=1)
    words, _ = cluster_keywords(terms, X, [0, 0, 0, 1, 1, 1], np.zeros(6), np.eye(2), never=["Bread"])
    assert words
    assert not any("bread" in word.term.lower() for word in words)
