"""Every term of the method in plain words, one line each: the text of every hover, and the list behind "Glossary"."""

from dataclasses import dataclass

LONGEST = 140  # characters of a line


@dataclass(frozen=True)
class Term:
    """A term as people read it, and what it means in one line of plain words."""

    name: str
    line: str


TERMS = {
    # the corpus and its parts
    "document": Term("Document", "One text of the corpus: a row of the file it came from."),
    "cluster": Term("Cluster", "Documents that are close in meaning, found by the fit and named by their keywords."),
    "group": Term("Group", "Clusters that lie close together: the upper level of the taxonomy."),
    "taxonomy": Term("Taxonomy", "The tree of groups and their clusters, with names and shares."),
    "token": Term("Token", "A piece of a word, as a language model counts text."),
    "vector": Term("Vector", "Numbers that stand for the meaning of a document; close vectors mean alike."),
    "keyword": Term("Keyword", "A phrase that sets a cluster apart, weighted by how typical its documents are."),
    # shares
    "share": Term("Share", "Part of the corpus that lies in a cluster."),
    "share_documents": Term("Share of documents", "Part of the corpus's documents that lie in the cluster."),
    "median_length": Term("Median length", "Tokens of the middle document when all are sorted by length."),
    "share_tokens": Term("Share of tokens", "Part of the corpus's tokens that lie in the cluster."),
    "natural_share": Term("Natural share", "Part of the corpus's tokens that a cluster holds, before any balancing."),
    "mass": Term("Mass", "Soft share: each document counts for every cluster by how much it belongs there."),
    "weight": Term("Weight", "Share of a cluster in the proposed training mix."),
    "ratio": Term("Ratio", "Weight over natural share; above 1, the cluster is seen more often than it occurs."),
    "target": Term("Target", "Shares that the clusters are pulled to: equal, the corpus's own, or yours."),
    "floor": Term("Floor", "The least share that every cluster is pulled to, or the least weight it gets."),
    # weights
    "strategy": Term("Strategy", "The rule that gives each cluster its weight."),
    "tau": Term(
        "Tau", "Weight = share to the power of tau, made to sum to 1: 1 leaves the shares, 0 makes them equal."
    ),
    "budget": Term("Token budget", "Tokens to train on, repeated ones counted again."),
    "epochs": Term(
        "Epochs", "How often all of a cluster is read within the token budget; above 4, repeats teach little."
    ),
    "fold": Term("Fold", "Clusters with a smaller share count as one, and keep their natural proportions inside."),
    "proxy": Term(
        "Proxy",
        "A small model trained in place of the large one; it ranks mixtures, its losses are not "
        "those of the large one.",
    ),
    "ngram": Term(
        "n-gram mixture", "A proxy that only counts pairs of tokens: answers at once, and is far from a trained model."
    ),
    "loss": Term("Loss", "Nats a token on held-out documents; less is better."),
    "goal": Term("Goal", "The held-out loss that the weights are to lower: of the corpus, of clusters or of files."),
    "mixmin": Term("MixMin", "One proxy per cluster; their token probabilities give the best weights for any goal."),
    "doremi": Term("DoReMi", "A proxy's weights follow what a reference model finds easier than it does itself."),
    "regmix": Term("RegMix", "Many proxies on random mixtures; a regression on their losses finds the best mixture."),
    "perfre": Term("PerfRe", "One proxy for each cluster, with more of it: what helps the rest is weighted up."),
    "grip": Term("GRIP", "Short probes of one proxy: what its last layer learns fast is weighted up."),
    "out_of_fold": Term(
        "Out of fold", "Rank correlation with the losses of runs that had no part in the fit; 1 = the same order."
    ),
    # the fit
    "fit": Term("Fit", "One run of the method: it places the clusters and gives each document to one."),
    "strength": Term(
        "Strength",
        "Pull of the shares to the target: 0 = plain mixture, 1 = matched to the data, exact = exactly the target.",
    ),
    "balance_path": Term("Balance path", "Fits from strength 0 to exact, each started from its neighbour."),
    "concentration": Term(
        "Concentration", "How tightly a cluster's documents gather around its centre; higher is tighter."
    ),
    "objective": Term(
        "Objective", "What a fit maximises: how well the clusters describe the documents, less the pull to the target."
    ),
    "seed": Term("Seed", "Starts the random choices of a fit: the same seed gives the same result."),
    "within": Term("Within", "Mean cosine between the cluster's documents and its centre; 1 = all the same."),
    # one document
    "gis": Term(
        "GIS", "Geometric Influence Score: confidence + centrality + density. High = a typical, unmistakable document."
    ),
    "confidence": Term("Confidence", "Log of how much the document belongs to its cluster; 0 is the most."),
    "centrality": Term(
        "Centrality", "Log density of the document under its cluster's distribution: how central it lies."
    ),
    "density": Term("Density", "Log of the mean cosine to its nearest neighbours inside the cluster; 0 is the most."),
    "margin": Term(
        "Margin",
        "Lead of a document's cluster over the next, in nats. Small = borderline. Not a calibrated probability.",
    ),
    "cosine": Term(
        "Cosine", "Agreement in direction with the centre of the cluster; 1 = the same, 0 = nothing in common."
    ),
    "exemplar": Term("Exemplar", "One of the most typical documents of a cluster, near-duplicates left out."),
    "borderline": Term("Borderline", "A document almost as close to another cluster: its margin is small."),
    "near_duplicate": Term("Near-duplicate", "Documents that say almost the same: their vectors nearly coincide."),
    # measures
    "entropy": Term("Evenness (entropy)", "Evenness of the shares: 1 = all equal, 0 = one cluster holds everything."),
    "effective": Term("Effective clusters", "How many equally large clusters would be as even: exp of the entropy."),
    "ari": Term("ARI", "Adjusted Rand index: agreement of two groupings; 1 = the same, 0 = as by chance."),
    "nmi": Term("NMI", "Normalised mutual information: how much one grouping tells of another; 1 = all, 0 = nothing."),
    "moved": Term("Moved", "Documents that would change their cluster."),
    "stability": Term(
        "Stability", "Agreement (ARI) between fits that differ only in seed or sample; 1 = always the same."
    ),
    "stay": Term(
        "Stay together",
        "Documents whose two groups are matched, one to one so that most documents stay; the others move.",
    ),
    "jaccard": Term(
        "Jaccard", "Documents in both groups over documents in either: 1 = the same group, 0 = nothing in common."
    ),
    "returns": Term("Returns", "Best Jaccard of a cluster with the other side; from 0.5 on it counts as returning."),
    "cosine_margin": Term(
        "Cosine margin", "Mean lead of a document's cosine to its own group over the nearest other group."
    ),
    "resample": Term("Resample", "As many documents drawn with replacement: about 63% are in, some of them twice."),
    "interval": Term(
        "Interval", "Range that holds the mean in 95 of 100 such studies; whole fits are redrawn, not pairs."
    ),
    "silhouette": Term("Silhouette", "How much closer documents lie to their own cluster than to the next; -1 to 1."),
    # the student
    "student": Term("Student", "A small word model that learns the clusters from texts, and labels at reading speed."),
    "agreement": Term("Agreement", "Part of documents the student never saw that it puts where the taxonomy has them."),
    "wilson": Term("95% interval", "Range that holds the true rate in 95 of 100 such tests (Wilson)."),
    "recall": Term("Recall", "Part of a cluster's documents that the student puts there."),
    "precision": Term("Precision", "Part of what the student puts into a cluster that belongs there."),
    "mass_error": Term(
        "Mass error",
        "Differences of the clusters' shares, student against taxonomy, added up: 0% = the same, 200% at most.",
    ),
    "mass_error_tokens": Term(
        "Mass error in tokens",
        "The same by tokens: the student's clusters and token estimates against those of the taxonomy.",
    ),
    "predicted_mass": Term("Predicted mass", "Share of the test documents that the student puts into the cluster."),
    "student_margin": Term("Student's margin", "Lead of the student's choice over its second, in nats, as calibrated."),
    "token_estimate": Term("Token estimate", "Tokens guessed from words and bytes; shown is how far off their sum is."),
    "throughput": Term("Documents a second", "Measured on this machine, one thread, from texts in memory to labels."),
    # edits
    "merge": Term("Merge", "Make one cluster of several."),
    "split": Term("Split", "Divide a cluster by a fit inside it; you see the parts before anything changes."),
    "pinned": Term("Pinned", "Keeps its name and documents together when the corpus is fitted again."),
    "excluded": Term("Excluded", "Left out of shares and weights; its documents stay in the corpus."),
}
HINTS = {key: term.line for key, term in TERMS.items()}


def matching(words: str) -> list[Term]:
    """Return the terms that hold all of some words, by name.

    Examples
    --------
    >>> [term.name for term in matching("rand index")]
    ['ARI']
    """
    found = [
        term
        for term in TERMS.values()
        if all(word in f"{term.name} {term.line}".casefold() for word in words.casefold().split())
    ]
    return sorted(found, key=lambda term: term.name.casefold())
