"""Keywords of clusters: class-based TF-IDF weighted by typicality, re-ranked in the space of the embedding."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from gem_core import _check
from gem_core._types import Float64
from gem_core.errors import InputError
from gem_core.taxonomy.phrases import Terms
from gem_core.taxonomy.weak_words import find_person_names, is_weak, measure_weakness
from gem_core.taxonomy.word_splitter import is_unspaced

_POOL = 60  # candidates a cluster that are embedded and re-ranked
_POOLS = 3000  # candidates of all clusters together: bounds the time at K = 200
_SATURATION = 1.2  # BM25's k1: the tenth use of a phrase in one document says little
_COSINE = 0.5  # weight of the cosine against the class TF-IDF in the relevance
_DIVERSITY = 0.3  # weight of novelty in the choice (MMR)
_PREFIX = 4  # letters of a word that may be the beginning of another form of it
_SAME_LETTERS = 5  # letters that two forms of a word share
_ENDINGS = ("ing", "ed", "er", "al", "ly")
#: Plurals of words in -ie, which a rule would turn into words in -y.
_IN_IE = frozenset(
    ["movies", "cookies", "calories", "zombies", "rookies", "hoodies", "selfies", "brownies", "smoothies", "prairies"]
)
_INSIDE = 0.5  # a word is replaced by a phrase that holds so much of its use


@dataclass(frozen=True)
class Keyword:
    """A phrase that names a cluster.

    Attributes
    ----------
    term : str
        The phrase as it is mostly written in the corpus.
    score : float
        Relevance in [0, 1]: half class TF-IDF, half cosine of the phrase vector to the center, each relative to the
        best and worst candidate of the cluster. Compare scores inside one cluster only.
    """

    term: str
    score: float


def typicality_weights(labels: ArrayLike, gis: ArrayLike) -> Float64:
    """Turn GIS into document weights (1 + rank / size) / 2 inside the cluster, in (0.5, 1].

    GIS is a sum of logarithms with an arbitrary zero and, with concentrations in the hundreds, a spread of hundreds of
    nats: exp(GIS) would let one document speak for the cluster, and a linear scale would hang on the worst outlier.
    The rank keeps exactly what the score says about two documents, their order, whatever the cluster, the corpus and
    the scale of the score. The most typical document weighs twice the least typical, no more: on unseen documents
    steeper weights made keywords tell clusters apart a little worse (benchmarks/LOG.md).

    Parameters
    ----------
    labels : (n,) int
        Cluster of each document.
    gis : (n,) float
        Geometric Influence Score; documents with equal scores get the mean of their ranks.

    Returns
    -------
    (n,) float64

    Examples
    --------
    >>> typicality_weights([0, 0, 1, 0, 0], [5.0, -3.0, 7.0, 2.0, 2.0]).tolist()
    [1.0, 0.625, 1.0, 0.8125, 0.8125]
    """
    cluster, score = np.asarray(labels), np.asarray(gis, dtype=np.float64)
    order = np.lexsort((score, cluster))
    cluster, score = cluster[order], score[order]
    n = cluster.size
    first = np.ones(n, dtype=bool)
    first[1:] = cluster[1:] != cluster[:-1]
    starts = np.flatnonzero(first)
    sizes = np.diff(np.append(starts, n))
    position = np.arange(n) - np.repeat(starts, sizes) + 1.0
    tie = first.copy()
    tie[1:] |= score[1:] != score[:-1]
    ties = np.flatnonzero(tie)
    counts = np.diff(np.append(ties, n))
    ranks = np.repeat(np.add.reduceat(position, ties) / counts, counts) if n else position
    weights = np.empty(n)
    weights[order] = 0.5 + 0.5 * ranks / np.repeat(sizes, sizes)
    return weights


def cluster_keywords(
    terms: Terms,
    X: ArrayLike,
    labels: ArrayLike,
    gis: ArrayLike,
    centers: ArrayLike,
    *,
    count: int = 12,
    only: Sequence[int] | None = None,
    never: Collection[str] = (),
) -> tuple[tuple[Keyword, ...], ...]:
    r"""Find the phrases that tell each cluster from the rest of the corpus.

    1. Class TF-IDF: with document weights a_i (`typicality_weights`) and saturated counts
       s_it = 2.2 c_it / (c_it + 1.2), the use of phrase t in cluster k is
       p_kt = sum_{i in k} a_i s_it / sum_{i in k} a_i, in the rest of the corpus q_kt = mean_{i not in k} s_it;
       score = p_kt log((p_kt + e) / (q_kt + e)), e = 1 / (2 n_k): half a document.
    2. The best 60 are re-ranked by the cosine of their phrase vector to the center mu_k. The phrase vector is the
       normalized mean embedding of the documents that hold the phrase. It needs no encoder, so it works with
       anyone's vectors, in any language, and it measures what the corpus means by the phrase: "jaguar" points at
       cars in a corpus of cars. A phrase used all over the corpus gets a vector near the corpus mean, far from
       every center.
    3. Units, filler, tokens of code (`weak_words`), names of persons and phrases in under 2% of the cluster's documents
       lose relevance, so that they come last.
    4. Choice by maximal marginal relevance over phrase vectors; a phrase whose words repeat those of a chosen one
       ("learning" beside "machine learning", "Indian" beside "India", see `repeats`) is passed over.

    Parameters
    ----------
    terms : Terms
        From `count_terms`, for the same n documents.
    X : (n, d) float
        Unit embeddings.
    labels : (n,) int
        Cluster of each document, 0 .. K-1.
    gis : (n,) float
        Geometric Influence Score (any score that orders the documents of a cluster by typicality).
    centers : (K, d) float
        Unit centers.
    count : int
        Most keywords a cluster; fewer where the vocabulary is poor, none for an empty cluster.
    only : sequence of int, optional
        Clusters to find keywords for; all when None.
    never : collection of str
        Words that no keyword may hold, in any case and number.

    Returns
    -------
    tuple of tuples of Keyword, best first; one per cluster, in the order of `only` when that is given

    Raises
    ------
    InputError
        When the lengths do not agree.

    Notes
    -----
    Memory: K x T float64 for the class scores and up to 3,000 x d float32 for phrase vectors.

    Examples
    --------
    >>> import numpy as np
    >>> from gem_core.taxonomy.phrases import count_terms
    >>> texts = ["bread, oven", "bread, flour", "guitar, chord", "guitar, string"]
    >>> X = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0]])
    >>> words = cluster_keywords(count_terms(texts), X, [0, 0, 1, 1], [1, 0, 1, 0], np.eye(2), count=1)
    >>> [w[0].term for w in words]
    ['bread', 'guitar']
    """
    vectors = np.asarray(_check.vectors(X), dtype=np.float32)
    cluster, score = np.asarray(labels), np.asarray(gis, dtype=np.float64)
    means = np.asarray(centers, dtype=np.float32)
    n, n_clusters = vectors.shape[0], means.shape[0]
    for name, length in (("terms", terms.counts.shape[0]), ("labels", cluster.size), ("gis", score.size)):
        if length != n:
            raise InputError(f"{name} must cover the {n:,} documents of X", f"{length:,}", "Pass those of one corpus")
    clusters = list(range(n_clusters) if only is None else only)
    if not terms.names:
        return tuple(() for _ in clusters)
    tfidf, use = _class_tfidf(terms, cluster, typicality_weights(cluster, score), n_clusters)
    tfidf[:, _forbidden(terms.names, never)] = 0.0
    pool = min(max(_POOLS // max(n_clusters, 1), 4 * count), max(_POOL, 4 * count), len(terms.names))
    tfidf, use, means = tfidf[clusters], use[clusters], means[clusters]
    best = np.argpartition(-tfidf, pool - 1, axis=1)[:, :pool]
    phrase_ids, inverse = np.unique(best, return_inverse=True)
    phrases = _phrase_vectors(terms.counts, phrase_ids, vectors)
    inverse = inverse.reshape(best.shape)
    stems = [phrase_parts(terms.names[t]) for t in phrase_ids]
    weak = np.array([is_weak(terms.names[t]) for t in phrase_ids])
    person = find_person_names(terms.names)[phrase_ids]
    keywords = []
    for k, number in enumerate(clusters):
        good = tfidf[k, best[k]] > 0
        candidates, rows = best[k][good], inverse[k][good]
        document_counts = _part_that_holds(terms.counts, cluster == number, candidates)
        weakness = measure_weakness(weak[rows], person[rows], document_counts)
        keywords.append(_choose(terms, candidates, rows, phrases, stems, means[k], tfidf[k], use[k], weakness, count))
    return tuple(keywords)


def _forbidden(names: Sequence[str], never: Collection[str]) -> list[int]:
    """Return the phrases that hold one of some words."""
    words = {stem(word) for entry in never for word in entry.split()}
    return [index for index, name in enumerate(names) if words and any(stem(word) in words for word in name.split())]


def _part_that_holds(counts: sparse.csr_matrix, inside: NDArray[np.bool_], columns: NDArray[Any]) -> Float64:
    """Part of some documents that hold each phrase, (P,)."""
    rows = counts[inside][:, columns]
    return np.asarray(rows.getnnz(axis=0) / max(rows.shape[0], 1), dtype=np.float64)


def phrase_parts(phrase: str) -> frozenset[str]:
    """Return the parts by which one phrase holds another: stems of words, pairs of letters where blanks are not used.

    Examples
    --------
    >>> phrase_parts("智能") < phrase_parts("人工智能"), phrase_parts("recipe") < phrase_parts("bread recipes")
    (True, True)
    """
    parts: list[str] = []
    for word in phrase.split():
        if is_unspaced(word[0]) and len(word) > 1:
            parts.extend(word[start : start + 2] for start in range(len(word) - 1))
        else:
            parts.append(stem(word))
    return frozenset(parts)


def repeats(phrase: Collection[str], other: Collection[str]) -> bool:
    """Return whether all words of one phrase come back in the other: as one stem, or as a form of one word.

    Two words count as forms of one when the shorter begins the longer (four letters or more) or when they share their
    first five letters: "kill" and "killing", "India" and "Indian", "president" and "presidential".

    Parameters
    ----------
    phrase, other : collection of str
        From `phrase_parts`.

    Examples
    --------
    >>> repeats({"india"}, {"indian", "rupee"}), repeats({"art"}, {"artery"}), repeats({"killed"}, {"killing"})
    (True, False, True)
    """
    return all(any(_is_form(word, peer) for peer in other) for word in phrase)


def _is_form(word: str, other: str) -> bool:
    if word == other or _base(word) == _base(other):
        return True
    shorter, longer = sorted((word, other), key=len)
    return len(shorter) >= _PREFIX and longer.startswith(shorter[:_SAME_LETTERS])


def _base(word: str) -> str:
    """Cut the ending of a verb or an adjective from a word of which four letters or more remain."""
    ending = next((e for e in _ENDINGS if word.endswith(e) and len(word) - len(e) >= _PREFIX), "")
    return word.removesuffix(ending)


def stem(word: str) -> str:
    """Cut an English plural and the case, so that "Recipes" and "recipe" are one word; crude on purpose.

    Examples
    --------
    >>> [stem(w) for w in ("Recipes", "cities", "boxes", "glass", "gas", "NASA", "movies")]
    ['recipe', 'city', 'box', 'glass', 'gas', 'nasa', 'movie']
    """
    word = word.lower()
    if word in _IN_IE:
        return word[:-1]
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > 4 and word.endswith(("xes", "ches", "shes", "sses")):
        return word[:-2]
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word


def _class_tfidf(terms: Terms, cluster: NDArray[Any], weights: Float64, n_clusters: int) -> tuple[Float64, Float64]:
    """Return the class TF-IDF and the weighted use p_kt, both (K, T)."""
    counts = terms.counts
    n = cluster.size
    data = counts.data.astype(np.float64)
    saturated = sparse.csr_matrix(
        ((1.0 + _SATURATION) * data / (data + _SATURATION), counts.indices, counts.indptr), shape=counts.shape
    )
    member = sparse.csr_matrix((np.ones(n), (cluster, np.arange(n))), shape=(n_clusters, n))
    sizes = np.bincount(cluster, minlength=n_clusters).astype(np.float64)
    total = np.bincount(cluster, weights, n_clusters)
    plain = (member @ saturated).toarray()
    member.data = weights[member.indices]
    # An empty cluster or rest divides 0 by 1.
    use = (member @ saturated).toarray() / np.where(total > 0, total, 1.0)[:, None]
    rest = (plain.sum(axis=0) - plain) / np.maximum(n - sizes, 1.0)[:, None]
    half = 0.5 / np.maximum(sizes, 1.0)[:, None]
    return use * np.log((use + half) / (rest + half)), use


def _phrase_vectors(
    counts: sparse.csr_matrix, columns: NDArray[Any], vectors: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return the normalized mean embedding of the documents that hold each phrase, (P, d)."""
    incidence = counts[:, columns].T.tocsr()
    incidence.data = np.ones(incidence.data.size, dtype=np.float32)
    sums: NDArray[np.float32] = incidence @ vectors
    lengths = np.linalg.norm(sums, axis=1, keepdims=True)
    # Documents that cancel out exactly leave a phrase without direction: cosine 0 to every center.
    return np.asarray(sums / np.where(lengths > 0, lengths, 1.0), dtype=np.float32)


def _relative(values: NDArray[Any]) -> Float64:
    """Scale to [0, 1]; all equal becomes 1."""
    low, high = values.min(), values.max()
    return np.asarray((values - low) / (high - low) if high > low else np.ones(values.size), dtype=np.float64)


def _choose(
    terms: Terms,
    candidates: NDArray[Any],
    rows: NDArray[Any],
    phrases: NDArray[np.float32],
    stems: list[frozenset[str]],
    center: NDArray[np.float32],
    tfidf: Float64,
    use: Float64,
    weakness: Float64,
    count: int,
) -> tuple[Keyword, ...]:
    """Pick the keywords of one cluster by maximal marginal relevance."""
    if not candidates.size:
        return ()
    order = np.lexsort((candidates, -tfidf[candidates]))
    candidates, rows, weakness = candidates[order], rows[order], weakness[order]
    vectors = phrases[rows]
    relevance = (1 - _COSINE) * _relative(tfidf[candidates]) + _COSINE * _relative(vectors @ center)
    relevance = np.maximum(relevance - weakness, 0.0)
    words = [stems[row] for row in rows]
    available = np.ones(candidates.size, dtype=bool)
    for i, word in enumerate(words):
        # "York" is replaced by "New York" where most of its use is inside the phrase.
        inside = [
            j for j, other in enumerate(words) if word < other and use[candidates[j]] >= _INSIDE * use[candidates[i]]
        ]
        if inside:
            available[i] = False
            relevance[inside] = np.maximum(relevance[inside], relevance[i])
    similar = np.zeros(candidates.size)
    picks: list[int] = []
    while available.any() and len(picks) < count:
        value = np.where(available, (1 - _DIVERSITY) * relevance - _DIVERSITY * similar, -np.inf)
        pick = int(value.argmax())
        picks.append(pick)
        similar = np.maximum(similar, vectors @ vectors[pick])
        pick_stems = words[pick]
        available &= [not (repeats(word, pick_stems) or repeats(pick_stems, word)) for word in words]
    return tuple(Keyword(terms.names[int(candidates[i])], round(float(relevance[i]), 4)) for i in picks)
