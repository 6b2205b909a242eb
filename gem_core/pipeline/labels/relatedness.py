"""Whether a label of a model has anything to do with its cluster, by the encoder's cosine."""

from collections.abc import Mapping

import numpy as np

from gem_core._types import Float64
from gem_core.embedding.encoders import PACKAGED
from gem_core.errors import CorpusError
from gem_core.workspace import Taxonomy, Workspace

AHEAD = 0.05  # cosine of a label to its own cluster above the mean over all clusters; names that fit have .17 or more
PART = 0.3  # and of that of the vocabulary's name that it would replace; names that fit have .85 of it or more
FEWEST = 3  # clusters without which there is nothing to compare with
EXEMPLARS, CHARACTERS = 5, 400  # of a cluster, where the encoder of the vectors is unknown: what the model was shown


def find_unrelated(workspace: Workspace, taxonomy: Taxonomy, labels: Mapping[int, str]) -> set[int]:
    """Return the clusters whose label fits them no better than the clusters on average, or far less than their name.

    Their name counts where the vocabulary gave it: a label must be 30% as far ahead of the mean over all clusters.

    Labels and clusters are compared by the encoder of the corpus, or by the packaged one where that is unknown. A
    label in another script than the Latin one is not judged, nor is any label when the encoder cannot be loaded.

    Parameters
    ----------
    workspace : Workspace
    taxonomy : Taxonomy
    labels : mapping of int to str
        Proposed labels by cluster number.

    Returns
    -------
    set of int
    """
    from gem_core.embedding.batches import encode
    from gem_core.pipeline.search.semantic import encoder_of, loaded

    judged = {number: label for number, label in labels.items() if label and label.isascii()}
    if not judged or len(taxonomy.clusters) < FEWEST:
        return set()
    encoder = encoder_of(workspace)
    try:
        if encoder is None:
            directions = _directions_of_exemplars(workspace, taxonomy)
        else:
            directions = np.asarray(taxonomy.fit.centers, dtype=np.float64)
        present = [taxonomy.cluster(n).label if taxonomy.has(n) else "" for n in judged]
        vectors = encode([*judged.values(), *present], loaded(encoder or PACKAGED)).astype(np.float64)
    except CorpusError:  # Labels that were paid for must not be lost because an encoder is gone.
        return set()
    cosines = vectors @ directions.T
    index = {cluster.number: i for i, cluster in enumerate(taxonomy.clusters)}
    unrelated = set()
    for number, label_row, present_row in zip(judged, cosines, cosines[len(judged) :], strict=False):
        if number not in index:
            continue
        lead, present_lead = (float(row[index[number]] - row.mean()) for row in (label_row, present_row))
        is_by_vocabulary = taxonomy.cluster(number).label_source == "vocabulary"
        if lead < max(AHEAD, PART * present_lead if is_by_vocabulary else 0.0):
            unrelated.add(number)
    return unrelated


def _directions_of_exemplars(workspace: Workspace, taxonomy: Taxonomy) -> Float64:
    """Return the unit mean of the exemplars of each cluster by the packaged encoder, (K, 384)."""
    from gem_core.embedding.batches import encode
    from gem_core.pipeline.search.semantic import loaded

    rows = [row for cluster in taxonomy.clusters for row in cluster.exemplars[:EXEMPLARS]]
    vectors = encode([text[:CHARACTERS] for text in workspace.texts(rows)], loaded(PACKAGED))
    ends = np.cumsum([len(cluster.exemplars[:EXEMPLARS]) for cluster in taxonomy.clusters])
    means = np.stack([part.mean(axis=0) for part in np.split(vectors.astype(np.float64), ends[:-1])])
    return np.asarray(means / np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-12))
