"""Glossary: every term of the method in one plain line, shown in hovers and in the Glossary popover."""

from dataclasses import dataclass

LONGEST = 140  # characters of a line


@dataclass(frozen=True)
class Term:
    """Term as shown, and its one-line explanation."""

    name: str
    line: str


TERMS = {
    # the corpus and its parts
    "document": Term("Document", "One text of the corpus: a row of the file it came from."),
    "cluster": Term("Cluster", "Documents with similar meaning, found by the fit and named by their keywords."),
    "group": Term("Cluster group", "Clusters with similar meaning: the upper level of the taxonomy."),
    "taxonomy": Term("Taxonomy", "Tree of cluster groups and clusters, with names and shares."),
    "token": Term("Token", "Part of a word, the unit in which a language model counts text."),
    "vector": Term("Vector", "Embedding of a document; documents with similar meaning have nearby vectors."),
    "keyword": Term("Keyword", "Phrase that distinguishes a cluster, weighted by how typical its documents are."),
    # shares
    "share": Term("Share", "Fraction of the corpus in a cluster."),
    "share_documents": Term("Share of documents", "Fraction of the corpus's documents in the cluster."),
    "median_length": Term("Median length", "Tokens of the middle document when all are sorted by length."),
    "share_tokens": Term("Share of tokens", "Fraction of the corpus's tokens in the cluster."),
    "natural_share": Term("Natural share", "Fraction of the corpus's tokens in a cluster, before any balancing."),
    "mass": Term("Mass", "Soft share: each document counts in proportion to its membership probability."),
    "weight": Term("Weight", "Share of a cluster in the proposed training mix."),
    "ratio": Term("Ratio", "Weight / natural share; above 1, the cluster is upweighted."),
    "target": Term("Target", "Shares that balancing aims for: equal, natural or custom."),
    "floor": Term("Floor", "Minimum share or weight of every cluster."),
    # weights
    "strategy": Term("Strategy", "Rule that computes the weight of each cluster."),
    "tau": Term("Tau", "Weight = share^tau, normalized: 1 keeps the shares, 0 makes them equal."),
    "budget": Term("Token budget", "Tokens to train on, repetitions included."),
    "epochs": Term("Epochs", "Times a cluster is repeated within the token budget; above 4, repetition helps little."),
    "fold": Term("Fold", "Combine clusters below a share; they keep their natural proportions inside."),
    "proxy": Term(
        "Proxy",
        "Small model trained instead of the large one; it ranks mixtures, its losses are not those of the large model.",
    ),
    "ngram": Term("n-gram mixture", "Proxy that only counts token pairs: instant, but far from a trained model."),
    "loss": Term("Loss", "Average nats per token on held-out documents; lower is better."),
    "goal": Term("Goal", "The held-out loss that the weights are to lower: of the corpus, of clusters or of files."),
    "search": Term(
        "Search for a goal",
        "Proxies near natural shares give a proposal, which is kept only if training with fresh seeds confirms it.",
    ),
    "verify": Term("Verification", "Weights trained beside natural shares with fresh seeds; the goal loss decides."),
    "mixmin": Term("MixMin", "One proxy per cluster; their token probabilities give the best weights for any goal."),
    "doremi": Term("DoReMi", "Upweights clusters where a proxy lags behind a reference model."),
    "regmix": Term("RegMix", "Fits a regression to the losses of many proxies on random mixtures and optimizes it."),
    "perfre": Term(
        "PerfRe", "Upweights clusters whose extra data lowers the losses of the others (one proxy per cluster)."
    ),
    "grip": Term("GRIP", "Upweights clusters whose last-layer gradients are learned fastest in short probes."),
    "out_of_fold": Term("Out of fold", "Rank correlation with losses of runs left out of the fit; 1 = same order."),
    # the fit
    "fit": Term("Fit", "One run of the method: it places the clusters and assigns each document to one."),
    "strength": Term("Strength", "How strongly shares are balanced: 0 = off, 1 = default, exact = exactly the target."),
    "balance_path": Term("Balance path", "Fits at strengths from 0 to exact, each started from the previous one."),
    "concentration": Term(
        "Concentration", "How tightly a cluster's documents gather around its center; higher is tighter."
    ),
    "objective": Term(
        "Objective",
        "What a fit maximizes: log-likelihood of the documents minus the penalty for deviating from the target.",
    ),
    "penalty": Term("Penalty", "Weight (lambda) of the deviation from the target: strength times concentration."),
    "seed": Term("Seed", "Seed of the random choices of a fit: the same seed gives the same result."),
    "within": Term("Cohesion", "Mean cosine between a cluster's documents and its center; 1 = identical."),
    # one document
    "gis": Term(
        "GIS", "Geometric Influence Score: confidence + centrality + density. Higher = more typical of its cluster."
    ),
    "confidence": Term("Confidence", "Log membership probability of the document in its cluster; 0 is the maximum."),
    "centrality": Term(
        "Centrality", "Log density of the document under its cluster's distribution: how close to the center."
    ),
    "density": Term("Density", "Log mean cosine to its nearest neighbors in the cluster; 0 is the maximum."),
    "margin": Term(
        "Margin",
        "Lead of the assigned cluster over the second choice, in nats. Small = between clusters. Not calibrated.",
    ),
    "cosine": Term("Cosine", "Cosine similarity to the cluster's center; 1 = same direction, 0 = unrelated."),
    "exemplar": Term("Exemplar", "One of the most typical documents of a cluster, without near-duplicates."),
    "borderline": Term("Between clusters", "Document almost as close to another cluster: its margin is small."),
    "near_duplicate": Term("Near-duplicate", "Documents with almost identical vectors."),
    # measures
    "entropy": Term("Evenness", "Normalized entropy of the shares: 1 = all equal, 0 = one cluster holds everything."),
    "effective": Term("Effective clusters", "Number of equal clusters with the same evenness: exp of the entropy."),
    "ari": Term("ARI", "Adjusted Rand index, agreement of two groupings; 1 = identical, 0 = chance level."),
    "nmi": Term(
        "NMI", "Normalized mutual information of two groupings; 1 = each determines the other, 0 = independent."
    ),
    "moved": Term("Documents moved", "Documents that would change cluster."),
    "stability": Term("Stability", "Agreement (ARI) of fits that differ only in seed or sample; 1 = identical."),
    "stay": Term(
        "Unchanged documents", "Documents whose two groups are matched (one to one, most documents in common)."
    ),
    "jaccard": Term("Jaccard", "Documents in both groups / documents in either: 1 = identical, 0 = disjoint."),
    "returns": Term("Matched", "Best Jaccard of a cluster with the other side; from 0.5 it counts as matched."),
    "cosine_margin": Term(
        "Cosine margin", "Mean lead of a document's cosine to its own group over the nearest other group."
    ),
    "resample": Term("Resample", "Bootstrap sample: as many documents drawn with replacement, about 63% distinct."),
    "interval": Term("Interval", "Confidence interval (95%) of the mean; whole fits are resampled, not pairs."),
    "silhouette": Term("Silhouette", "How much closer documents are to their own cluster than to the next; -1 to 1."),
    # the student
    "student": Term("Student", "Small, fast text classifier trained on the clusters."),
    "agreement": Term(
        "Agreement", "Fraction of held-out documents that the student assigns to the taxonomy's cluster."
    ),
    "wilson": Term("95% interval", "Range that contains the true rate in 95 of 100 such tests (Wilson)."),
    "recall": Term("Recall", "Fraction of a cluster's documents that the student assigns to it."),
    "precision": Term("Precision", "Fraction of the student's assignments to a cluster that are correct."),
    "mass_error": Term(
        "Share error",
        "Sum of absolute differences of cluster shares, student vs. taxonomy: 0% = equal, 200% = maximum.",
    ),
    "mass_error_tokens": Term("Share error in tokens", "The same by tokens, with the student's token estimates."),
    "predicted_mass": Term("Predicted share", "Share of the test documents that the student assigns to the cluster."),
    "student_margin": Term("Student's margin", "Lead of the student's choice over its second, in nats, calibrated."),
    "token_estimate": Term("Token estimate", "Tokens estimated from words and bytes; shown is the error of their sum."),
    "throughput": Term("Documents per second", "Measured on this machine, one thread, from texts in memory to labels."),
    # edits
    "merge": Term("Merge", "Combine clusters into one."),
    "split": Term("Split", "Divide a cluster by a fit inside it; parts are previewed first."),
    "pinned": Term("Pinned", "Keeps its name and documents in a refit."),
    "excluded": Term("Excluded", "Left out of shares and weights; its documents stay in the corpus."),
}
HINTS = {key: term.line for key, term in TERMS.items()}


def matching(words: str) -> list[Term]:
    """Return the terms that contain all given words, sorted by name.

    Examples
    --------
    >>> [term.name for term in matching("rand index")]
    ['ARI']
    """
    matches = [
        term
        for term in TERMS.values()
        if all(word in f"{term.name} {term.line}".casefold() for word in words.casefold().split())
    ]
    return sorted(matches, key=lambda term: term.name.casefold())
