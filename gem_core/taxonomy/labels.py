"""Keyword labels: short, unique names for clusters made of their keywords."""

from collections.abc import Collection, Sequence

from gem_core.taxonomy.keywords import Keyword, phrase_parts, repeats

#: What stands between the phrases of a label.
SEPARATOR = ", "
MAX_PHRASES = 3
MAX_CHARACTERS = 40


def cluster_labels(
    keywords: Sequence[Sequence[Keyword]], *, numbers: Sequence[int] = (), used_labels: Collection[str] = ()
) -> tuple[str, ...]:
    """Name each cluster by its best phrases: "Sourdough bread, oven, flour".

    Up to three phrases that share no word, in order of relevance, as long as they fit into 40 characters, the first
    letter large. Where an earlier cluster has that label: the best phrase with the next keyword that makes it unique,
    and when there is none left a number, "Bread, oven (2)". A cluster without keywords has its number: "Cluster 7".

    Parameters
    ----------
    keywords : sequence of K sequences of Keyword
        From `cluster_keywords`, best first.
    numbers : sequence of K int, optional
        Numbers of the clusters; 0 to K - 1 when left out.
    used_labels : collection of str
        Labels of other clusters, which none of these may have.

    Returns
    -------
    tuple of K str
        Unique, also when case is ignored.

    Examples
    --------
    >>> oven = (Keyword("sourdough bread", 0.9), Keyword("bread oven", 0.8), Keyword("flour", 0.7))
    >>> cluster_labels([oven, oven, (), [Keyword("NASA", 1.0)]])
    ('Sourdough bread, flour', 'Sourdough bread, bread oven', 'Cluster 2', 'NASA')
    """
    used = {label.casefold() for label in used_labels}
    labels = []
    for number, own in zip(numbers or range(len(keywords)), keywords, strict=True):
        terms = [keyword.term for keyword in own]
        label = next((text for text in _proposals(terms) if text.casefold() not in used), "")
        labels.append(unique(label or (capital(_join(terms)) if terms else f"Cluster {number}"), used))
    return tuple(labels)


def unique(label: str, used: set[str]) -> str:
    """Return the label, with a number behind it if it is already used, and remember it.

    Examples
    --------
    >>> seen = {"bread"}
    >>> unique("Bread", seen), unique("Bread", seen)
    ('Bread (2)', 'Bread (3)')
    """
    text, number = label, 2
    while text.casefold() in used:
        text, number = f"{label} ({number})", number + 1
    used.add(text.casefold())
    return text


def capital(text: str) -> str:
    """Write the first letter large, but leave words with a spelling of their own (iPhone, eBay).

    Examples
    --------
    >>> capital("machine learning"), capital("iPhone, case")
    ('Machine learning', 'iPhone, case')
    """
    first = text.split(" ", 1)[0].rstrip(",")
    return text if first != first.lower() else text[:1].upper() + text[1:]


def _join(terms: Sequence[str]) -> str:
    """Join phrases that share no word while they fit; the first always fits."""
    phrases: list[str] = []
    words: set[str] = set()
    for term in terms:
        own = phrase_parts(term)
        if phrases and (
            any(repeats({word}, words) for word in own) or len(SEPARATOR.join([*phrases, term])) > MAX_CHARACTERS
        ):
            continue
        phrases.append(term)
        words |= own
        if len(phrases) == MAX_PHRASES:
            break
    return SEPARATOR.join(phrases)


def _proposals(terms: list[str]) -> list[str]:
    """Labels to try in turn: the best one, then the best phrase with each later one, then each phrase alone."""
    if not terms:
        return []
    pairs = [SEPARATOR.join((terms[0], term)) for term in terms[1:]]
    return [capital(text) for text in (_join(terms), *pairs, *terms)]
