"""Labels: short, readable, unique whatever the keywords."""

import numpy as np
import pytest

from gem_core.taxonomy import Keyword, cluster_labels


def keywords(*terms: str) -> tuple[Keyword, ...]:
    return tuple(Keyword(term, 1.0 - 0.01 * i) for i, term in enumerate(terms))


def test_labels_by_hand() -> None:
    assert cluster_labels(
        [
            keywords("sourdough bread", "bread oven", "flour", "yeast", "salt"),
            keywords("NASA", "orbit"),
            keywords("iPhone", "battery"),
            keywords("very long phrase of many letters here", "second phrase", "x-ray"),
            keywords(),
        ]
    ) == (
        "Sourdough bread, flour, yeast",
        "NASA, orbit",
        "iPhone, battery",
        "Very long phrase of many letters here",
        "Cluster 4",
    )


def test_equal_keywords_get_different_labels() -> None:
    same = keywords("bread", "oven", "flour", "yeast")
    labels = cluster_labels([same] * 12)
    assert labels[:3] == ("Bread, oven, flour", "Bread, oven", "Bread, flour")
    assert len({label.casefold() for label in labels}) == 12
    assert labels[-1] == "Bread, oven, flour (5)"


def test_one_word_for_all() -> None:
    assert cluster_labels([keywords("bread"), keywords("Bread"), keywords("BREAD")]) == (
        "Bread",
        "Bread (2)",
        "BREAD (3)",
    )


def test_a_keyword_cannot_take_the_name_of_an_empty_cluster() -> None:
    labels = cluster_labels([keywords("cluster 1"), keywords(), keywords()])
    assert labels == ("Cluster 1", "Cluster 1 (2)", "Cluster 2")


@pytest.mark.parametrize("k", [1, 24, 200])
def test_random_keywords_give_unique_short_labels(k: int) -> None:
    rng = np.random.default_rng(k)
    words = ["bread", "oven", "judge", "новости", "机器学习", "=cmd", "<b>x</b>", "two words"]
    labels = cluster_labels([keywords(*rng.choice(words, rng.integers(0, 6))) for _ in range(k)])
    assert len(labels) == k
    assert len({label.casefold() for label in labels}) == k
    assert all(0 < len(label) <= 46 for label in labels)
